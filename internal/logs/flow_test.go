package logs

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// flood writes so many short numbered lines to stdout, as fast as it can.
func flood() {
	count, _ := strconv.Atoi(os.Getenv("LOGS_TEST_LINES"))
	_, _ = os.Stdout.Write(floodOf(count))
}

func floodOf(count int) (text []byte) {
	for i := range count {
		text = append(strconv.AppendInt(append(text, "line "...), int64(i), 10), " \n"...)
	}
	return text
}

// carry takes the lines of a process at full speed to a stream, until they end,
// and returns the open router.
func carry(t *testing.T, to io.Writer, count int, stall time.Duration) *Router {
	t.Helper()
	r := NewRouter(WallClock{}, Outlet{Name: "stdout", Sink: NewWriter(to, false), Policy: BlockWhileFlowing, Bytes: minRing, Stall: stall})
	read, write, err := NewPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	process := startChild(t, "flood", "LOGS_TEST_LINES="+strconv.Itoa(count))
	process.Stdout = write
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	_ = write.Close()
	if err := NewCapture(read, *web, r, CaptureOptions{Grouping: traces}).Run(t.Context()); err != nil {
		t.Error(err)
	}
	if err := process.Wait(); err != nil {
		t.Error(err)
	}
	return r
}

// parse reads lines, as they were written by a stream.
func parse(text []byte) []Record {
	var all []Record
	for line := range bytes.Lines(text) {
		source := web
		if bytes.HasPrefix(line, []byte("level=")) {
			source = &Source{Type: "roadworthy", Stream: Own}
		}
		all = append(all, Record{Source: source, Text: bytes.TrimSuffix(line, newline), Lines: 1})
	}
	return all
}

// An application that writes more than a file takes is slowed down, as if it
// wrote to the file itself.
func TestFullSpeedIntoAFileLosesNothing(t *testing.T) {
	count := 1_000_000
	if raceEnabled {
		count /= 5
	}
	path := filepath.Join(t.TempDir(), "out")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	r := carry(t, file, count, 10*time.Second) // a disk may pause
	closeRouter(t, r)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if s := r.Stats().Outlets[0]; !bytes.Equal(text, floodOf(count)) || int(s.Written.Lines) != count || s.Dropped.Lines != 0 {
		t.Errorf("%d lines are in the file, want %d: %+v", bytes.Count(text, newline), count, s)
	}
}

// An application whose output nobody reads goes on after a moment. What is lost
// is counted, and what comes later is not.
func TestAnApplicationOutlivesTheReaderOfItsOutput(t *testing.T) {
	from, to, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	const count = 300_000
	begun := time.Now()
	r := carry(t, to, count, 500*time.Millisecond)
	t.Logf("the application was through after %s", time.Since(begun))
	if s := r.Stats().Outlets[0]; s.Dropped.Lines == 0 || s.Memory > minRing {
		t.Errorf("nobody read, but %+v", s)
	}
	text := make(chan []byte, 1)
	go func() {
		all, _ := io.ReadAll(from)
		text <- all
	}()
	if err := r.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	lost := r.Stats().Outlets[0].Dropped.Lines
	const more = 20_000
	for sent := count; sent < count+more; sent += 100 {
		r.Publish(numbered(sent, 100))
	}
	closeRouter(t, r)
	_ = to.Close()
	account(t, parse(<-text), count+more, r.Stats().Outlets[0])
	if s := r.Stats().Outlets[0]; s.Dropped.Lines != lost {
		t.Errorf("%d lines were lost while somebody read", s.Dropped.Lines-lost)
	}
}

// took publishes numbered lines and returns how long that took.
func took(r *Router, from, count int) time.Duration {
	begun := time.Now()
	for sent := from; sent < from+count; sent += 100 {
		r.Publish(numbered(sent, 100))
	}
	return time.Since(begun)
}

// A sink that takes nothing is waited for once; when it takes something again,
// it is waited for again, and nothing more is lost.
func TestAStalledSinkIsWaitedForOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := &valve{shut: make(chan struct{})}
		other := &valve{}
		r := NewRouter(WallClock{},
			Outlet{Name: "stdout", Sink: sink, Policy: BlockWhileFlowing, Bytes: minRing, Stall: 200 * time.Millisecond},
			Outlet{Name: "other", Sink: other})
		if d := took(r, 0, 20_000); d != 200*time.Millisecond {
			t.Errorf("it was waited for %s, want 200 ms", d)
		}
		stats := r.Stats().Outlets[0]
		if stats.Dropped.Lines == 0 || stats.Memory > minRing {
			t.Errorf("%+v", stats)
		}
		close(sink.shut)
		synctest.Wait()
		if d := took(r, 20_000, 20_000); d != 0 {
			t.Errorf("a sink that takes all at once was waited for, %s", d)
		}
		closeRouter(t, r)
		s := r.Stats()
		account(t, sink.all(), 40_000, s.Outlets[0])
		account(t, other.all(), 40_000, s.Outlets[1])
		if s.Outlets[0].Dropped != stats.Dropped || s.Outlets[1].Dropped.Lines != 0 {
			t.Errorf("lost before %+v, at the end %+v", stats.Dropped, s.Outlets)
		}
	})
}

// slow is a sink that takes its time for each record.
type slow struct {
	list
	each time.Duration
}

func (s *slow) Write(_ context.Context, records []Record) (int, error) {
	time.Sleep(s.each * time.Duration(len(records)))
	s.Publish(records)
	return len(records), nil
}

// A sink that takes something now and then slows the application, and loses
// nothing, even where it needs longer for a chunk than a stall lasts: it gets
// less at once.
func TestASlowSinkLosesNothing(t *testing.T) {
	for each, lost := range map[time.Duration]bool{time.Microsecond: false, 900 * time.Microsecond: false, 20 * time.Millisecond: true} {
		synctest.Test(t, func(t *testing.T) {
			sink := &slow{each: each}
			r := NewRouter(WallClock{}, Outlet{Name: "stdout", Sink: sink, Policy: BlockWhileFlowing, Bytes: minRing})
			took(r, 0, 3000) // until it is known how slow it is
			before := r.Stats().Outlets[0].Dropped.Lines
			time.Sleep(time.Minute)
			took(r, 3000, 7000)
			closeRouter(t, r)
			stats := r.Stats().Outlets[0]
			account(t, sink.all(), 10_000, stats)
			if stats.Dropped.Lines != before || (before > 0) != lost {
				t.Errorf("%s for each record: %d lines lost first, %d then", each, before, stats.Dropped.Lines-before)
			}
		})
	}
}

// What waits for one sink is at the others already, and the runtime's own
// records wait for none.
func TestOnlyApplicationsWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink, other := &valve{shut: make(chan struct{})}, &valve{}
		r := NewRouter(WallClock{},
			Outlet{Name: "stdout", Sink: sink, Policy: BlockWhileFlowing, Bytes: minRing, Stall: time.Hour},
			Outlet{Name: "other", Sink: other})
		go took(r, 0, 10_000)
		synctest.Wait()
		waiting := len(other.all())
		if s := r.Stats().Outlets[0]; waiting == 0 || waiting == 10_000 || s.Dropped.Lines != 0 || int(s.Queued) >= waiting {
			t.Errorf("%d lines are at the other sink, %+v", waiting, s)
		}
		begun := time.Now()
		for n := range 100 {
			r.Publish([]Record{{Time: time.Now(), Source: &Source{Type: "roadworthy", Stream: Own}, Text: fmt.Appendf(nil, "own %d", n), Lines: 1}})
		}
		if d := time.Since(begun); d != 0 || r.Stats().Outlets[0].Dropped.Lines != 0 {
			t.Errorf("the runtime waited for %s, %+v", d, r.Stats().Outlets[0])
		}
		for n := range 20_000 { // more than the reserve holds
			r.Publish([]Record{{Time: time.Now(), Source: &Source{Type: "roadworthy", Stream: Own}, Text: []byte(strings.Repeat("x", n%200)), Lines: 1}})
		}
		if s := r.Stats().Outlets[0]; time.Since(begun) != 0 || s.Dropped.Lines == 0 || s.Memory > minRing*5/4 {
			t.Errorf("%+v", s)
		}
		close(sink.shut)
		closeRouter(t, r)
		synctest.Wait()
	})
}

// When somebody waits for a publisher, it does not wait for a sink.
func TestWhoIsInAHurryDoesNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := &valve{shut: make(chan struct{})}
		r := NewRouter(WallClock{}, Outlet{Name: "stdout", Sink: sink, Policy: BlockWhileFlowing, Bytes: minRing, Stall: time.Hour})
		sent := 0
		for waiting := false; !waiting; sent += 100 {
			through := make(chan struct{})
			go func() { r.Publish(numbered(sent, 100)); close(through) }()
			synctest.Wait()
			select {
			case <-through:
			default:
				waiting = true
			}
		}
		begun := time.Now()
		r.Hurry(true)
		synctest.Wait()
		if s := r.Stats().Outlets[0]; int(s.Queued) != sent || s.Dropped.Lines != 0 {
			t.Errorf("of %d lines, %+v", sent, s)
		}
		took(r, sent, 5000)
		sent += 5000
		s := r.Stats().Outlets[0]
		if s.Dropped.Lines == 0 || s.Memory > minRing*5/4 || time.Since(begun) != 0 {
			t.Errorf("after %s: %+v", time.Since(begun), s)
		}
		r.Hurry(false)
		go took(r, sent, 5000)
		sent += 5000
		time.Sleep(time.Minute)
		if now := r.Stats().Outlets[0]; now.Dropped != s.Dropped {
			t.Errorf("before %+v, then %+v", s, now)
		}
		close(sink.shut)
		time.Sleep(time.Minute)
		closeRouter(t, r)
		account(t, sink.all(), sent, r.Stats().Outlets[0])
	})
}
