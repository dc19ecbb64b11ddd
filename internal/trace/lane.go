package trace

import "time"

// lane is the lines of one thread, where each line of a stream begins with a
// head that names the thread; in other streams there is the plain lane alone.
type lane struct {
	prefix   []byte // an example of the head
	seq      int    // lines that no machine took
	passed   int    // records of others since the window grew
	window   []candidate
	windowAt time.Time
	usedAt   int // number of its last line
}

// candidate is a held line that may belong to the beginning of a trace.
type candidate struct {
	n, seq int
	head   bool // begins as log records do
	opener bool
	typed  bool // names a type of error
}

// Bounds of the window and of the lanes.
const (
	maxWindow = 40 // lines of a message before the frames
	maxPassed = 16 // records of others between an error and its frames
	maxLanes  = 64
)

// laneOf finds the lane of a line and where in the line its own text begins.
func (g *Grouper) laneOf(n int) *lane {
	if len(g.lanes) == 0 {
		return &g.plain
	}
	l := g.held.line(n)
	for _, w := range g.lanes {
		if at, ok := matchPrefix(w.prefix, l); ok {
			w.usedAt = n
			g.held.setBody(n, at)
			return w
		}
	}
	if at, ok := g.ofShape(l); ok {
		g.held.setBody(n, at)
		w := g.newLane(l[:at])
		w.usedAt = n
		return w
	}
	return &g.plain
}

// ofShape matches the heads that were learned, whatever the thread.
func (g *Grouper) ofShape(l []byte) (int, bool) {
	for _, w := range g.lanes[:min(len(g.lanes), 4)] {
		if at, ok := matchAnyNumbers(w.prefix, l); ok {
			return at, true
		}
	}
	return 0, false
}

// learnLane makes a lane of what turned out to stand before each line.
func (g *Grouper) learnLane(prefix []byte) *lane {
	for _, w := range g.lanes {
		if _, ok := matchPrefix(w.prefix, prefix); ok {
			return w
		}
	}
	return g.newLane(prefix)
}

// newLane replaces the idle lane that was used least lately where there are
// too many.
func (g *Grouper) newLane(prefix []byte) *lane {
	w := &lane{prefix: append([]byte(nil), prefix...)}
	if len(g.lanes) < maxLanes {
		g.lanes = append(g.lanes, w)
		return w
	}
	oldest := 0
	for i, other := range g.lanes {
		if other.usedAt < g.lanes[oldest].usedAt {
			oldest = i
		}
	}
	g.release(g.lanes[oldest], len(g.lanes[oldest].window))
	g.lanes[oldest] = w
	return w
}

// body returns a line without what its lane has before it, for the lines that
// are not held.
func (g *Grouper) body(l []byte) []byte {
	if len(g.lanes) > 0 {
		if at, ok := g.ofShape(l); ok {
			return l[at:]
		}
	}
	return l
}

// window puts a line into the window of its lane.
func (g *Grouper) window(w *lane, c candidate, now time.Time) {
	w.window = append(w.window, c)
	w.windowAt, w.passed = now, 0
}

// pass lets a record go that is between others of the window. It ends a record
// that has a head as well; lines without one may be of another thread.
func (g *Grouper) pass(w *lane, n int) {
	g.held.own(n, ordinary)
	w.seq--
	if w.passed++; w.passed > maxPassed || w.window[0].head || !w.window[0].typed && !isPlaceLine(g.held.body(w.window[0].n)) {
		w.seq++
		g.newRecord(w)
	}
}

// release makes the first lines of the window ordinary ones.
func (g *Grouper) release(w *lane, count int) {
	for _, c := range w.window[:count] {
		g.held.own(c.n, ordinary)
	}
	w.window = w.window[:copy(w.window, w.window[count:])]
}

// newRecord releases what cannot begin a trace any more, now that another
// record has begun: all but errors whose frames may be late.
func (g *Grouper) newRecord(w *lane) {
	kept := w.window[:0]
	for _, c := range w.window {
		if c.typed && w.seq-c.seq <= maxPassed && w.passed <= maxPassed {
			kept = append(kept, c)
			continue
		}
		g.held.own(c.n, ordinary)
	}
	w.window = kept
}

// afterDate reports whether a line follows the first line of a record of
// java.util.logging, which has two heads.
func (g *Grouper) afterDate(w *lane, n int) bool {
	if len(w.window) == 0 {
		return false
	}
	before := w.window[len(w.window)-1]
	return before.n == n-1 && isDateLine(g.held.line(n-1))
}
