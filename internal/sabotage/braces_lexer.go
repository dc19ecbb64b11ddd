package sabotage

import "strings"

// dialect is what tells the languages with braces apart.
type dialect struct {
	isJava    bool
	isTyped   bool // TypeScript
	wordExtra string
	operators []string
}

var (
	javaScript = dialect{wordExtra: "$#", operators: []string{">>>=", "...", "===", "!==", "**=", "<<=", ">>=", ">>>", "&&=", "||=", "??=", "=>", "==", "!=", "<=", ">=", "&&", "||", "??", "?.", "++", "--", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "**", "<<"}}
	typeScript = dialect{isTyped: true, wordExtra: "$#", operators: javaScript.operators}
	// Two closing angle brackets stay apart: they end nested type arguments.
	java = dialect{isJava: true, wordExtra: "$", operators: []string{"...", "<<=", "->", "::", "==", "!=", "<=", ">=", "&&", "||", "++", "--", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "<<"}}
)

type bracesLexer struct {
	dialect
	data   []byte
	i      int
	tokens []lexeme
	// closed holds, for each closing parenthesis so far, whether it ended the
	// head of an if, while, for or with: a slash then begins a regular expression.
	open   []bool
	headed bool
}

// lexBraces reads the tokens. ok is false where a literal is not closed, or
// where the source has what the reader does not know, as JSX.
func lexBraces(data []byte, d dialect) (tokens []lexeme, ok bool) {
	l := &bracesLexer{dialect: d, data: data}
	if strings.HasPrefix(string(data), "#!") {
		l.skipLine()
	}
	for l.i < len(data) {
		if !l.step() {
			return nil, false
		}
	}
	return l.tokens, true
}

func (l *bracesLexer) has(prefix string) bool {
	return len(l.data)-l.i >= len(prefix) && string(l.data[l.i:l.i+len(prefix)]) == prefix
}

func (l *bracesLexer) skipLine() {
	for l.i < len(l.data) && l.data[l.i] != '\n' {
		l.i++
	}
}

func (l *bracesLexer) step() bool {
	c := l.data[l.i]
	switch {
	case c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f' || l.has("\ufeff") || l.has("\u00a0"):
		l.i++
		for l.i < len(l.data) && l.data[l.i] >= 0x80 && l.data[l.i] < 0xC0 {
			l.i++
		}
	case l.has("//"):
		l.skipLine()
	case l.has("/*"):
		end := strings.Index(string(l.data[l.i+2:]), "*/")
		if end < 0 {
			return false
		}
		l.i += end + 4
	case l.has(`"""`) && l.isJava:
		return l.quoted(`"""`, true)
	case c == '"' || c == '\'':
		return l.quoted(string(c), false)
	case c == '`' && !l.isJava:
		return l.template()
	case c == '/' && !l.isJava && l.wantsValue():
		return l.regex()
	case c == '<' && !l.isJava && !l.isTyped && l.wantsValue():
		return false // JSX
	default:
		l.plain(c)
	}
	return true
}

func (l *bracesLexer) plain(c byte) {
	start := l.i
	switch {
	case isDigit(c) || (c == '.' && l.i+1 < len(l.data) && isDigit(l.data[l.i+1])):
		l.i = scanWord(l.data, l.i, "")
		l.add(number, start)
	case isWordByte(c) || indexByte(l.wordExtra, c):
		l.i = scanWord(l.data, l.i, l.wordExtra)
		l.add(word, start)
	default:
		l.track(c)
		l.i = scanOperator(l.data, l.i, l.operators)
		l.add(operator, start)
	}
}

// track remembers what parentheses belong to.
func (l *bracesLexer) track(c byte) {
	switch c {
	case '(':
		n := len(l.tokens)
		l.open = append(l.open, n > 0 && l.tokens[n-1].is("if", "while", "for", "with"))
	case ')':
		l.headed = false
		if n := len(l.open); n > 0 {
			l.headed = l.open[n-1]
			l.open = l.open[:n-1]
		}
	}
}

func (l *bracesLexer) add(kind tokenKind, start int) {
	l.i = min(l.i, len(l.data))
	l.tokens = append(l.tokens, lexeme{kind, string(l.data[start:l.i]), start, l.i})
}

// wantsValue reports whether a value may begin here, so that a slash begins a
// regular expression and an angle bracket an element. After a closing brace it
// is taken for the end of a block, which it nearly always is.
func (l *bracesLexer) wantsValue() bool {
	if len(l.tokens) == 0 {
		return true
	}
	switch last := l.tokens[len(l.tokens)-1]; last.kind {
	case number, text:
		return false
	case word:
		return isValueKeyword(last.text)
	default:
		if last.is(")") {
			return l.headed
		}
		return !last.is("]", "++", "--")
	}
}

func isValueKeyword(word string) bool {
	switch word {
	case "return", "typeof", "case", "in", "of", "do", "else", "void", "delete", "throw", "new", "instanceof", "yield", "await", "default", "extends":
		return true
	}
	return false
}

func (l *bracesLexer) quoted(quote string, manyLines bool) bool {
	start := l.i
	l.i += len(quote)
	for l.i < len(l.data) {
		switch {
		case l.data[l.i] == '\\':
			l.i += 2
		case l.has(quote):
			l.i += len(quote)
			l.add(text, start)
			return true
		case l.data[l.i] == '\n' && !manyLines:
			return false
		default:
			l.i++
		}
	}
	return false
}

// template reads a template literal as one token, with all that is within
// its ${}, which may hold templates, strings and comments again.
func (l *bracesLexer) template() bool {
	start := l.i
	l.i++
	for l.i < len(l.data) {
		switch {
		case l.data[l.i] == '\\':
			l.i += 2
		case l.data[l.i] == '`':
			l.i++
			l.add(text, start)
			return true
		case l.has("${"):
			l.i += 2
			if !l.substitution() {
				return false
			}
		default:
			l.i++
		}
	}
	return false
}

// substitution reads up to the brace that closes a ${, in a lexer of its own.
func (l *bracesLexer) substitution() bool {
	inner := &bracesLexer{dialect: l.dialect, data: l.data, i: l.i}
	depth := 0
	for inner.i < len(inner.data) {
		seen := len(inner.tokens)
		if !inner.step() {
			return false
		}
		if len(inner.tokens) == seen {
			continue
		}
		switch t := inner.tokens[len(inner.tokens)-1]; {
		case t.is("{"):
			depth++
		case t.is("}") && depth == 0:
			l.i = inner.i
			return true
		case t.is("}"):
			depth--
		}
	}
	return false
}

func (l *bracesLexer) regex() bool {
	start, inClass := l.i, false
	for l.i++; l.i < len(l.data) && l.data[l.i] != '\n'; l.i++ {
		switch c := l.data[l.i]; {
		case c == '\\':
			l.i++
		case c == '[':
			inClass = true
		case c == ']':
			inClass = false
		case c == '/' && !inClass:
			l.i++
			for l.i < len(l.data) && isWordByte(l.data[l.i]) {
				l.i++
			}
			l.add(text, start)
			return true
		}
	}
	return false
}
