package sabotage

import "strings"

var pythonOperators = []string{"**=", "//=", ">>=", "<<=", "...", "==", "!=", "<=", ">=", "->", ":=", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "@=", "**", "//", "<<", ">>"}

// logicalLine is one logical line (Python reference, section 2.1.5): it goes
// on over brackets and backslashes.
type logicalLine struct {
	indent string
	tokens []lexeme
	next   int // index of the first line after that is not indented deeper
}

type pythonLexer struct {
	data  []byte
	i     int
	depth int
	lines []logicalLine
	line  logicalLine
}

// lexPython splits the source. ok is false where a string or bracket is not
// closed.
func lexPython(data []byte) (lines []logicalLine, ok bool) {
	l := &pythonLexer{data: data}
	if len(data) >= 3 && string(data[:3]) == "\xef\xbb\xbf" {
		l.i = 3
	}
	l.readIndent()
	for l.i < len(data) {
		if !l.step() {
			return nil, false
		}
	}
	l.endLine()
	nest(l.lines)
	return l.lines, l.depth == 0
}

func (l *pythonLexer) readIndent() {
	start := l.i
	for l.i < len(l.data) && (l.data[l.i] == ' ' || l.data[l.i] == '\t' || l.data[l.i] == '\f') {
		l.i++
	}
	l.line.indent = string(l.data[start:l.i])
}

func (l *pythonLexer) endLine() {
	if len(l.line.tokens) > 0 {
		l.lines = append(l.lines, l.line)
	}
	l.line = logicalLine{}
}

// step reads one token, comment or blank.
func (l *pythonLexer) step() bool {
	c := l.data[l.i]
	switch {
	case c == '#':
		for l.i < len(l.data) && l.data[l.i] != '\n' {
			l.i++
		}
	case c == '\\' && l.i+1 < len(l.data):
		l.i++
		if l.data[l.i] == '\r' {
			l.i++
		}
		l.i++
	case c == '\n':
		l.i++
		if l.depth == 0 {
			l.endLine()
			l.readIndent()
		}
	case c == ' ' || c == '\t' || c == '\r' || c == '\f':
		l.i++
	default:
		return l.token(c)
	}
	return true
}

func (l *pythonLexer) token(c byte) bool {
	start := l.i
	kind := operator
	switch {
	case c == '"' || c == '\'':
		return l.quoted(start)
	case isDigit(c) || (c == '.' && l.i+1 < len(l.data) && isDigit(l.data[l.i+1])):
		kind, l.i = number, scanWord(l.data, l.i, "")
	case isWordByte(c):
		kind, l.i = word, scanWord(l.data, l.i, "")
		if l.i < len(l.data) && (l.data[l.i] == '"' || l.data[l.i] == '\'') && isPrefix(string(l.data[start:l.i])) {
			return l.quoted(start)
		}
	default:
		l.i = scanOperator(l.data, l.i, pythonOperators)
	}
	l.add(kind, start)
	switch c {
	case '(', '[', '{':
		l.depth++
	case ')', ']', '}':
		l.depth--
	}
	return l.depth >= 0
}

func isPrefix(word string) bool {
	return len(word) <= 2 && strings.Trim(strings.ToLower(word), "rbuft") == ""
}

// quoted reads a string literal whose quote is at l.i and whose prefix began
// at start. A formatted string is read as a whole, and its expressions are
// left alone; a quote of the same kind within braces (3.12) makes what
// follows unreadable, which the bracket count then shows.
func (l *pythonLexer) quoted(start int) bool {
	quote := string(l.data[l.i])
	if strings.HasPrefix(string(l.data[l.i:min(l.i+3, len(l.data))]), strings.Repeat(quote, 3)) {
		quote = strings.Repeat(quote, 3)
	}
	l.i += len(quote)
	for l.i < len(l.data) {
		switch {
		case l.data[l.i] == '\\':
			l.i += 2
		case l.data[l.i] == '\n' && len(quote) == 1:
			return false
		case l.data[l.i] == quote[0] && strings.HasPrefix(string(l.data[l.i:min(l.i+3, len(l.data))]), quote):
			l.i += len(quote)
			l.add(text, start)
			return true
		default:
			l.i++
		}
	}
	return false
}

func (l *pythonLexer) add(kind tokenKind, start int) {
	l.i = min(l.i, len(l.data))
	l.line.tokens = append(l.line.tokens, lexeme{kind, string(l.data[start:l.i]), start, l.i})
}

// nest finds where the block of each line ends.
func nest(lines []logicalLine) {
	var open []int
	for i := range lines {
		for len(open) > 0 && len(lines[open[len(open)-1]].indent) >= len(lines[i].indent) {
			lines[open[len(open)-1]].next = i
			open = open[:len(open)-1]
		}
		open = append(open, i)
	}
	for _, i := range open {
		lines[i].next = len(lines)
	}
}
