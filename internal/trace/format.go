package trace

import "bytes"

// format learns how the records of a stream begin.
type format struct {
	samples, heads int
	skip           int
	shapes         [4]shape
}

// shape is how a line begins, with letters and digits in runs.
type shape struct {
	text [16]byte
	hits int
}

// learn looks at some of the ordinary lines.
func (f *format) learn(l []byte) {
	if f.skip > 0 {
		f.skip--
		return
	}
	if f.samples >= 16 {
		f.skip = 31
	}
	if f.samples >= 1<<12 {
		f.samples, f.heads = f.samples/2, f.heads/2
	}
	f.samples++
	if isHead(l) {
		f.heads++
		return
	}
	text, ok := shapeOf(l)
	if !ok {
		return
	}
	least := 0
	for i := range f.shapes {
		if f.shapes[i].text == text {
			f.shapes[i].hits++
			if f.shapes[i].hits > 2 {
				f.heads++
			}
			return
		}
		if f.shapes[i].hits < f.shapes[least].hits {
			least = i
		}
	}
	f.shapes[least] = shape{text, 1}
}

// formatted reports whether nearly every record begins with a head, so that a
// line without one goes on with the record before.
func (f *format) formatted() bool { return f.samples > 0 && f.heads*10 >= f.samples*9 }

// isHead reports whether a line begins as log records do.
func (f *format) isHead(l []byte) bool {
	if isHead(l) {
		return true
	}
	text, ok := shapeOf(l)
	if !ok {
		return false
	}
	for i := range f.shapes {
		if f.shapes[i].hits > 2 && f.shapes[i].text == text {
			return true
		}
	}
	return false
}

// shapeOf describes the first word of a line where that has digits or signs as
// those of heads.
func shapeOf(l []byte) (text [16]byte, ok bool) {
	n, telling, before := 0, false, byte(0)
	for i := 0; i < len(l) && l[i] != ' ' && n < len(text); i++ {
		c := l[i]
		switch {
		case isLetter(c):
			c = 'a'
		case isDigit(c):
			c, telling = '0', true
		case c == '[' || c == ']' || c == '|' || c == '=':
			telling = true
		case c == '#' || c == '+' || c == '\t' || c == '(' || c == '`' || c == '\'':
			return text, false
		}
		if c == before && (c == 'a' || c == '0') {
			continue
		}
		text[n], before = c, c
		n++
	}
	return text, telling && n > 1
}

// isHead reports whether a line begins as records of known loggers do: with a
// time, a level, a process, an address or a brace of JSON.
func isHead(l []byte) bool {
	l = skipColour(l)
	if len(l) < 4 {
		return false
	}
	switch c := l[0]; {
	case isDigit(c):
		return isTimeStart(l)
	case c == '[':
		return isBracketHead(l)
	case c == '{':
		return l[1] == '"'
	case c == '<':
		return isDigit(l[1]) && bytes.IndexByte(l[:min(len(l), 6)], '>') > 0
	case c == '(':
		return bytes.HasPrefix(l, []byte("(node:"))
	case isLetter(c):
		return isWordHead(l)
	}
	return false
}

func skipColour(l []byte) []byte {
	for len(l) > 2 && l[0] == 0x1b && l[1] == '[' {
		end := bytes.IndexByte(l[:min(len(l), 12)], 'm')
		if end < 0 {
			return l
		}
		l = l[end+1:]
	}
	return l
}

// isTimeStart takes a first word with numbers that are joined: dates, times,
// addresses, seconds since the epoch.
func isTimeStart(l []byte) bool {
	digits, joints := 0, 0
	for i := 0; i < len(l) && i < 32; i++ {
		switch c := l[i]; {
		case isDigit(c):
			digits++
		case c == '-' || c == '/' || c == ':' || c == '.' || c == ',':
			joints++
		case c == ' ' || c == ']' || c == '|':
			return digits >= 4 && joints > 0
		case isLetter(c) && digits > 0: // 2024-01-01T10:00:00Z, 02/Jan/2026
		default:
			return false
		}
	}
	return digits >= 8 && joints > 1
}

func isBracketHead(l []byte) bool {
	end := bytes.IndexByte(l[:min(len(l), 80)], ']')
	if end < 2 || end+1 < len(l) && l[end+1] != ' ' && l[end+1] != '[' && l[end+1] != ':' {
		return false
	}
	inner := l[1:end]
	if isDigit(inner[0]) || isWeekday(inner) || bytes.HasPrefix(inner, []byte("pid ")) {
		return true
	}
	return bytes.IndexByte(inner, ' ') < 0 && end+1 < len(l) && !bytes.HasSuffix(inner, []byte("cause")) && !bytes.HasSuffix(inner, []byte("errors")) && !isTypeWord(inner)
}

func isWeekday(l []byte) bool {
	return len(l) > 4 && (l[3] == ' ' || l[3] == ',') && bytes.Contains([]byte("Mon Tue Wed Thu Fri Sat Sun"), l[:3])
}

func isMonth(l []byte) bool {
	return len(l) > 5 && l[3] == ' ' && (isDigit(l[4]) || isDigit(l[5])) && bytes.Contains([]byte("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec"), l[:3])
}

// levelWords begin records; in capitals unless a colon or an equals sign
// follows.
var levelWords = []string{
	"DEBUG", "INFO", "WARN", "WARNING", "ERROR", "CRITICAL", "FATAL", "SEVERE", "TRACE", "NOTICE", "FINE", "CONFIG",
	"info:", "warn:", "fail:", "crit:", "dbug:", "trce:", "error:", "debug:", "warning:",
	"level=", "time=", "ts=", "msg=", "lvl=", "at=", "timestamp=", "PHP Warning:", "PHP Notice:", "PHP Fatal", "PHP Deprecated:", "PHP Parse",
}

func isWordHead(l []byte) bool {
	if isMonth(l) || isWeekday(l) && isMonth(bytes.TrimLeft(l[4:], " ")) {
		return true
	}
	if len(l) > 6 && bytes.IndexByte([]byte("DIWEFA"), l[0]) >= 0 && (l[1] == ',' && l[2] == ' ' && l[3] == '[' || isDigit(l[1]) && isDigit(l[2]) && isDigit(l[3]) && isDigit(l[4]) && l[5] == ' ') {
		return true // Ruby's Logger, klog
	}
	for _, word := range levelWords {
		if l[0] != word[0] || len(l) <= len(word) || string(l[:len(word)]) != word {
			continue
		}
		next := l[len(word)]
		if next == ' ' || next == ':' || next == '[' || next == ']' || next == '\t' || next == '|' || word[len(word)-1] == '=' || word[0] == 'P' {
			return true
		}
	}
	return false
}

// isDateLine matches the first of the two lines of java.util.logging: "Nov 23,
// 2026 12:00:00 PM shop.Main handle".
func isDateLine(l []byte) bool {
	if !isMonth(l) {
		return false
	}
	start := l[:min(len(l), 32)]
	return bytes.Contains(start, []byte(" AM ")) || bytes.Contains(start, []byte(" PM "))
}

// mildLevels are the ones below a warning, as records have them near their
// beginning.
var mildLevels = [][]byte{
	[]byte("INFO"), []byte("DEBUG"), []byte("TRACE"), []byte("NOTICE"), []byte("info"), []byte("debug"), []byte("notice"), []byte("trace"),
}

// isMild reports whether the head of a record tells a level below a warning.
func isMild(l []byte) bool {
	start := l[:min(len(l), 80)]
	for _, word := range mildLevels {
		for at := 0; ; {
			next := bytes.Index(start[at:], word)
			if next < 0 {
				break
			}
			at += next + len(word)
			before, after := at-len(word)-1, at
			if (before < 0 || !isLetter(start[before])) && (after == len(start) || !isLetter(start[after]) && start[after] != '.') {
				return true
			}
		}
	}
	return false
}
