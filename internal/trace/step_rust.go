package trace

import "bytes"

// States of a trace of Rust.
const (
	rustMessage   state = iota // the line below "panicked at"
	rustAfter                  // behind it
	rustBacktrace              // among frames
	rustCauses                 // below "Caused by:"
)

func stepRust(m *machine, l seen) verdict {
	switch m.state {
	case rustMessage:
		if l.head {
			return foreign
		}
		m.state = rustAfter
		return own
	case rustAfter:
		return m.rustTold(l)
	case rustCauses:
		switch {
		case len(l.body) == 0:
			return maybe
		case isIndented(l.body) || hasAnyPrefix(l.body, "Location:"):
			return own
		case hasAnyPrefix(l.body, "Stack backtrace:"):
			m.state = rustBacktrace
			return own
		}
		return over
	}
	switch {
	case hasAnyPrefix(l.body, "   ", "  1", "  2", "  3"):
		return own
	case hasAnyPrefix(l.body, "note: "):
		return last
	case l.head && !l.opener:
		return foreign
	}
	return over
}

func (m *machine) rustTold(l seen) verdict {
	switch {
	case bytes.Equal(l.body, []byte("stack backtrace:")):
		m.state = rustBacktrace
		return own
	case hasAnyPrefix(l.body, "note: run with `RUST_BACKTRACE="):
		return last
	case len(l.body) == 0:
		return maybe
	case l.head && !l.opener:
		return foreign
	case l.head || bytes.Contains(l.body, markPanicked):
		return over
	case l.formatted:
		return own
	}
	return maybe
}
