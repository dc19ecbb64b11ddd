package logs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var web = &Source{Type: "web", Slot: 1, Generation: 1, PID: 4711}

func records(level slog.Level, texts ...string) []Record {
	var all []Record
	for _, text := range texts {
		all = append(all, Record{Time: time.Now().UTC(), Source: web, Text: []byte(text), Level: level, Lines: 1})
	}
	return all
}

// valve is a sink that can be shut, and that can fail.
type valve struct {
	list
	shut   chan struct{} // closed: open
	broken atomic.Bool
	atMost int
}

func (v *valve) Write(ctx context.Context, records []Record) (int, error) {
	if v.shut != nil {
		select {
		case <-v.shut:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
	if v.broken.Load() {
		return 0, errors.New("broken")
	}
	if v.atMost > 0 && len(records) > v.atMost {
		v.Publish(records[:v.atMost])
		return v.atMost, errors.New("partly")
	}
	v.Publish(records)
	return len(records), nil
}

func closeRouter(t *testing.T, r *Router) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := r.Close(ctx); err != nil {
		t.Error(err)
	}
}

func TestThresholdsCanBeChanged(t *testing.T) {
	all, errs := &valve{}, &valve{}
	r := NewRouter(WallClock{}, Outlet{Name: "all", Sink: all, Level: slog.LevelDebug}, Outlet{Name: "errors", Sink: errs, Level: slog.LevelError})
	r.Publish(records(slog.LevelInfo, "one"))
	r.Publish(records(slog.LevelError, "two"))
	if !r.SetLevel("errors", slog.LevelInfo) || r.SetLevel("other", 0) {
		t.Error("SetLevel does not know its outlets")
	}
	r.Publish(records(slog.LevelInfo, "three"))
	if err := r.Flush(t.Context()); err != nil {
		t.Error(err)
	}
	if rebuild(all.all()) != "one\ntwo\nthree\n" || rebuild(errs.all()) != "two\nthree\n" {
		t.Errorf("%q %q", rebuild(all.all()), rebuild(errs.all()))
	}
	s := r.Stats()
	if s.Records != 3 || s.Levels != [5]uint64{0, 2, 0, 1, 0} || s.Outlets[1].Filtered != 1 || s.Outlets[1].Written.Lines != 2 || s.Outlets[1].Level != slog.LevelInfo {
		t.Errorf("%+v", s)
	}
	closeRouter(t, r)
	r.Publish(records(slog.LevelInfo, "late"))
	if s := r.Stats(); s.Outlets[0].Dropped.Lines != 1 {
		t.Errorf("a record after the end was not counted: %+v", s)
	}
}

// account checks that each line was written or counted, and that the notices
// stand where lines are missing.
func account(t *testing.T, got []Record, sent int, stats OutletStats) {
	t.Helper()
	next, lost := 0, 0
	for _, r := range got {
		if r.Source.Stream == Own {
			var n int
			if _, err := fmt.Sscanf(string(r.Text), `level=WARN msg="dropped %d lines"`, &n); err != nil {
				t.Fatalf("%q: %v", r.Text, err)
			}
			next += n
			lost += n
			continue
		}
		var n int
		if _, err := fmt.Sscanf(string(r.Text), "line %d ", &n); err != nil || n != next {
			t.Fatalf("line %d stands where %d should (%v)", n, next, err)
		}
		next++
	}
	if next != sent || uint64(lost) != stats.Dropped.Lines || int(stats.Dropped.Lines+stats.Written.Lines) != sent {
		t.Fatalf("%d of %d lines are accounted for, %d lost, stats %+v", next, sent, lost, stats)
	}
}

func numbered(from, n int) []Record {
	var all []Record
	for i := range n {
		all = append(all, records(slog.LevelInfo, fmt.Sprintf("line %d %s", from+i, strings.Repeat("z", (from+i)%300)))...)
	}
	return all
}

func TestLossIsCountedToTheLineWhereItHappened(t *testing.T) {
	for _, policy := range []Policy{DropOldest, DropNew} {
		sink := &valve{shut: make(chan struct{})}
		r := NewRouter(WallClock{}, Outlet{Name: "slow", Sink: sink, Policy: policy, Bytes: minRing})
		sent := 0
		for range 200 {
			r.Publish(numbered(sent, 100))
			sent += 100
		}
		stats := r.Stats().Outlets[0]
		if stats.Dropped.Lines == 0 || stats.Memory > minRing {
			t.Errorf("policy %d: %+v", policy, stats)
		}
		close(sink.shut)
		_ = r.Flush(t.Context())
		r.Publish(numbered(sent, 10))
		sent += 10
		closeRouter(t, r)
		account(t, sink.all(), sent, r.Stats().Outlets[0])
	}
}

func TestASinkThatFailsGetsTheRestAgain(t *testing.T) {
	sink := &valve{atMost: 7}
	r := NewRouter(quick{}, Outlet{Name: "partly", Sink: sink})
	r.Publish(numbered(0, 1000))
	closeRouter(t, r)
	account(t, sink.all(), 1000, r.Stats().Outlets[0])
	if s := r.Stats().Outlets[0]; s.Failures == 0 {
		t.Errorf("%+v", s)
	}
}

// quick is a clock whose pauses are short.
type quick struct{ WallClock }

func (quick) After(time.Duration) <-chan time.Time { return time.After(time.Millisecond) }

func TestABrokenSinkIsToldApartAndComesBack(t *testing.T) {
	sink := &valve{atMost: 7} // it takes the notice, then fails half way
	sink.broken.Store(true)
	r := NewRouter(quick{}, Outlet{Name: "net", Sink: sink, Bytes: minRing})
	sent := 0
	for range 100 {
		r.Publish(numbered(sent, 100))
		sent += 100
	}
	eventually(t, "failure", func() bool { return r.Stats().Outlets[0].Failure == "broken" })
	sink.broken.Store(false)
	closeRouter(t, r)
	account(t, sink.all(), sent, r.Stats().Outlets[0])
	if s := r.Stats().Outlets[0]; s.Failure != "" || !s.Since.IsZero() {
		t.Errorf("%+v", s)
	}
}

func TestBlockLosesNothing(t *testing.T) {
	sink := &valve{shut: make(chan struct{})}
	r := NewRouter(WallClock{}, Outlet{Name: "all", Sink: sink, Policy: Block, Bytes: minRing})
	var running sync.WaitGroup
	running.Go(func() {
		for sent := 0; sent < 20_000; sent += 100 {
			r.Publish(numbered(sent, 100))
		}
	})
	eventually(t, "full ring", func() bool { return r.Stats().Outlets[0].Memory > minRing/2 })
	close(sink.shut)
	running.Wait()
	closeRouter(t, r)
	account(t, sink.all(), 20_000, r.Stats().Outlets[0])
	if s := r.Stats().Outlets[0]; s.Dropped.Lines != 0 {
		t.Errorf("%+v", s)
	}
}

func TestOldRecordsExpire(t *testing.T) {
	sink := &valve{shut: make(chan struct{})}
	r := NewRouter(WallClock{}, Outlet{Name: "slow", Sink: sink, Age: time.Minute})
	old := numbered(0, 1000)
	for i := range old {
		old[i].Time = old[i].Time.Add(-time.Hour)
	}
	r.Publish(old)
	r.Publish(numbered(1000, 600))
	close(sink.shut)
	closeRouter(t, r)
	s := r.Stats().Outlets[0]
	if s.Dropped.Lines < 500 || s.Dropped.Lines > 1000 {
		t.Errorf("%+v", s)
	}
	account(t, sink.all(), 1600, s)
}

func TestCloseCountsWhatASinkDidNotTake(t *testing.T) {
	sink := &valve{shut: make(chan struct{})}
	r := NewRouter(WallClock{}, Outlet{Name: "dead", Sink: sink}, Outlet{Name: "good", Sink: &valve{}})
	r.Publish(numbered(0, 500))
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	err := r.Close(ctx)
	if err == nil || !strings.Contains(err.Error(), "dead") || strings.Contains(err.Error(), "good") {
		t.Errorf("%v", err)
	}
	s := r.Stats()
	if s.Outlets[0].Dropped.Lines != 500 || s.Outlets[1].Written.Lines != 500 {
		t.Errorf("%+v", s)
	}
}

func TestADeadSinkDoesNotSlowTheOthers(t *testing.T) {
	dead, good := &valve{shut: make(chan struct{})}, &valve{}
	r := NewRouter(WallClock{}, Outlet{Name: "dead", Sink: dead, Bytes: minRing}, Outlet{Name: "good", Sink: good})
	for sent := 0; sent < 10_000; sent += 100 {
		r.Publish(numbered(sent, 100))
	}
	_ = r.outlets[1].ring.wait(t.Context())
	account(t, good.all(), 10_000, r.Stats().Outlets[1])
	close(dead.shut)
	closeRouter(t, r)
}

func TestTheHandlerPublishesWhatItsLevelAllows(t *testing.T) {
	got := &list{}
	level := &slog.LevelVar{}
	log := slog.New(NewHandler(got, Source{Type: "roadworthy", Stream: Own}, level)).With("worker", "web.1").WithGroup("g")
	log.Debug("hidden")
	log.Info("worker ready", "pid", 5)
	level.Set(slog.LevelDebug)
	log.Debug("shown")
	log.Error("of two\nlines", "request_id", "r-1")
	all := got.all()
	if len(all) != 3 || !bytes.Contains(all[0].Text, []byte(`msg="worker ready" worker=web.1 g.pid=5`)) || all[1].Level != slog.LevelDebug {
		t.Fatalf("%q", rebuild(all))
	}
	if r := all[2]; r.Level != slog.LevelError || r.Lines != 1 || bytes.IndexByte(r.Text, '\n') >= 0 || r.RequestID != "r-1" || r.Source.Name() != "roadworthy" {
		t.Errorf("%+v %q", r, r.Text)
	}
}

func TestTheWriterNeverMakesOneLineOfTwo(t *testing.T) {
	other := &Source{Type: "worker", Slot: 3}
	out := &bytes.Buffer{}
	w := NewWriter(out, false)
	in := []Record{
		{Source: web, Text: []byte("a\r"), Lines: 1}, {Source: web, Text: []byte("part"), Part: 1, Open: true}, {Source: other, Text: []byte("b"), Lines: 1},
		{Source: web, Text: []byte("x"), Part: 1, Open: true}, {Source: web, Text: []byte("y"), Part: 2, Lines: 1}, {Source: web, Text: []byte("end"), Open: true, Lines: 1},
	}
	for i := range in {
		if n, err := w.Write(t.Context(), in[i:i+1]); n != 1 || err != nil {
			t.Fatal(n, err)
		}
	}
	if got := out.String(); got != "a\r\npart\nb\nxy\nend" {
		t.Errorf("%q", got)
	}
}

func TestTheWritersPrefix(t *testing.T) {
	out := &bytes.Buffer{}
	at := time.Date(2026, 1, 2, 3, 4, 5, 678_000, time.UTC)
	w := NewWriter(out, true)
	_, _ = w.Write(t.Context(), []Record{
		{Time: at, Source: web, Text: []byte("one\n  two"), Lines: 2}, {Time: at, Source: web, Text: []byte("p1"), Part: 1, Open: true}, {Time: at, Source: web, Text: []byte("p2"), Part: 2, Lines: 1},
	})
	const p = "2026-01-02T03:04:05.000678Z web.1 | "
	if got := out.String(); got != p+"one\n"+p+"  two\n"+p+"p1p2\n" {
		t.Errorf("%q", got)
	}
}

// The writer makes a head anew only where it must; it is always that of its record.
func TestEachPrefixIsThatOfItsRecord(t *testing.T) {
	sources := []*Source{web, {Type: "worker", Slot: 12}, {Type: "roadworthy", Stream: Own}}
	chance := rand.New(rand.NewPCG(1, 2))
	steps := []time.Duration{0, 0, 1000, 9 * time.Microsecond, 900 * time.Microsecond, 999 * time.Millisecond, time.Second, -time.Second, 26 * time.Hour, 9001 * time.Hour}
	at := time.Date(2026, 12, 31, 23, 59, 59, 999_999_000, time.UTC)
	out, want := &bytes.Buffer{}, &bytes.Buffer{}
	w := NewWriter(out, true)
	for range 5000 {
		at = at.Add(steps[chance.IntN(len(steps))])
		r := Record{Time: at, Source: sources[chance.IntN(len(sources))], Text: []byte("text"), Lines: 1}
		fmt.Fprintf(want, "%s %s | text\n", at.Format(timeForm), r.Source.Name())
		_, _ = w.Write(t.Context(), []Record{r})
		if out.String() != want.String() {
			t.Fatalf("got %q, want %q", out, want)
		}
		out.Reset()
		want.Reset()
	}
}

// stutter takes a few bytes of each write.
type stutter struct {
	bytes.Buffer
	takes int
}

func (s *stutter) Write(p []byte) (int, error) {
	if len(p) <= s.takes {
		return s.Buffer.Write(p)
	}
	_, _ = s.Buffer.Write(p[:s.takes])
	return s.takes, errors.New("full")
}

func TestAWriteThatIsCutOffGoesOnWhereItStopped(t *testing.T) {
	for takes := 1; takes < 40; takes++ {
		out := &stutter{takes: takes}
		w := NewWriter(out, false)
		in := records(0, "first line", "", "second", "x", strings.Repeat("long ", 20), "end")
		for left, tries := in, 0; len(left) > 0 || len(w.rest) > 0; tries++ {
			n, _ := w.Write(t.Context(), left)
			left = left[n:]
			if tries > 1000 {
				t.Fatal("it never ends")
			}
		}
		if got := out.String(); got != rebuild(in) {
			t.Fatalf("%d: %q", takes, got)
		}
	}
}

func TestAnOutletForTracesGetsNothingElse(t *testing.T) {
	got := make(chan string, 10)
	sink := Func(func(_ context.Context, records []Record) (int, error) {
		for _, r := range records {
			got <- string(r.Text)
		}
		return len(records), nil
	})
	r := NewRouter(WallClock{}, Outlet{Name: "errors", Sink: sink, Level: -128, Traces: true})
	source := &Source{Type: "web", Slot: 1}
	r.Publish([]Record{{Source: source, Text: []byte("a line"), Lines: 1}, {Source: source, Text: []byte("a trace"), Lines: 1, Language: "go"}})
	if err := r.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if text := <-got; text != "a trace" || len(got) > 0 || r.Stats().Outlets[0].Filtered != 1 {
		t.Errorf("got %q, %d more, %+v", text, len(got), r.Stats().Outlets[0])
	}
}
