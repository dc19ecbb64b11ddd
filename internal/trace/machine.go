package trace

import (
	"fmt"
	"time"
)

// verdict is what a machine says of a line.
type verdict int

const (
	over    verdict = iota // not of this trace, which has ended before it
	own                    // of this trace
	maybe                  // of this trace if one of its own follows
	last                   // of this trace, and its end
	foreign                // not of this trace, which may go on behind it
)

// state is where in a trace a machine is; each language has its own.
type state int

// machine follows one trace.
type machine struct {
	id       int32
	language string
	state    state
	step     func(m *machine, l seen) verdict
	lane     *lane  // whose lines it reads
	prefix   []byte // what stands before the sign
	loose    bool   // it is not known yet whether the prefix stands before each line or the first
	mixed    bool   // lines of others were between its own

	first, sign, sure int // numbers of held lines: where it begins, what gave it away, the last that surely belongs
	count             int // own lines, with those that were dropped
	bytes             int
	unsure            int // lines behind sure
	frames            int
	passed            int // foreign lines since the last own
	last              time.Time
	closed            bool
	doubt             bool // a line without indentation is among the unsure
	formatted         bool // its own record began with a head of a log line

	dropped int
	tail    [tailLines][]byte // the last of what was dropped
}

// tailLines of a truncated trace are kept from its end, where Python and
// chained traces say what happened.
const tailLines = 16

// Bounds of patience.
const (
	maxForeign = 64  // lines of others amid a trace
	maxUnsure  = 100 // lines that wait for one that is sure
)

// seen is a line as machines see it.
type seen struct {
	body      []byte // without the prefix
	head      bool   // begins as log records do
	opener    bool   // may begin a trace of its own
	formatted bool   // records of this stream begin with a head, so that other lines go on with the one before
}

// text joins the lines of a closed machine. They stand together in the held
// text, unless lines of others are between them.
func (m *machine) text(h *held) []byte {
	kept := m.count - m.dropped
	from, to := h.lines[m.first-h.base].from, h.lines[m.sure-h.base].to
	if m.dropped == 0 && m.sure-m.first+1 == kept {
		return h.text[from:to:to]
	}
	var text []byte
	for n := m.first; n <= m.sure; n++ {
		if h.owner(n) == m.id {
			text = append(append(text, h.line(n)...), '\n')
		}
	}
	if m.dropped == 0 {
		return text[:len(text)-1]
	}
	shown := min(m.dropped, tailLines)
	if m.dropped > shown {
		text = fmt.Appendf(text, "[... %d lines cut ...]\n", m.dropped-shown)
	}
	for i := m.dropped - shown; i < m.dropped; i++ {
		text = append(append(text, m.tail[i%tailLines]...), '\n')
	}
	return text[:len(text)-1]
}

// take makes a held line the machine's own, with the unsure ones before it,
// or drops them where the limits are reached.
func (g *Grouper) take(m *machine, n int, now time.Time) {
	m.mixed = m.mixed || m.passed > 0
	m.passed, m.last = 0, now
	g.held.own(n, m.id)
	over := m.count >= g.limits.MaxLines || m.bytes+len(g.held.line(n)) > g.limits.MaxBytes
	if !over || m.sure < m.sign {
		g.settle(m, n)
		return
	}
	for i := m.sure + 1; i <= n; i++ {
		if g.held.owner(i) != m.id {
			continue
		}
		l := g.held.line(i)
		at := m.dropped % tailLines
		m.tail[at] = append(m.tail[at][:0], l[:min(len(l), g.limits.MaxBytes)]...)
		m.dropped++
		m.count++
		g.held.own(i, gone)
	}
	m.unsure = 0
	g.held.dropGone(m.sure + 1)
}

// settle makes all lines up to n sure.
func (g *Grouper) settle(m *machine, n int) {
	for i := m.sure + 1; i <= n; i++ {
		if g.held.owner(i) == m.id {
			m.count++
			m.bytes += g.held.lines[i-g.held.base].to - g.held.lines[i-g.held.base].from + 1
		}
	}
	m.sure, m.unsure = n, 0
}

// wait adds a line that belongs to the machine if a sure one follows.
func (g *Grouper) wait(m *machine, n int, now time.Time) {
	g.held.own(n, m.id)
	m.unsure++
	m.passed, m.last = 0, now
}

// end closes a machine. Lines that nothing sure followed are looked at again;
// a trace that never became sure was none.
func (g *Grouper) end(m *machine, now time.Time) {
	m.closed = true
	none := m.sure < m.sign
	for n := m.sure + 1; n < g.held.next() && m.unsure > 0; n++ {
		if g.held.owner(n) != m.id {
			continue
		}
		m.unsure--
		if none && n <= m.sign {
			g.held.own(n, ordinary)
			continue
		}
		g.held.own(n, pending)
		g.route(n, now)
	}
	g.voids = g.voids || none
}
