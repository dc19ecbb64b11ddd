package trace

import "bytes"

// States of a Python traceback.
const (
	pythonFrames state = iota // frames, up to the line of the exception
	pythonBars                // an exception group, in a margin of bars
	pythonTold                // behind the line of the exception
	pythonLinked              // behind "During handling …"
	pythonSyntax              // a syntax error of the script itself
	pythonFault               // what faulthandler writes
)

// maxDoubt bounds how many lines that look like others may be of a message;
// they are if the chain goes on behind them.
const maxDoubt = 20

func stepPython(m *machine, l seen) verdict {
	switch m.state {
	case pythonFrames:
		return m.pythonFrame(l)
	case pythonBars:
		if margin := bytes.TrimLeft(l.body, " "); len(margin) > 0 && (margin[0] == '|' || margin[0] == '+' || bytes.HasPrefix(margin, []byte("[Previous line repeated "))) {
			m.frames++
			m.doubt = len(bytes.Trim(margin, "+-")) == 0 // the group may end here
			return own
		}
		if l.head && !m.doubt {
			return foreign
		}
		m.doubt = false
		m.state = pythonTold
		return m.pythonAfter(l)
	case pythonTold:
		return m.pythonAfter(l)
	case pythonLinked:
		return m.pythonLink(l)
	case pythonSyntax:
		return m.pythonSyntaxLine(l)
	default:
		return faultLine(l.body)
	}
}

func (m *machine) pythonFrame(l seen) verdict {
	switch {
	case bytes.HasPrefix(l.body, []byte("  ")):
		m.frames++
		return own
	case m.frames == 0 && len(l.body) > 2 && l.body[0] == '\t' && bytes.Contains(l.body, []byte(": from ")):
		m.language, m.step, m.state = Ruby, stepRuby, rubyReversed
		return own
	case m.frames > 0 && isPythonException(l.body):
		m.state = pythonTold
		return own
	case len(l.body) == 0:
		return maybe
	case l.head && (m.frames > 0 || !l.opener):
		return foreign
	}
	return over
}

// isPythonException matches "module.Type: message" and "Type".
func isPythonException(l []byte) bool {
	if len(l) == 0 || !isLetter(l[0]) && l[0] != '_' && l[0] < 0x80 {
		return false
	}
	for i, c := range l {
		switch {
		case isLetter(c) || isDigit(c) || c == '_' || c == '.' || c == '<' || c == '>' || c >= 0x80:
		case c == ':':
			return i+1 == len(l) || l[i+1] == ' '
		default:
			return false
		}
	}
	return true
}

func (m *machine) pythonAfter(l seen) verdict {
	switch {
	case len(l.body) == 0:
		return maybe
	case string(l.body) == pythonChains[0] || string(l.body) == pythonChains[1]:
		m.state = pythonLinked
		return maybe
	case l.head && m.mixed && !l.opener:
		return foreign
	case l.head || bytes.HasSuffix(l.body, markPython):
		return over
	case m.passed == 0 && l.formatted || isIndented(l.body) && !m.doubt:
		return own
	case m.unsure < maxDoubt:
		m.doubt = true
		return maybe
	}
	return over
}

func (m *machine) pythonLink(l seen) verdict {
	switch {
	case len(l.body) == 0:
		return maybe
	case bytes.HasSuffix(l.body, markGroup):
		m.state, m.doubt = pythonBars, false
		return own
	case bytes.HasSuffix(l.body, markPython):
		m.state, m.frames, m.doubt = pythonFrames, 0, false
		return own
	case l.head:
		return foreign
	}
	return over
}

func (m *machine) pythonSyntaxLine(l seen) verdict {
	switch {
	case bytes.HasPrefix(l.body, []byte("    ")):
		return maybe
	case hasAnyPrefix(l.body, "SyntaxError: ", "IndentationError: ", "TabError: "):
		return last
	}
	return over
}

func faultLine(l []byte) verdict {
	switch {
	case len(l) == 0:
		return maybe
	case hasAnyPrefix(l, "Current thread 0x", "Thread 0x", `  File "`, "  ...", "  <no Python frame>", "Extension modules:", "Python runtime state: ", "Current thread's C stack"):
		return own
	}
	return over
}
