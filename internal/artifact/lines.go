package artifact

import (
	"regexp"
	"strings"
	"unicode"
)

const (
	keptLines  = 200     // of a step's output
	shownLines = 20      // in the problem
	lineBytes  = 4 << 10 // a longer line is cut
)

// lines is a writer that hands on whole lines and keeps the last of them. It
// holds a bounded amount whatever is written. One writer at a time.
type lines struct {
	progress func(string)
	bytes    int64
	kept     [keptLines]string
	count    int
	open     []byte // the line that has not ended
	cut      bool   // whether open has reached its bound
}

// Write splits p into lines. It never fails.
func (l *lines) Write(p []byte) (int, error) {
	l.bytes += int64(len(p))
	for _, c := range p {
		switch {
		case c == '\n':
			l.end()
		case len(l.open) < lineBytes:
			l.open = append(l.open, c)
		default:
			l.cut = true
		}
	}
	return len(p), nil
}

// flush ends a last line that has no line feed.
func (l *lines) flush() {
	if len(l.open) > 0 {
		l.end()
	}
}

func (l *lines) end() {
	line := plain(string(l.open))
	if l.cut {
		line += "…"
	}
	l.open, l.cut = l.open[:0], false
	l.kept[l.count%keptLines] = line
	l.count++
	if l.progress != nil {
		l.progress(line)
	}
}

// last returns the last n lines, or as many as there are.
func (l *lines) last(n int) []string {
	n = min(n, l.count, keptLines)
	out := make([]string, 0, n)
	for i := l.count - n; i < l.count; i++ {
		out = append(out, l.kept[i%keptLines])
	}
	return out
}

// escapes are terminal control sequences (ECMA-48 sections 5.4 and 5.6).
var escapes = regexp.MustCompile("\x1b(?:\\[[0-?]*[ -/]*[@-~]|\\][^\x07\x1b]*(?:\x07|\x1b\\\\)?|[@-Z\\\\^_])")

// plain removes what would drive a terminal. Of a line that overwrote itself
// with carriage returns, the last writing stays.
func plain(line string) string {
	line = strings.TrimRight(line, "\r")
	line = line[strings.LastIndexByte(line, '\r')+1:]
	line = escapes.ReplaceAllString(strings.ToValidUTF8(line, "�"), "")
	return strings.Map(func(r rune) rune {
		if r != '\t' && unicode.IsControl(r) {
			return -1
		}
		return r
	}, line)
}
