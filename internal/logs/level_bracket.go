package logs

import (
	"bytes"
	"log/slog"
)

// bracket looks into "[...]" or "(...)" and passes over it.
func (w *layout) bracket() (slog.Level, bool) {
	closing := byte(']')
	if w.line[w.pos] == '(' {
		closing = ')'
	}
	end := bytes.IndexByte(w.line[w.pos:], closing)
	if end < 0 {
		w.names = maxNames + 1
		return 0, false
	}
	inside := w.line[w.pos+1 : w.pos+end]
	w.pos += end + 1
	if level, ok := w.inside(inside, closing == ']'); ok {
		return level, true
	}
	w.structured = w.structured || w.first
	w.behind = true
	if w.pos < len(w.line) && w.line[w.pos] == ':' { // "[4711]:"
		w.pos++
	}
	return 0, false
}

func (w *layout) inside(text []byte, square bool) (slog.Level, bool) {
	trimmed := bytes.TrimSpace(text)
	if level, how, s, ok := levelWord(trimmed); ok {
		return level, w.fits(how, s)
	}
	if !square || len(trimmed) == 0 || !w.first && !w.structured {
		return 0, false
	}
	if len(trimmed) == 1 {
		return upperLetter(trimmed[0])
	}
	if len(trimmed) > 2 && trimmed[1] == ' ' && trimmed[2] >= '0' && trimmed[2] <= '9' { // Tornado
		return upperLetter(trimmed[0])
	}
	if i := bytes.LastIndexAny(trimmed, ":#"); i >= 0 && w.structured { // Apache, Twisted
		if level, how, s, ok := levelWord(trimmed[i+1:]); ok && how == lower && s == strong {
			return level, true
		}
	}
	if level, ok := timedLevel(trimmed); ok {
		return level, true
	}
	return leadingLevel(trimmed)
}

// fits reports whether a bracket with nothing but a level word is the level.
func (w *layout) fits(how letters, s strength) bool {
	switch {
	case how == mixed:
		return false
	case w.structured:
		return true
	case how == upper:
		return w.names <= 1
	}
	return w.first && s == strong
}

func upperLetter(c byte) (slog.Level, bool) {
	if c == 'A' {
		return 0, false
	}
	return letterLevel(c)
}

// timedLevel reads "2024-01-02T15:04:05Z ERROR module" and "15:04:05 ERR".
func timedLevel(text []byte) (slog.Level, bool) {
	if text[0] < '0' || text[0] > '9' {
		return 0, false
	}
	for range 4 {
		blank := bytes.IndexAny(text, " \t")
		if blank < 0 {
			return 0, false
		}
		text = bytes.TrimLeft(text[blank:], " \t")
		if len(text) > 0 && text[0] >= '0' && text[0] <= '9' {
			continue
		}
		n := letterRun(text)
		if n < len(text) && text[n] != ' ' && text[n] != '/' && text[n] != ':' {
			return 0, false
		}
		level, how, s, ok := levelWord(text[:n])
		return level, ok && how == upper && s == strong
	}
	return 0, false
}

// leadingLevel reads "ERROR module::path", where one word follows at most.
func leadingLevel(text []byte) (slog.Level, bool) {
	n := letterRun(text)
	if n == len(text) || text[n] != ' ' {
		return 0, false
	}
	level, how, s, ok := levelWord(text[:n])
	rest := bytes.TrimSpace(text[n:])
	return level, ok && how == upper && s == strong && (bytes.IndexByte(rest, ' ') < 0 || rest[0] >= '0' && rest[0] <= '9')
}

func letterRun(text []byte) int {
	n := 0
	for n < len(text) && (text[n]|0x20) >= 'a' && (text[n]|0x20) <= 'z' {
		n++
	}
	return n
}
