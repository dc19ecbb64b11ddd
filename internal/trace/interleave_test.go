package trace

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

func splitLines(text string) []string { return strings.Split(text, "\n") }

// bareTraces returns the traces of the corpus that no log record precedes, by
// the names of what made them.
func bareTraces(t testing.TB) [][]string {
	t.Helper()
	var all [][]string
	files := spans(t)
	names := make([]string, 0, len(files))
	for file := range files {
		names = append(names, file)
	}
	slices.Sort(names)
	for _, file := range names {
		lines := corpusLines(t, file)
		for _, s := range files[file] {
			emitter, _, _ := strings.Cut(s.name, "-")
			bare := slices.Contains([]string{"die", "printed", "print", "full", "echoed", "thread", "warned"}, emitter)
			if bare && s.to-s.from >= 3 && s.to-s.from < 60 {
				all = append(all, lines[s.from-1:s.to])
			}
		}
	}
	return all
}

// heads are what loggers write before each line, with the thread.
var heads = map[string]func(now time.Time, thread int) string{
	"apache": func(now time.Time, thread int) string {
		return fmt.Sprintf("[%s] [wsgi:error] [pid 812:tid 1400%d] ", now.Format("Mon Jan 02 15:04:05.000000 2006"), thread)
	},
	"jboss": func(now time.Time, thread int) string {
		return fmt.Sprintf("%s ERROR [stderr] (default task-%d) ", now.Format("15:04:05,000"), thread)
	},
	"celery": func(now time.Time, thread int) string {
		return fmt.Sprintf("[%s: WARNING/ForkPoolWorker-%d] ", now.Format("2006-01-02 15:04:05,000"), thread)
	},
	"pid": func(_ time.Time, thread int) string { return fmt.Sprintf("[%d] ", 4000+thread) },
}

// mixer interleaves threads line by line.
type mixer struct {
	r       *rand.Rand
	lines   []string
	threads [][]string
	texts   map[string]int // of the traces, as they stand in the stream
}

// mix takes a line of a thread at random until all are empty.
func (m *mixer) mix(others func() string) {
	for {
		var busy []int
		for i, lines := range m.threads {
			if len(lines) > 0 {
				busy = append(busy, i)
			}
		}
		if len(busy) == 0 {
			return
		}
		if others != nil && m.r.IntN(4) > 0 {
			m.lines = append(m.lines, others())
			continue
		}
		i := busy[m.r.IntN(len(busy))]
		m.lines = append(m.lines, m.threads[i][0])
		m.threads[i] = m.threads[i][1:]
	}
}

// count feeds the stream and returns how many of the traces came out whole.
func (m *mixer) count(t *testing.T) (whole, total int) {
	t.Helper()
	in := 0
	g := NewGrouper(Limits{}, func(e Group) {
		in -= e.Lines
		if e.Language != "" && m.texts[string(e.Text)] > 0 {
			m.texts[string(e.Text)]--
			whole++
		}
	})
	now := time.Unix(1_700_000_000, 0)
	for _, l := range m.lines {
		in++
		g.Add([]byte(l), now)
		now = now.Add(20 * time.Microsecond)
	}
	g.Flush(now, true)
	if in != 0 {
		t.Errorf("%d lines were lost", in)
	}
	for text, n := range m.texts {
		if n > 0 && total < 60 {
			t.Logf("missed:\n%s", text)
		}
		total += n
	}
	return whole, total + whole
}

// Four threads write traces at once, line by line, each line with a head that
// names the thread; now and then one writes an ordinary line between traces.
func TestInterleavedThreads(t *testing.T) {
	traces := bareTraces(t)
	whole, total := 0, 0
	for name, head := range heads {
		m := &mixer{r: rand.New(rand.NewPCG(3, 4)), threads: make([][]string, 4), texts: map[string]int{}}
		now := time.Date(2026, 1, 2, 10, 0, 0, 0, time.UTC)
		next := func(thread int) string {
			now = now.Add(time.Duration(m.r.IntN(900)) * time.Microsecond)
			return head(now, thread)
		}
		for i, lines := range traces {
			thread := i % 4
			var own []string
			for _, l := range lines {
				own = append(own, next(thread)+l)
			}
			m.texts[strings.Join(own, "\n")]++
			m.threads[thread] = append(m.threads[thread], own...)
			m.threads[thread] = append(m.threads[thread], next(thread)+fmt.Sprintf("GET /items/%d 200", i))
		}
		m.mix(nil)
		w, n := m.count(t)
		t.Logf("%-7s %d of %d (%.2f %%)", name, w, n, 100*float64(w)/float64(n))
		whole, total = whole+w, total+n
	}
	t.Logf("heads on each line: %d of %d traces are one record (%.2f %%)", whole, total, 100*float64(whole)/float64(total))
	if float64(whole) < .95*float64(total) {
		t.Error("the goal is 95 %")
	}
}

// One thread writes traces without heads, three others write records between
// its lines.
func TestInterleavedRecords(t *testing.T) {
	m := &mixer{r: rand.New(rand.NewPCG(5, 6)), threads: make([][]string, 1), texts: map[string]int{}}
	record := func() string {
		return fmt.Sprintf("%s INFO [task-%d] shop: GET /items/%d 200", stamp(m.r, "2006-01-02 15:04:05,000"), m.r.IntN(4), m.r.IntN(1000))
	}
	for range 50 {
		m.lines = append(m.lines, record())
	}
	for _, lines := range bareTraces(t) {
		m.texts[strings.Join(lines, "\n")]++
		m.threads[0] = slices.Clone(lines)
		m.mix(record)
		for range 80 {
			m.lines = append(m.lines, record())
		}
	}
	whole, total := m.count(t)
	t.Logf("records between the lines: %d of %d traces are one record (%.2f %%)", whole, total, 100*float64(whole)/float64(total))
	if float64(whole) < .95*float64(total) {
		t.Error("the goal is 95 %")
	}
}

// The first trace of a stream teaches the head of its lines; then another
// thread's trace is whole whose first lines only that head makes known.
func TestThreadsAreKnownByTheHeadOfOthers(t *testing.T) {
	m := &mixer{texts: map[string]int{}}
	for thread, trace := range []string{declined, "panic: boom\n\n\ngoroutine 7 [running]:\nmain.main()\n\t/srv/shop/main.go:3 +0x1d"} {
		var own []string
		for i, l := range splitLines(strings.TrimSuffix(trace, "\n")) {
			own = append(own, fmt.Sprintf("[10:00:%02d] [tid %d] %s", i, thread, l))
			m.lines = append(m.lines, own[i], fmt.Sprintf("[10:00:%02d] [tid 9] GET /items", i))
		}
		m.texts[strings.Join(own, "\n")]++
	}
	if whole, total := m.count(t); whole != total {
		t.Errorf("%d of %d", whole, total)
	}
}

// While a trace is open the lines of those that have ended leave the memory.
func TestHeldLinesMoveUp(t *testing.T) {
	m := &mixer{texts: map[string]int{}}
	frames := func(thread, count int) (lines []string) {
		lines = append(lines, fmt.Sprintf("[tid %d] Traceback (most recent call last):", thread))
		for i := range count {
			lines = append(lines, fmt.Sprintf("[tid %d]   File \"/srv/a.py\", line %d, in f", thread, i))
		}
		return append(lines, fmt.Sprintf("[tid %d] KeyError: %d", thread, thread))
	}
	long, late := frames(1, 900), frames(2, 300)
	m.lines = append(m.lines, long[:880]...)
	m.lines = append(m.lines, late[:50]...)
	m.lines = append(m.lines, long[880:]...)
	for range maxDoubt + 5 {
		m.lines = append(m.lines, "[tid 1] GET /items") // not of the message, for too many follow
	}
	m.lines = append(m.lines, late[50:]...)
	m.texts[strings.Join(long, "\n")]++
	m.texts[strings.Join(late, "\n")]++
	moved := 0
	g := NewGrouper(Limits{}, func(e Group) {
		if m.texts[string(e.Text)] > 0 {
			m.texts[string(e.Text)]--
		}
	})
	for _, l := range m.lines {
		before := len(g.held.lines)
		if g.Add([]byte(l), testTime); len(g.held.lines) < before-256 && !g.held.empty() {
			moved++
		}
	}
	g.Flush(testTime, true)
	for text, n := range m.texts {
		if n > 0 {
			t.Errorf("not whole: %.60s", text)
		}
	}
	if moved != 1 {
		t.Errorf("the lines moved up %d times, want once", moved)
	}
}
