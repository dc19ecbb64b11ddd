package trace

import (
	"slices"
	"time"
)

// Group is what a [Grouper] hands on: one ordinary line, or all the lines of
// one stack trace with the line of the log record that it belongs to.
type Group struct {
	Text      []byte // the lines, with newlines between them and none at the end; valid until emit returns
	Lines     int    // in the stream; more than in Text where the group was truncated
	Language  string // one of the constants; "" for an ordinary line
	Truncated bool   // lines were cut from the middle; a line in Text says how many

	prefix []byte // what a logger wrote before each line of the trace
}

// Limits bound one trace and say when it is over. The zero value of each field
// stands for its default.
type Limits struct {
	MaxLines int           // of a trace before lines are cut from its middle; default 2000
	MaxBytes int           // likewise, of all its lines together; default 256 KiB
	Idle     time.Duration // silence after which a trace is over; default 300 ms
}

func (l Limits) orDefault() Limits {
	if l.MaxLines <= 0 {
		l.MaxLines = 2000
	}
	if l.MaxBytes <= 0 {
		l.MaxBytes = 256 << 10
	}
	if l.Idle <= 0 {
		l.Idle = 300 * time.Millisecond
	}
	return l
}

// Grouper finds the stack traces in one stream of lines: one pipe of one
// process. Every line goes to emit exactly once, alone or in a group. Groups
// leave in the order of their first lines, so that the order of the stream is
// kept but where traces interleave. It is not safe for concurrent use.
type Grouper struct {
	limits   Limits
	emit     func(Group)
	held     held
	machines []*machine // in the order of their beginnings, until they are emitted
	plain    lane
	lanes    []*lane // of threads, where heads name them
	voids    bool    // a machine was closed that had no trace
	nextID   int32
	format   format
}

// NewGrouper returns a grouper that hands all groups to emit.
func NewGrouper(limits Limits, emit func(Group)) *Grouper {
	return &Grouper{limits: limits.orDefault(), emit: emit}
}

// Add takes the next line, without its newline. The line is not kept beyond
// the call. An ordinary line amid ordinary lines is emitted at once and is
// neither copied nor does it cost an allocation.
func (g *Grouper) Add(line []byte, now time.Time) {
	if g.held.empty() {
		if !mayBegin(g.body(line)) {
			g.format.learn(line)
			g.emit(Group{Text: line, Lines: 1})
			return
		}
	} else {
		g.expire(now, len(g.held.text) > 2*g.limits.MaxBytes+maxHeld)
	}
	g.route(g.held.add(line), now)
	g.drain()
}

// maxHeld bounds what is held beside a trace of the greatest length.
const maxHeld = 1 << 20

// Flush ends the traces that have been silent for the idle time, or all of
// them by force: at the end of the stream.
func (g *Grouper) Flush(now time.Time, force bool) {
	if g.held.empty() {
		return
	}
	g.expire(now, force)
	g.drain()
}

// Deadline returns when Flush has something to do next; false while no line
// is held.
func (g *Grouper) Deadline() (at time.Time, ok bool) {
	for i := -1; i < len(g.lanes); i++ {
		w := g.lane(i)
		if due := w.windowAt.Add(g.limits.Idle); len(w.window) > 0 && (!ok || due.Before(at)) {
			at, ok = due, true
		}
	}
	for _, m := range g.machines {
		if due := m.last.Add(g.limits.Idle); !m.closed && (!ok || due.Before(at)) {
			at, ok = due, true
		}
	}
	return at, ok
}

// expire closes what is over at a time. What a machine gives back may begin
// another, so by force it goes on until nothing is open.
func (g *Grouper) expire(now time.Time, force bool) {
	for {
		again := false
		for i := 0; i < len(g.machines); i++ { //nolint:intrange // the list grows while it is walked
			if m := g.machines[i]; !m.closed && (force || now.Sub(m.last) >= g.limits.Idle) {
				g.end(m, m.last)
				again = true
			}
		}
		if !again {
			break
		}
	}
	for i := -1; i < len(g.lanes); i++ {
		if w := g.lane(i); len(w.window) > 0 && (force || now.Sub(w.windowAt) >= g.limits.Idle) {
			g.release(w, len(w.window))
		}
	}
}

// lane returns a lane by its index; -1 is the plain one.
func (g *Grouper) lane(i int) *lane {
	if i < 0 {
		return &g.plain
	}
	return g.lanes[i]
}

// drain emits the held lines from the first on, up to one whose fate is open.
func (g *Grouper) drain() {
	if g.voids {
		g.machines = slices.DeleteFunc(g.machines, func(m *machine) bool { return m.closed && m.count == 0 })
		g.voids = false
	}
	for !g.held.empty() && g.emitFirst() {
		g.held.lines[g.held.first].owner = gone
		g.held.first++
	}
	g.held.reset()
}

// emitFirst emits the first held line or the trace that it begins; false where
// its fate is open.
func (g *Grouper) emitFirst() bool {
	e := g.held.lines[g.held.first]
	switch e.owner {
	case gone:
	case ordinary:
		g.emit(Group{Text: g.held.text[e.from:e.to], Lines: 1})
	case pending:
		return false
	default:
		m := g.machine(e.owner)
		if !m.closed {
			return false
		}
		g.emitTrace(m)
	}
	return true
}

func (g *Grouper) machine(id int32) *machine {
	for _, m := range g.machines {
		if m.id == id {
			return m
		}
	}
	return nil
}

// emitTrace emits the lines of a closed machine, the first of which is the
// first that is held.
func (g *Grouper) emitTrace(m *machine) {
	g.emit(Group{
		Text: m.text(&g.held), Lines: m.count, Language: m.language, Truncated: m.dropped > 0, prefix: m.prefix,
	})
	g.held.disown(m)
	g.machines = slices.DeleteFunc(g.machines, func(other *machine) bool { return other == m })
}
