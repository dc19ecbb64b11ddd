package sabotage

import (
	"slices"
	"strconv"
)

// tokenKind is what a token is to the readers of Python, JavaScript and Java.
type tokenKind int

const (
	word     tokenKind = iota // identifier or keyword
	number                    // number literal
	text                      // string, character, template or regular expression literal
	operator                  // anything else; brackets are one character each
)

// lexeme is one token; comments and blanks are none.
type lexeme struct {
	kind       tokenKind
	text       string
	start, end int
}

func (l lexeme) is(texts ...string) bool {
	return l.kind != text && slices.Contains(texts, l.text)
}

// smallNumber reads a number below 100 that is written as decimal: one more is
// then still a number, and a leading zero would make it an octal one.
func smallNumber(literal string) (int, bool) {
	n, err := strconv.Atoi(literal)
	return n, err == nil && n < 100 && (len(literal) == 1 || literal[0] != '0')
}

var closers = map[string]string{"(": ")", "[": "]", "{": "}"}

// pairs gives each bracket the index of its partner, in both directions. ok is
// false where brackets do not match: the tokens are then not to be trusted.
func pairs(tokens []lexeme) (partner map[int]int, ok bool) {
	partner = map[int]int{}
	var open []int
	for i, t := range tokens {
		switch {
		case t.is("(", "[", "{"):
			open = append(open, i)
		case t.is(")", "]", "}"):
			if len(open) == 0 || closers[tokens[open[len(open)-1]].text] != t.text {
				return nil, false
			}
			from := open[len(open)-1]
			open = open[:len(open)-1]
			partner[from], partner[i] = i, from
		}
	}
	return partner, len(open) == 0
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// isWordByte takes every byte beyond ASCII for a letter, as identifiers may
// have any.
func isWordByte(c byte) bool {
	return c == '_' || c >= 0x80 || isDigit(c) || (c|0x20 >= 'a' && c|0x20 <= 'z')
}

// scanWord returns the end of the word or number that begins at i. A number
// takes its fraction and the sign of its exponent.
func scanWord(data []byte, i int, extra string) int {
	first := i
	for i < len(data) && (isWordByte(data[i]) || indexByte(extra, data[i]) || inNumber(data, first, i)) {
		i++
	}
	return i
}

func inNumber(data []byte, first, i int) bool {
	if !isDigit(data[first]) && data[first] != '.' {
		return false
	}
	hex := len(data) > first+1 && data[first] == '0' && data[first+1]|0x20 == 'x'
	exponent := i > first && data[i-1]|0x20 == 'e' && !hex
	return data[i] == '.' && (i+1 >= len(data) || data[i+1] != '.') || (exponent && (data[i] == '+' || data[i] == '-'))
}

func indexByte(set string, c byte) bool {
	for i := range len(set) {
		if set[i] == c {
			return true
		}
	}
	return false
}

// scanOperator returns the end of the longest operator that begins at i.
func scanOperator(data []byte, i int, operators []string) int {
	for _, o := range operators {
		if len(data)-i >= len(o) && string(data[i:i+len(o)]) == o {
			return i + len(o)
		}
	}
	return i + 1
}
