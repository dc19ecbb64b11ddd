package trace

import "bytes"

// States of a trace of PHP.
const (
	phpAt       state = iota // among frames
	phpMain                  // behind "{main}"
	phpNext                  // in the message of the next exception of the chain
	phpNumbered              // Xdebug's and the log's "PHP   1. {main}()"
)

func stepPHP(m *machine, l seen) verdict {
	switch m.state {
	case phpNumbered:
		if hasAnyPrefix(l.body, "PHP   ", "PHP  ") {
			return own
		}
		return over
	case phpNext:
		if bytes.HasSuffix(l.body, markStack) || bytes.HasSuffix(l.body, markLaravel) {
			m.state = phpAt
			return own
		}
		if l.head && m.mixed {
			return foreign
		}
		return maybe
	case phpMain:
		return m.phpAfter(l)
	}
	switch {
	case isPHPFrame(l.body):
		m.frames++
		if _, call, _ := bytes.Cut(l.body, []byte(" ")); bytes.HasPrefix(call, []byte("{main}")) {
			m.state = phpMain
		}
		return own
	case m.frames == 0 && !l.head:
		return over
	case hasAnyPrefix(l.body, "  thrown in "):
		return last
	case bytes.HasPrefix(l.body, []byte(`"}`)):
		return last
	case l.head && !l.opener:
		return foreign
	case l.head:
		return over
	}
	return maybe // an argument with a line break
}

func (m *machine) phpAfter(l seen) verdict {
	switch {
	case len(l.body) == 0:
		return maybe
	case hasAnyPrefix(l.body, "  thrown in ", `"}`):
		return last
	case hasAnyPrefix(l.body, "Next ", "[previous exception]"):
		m.state = phpNext
		return maybe
	case l.head && m.mixed && !l.opener:
		return foreign
	}
	return over
}
