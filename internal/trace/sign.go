package trace

import "bytes"

// sign is what gives a trace away: a line that ordinary logs do not have.
type sign struct {
	language  string
	state     state
	step      func(m *machine, l seen) verdict
	offset    int  // where in the line, behind what a logger wrote before it
	loose     bool // what stands before it may stand there once only
	needsHead bool // it is one only below the line of an error
	sure      bool // no further line is needed
	frames    int
}

var (
	markPython   = []byte(pythonMark)
	markGroup    = []byte("+ Exception Group Traceback (most recent call last):")
	markRoutine  = []byte("goroutine ")
	markPanicked = []byte("panicked at ")
	markIn       = []byte(":in ")
	markStack    = []byte("Stack trace:")
	markLaravel  = []byte("[stacktrace]")
	markAt       = []byte("at ")
	markTabAt    = []byte("\tat ")
	markSpaceAt  = []byte("    at ")
)

// readSign looks for a sign in a line.
func readSign(l []byte, g *Grouper, w *lane) (sign, bool) {
	if len(l) == 0 {
		return sign{}, false
	}
	last := l[len(l)-1]
	if last == ':' {
		if s, ok := colonSign(l); ok {
			return s, true
		}
	}
	if s, ok := atSign(l, len(w.window) > 0); ok {
		return s, true
	}
	if at := bytes.Index(l, markIn); at > 0 {
		if s, ok := rubySign(l, at); ok {
			return s, true
		}
	}
	if bytes.Contains(l, markPanicked) {
		if s, ok := rustSign(l); ok {
			return s, true
		}
	}
	return windowSign(l, g, w)
}

// colonSign reads the signs that end with a colon.
func colonSign(l []byte) (sign, bool) {
	if bytes.HasSuffix(l, markPython) {
		s := sign{language: Python, step: stepPython, offset: len(l) - len(markPython), loose: true}
		if bytes.HasSuffix(l, markGroup) {
			s.offset, s.state = len(l)-len(markGroup), pythonBars
			for i := 0; i < 2 && s.offset > 0 && l[s.offset-1] == ' '; i++ {
				s.offset--
			}
		}
		return s, true
	}
	if at := bytes.LastIndex(l, markRoutine); at >= 0 && isRoutine(l[at:]) {
		return sign{language: Go, step: stepGo, offset: at, loose: true}, true
	}
	if bytes.HasSuffix(l, markStack) {
		if at := len(l) - len(markStack); at == 0 || l[at-1] == ' ' {
			if at >= 4 && string(l[at-4:at]) == "PHP " {
				return sign{language: PHP, step: stepPHP, state: phpNumbered, offset: at - 4, needsHead: true}, true
			}
			return sign{language: PHP, step: stepPHP, offset: at, needsHead: true}, true
		}
	}
	if string(l) == "Stack backtrace:" {
		return sign{language: Rust, step: stepRust, state: rustBacktrace, needsHead: true}, true
	}
	if string(l) == "Caused by:" {
		return sign{language: Rust, step: stepRust, state: rustCauses, needsHead: true}, true
	}
	if string(l) == "runtime stack:" {
		return sign{language: Go, step: stepGo, needsHead: true}, true
	}
	return sign{}, false
}

// isRoutine matches "goroutine 7 [running]:" and "goroutine 7 gp=0x1 m=0
// mp=0x2 [running]:".
func isRoutine(l []byte) bool {
	i := len(markRoutine)
	start := i
	for i < len(l) && isDigit(l[i]) {
		i++
	}
	if i == start || i >= len(l) || l[i] != ' ' || !bytes.HasSuffix(l, []byte("]:")) {
		return false
	}
	return l[i+1] == '[' || bytes.HasPrefix(l[i:], []byte(" gp=")) || bytes.HasPrefix(l[i:], []byte(" m="))
}

// atSign reads a frame of Java, Node or .NET.
func atSign(l []byte, hasWindow bool) (sign, bool) {
	if !hasWindow {
		return sign{}, false
	}
	offset := 0
	if trimmed := bytes.TrimLeft(l, " \t"); len(trimmed) == len(l) || !bytes.HasPrefix(trimmed, markAt) {
		if offset = bytes.Index(l, markTabAt); offset < 0 {
			if offset = bytes.Index(l, markSpaceAt); offset < 0 {
				return sign{}, false
			}
		}
	}
	_, language := atFrame(string(l[offset:]))
	s := sign{language: language, offset: offset, needsHead: true, sure: true, frames: 1}
	switch language {
	case Java:
		s.step = stepJava
	case Node:
		s.step, s.state = stepNode, nodeAt
		if endsOpen(l) {
			s.state = nodeObject
		}
	case DotNet:
		s.step = stepDotNet
	default:
		return sign{}, false
	}
	return s, true
}

// windowSign reads the signs that are ones only below certain lines.
func windowSign(l []byte, g *Grouper, w *lane) (sign, bool) {
	if bytes.HasPrefix(l, []byte("Fatal Python error: ")) {
		return sign{language: Python, step: stepPython, state: pythonFault}, true
	}
	if bytes.HasPrefix(l, []byte(`  File "`)) && len(w.window) == 0 {
		if _, ok := pythonFrame(string(l)); ok {
			return sign{language: Python, step: stepPython, state: pythonSyntax}, true
		}
	}
	if bytes.HasSuffix(l, markLaravel) && len(bytes.TrimLeft(l, " ")) == len(markLaravel) {
		return sign{language: PHP, step: stepPHP, needsHead: true}, true
	}
	count := len(w.window)
	if count == 0 {
		return sign{}, false
	}
	if isCaret(l) && count > 1 && isPlaceLine(g.held.body(w.window[count-2].n)) {
		return sign{language: Node, step: stepNode, state: nodeBanner, needsHead: true}, true
	}
	if isPHPFrame(l) {
		return sign{language: PHP, step: stepPHP, needsHead: true, frames: 1}, true
	}
	return sign{}, false
}

// isPHPFrame matches "#0 file(3): function()", "#0 [internal function]: …" and
// "#0 {main}".
func isPHPFrame(l []byte) bool {
	if len(l) < 6 || l[0] != '#' || !isDigit(l[1]) {
		return false
	}
	_, call, _ := bytes.Cut(l, []byte(" "))
	if hasAnyPrefix(call, "[internal function]: ", "{main}") {
		return true
	}
	place, function, ok := bytes.Cut(call, []byte("): "))
	return ok && bytes.IndexByte(place, '(') > 0 && isDigit(place[len(place)-1]) && bytes.IndexByte(function, '(') > 0
}

// isCaret matches a line of a caret or several below the source of a banner.
func isCaret(l []byte) bool {
	l = bytes.TrimLeft(l, " \t")
	return len(l) > 0 && len(bytes.TrimLeft(l, "^")) == 0
}

// rubySign reads "file:3:in `f': message (Type)", a bare frame, and the former
// behind what a logger wrote. The mark is at an index.
func rubySign(l []byte, at int) (sign, bool) {
	start := at
	for start > 0 && isDigit(l[start-1]) {
		start--
	}
	if start == at || start < 2 || l[start-1] != ':' {
		return sign{}, false
	}
	file := bytes.LastIndexAny(l[:start-1], " \t") + 1
	frame, rest, ok := rubyFrame(string(l[file:]))
	if !ok || frame.File == "" {
		return sign{}, false
	}
	s := sign{language: Ruby, step: stepRuby, offset: file, loose: true}
	switch {
	case rest == "" && file == 0:
		s.state, s.frames = rubyBare, 1
	case len(rest) > 2 && rest[:2] == ": ":
		typ, _ := rubyHead(rest[2:])
		empty := isTypeName(rest[2:], ":") || rest[2:] == "unhandled exception"
		if typ == "" && !empty || typ != "" && (typ[0] < 'A' || typ[0] > 'Z') {
			return sign{}, false
		}
		s.state, s.sure = rubyTold, file == 0 && !empty
	default:
		return sign{}, false
	}
	return s, true
}

// rustSign reads "thread 'main' panicked at src/main.rs:4:5:".
func rustSign(l []byte) (sign, bool) {
	at := bytes.Index(l, []byte("thread '"))
	if at < 0 {
		return sign{}, false
	}
	_, place, ok := bytes.Cut(l[at:], markPanicked)
	if !ok {
		return sign{}, false
	}
	s := sign{language: Rust, step: stepRust, state: rustMessage, offset: at, loose: true}
	text := string(place)
	if _, after, old := cutLast(text, "', "); old && text[0] == '\'' {
		text, s.state = after+":", rustAfter
	}
	if len(text) == 0 || text[len(text)-1] != ':' {
		return sign{}, false
	}
	_, _, ok = fileLineColumn(text[:len(text)-1])
	s.sure = ok
	return s, ok
}

// opensTrace reports whether a line can but be the first of a trace of a
// language, so that no log record before it belongs to it.
func opensTrace(l []byte, language string) bool {
	switch language {
	case Go:
		return hasAnyPrefix(l, "panic: ", "fatal error: ", "runtime: ", "SIG", "unexpected fault address")
	case PHP:
		return bytes.Contains(l, []byte("Uncaught "))
	case Java:
		return hasAnyPrefix(l, "Exception in thread ")
	case Node:
		return isPlaceLine(l) || hasAnyPrefix(l, "Uncaught ")
	case DotNet:
		return hasAnyPrefix(l, "Unhandled exception.", "Unhandled Exception:")
	case Ruby:
		return hasAnyPrefix(l, "#<Thread:")
	case Python:
		return hasAnyPrefix(l, "Exception in thread ", "Exception ignored ")
	case Rust:
		return hasAnyPrefix(l, "Error: ")
	}
	return false
}

func hasAnyPrefix(l []byte, prefixes ...string) bool {
	for _, p := range prefixes {
		if len(l) >= len(p) && string(l[:len(p)]) == p {
			return true
		}
	}
	return false
}
