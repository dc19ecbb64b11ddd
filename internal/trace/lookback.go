package trace

import "slices"

// lookBack returns where in the window a trace begins whose sign is the next
// line; the length of the window where nothing there belongs to it.
func (g *Grouper) lookBack(w *lane, s sign, prefix []byte) int {
	none := len(w.window)
	if len(prefix) > 0 {
		return g.lookBackPrefixed(w, prefix, s)
	}
	if s.language == Rust && !s.needsHead {
		return none // the line of a panic is the first
	}
	segment := w.segment()
	headed := segment < none && w.window[segment].head && (w.window[segment].typed || !isMild(g.held.line(w.window[segment].n)))
	if at, ok := g.ownOpener(w, segment, s.language); ok {
		return at
	}
	if s.language == Rust {
		return none
	}
	if headed {
		if segment > 0 && w.window[segment-1].n == w.window[segment].n-1 && isDateLine(g.held.line(w.window[segment-1].n)) {
			segment--
		}
		return segment
	}
	if !s.needsHead {
		return none
	}
	typed := w.lastTyped(segment)
	if typed == none {
		typed = w.lastTyped(0)
	}
	return g.outermost(w, typed)
}

// segment returns where in the window the record begins that goes on directly
// before the line that is looked at: at its head, or where another line stands
// between.
func (w *lane) segment() int {
	i, seq := len(w.window), w.seq
	for i > 0 && w.window[i-1].seq == seq-1 {
		i, seq = i-1, seq-1
		if w.window[i].head {
			break
		}
	}
	return i
}

// lookBackPrefixed looks among lines of all threads for those of one.
func (g *Grouper) lookBackPrefixed(w *lane, prefix []byte, s sign) int {
	for i, c := range slices.Backward(w.window) {
		l := g.held.line(c.n)
		at, ok := matchPrefix(prefix, l)
		if ok && (s.needsHead && isTyped(l[at:]) || opensTrace(l[at:], s.language)) {
			return i
		}
	}
	return len(w.window)
}

// ownOpener finds the first line, from one on, that can but be the first line
// of a trace of a language.
func (g *Grouper) ownOpener(w *lane, from int, language string) (int, bool) {
	for i := from; i < len(w.window); i++ {
		if opensTrace(g.held.body(w.window[i].n), language) {
			return i, true
		}
	}
	return 0, false
}

// lastTyped returns the last line of the window that names a type of error,
// not before from.
func (w *lane) lastTyped(from int) int {
	for i := len(w.window) - 1; i >= from; i-- {
		if w.window[i].typed {
			return i
		}
	}
	return len(w.window)
}

// outermost goes from an indented line up to the one that opened its brace.
func (g *Grouper) outermost(w *lane, at int) int {
	if at == len(w.window) || !isIndented(g.held.body(w.window[at].n)) {
		return at
	}
	for i := at - 1; i >= 0; i-- {
		if l := g.held.body(w.window[i].n); !isIndented(l) && endsOpen(l) {
			return i
		}
	}
	return at
}
