package runner

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/roadworthy-dev/roadworthy/internal/logs"
	"github.com/roadworthy-dev/roadworthy/internal/mail"
	"github.com/roadworthy-dev/roadworthy/internal/worker"
)

// count is where lines go on.
type count struct{ records int }

func (c *count) Publish(records []logs.Record) { c.records += len(records) }

func kept(t *testing.T, m *memory, want LogQuery) []string {
	t.Helper()
	var got []string
	if err := m.read(t.Context(), want, func(l LogLine) error { got = append(got, l.Text); return nil }); err != nil {
		t.Fatal(err)
	}
	return got
}

// The memory keeps the last lines, in so many bytes, however many came, and
// hands all of them on.
func TestTheMemoryKeepsTheLastLines(t *testing.T) {
	onwards := &count{}
	m := newMemory(10*(perLine+4), onwards)
	source := &logs.Source{Type: "web", Slot: 1}
	for n := range 1000 {
		m.Publish([]logs.Record{{Source: source, Text: fmt.Appendf(nil, "%04d", n), Lines: 1}})
		var want []string
		for k := max(0, n-9); k <= n; k++ {
			want = append(want, fmt.Sprintf("%04d", k))
		}
		if got := kept(t, m, LogQuery{Last: -1, Level: everything}); !slices.Equal(got, want) || len(m.blocks) > 1 || onwards.records != n+1 {
			t.Fatalf("after %d lines: kept %v in %d blocks", n+1, got, len(m.blocks))
		}
	}
}

// Lines of all lengths are kept as they were, over many blocks; one that is
// longer than the memory is not.
func TestTheMemoryKeepsLinesAsTheyWere(t *testing.T) {
	const limit = 400 << 10
	m := newMemory(limit, &count{})
	var sent []string
	for n := range 3000 {
		text := fmt.Sprintf("%d %s", n, strings.Repeat("ü", n*n%(1+n%5*200)))
		if n%500 == 499 {
			text += strings.Repeat("long ", 20_000)
		}
		sent = append(sent, text)
		source := &logs.Source{Type: "web", Slot: n % 7}
		m.Publish([]logs.Record{{Time: time.Unix(0, int64(n)), Source: source, Level: slog.Level(n % 9), Text: []byte(text)}})
	}
	size, first := 0, len(sent)
	for first > 0 && size+len(sent[first-1])+perLine <= limit {
		first--
		size += len(sent[first]) + perLine
	}
	if got := kept(t, m, LogQuery{Last: -1, Level: everything}); !slices.Equal(got, sent[first:]) {
		t.Errorf("%d lines are kept, want %d", len(got), len(sent)-first)
	}
	if got := kept(t, m, LogQuery{Last: 5, Level: everything}); !slices.Equal(got, sent[len(sent)-5:]) {
		t.Errorf("the last 5 are %q", got)
	}
	held := 0
	for _, b := range m.blocks {
		held += cap(b.bytes)
	}
	if held > limit+3*blockSize {
		t.Errorf("%d bytes are held for %d", held, limit)
	}
	m.Publish([]logs.Record{{Source: &logs.Source{Type: "web"}, Text: make([]byte, limit)}})
	if got := kept(t, m, LogQuery{Last: -1, Level: everything}); len(got) != 0 || m.size != 0 {
		t.Errorf("%d lines are kept, of %d bytes", len(got), m.size)
	}
}

// What another image kept is the past of this one, but for what is no text.
func TestTheMemoryOfAnotherImageComesFirst(t *testing.T) {
	old := newMemory(1<<20, &count{})
	at := time.Date(2026, 1, 2, 3, 4, 5, 678, time.UTC)
	old.Publish([]logs.Record{{Time: at, Source: &logs.Source{Type: "web", Slot: 2}, Level: logs.LevelFatal, Text: []byte("a \xff")}})
	m := newMemory(1<<20, &count{})
	m.restore(old.snapshot())
	m.Publish([]logs.Record{{Time: at, Source: &logs.Source{Type: "clock", Slot: 1}, Level: slog.LevelDebug, Text: []byte("b")}})
	var got []LogLine
	if err := m.read(t.Context(), LogQuery{Last: -1, Level: everything}, func(l LogLine) error { got = append(got, l); return nil }); err != nil {
		t.Fatal(err)
	}
	want := []LogLine{{Time: at, Worker: "web.2", Level: "ERROR", Text: "a \uFFFD"}, {Time: at, Worker: "clock.1", Level: "DEBUG", Text: "b"}}
	if !slices.Equal(got, want) {
		t.Errorf("got %+v", got)
	}
	for query, want := range map[LogQuery]int{{Last: -1, Process: "web"}: 1, {Last: -1, Process: "web.2"}: 1, {Last: -1, Process: "we", Level: everything}: 0, {Last: -1}: 1} {
		if n := len(kept(t, m, query)); n != want {
			t.Errorf("%+v: %d lines, want %d", query, n, want)
		}
	}
}

// A reader that follows gets the lines that it wants, and the number of those
// that it was too slow for.
func TestAReaderFollows(t *testing.T) {
	m := newMemory(1<<20, &count{})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	source := &logs.Source{Type: "web", Slot: 1}
	line := func(level slog.Level, text string) {
		m.Publish([]logs.Record{{Source: source, Level: level, Text: []byte(text)}})
	}
	line(slog.LevelError, "past")
	begun, goOn := make(chan bool), make(chan bool)
	var got []LogLine
	ended := make(chan error, 1)
	go func() {
		ended <- m.read(ctx, LogQuery{Last: -1, Follow: true, Level: slog.LevelWarn}, func(l LogLine) error {
			if got = append(got, l); l.Text == "past" {
				close(begun)
				<-goOn
			}
			if l.Text == "end" {
				cancel()
			}
			return nil
		})
	}()
	<-begun
	for range followAhead + 7 {
		line(slog.LevelDebug, "unwanted")
		line(slog.LevelError, "wanted")
	}
	close(goOn)
	for following := true; following; time.Sleep(time.Millisecond) {
		line(slog.LevelError, "end") // it has room again at some time
		m.mu.Lock()
		following = len(m.readers) > 0
		m.mu.Unlock()
	}
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	wanted, dropped := 0, uint64(0)
	for _, l := range got {
		dropped += l.Dropped
		if l.Text == "wanted" {
			wanted++
		}
	}
	if wanted != followAhead || dropped < 7 || slices.ContainsFunc(got, func(l LogLine) bool { return l.Text == "unwanted" }) {
		t.Errorf("%d wanted lines came, %d are told as lost", wanted, dropped)
	}
}

// A mail about a generation that is not fit holds the last lines of a worker,
// and no part of a secret that one of them was cut in.
func TestAMailHoldsNoTornSecretOfALongLine(t *testing.T) {
	const secret = "correct-hörse-battery"
	m := &master{log: slog.New(slog.DiscardHandler)}
	var err error
	if m.mail, err = openPost(mail.Config{Secrets: []string{secret}, Log: m.log}); err != nil {
		t.Fatal(err)
	}
	defer m.mail.Close(t.Context())
	for cut := range len(secret) + 1 {
		id := fmt.Sprint("web.", cut)
		m.tails.open(id).note([]logs.Record{
			{Text: []byte("first")}, {Text: []byte(strings.Repeat("x", tailLine-cut-1) + " " + secret + " and more")}, {Text: []byte("last")},
		})
		failure := &worker.Failure{Source: worker.Source{Worker: id}, Phase: "start", Tail: m.tails.last(id, 20), Cause: errors.New("is away")}
		if err := m.unfit(id, "", nil, failure); err == nil {
			t.Fatal("it is fit")
		}
	}
	groups := m.mail.Groups()
	if len(groups) != len(secret)+1 {
		t.Fatalf("%d kinds", len(groups))
	}
	for _, g := range groups {
		text := g.Sample.Text
		_, lines, _ := strings.Cut(text, "first\n")
		if strings.Contains(text, secret[:5]) || !strings.Contains(lines, "xxx") || !strings.Contains(lines, "…\n") || !strings.Contains(lines, "last") || !utf8.ValidString(text) {
			t.Errorf("%s: %q", g.Fingerprint, lines[max(0, strings.LastIndex(lines, "xxx")):])
		}
	}
}

// Where a line is torn at its start, nothing of it is told.
func TestTheLastLinesBeginWithAWholeOne(t *testing.T) {
	const secret = "correct-horse-battery"
	var all tails
	for name, c := range map[string]struct {
		records []logs.Record
		want    []string
	}{
		"together more than is kept": {[]logs.Record{{Text: []byte(strings.Repeat(secret, keptTail/len(secret)))}, {Text: []byte("one")}, {Text: []byte("two")}}, []string{"one", "two"}},
		"one that is more":           {[]logs.Record{{Text: []byte(strings.Repeat(secret, keptTail/len(secret)+2) + "\none")}, {Text: []byte("two")}}, []string{"one", "two"}},
		"after many": {
			slices.Concat(slices.Repeat([]logs.Record{{Text: []byte(strings.Repeat(secret, 6000))}}, 4*keptTail/6000/len(secret)), []logs.Record{{Text: []byte("two")}}), []string{"two"},
		},
	} {
		all.open(name).note(c.records)
		got := all.last(name, 5000)
		for len(got) > len(c.want) && strings.HasPrefix(got[0], secret) { // whole at its start
			got = got[1:]
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %.40q", name, got)
		}
	}
}
