package trace

import "time"

// candidate is a held line that may belong to the beginning of a trace.
type candidate struct {
	n      int
	head   bool // begins as log records do
	opener bool
	typed  bool // names a type of error
}

// Bounds of the window.
const (
	maxWindow = 40 // lines of a message before the frames
	maxAge    = 16 // lines of others between an error and its frames
)

// route finds the owner of a held line: a trace that is open, a new one, the
// window or nobody.
func (g *Grouper) route(n int, now time.Time) {
	l := g.held.line(n)
	s := seen{head: g.format.isHead(l), opener: mayBegin(l), formatted: g.format.formatted()}
	for i := 0; i < len(g.machines); i++ {
		if m := g.machines[i]; !m.closed && g.offer(m, n, s, now) {
			return
		}
	}
	g.consider(n, s, now)
}

// offer asks a machine whether it takes a line.
func (g *Grouper) offer(m *machine, n int, s seen, now time.Time) bool {
	verdict := m.read(g.held.line(n), s)
	switch verdict {
	case own:
		g.take(m, n, now)
		return true
	case last:
		g.take(m, n, now)
		g.end(m, now)
		return true
	case maybe:
		if m.unsure < maxUnsure {
			g.wait(m, n, now)
			return true
		}
		g.end(m, now)
	case over:
		g.end(m, now)
	case foreign:
		if m.passed++; m.passed > maxForeign {
			g.end(m, now)
		}
	}
	return false
}

// read gives a line to the machine's automaton, without the prefix.
func (m *machine) read(l []byte, s seen) verdict {
	body, ok := m.body(l)
	if ok && len(m.prefix) > 0 {
		try := *m
		v := try.step(&try, seen{body: body, opener: s.opener})
		if !m.loose || v != over {
			try.loose = false
			*m = try
			return v
		}
	}
	if len(m.prefix) == 0 || m.loose {
		s.body = l
		s.formatted = s.formatted || m.formatted
		if !m.loose {
			return m.step(m, s)
		}
		try := *m
		if v := try.step(&try, s); v == own || v == maybe || v == last {
			try.prefix, try.loose = nil, false
			*m = try
			return v
		}
	}
	return foreign
}

// consider looks whether a line that no machine took begins a trace, or may.
func (g *Grouper) consider(n int, s seen, now time.Time) {
	l := g.held.line(n)
	if s.opener {
		if language := inline(l); language != "" {
			g.alone(n, language, now)
			return
		}
	}
	if sign, ok := readSign(l, g); ok && g.begin(n, sign, s, now) {
		return
	}
	switch {
	case s.opener:
		if s.head && !g.afterDate(n) {
			g.newRecord(n)
		}
	case len(g.window) == 0:
		g.held.own(n, ordinary)
		return
	case s.head:
		g.newRecord(n)
		g.held.own(n, ordinary)
		return
	}
	if len(g.window) >= maxWindow {
		g.release(len(g.window) - maxWindow + 1)
	}
	if len(g.window) == 0 && !s.opener {
		g.held.own(n, ordinary)
		return
	}
	g.window = append(g.window, candidate{n: n, head: s.head, opener: s.opener, typed: s.opener && isTyped(l)})
	g.windowAt = now
}

// release makes the first lines of the window ordinary ones.
func (g *Grouper) release(count int) {
	for _, c := range g.window[:count] {
		g.held.own(c.n, ordinary)
	}
	g.window = g.window[:copy(g.window, g.window[count:])]
}

// newRecord releases what cannot begin a trace any more, now that another
// record has begun: all but errors whose frames may be late.
func (g *Grouper) newRecord(n int) {
	kept := g.window[:0]
	for _, c := range g.window {
		if c.typed && n-c.n <= maxAge {
			kept = append(kept, c)
			continue
		}
		g.held.own(c.n, ordinary)
	}
	g.window = kept
}

// afterDate reports whether a line follows the first line of a record of
// java.util.logging, which has two heads.
func (g *Grouper) afterDate(n int) bool {
	if len(g.window) == 0 {
		return false
	}
	before := g.window[len(g.window)-1]
	return before.n == n-1 && isDateLine(g.held.line(n-1))
}

// alone makes a trace of one line.
func (g *Grouper) alone(n int, language string, now time.Time) {
	g.machines = append(g.machines, &machine{id: g.newID(), language: language, first: n, sign: n, sure: n, count: 1, last: now, closed: true})
	g.held.own(n, g.nextID)
}

func (g *Grouper) newID() int32 {
	g.nextID = g.nextID%(1<<30) + 1
	return g.nextID
}

// maxOpen bounds how many traces may interleave.
const maxOpen = 32

// begin opens a machine at a sign, with the lines of the window that belong
// to the beginning.
func (g *Grouper) begin(n int, s sign, line seen, now time.Time) bool {
	prefix := g.held.line(n)[:s.offset]
	from := g.lookBack(n, s, prefix)
	if from == len(g.window) && s.needsHead {
		return false
	}
	m := &machine{
		id: g.newID(), language: s.language, state: s.state, step: s.step, first: n, sign: n, last: now,
		prefix: append([]byte(nil), prefix...), loose: s.loose && s.offset > 0, frames: s.frames, formatted: line.head && s.offset > 0,
	}
	kept := g.window[:from]
	for _, c := range g.window[from:] {
		if _, ok := matchPrefix(prefix, g.held.line(c.n)); !ok {
			kept = append(kept, c)
			continue
		}
		m.first = min(m.first, c.n)
		m.formatted = m.formatted || c.head
		if m.language == Node && m.state == nodeAt && c.n == m.first && endsOpen(g.held.line(c.n)) {
			m.state = nodeObject
		}
		g.held.own(c.n, m.id)
		m.unsure++
	}
	g.window = kept
	if s.offset == 0 {
		g.newRecord(n)
	}
	m.sure = m.first - 1
	g.held.own(n, m.id)
	m.unsure++
	g.machines = append(g.machines, m)
	if s.sure {
		g.settle(m, n)
	}
	g.closeOldest(now)
	return true
}

func (g *Grouper) closeOldest(now time.Time) {
	var oldest *machine
	open := 0
	for _, m := range g.machines {
		if m.closed {
			continue
		}
		if oldest == nil {
			oldest = m
		}
		open++
	}
	if open > maxOpen {
		g.end(oldest, now)
	}
}

// lookBack returns where in the window a trace begins whose sign is at n; the
// length of the window where nothing there belongs to it.
func (g *Grouper) lookBack(n int, s sign, prefix []byte) int {
	none := len(g.window)
	if len(prefix) > 0 {
		return g.lookBackPrefixed(prefix, s)
	}
	if s.language == Rust && !s.needsHead {
		return none // the line of a panic is the first
	}
	segment := g.segment(n)
	headed := segment < none && g.window[segment].head && (g.window[segment].typed || !isMild(g.held.line(g.window[segment].n)))
	if at, ok := g.ownOpener(segment, s.language); ok {
		return at
	}
	if s.language == Rust {
		return none
	}
	typed := g.lastTyped(segment)
	if headed {
		if segment > 0 && g.window[segment-1].n == g.window[segment].n-1 && isDateLine(g.held.line(g.window[segment-1].n)) {
			segment--
		}
		return segment
	}
	if s.needsHead {
		if typed == none {
			typed = g.lastTyped(0)
		}
		return g.outermost(typed)
	}
	return none
}

// segment returns where in the window the record begins that goes on directly
// before line n: at its head, or where another line stands between.
func (g *Grouper) segment(n int) int {
	i := len(g.window)
	for i > 0 && g.window[i-1].n == n-1 {
		i, n = i-1, n-1
		if g.window[i].head {
			break
		}
	}
	return i
}

func (g *Grouper) lookBackPrefixed(prefix []byte, s sign) int {
	for i := len(g.window) - 1; i >= 0; i-- {
		c := g.window[i]
		l := g.held.line(c.n)
		at, ok := matchPrefix(prefix, l)
		if ok && (s.needsHead && isTyped(l[at:]) || opensTrace(l[at:], s.language)) {
			return i
		}
	}
	return len(g.window)
}

// ownOpener finds the first line, from one on, that can but be the first line
// of a trace of a language.
func (g *Grouper) ownOpener(from int, language string) (int, bool) {
	for i := from; i < len(g.window); i++ {
		if opensTrace(g.held.line(g.window[i].n), language) {
			return i, true
		}
	}
	return 0, false
}

// lastTyped returns the last line of the window that names a type of error,
// not before from.
func (g *Grouper) lastTyped(from int) int {
	for i := len(g.window) - 1; i >= from; i-- {
		if g.window[i].typed {
			return i
		}
	}
	return len(g.window)
}

// outermost goes from an indented line up to the one that opened its brace.
func (g *Grouper) outermost(at int) int {
	if at == len(g.window) || !isIndented(g.held.line(g.window[at].n)) {
		return at
	}
	for i := at - 1; i >= 0; i-- {
		if l := g.held.line(g.window[i].n); !isIndented(l) && endsOpen(l) {
			return i
		}
	}
	return at
}
