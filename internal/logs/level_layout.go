package logs

import (
	"bytes"
	"log/slog"
)

// layout walks over the head of a line in search of a level: over times,
// numbers, brackets and separators, which are structure, and over a few names
// (of a host, a logger, a thread). A level word counts by where it stands among
// them; ordinary words soon end the walk.
type layout struct {
	line       []byte
	pos        int
	names      int  // ordinary words so far
	first      bool // nothing came yet
	structured bool // the line began with structure
	behind     bool // what came last was structure
	logfmt     bool // keys were already looked at
}

const maxNames = 2

func layoutLevel(line []byte) (slog.Level, bool) {
	w := layout{line: line, first: true, behind: true}
	for w.names <= maxNames {
		for w.pos < len(line) && isBlank(line[w.pos]) {
			w.pos++
		}
		if w.pos >= len(line) {
			return 0, false
		}
		level, ok := w.step()
		if ok {
			return level, true
		}
		w.first = false
	}
	return 0, false
}

func (w *layout) step() (slog.Level, bool) {
	c := w.line[w.pos]
	switch {
	case c == '[' || c == '(':
		return w.bracket()
	case isSeparator(c):
		w.pos++
		w.behind = true
		return 0, false
	case c == '"' || c == '\'':
		w.names = maxNames + 1
		return 0, false
	}
	end := w.pos + 1 // a bracket would not come here
	for end < len(w.line) && !ends[w.line[end]] {
		end++
	}
	token := w.line[w.pos:end]
	if c >= '0' && c <= '9' {
		return w.number(token)
	}
	return w.word(token)
}

// ends are the bytes behind a token.
var ends = [256]bool{' ': true, '\t': true, '|': true, '[': true}

// number passes over a time, a date, an address or a count.
func (w *layout) number(token []byte) (slog.Level, bool) {
	if w.first {
		if level, ok := redisLevel(w.line, token); ok {
			return level, true
		}
	}
	w.pos += len(token)
	plain := digits(token) && len(token) < 9
	switch {
	case !plain, w.behind && w.structured, w.first && w.nextIs('['):
		w.structured = w.structured || w.first
		w.behind = true
	default: // a count in a sentence
		w.names++
		w.behind = false
	}
	return 0, false
}

// word passes over one word, or finds that it is the level.
func (w *layout) word(token []byte) (slog.Level, bool) {
	if !w.logfmt && (w.names == 0 || w.structured) && bytes.IndexByte(token, '=') > 0 {
		w.logfmt = true
		if level, ok := logfmtLevel(w.line[w.pos:]); ok {
			return level, true
		}
	}
	n := 0
	for n < len(token) && (token[n]|0x20) >= 'a' && (token[n]|0x20) <= 'z' {
		n++
	}
	if n <= maxWord {
		if level, how, s, ok := levelWord(token[:n]); ok && w.counts(token, n, how, s) {
			return level, true
		}
	}
	if level, ok := w.dotted(token); ok {
		return level, true
	}
	if w.behind && w.structured && has(w.line[w.pos:], "PHP ") {
		if level, ok := phpLevel(w.line[w.pos:]); ok {
			return level, true
		}
	}
	w.pass(token)
	return 0, false
}

func (w *layout) pass(token []byte) {
	w.pos += len(token)
	switch {
	case isCalendar(token) && w.behind:
		w.structured = w.structured || w.first
	case w.structured && bytes.IndexByte(token, '=') > 0:
		w.behind = true
	default:
		w.names++
		w.behind = w.structured && token[len(token)-1] == ':'
	}
}

// counts reports whether a level word of n letters at the head of a token
// stands where a layout puts a level.
func (w *layout) counts(token []byte, n int, how letters, s strength) bool {
	delimiter := byte(' ')
	if n < len(token) {
		delimiter = token[n]
	} else if w.pos+n < len(w.line) {
		delimiter = w.line[w.pos+n]
	}
	colon := delimiter == ':'
	placed := w.behind && (w.first || w.structured)
	switch {
	case s == weak || how == mixed:
		return colon && placed && how == upper
	case how != upper:
		return colon && placed || delimiter == '\t' && placed && !w.first || w.fenced(n)
	case colon:
		return placed || w.structured || w.fenced(n)
	case delimiter == '[':
		return w.first && w.pos+n+1 < len(w.line) && digits(w.line[w.pos+n+1:w.pos+n+2])
	case delimiter == '/':
		return placed && !w.first
	case isBlank(delimiter) || delimiter == '|':
		method := w.first && has(w.line, "TRACE /")
		return placed && !method || w.fenced(n) || w.structured && w.separatorAt(w.pos+n)
	}
	return false
}

// fenced reports whether the word stands between two separators.
func (w *layout) fenced(n int) bool {
	return w.behind && !w.first && w.separatorAt(w.pos+n)
}

func (w *layout) separatorAt(i int) bool {
	if i < len(w.line) && w.line[i] == ':' {
		return true
	}
	for i < len(w.line) && isBlank(w.line[i]) {
		i++
	}
	return i < len(w.line) && isSeparator(w.line[i])
}

func (w *layout) nextIs(c byte) bool {
	i := w.pos
	for i < len(w.line) && isBlank(w.line[i]) {
		i++
	}
	return i < len(w.line) && w.line[i] == c
}

// dotted knows Monolog's "channel.ERROR: text".
func (w *layout) dotted(token []byte) (slog.Level, bool) {
	if !w.structured || !w.behind || len(token) == 0 || token[len(token)-1] != ':' {
		return 0, false
	}
	dot := bytes.LastIndexByte(token, '.')
	if dot < 0 {
		return 0, false
	}
	level, how, _, ok := levelWord(token[dot+1 : len(token)-1])
	return level, ok && how == upper
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' }

func isSeparator(c byte) bool {
	return c == '-' || c == '|' || c == ':' || c == '*' || c == '>' || c == '#'
}

// isCalendar knows the words of a date.
func isCalendar(token []byte) bool {
	switch string(bytes.TrimRight(token, ",:.")) {
	case "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
		"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun", "AM", "PM", "UTC", "GMT", "CET", "CEST", "EST", "EDT", "PST", "PDT", "Z":
		return true
	}
	return len(token) > 2 && token[0] == '+' && digits(token[1:])
}

// redisLevel knows "4711:M 02 Jan 2024 15:04:05.000 # text".
func redisLevel(line, token []byte) (slog.Level, bool) {
	colon := bytes.IndexByte(token, ':')
	if colon < 1 || colon != len(token)-2 || !digits(token[:colon]) || bytes.IndexByte([]byte("MSCX"), token[colon+1]) < 0 {
		return 0, false
	}
	rest := line[len(token):]
	if len(rest) < 29 || rest[0] != ' ' || rest[25] != ' ' || rest[27] != ' ' {
		return 0, false
	}
	switch rest[26] {
	case '#':
		return slog.LevelWarn, true
	case '*':
		return LevelNotice, true
	case '-', '.':
		return slog.LevelDebug, true
	}
	return 0, false
}
