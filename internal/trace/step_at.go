package trace

import "bytes"

// States of a trace of Java.
const (
	javaAt   state = iota // among frames
	javaTold              // in the message of a cause
)

func stepJava(m *machine, l seen) verdict {
	body := bytes.TrimLeft(l.body, " \t")
	indented := len(body) < len(l.body)
	switch {
	case len(body) == 0:
		if m.state == javaTold {
			return maybe
		}
		return over
	case indented && bytes.HasPrefix(body, markAt):
		m.state = javaAt
		return own
	case hasAnyPrefix(body, "Caused by: ", "Wrapped by: ") || indented && hasAnyPrefix(body, "Suppressed: "):
		if !bytes.Contains(body, []byte("[CIRCULAR REFERENCE")) {
			m.state = javaTold
		}
		return own
	case isMore(body):
		m.state = javaAt
		return own
	case l.body[0] == '\t' || hasAnyPrefix(body, "Original Stack Trace:"):
		return own
	case l.head:
		if l.opener {
			return over
		}
		return foreign
	case m.state == javaTold:
		return maybe
	}
	return over
}

// isMore matches "... 12 more" and "... 12 common frames omitted".
func isMore(l []byte) bool {
	return bytes.HasPrefix(l, []byte("... ")) && (bytes.HasSuffix(l, []byte(" more")) || bytes.HasSuffix(l, []byte(" omitted")))
}

// States of a trace of Node.
const (
	nodeAt     state = iota // among frames
	nodeBanner              // below the source and the caret
	nodeObject              // in the properties of an error
	nodeClosed              // behind them
)

func stepNode(m *machine, l seen) verdict {
	body := bytes.TrimLeft(l.body, " ")
	indented := len(body) < len(l.body)
	switch {
	case len(body) == 0:
		return maybe
	case hasAnyPrefix(body, "Node.js v") && !indented:
		return last
	case l.head && (m.state != nodeClosed || m.mixed && !l.opener):
		if l.opener && (m.state == nodeAt || m.state == nodeObject) {
			return over
		}
		return foreign
	case m.state == nodeObject:
		return m.nodeProperty(l.body)
	case indented && bytes.HasPrefix(body, markAt):
		if endsOpen(body) {
			m.state = nodeObject
		}
		m.frames++
		return own
	case m.state == nodeBanner:
		return m.nodeBannerLine(l.body)
	case m.state == nodeAt && hasAnyPrefix(body, "... ", "Emitted 'error' event ", "Thrown at:", "(Use `node --trace"):
		return own
	}
	return over
}

// nodeProperty reads what util.inspect prints within braces.
func (m *machine) nodeProperty(l []byte) verdict {
	switch l[0] {
	case ' ':
		return own
	case '}', ']':
		m.state = nodeClosed
		return own
	}
	return maybe
}

// nodeBannerLine takes all lines up to the trailer; a record of the logs
// between them was sorted out before.
func (m *machine) nodeBannerLine(l []byte) verdict {
	if endsOpen(l) && l[0] == '[' {
		m.state = nodeObject
	}
	if m.frames > 0 && !isIndented(l) {
		m.state = nodeClosed
		if hasAnyPrefix(l, "Emitted 'error' event ", "Thrown at:", "}") {
			m.state = nodeBanner
			return own
		}
		return over
	}
	return own
}

func stepDotNet(m *machine, l seen) verdict {
	body := bytes.TrimLeft(l.body, " ")
	indented := len(body) < len(l.body)
	switch {
	case len(body) == 0:
		return over
	case indented && hasAnyPrefix(body, "at ") || hasAnyPrefix(body, "--- End of "):
		m.state = javaAt
		return own
	case indented && hasAnyPrefix(body, "---> "):
		m.state = javaTold
		return own
	case l.head && l.opener:
		return over
	case l.head:
		return foreign
	case m.state == javaTold:
		return maybe
	}
	return over
}
