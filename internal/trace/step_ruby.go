package trace

import "bytes"

// States of a trace of Ruby.
const (
	rubyTold     state = iota // behind "file:3:in `f': message (Type)"
	rubyFrom                  // among "from" lines
	rubyBare                  // among frames of a logger, without "from"
	rubyReversed              // among frames that are numbered, innermost last
)

func stepRuby(m *machine, l seen) verdict {
	if isFrom(l.body) && (m.state == rubyReversed || !isNumbered(l.body)) {
		if m.state != rubyReversed {
			m.state = rubyFrom
		}
		m.frames++
		return own
	}
	switch m.state {
	case rubyTold:
		return m.rubyMessageLine(l)
	case rubyBare:
		if f, rest, ok := rubyFrame(string(l.body)); ok && rest == "" && f.File != "" {
			m.frames++
			return own
		}
	default:
		if m.undisturbed() && (isRubyHead(l.body) || m.state == rubyReversed && bytes.Contains(l.body, markIn)) {
			m.state = rubyTold
			return own
		}
	}
	if l.head && !l.opener {
		return foreign
	}
	return over
}

// undisturbed reports whether the next line of this kind can but be of this
// trace: where the threads have lanes, or few lines were between.
func (m *machine) undisturbed() bool {
	return len(m.lane.prefix) > 0 || m.passed == 0 || m.mixed && m.passed <= 8
}

// rubyMessageLine reads what follows the first line of a message: more of it,
// the source with carets, suggestions.
func (m *machine) rubyMessageLine(l seen) verdict {
	switch {
	case len(l.body) == 0:
		return maybe
	case isRubyHead(l.body) && m.unsure == 0:
		return own
	case l.head && !l.opener:
		return foreign
	case l.head || isRubyHead(l.body) || bytes.HasSuffix(l.body, markPython) || bytes.HasPrefix(l.body, []byte("#<Thread:")):
		return over
	case m.passed == 0 && l.formatted || isIndented(l.body) || bytes.HasPrefix(l.body, []byte("Did you mean?")):
		return own
	case m.unsure < maxDoubt:
		return maybe
	}
	return over
}

// isNumbered matches "\t 2: from file:3:in `f'", as it is in a trace in reversed
// order.
func isNumbered(l []byte) bool {
	l = bytes.TrimLeft(l, "\t ")
	return len(l) > 0 && isDigit(l[0])
}

// isFrom matches "\tfrom file:3:in `f'", with a number before "from" where the
// order is reversed, and "\t ... 12 levels...".
func isFrom(l []byte) bool {
	if len(l) < 3 || l[0] != '\t' {
		return false
	}
	l = bytes.TrimLeft(l, "\t 0123456789")
	return hasAnyPrefix(l, "from ", ": from ") || bytes.HasPrefix(l, []byte("...")) && bytes.HasSuffix(l, []byte("levels..."))
}

func isRubyHead(l []byte) bool {
	at := bytes.Index(l, markIn)
	if at <= 0 {
		return false
	}
	s, ok := rubySign(l, at)
	return ok && s.sure
}
