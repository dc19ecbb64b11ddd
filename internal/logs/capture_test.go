package logs

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"
)

func TestMain(m *testing.M) {
	if mode := os.Getenv("LOGS_TEST_CHILD"); mode != "" {
		child(mode)
		return
	}
	goleak.VerifyTestMain(m)
}

// list keeps copies of what is published.
type list struct {
	mu      sync.Mutex
	records []Record
}

func (l *list) Publish(records []Record) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range records {
		r.Text = bytes.Clone(r.Text)
		l.records = append(l.records, r)
	}
}

func (l *list) all() []Record {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]Record(nil), l.records...)
}

func (l *list) wait(t *testing.T, n int) []Record {
	t.Helper()
	eventually(t, fmt.Sprintf("%d records", n), func() bool { return len(l.all()) >= n })
	return l.all()
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("no %s within 20 s", what)
		}
	}
}

// indented joins indented lines to a line that begins with "head".
type indented struct {
	emit  func(Group)
	text  []byte
	lines int
	last  time.Time
}

func newIndented(emit func(Group)) Grouping { return &indented{emit: emit} }

const silence = 30 * time.Millisecond

func (g *indented) Add(line []byte, now time.Time) {
	if g.lines > 0 && len(line) > 0 && line[0] == ' ' {
		g.text = append(append(g.text, '\n'), line...)
		g.lines++
		g.last = now
		return
	}
	g.Flush(now, true)
	if !bytes.HasPrefix(line, []byte("head")) {
		g.emit(Group{Text: line, Lines: 1})
		return
	}
	g.text, g.lines, g.last = append(g.text[:0], line...), 1, now
}

func (g *indented) Flush(now time.Time, force bool) {
	if g.lines == 0 || !force && now.Sub(g.last) < silence {
		return
	}
	language := ""
	if g.lines > 1 {
		language = "indented"
	}
	g.emit(Group{Text: g.text, Lines: g.lines, Language: language})
	g.lines = 0
}

func (g *indented) Deadline() (time.Time, bool) { return g.last.Add(silence), g.lines > 0 }

// rebuild is what the records say that the process wrote.
func rebuild(records []Record) string {
	var b strings.Builder
	for _, r := range records {
		b.Write(r.Text)
		if !r.Open {
			b.WriteByte('\n')
		}
	}
	return b.String()
}

func TestWhateverIsWrittenComesThroughByteForByte(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pieces := rapid.SliceOfN(rapid.OneOf(
			rapid.Custom(func(t *rapid.T) string { return string(rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "bytes")) }),
			rapid.SampledFrom([]string{"\n", "1\n2\n3\n4\n5\n6\n7\n8\n9\n", "\r\n", "\n\n", "head\n", "  in\n", "\x00", "\xff\xfe\n", "  at\r\n", "head\n  x\n  y\n"}),
			rapid.Custom(func(t *rapid.T) string { return strings.Repeat("x", rapid.IntRange(1000, 5000).Draw(t, "long")) }),
		), 0, 30).Draw(t, "pieces")
		opts := CaptureOptions{MaxLine: 1024, Pause: func(time.Duration) {}}
		if rapid.Bool().Draw(t, "grouping") {
			opts.Grouping = newIndented
		}
		there, here := net.Pipe()
		writes := pieces
		if rapid.Bool().Draw(t, "at once") {
			writes = []string{strings.Join(pieces, "")}
		}
		go func() {
			for _, p := range writes {
				_, _ = there.Write([]byte(p))
			}
			_ = there.Close()
		}()
		got := &list{}
		if err := NewCapture(here, Source{Type: "web", Slot: 1}, got, opts).Run(context.Background()); err != nil {
			t.Fatal(err)
		}
		want := strings.Join(pieces, "")
		if text := rebuild(got.all()); text != want {
			t.Fatalf("got %q, want %q", text, want)
		}
		checkCounts(t, got.all(), want)
	})
}

func checkCounts(t *rapid.T, records []Record, want string) {
	lines := uint32(0)
	for _, r := range records {
		lines += r.Lines
		if len(r.Text) > 1024 && r.Language == "" {
			t.Fatalf("a record of %d bytes", len(r.Text))
		}
		if r.Source.Name() != "web.1" || r.Time.IsZero() {
			t.Fatalf("a record without source or time: %+v", r)
		}
	}
	n := strings.Count(want, "\n")
	if !strings.HasSuffix(want, "\n") && want != "" {
		n++
	}
	if int(lines) != n {
		t.Fatalf("%d lines, want %d of %q", lines, n, want)
	}
}

func TestLongLinesComeInParts(t *testing.T) {
	read, write, err := NewPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	long := "ERROR: " + strings.Repeat("y", 3<<20)
	go func() {
		_, _ = io.WriteString(write, "before\n"+long+"\nafter\n")
		_ = write.Close()
	}()
	got := &list{}
	if err := NewCapture(read, Source{Type: "web", Slot: 2, Stream: Stderr}, got, CaptureOptions{}).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	records := got.all()
	if len(records) != 6 || rebuild(records) != "before\n"+long+"\nafter\n" {
		t.Fatalf("%d records", len(records))
	}
	for i, r := range records[1:5] {
		if int(r.Part) != i+1 || r.Level != slog.LevelError || !r.Found || r.Open != (i < 3) || (r.Lines == 1) != (i == 3) {
			t.Errorf("part %d: number %d, level %v, open %v, lines %d", i, r.Part, r.Level, r.Open, r.Lines)
		}
	}
	if r := records[5]; r.Part != 0 || r.Found || r.Level != slog.LevelWarn {
		t.Errorf("the line after: %+v", r)
	}
}

func TestIdleStreamsHoldNothingBack(t *testing.T) {
	read, write, err := NewPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	got := &list{}
	c := NewCapture(read, Source{Type: "web"}, got, CaptureOptions{Grouping: newIndented, RequestIDs: true})
	ended := make(chan error, 1)
	go func() { ended <- c.Run(t.Context()) }()
	_, _ = io.WriteString(write, "head request_id=abc-1\n  one\n  two\n")
	r := got.wait(t, 1)[0]
	if string(r.Text) != "head request_id=abc-1\n  one\n  two" || r.Lines != 3 || r.Language != "indented" || r.Level != slog.LevelError || r.Found || r.RequestID != "abc-1" {
		t.Errorf("%+v %q", r, r.Text)
	}
	_, _ = io.WriteString(write, "plain\nunfinished")
	got.wait(t, 2)
	_ = write.Close()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	records := got.all()
	if len(records) != 3 || !records[2].Open || string(records[2].Text) != "unfinished" {
		t.Errorf("%+v", records)
	}
}

func TestACancelledCaptureHandsOverWhatItHas(t *testing.T) {
	read, write, err := NewPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	ctx, cancel := context.WithCancel(t.Context())
	got := &list{}
	first := NewCapture(read, Source{Type: "web"}, got, CaptureOptions{})
	ended := make(chan error, 1)
	go func() { ended <- first.Run(ctx) }()
	_, _ = io.WriteString(write, "whole\nhalf a ")
	got.wait(t, 1)
	cancel()
	if err := <-ended; err == nil {
		t.Fatal("a cancelled run says nothing")
	}
	_, _ = io.WriteString(write, "line\n")
	_ = write.Close()
	second := NewCapture(read, Source{Type: "web"}, got, CaptureOptions{Head: first.Rest()})
	if err := second.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if text := rebuild(got.all()); text != "whole\nhalf a line\n" {
		t.Errorf("%q", text)
	}
}

func TestAReadErrorEndsARunAndLosesNothing(t *testing.T) {
	got := &list{}
	broken := &brokenPipe{text: "one\ntwo"}
	err := NewCapture(broken, Source{Type: "web"}, got, CaptureOptions{}).Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "read stdout of web: the disk is gone") || rebuild(got.all()) != "one\ntwo" {
		t.Errorf("%v, %q", err, rebuild(got.all()))
	}
}

type brokenPipe struct{ text string }

func (b *brokenPipe) Read(p []byte) (int, error) {
	if b.text == "" {
		return 0, fmt.Errorf("the disk is gone")
	}
	n := copy(p, b.text)
	b.text = b.text[n:]
	return n, nil
}

func (*brokenPipe) SetReadDeadline(time.Time) error { return nil }

func TestRequestIDs(t *testing.T) {
	for text, want := range map[string]string{
		`{"msg":"x","request_id":"a-1"}`: "a-1", `{"requestId": "b2"}`: "b2", `level=info request_id=c3 x=1`: "c3", `X-Request-Id: d4, more`: "d4",
		`[request-id=e5] hi`: "e5", `request ideas: none`: "", `requests=5`: "", `the request_id`: "", `requestid=`: "", `bad request; request_id=f6`: "f6", `quest=1 eques requestrequestid=g7`: "g7", `eqequestID=h8`: "h8", `request`: "",
	} {
		if got := findRequestID([]byte(text)); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}
