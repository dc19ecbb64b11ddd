package trace

import "time"

// route finds the owner of a held line: a trace that is open, a new one, the
// window of its lane or nobody.
func (g *Grouper) route(n int, now time.Time) {
	w := g.laneOf(n)
	l := g.held.body(n)
	s := seen{body: l, opener: mayBegin(l), formatted: g.format.formatted()}
	if w == &g.plain {
		s.head = g.format.isHead(l)
	} else {
		s.formatted = false
	}
	for i := 0; i < len(g.machines); i++ { //nolint:intrange // the list grows while it is walked
		if m := g.machines[i]; !m.closed && g.offer(m, w, n, s, now) {
			return
		}
	}
	g.consider(w, n, s, now)
}

// offer asks a machine whether it takes a line.
func (g *Grouper) offer(m *machine, w *lane, n int, s seen, now time.Time) bool {
	verdict := g.read(m, w, n, s)
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

// read gives a line to the machine's automaton. A machine whose sign stood
// behind other text tries both ways: the text may stand before each line of
// this thread, which then gets a lane, or may have stood there once.
func (g *Grouper) read(m *machine, w *lane, n int, s seen) verdict {
	if !m.loose {
		if m.lane != w {
			return foreign
		}
		s.formatted = s.formatted || m.formatted
		return m.step(m, s)
	}
	if w != &g.plain {
		return foreign
	}
	l := g.held.line(n)
	if at, ok := matchPrefix(m.prefix, l); ok {
		try := *m
		if v := try.step(&try, seen{body: l[at:], opener: s.opener}); v != over {
			try.loose = false
			*m = try
			m.lane = g.learnLane(m.prefix)
			g.held.setBody(n, at)
			return v
		}
	}
	try := *m
	s.formatted = s.formatted || m.formatted
	if v := try.step(&try, s); v == own || v == maybe || v == last {
		try.prefix, try.loose = nil, false
		*m = try
		return v
	}
	return foreign
}

// consider looks whether a line that no machine took begins a trace, or may.
func (g *Grouper) consider(w *lane, n int, s seen, now time.Time) {
	w.seq++
	if s.opener {
		if language := inline(s.body); language != "" {
			g.alone(n, language, now)
			return
		}
	}
	if sign, ok := readSign(s.body, g, w); ok && g.begin(w, n, sign, s, now) {
		return
	}
	switch {
	case s.opener:
		if s.head && !g.afterDate(w, n) {
			g.newRecord(w)
		}
	case len(w.window) == 0:
		g.held.own(n, ordinary)
		return
	case s.head:
		g.pass(w, n)
		return
	}
	if len(w.window) >= maxWindow {
		g.release(w, len(w.window)-maxWindow+1)
	}
	if len(w.window) == 0 && !s.opener {
		g.held.own(n, ordinary)
		return
	}
	g.window(w, candidate{n: n, seq: w.seq, head: s.head, opener: s.opener, typed: s.opener && isTyped(s.body)}, now)
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
func (g *Grouper) begin(w *lane, n int, s sign, line seen, now time.Time) bool {
	var prefix []byte
	if w == &g.plain {
		prefix = line.body[:s.offset]
	} else if s.offset > 0 && !s.loose {
		return false
	}
	from := g.lookBack(w, s, prefix)
	if from == len(w.window) && s.needsHead {
		return false
	}
	m := &machine{
		id: g.newID(), language: s.language, state: s.state, step: s.step, lane: w, first: n, sign: n, last: now,
		prefix: append([]byte(nil), prefix...), loose: len(prefix) > 0, frames: s.frames, formatted: line.head && s.offset > 0,
	}
	if w != &g.plain {
		m.prefix = w.prefix
	}
	g.claim(m, w, from, prefix)
	if len(prefix) == 0 {
		g.newRecord(w)
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

// claim gives the lines of a window to a machine, from one on.
func (g *Grouper) claim(m *machine, w *lane, from int, prefix []byte) {
	kept := w.window[:from]
	for _, c := range w.window[from:] {
		if _, ok := matchPrefix(prefix, g.held.line(c.n)); !ok {
			kept = append(kept, c)
			continue
		}
		m.first = min(m.first, c.n)
		m.formatted = m.formatted || c.head
		if m.language == Node && m.state == nodeAt && c.n == m.first && endsOpen(g.held.body(c.n)) {
			m.state = nodeObject
		}
		g.held.own(c.n, m.id)
		m.unsure++
	}
	w.window = kept
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
