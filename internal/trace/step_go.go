package trace

import "bytes"

// stepGo reads the stacks of goroutines. A function is sure when the place
// below it is.
func stepGo(m *machine, l seen) verdict {
	body := l.body
	switch {
	case len(body) == 0:
		return maybe
	case body[0] == '\t':
		m.frames++
		return own
	case bytes.HasPrefix(body, markRoutine) && isRoutine(body):
		if m.passed > 0 && m.unsure == 0 {
			return over // there is an empty line before the next goroutine of a dump
		}
		return own
	case isElided(body) || hasAnyPrefix(body, "runtime stack:", "[originating from goroutine ", "PC=0x", "goroutine running on other thread"):
		return own
	case m.frames > 0 && isRegister(body):
		return own
	case l.head && l.opener:
		return over
	case l.head:
		return foreign
	case hasAnyPrefix(body, "created by ") || isGoCall(body):
		return maybe
	}
	return over
}

// isElided matches "...12 frames elided..." and its like.
func isElided(l []byte) bool {
	return bytes.HasPrefix(l, []byte("...")) && bytes.HasSuffix(l, []byte("elided..."))
}

// isRegister matches "rip    0x47a3e1".
func isRegister(l []byte) bool {
	name, value, ok := bytes.Cut(l, []byte(" "))
	return ok && len(name) < 8 && bytes.HasPrefix(bytes.TrimLeft(value, " "), []byte("0x")) && bytes.IndexByte(bytes.TrimLeft(value, " "), ' ') < 0
}

// isGoCall matches "main.(*shop).add(0x1, {0x2, 0x3})".
func isGoCall(l []byte) bool {
	open := bytes.IndexByte(l, '(')
	return open > 0 && l[len(l)-1] == ')' && bytes.IndexByte(l[:open], ' ') < 0
}
