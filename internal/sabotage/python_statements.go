package sabotage

import (
	"slices"
	"strconv"
	"strings"
)

// pythonForm tells the type of an expression from its tokens alone; "" where
// they do not say.
func pythonForm(tokens []lexeme) string {
	depth := 0
	compares, negates, chooses := false, tokens[0].is("not"), false
	for _, t := range tokens {
		switch {
		case t.is("(", "[", "{"):
			depth++
		case t.is(")", "]", "}"):
			depth--
		case depth > 0:
		case t.is("==", "!=", "<", ">", "<=", ">=", "is", "in"):
			compares = true
		case t.is("if", "and", "or", "for", "lambda", ",", "await"):
			chooses = true
		}
	}
	first := tokens[0]
	switch {
	case chooses:
		return ""
	case compares || negates || first.is("True", "False"):
		return "bool"
	case first.kind == number:
		return "int"
	case first.kind == text && !strings.HasPrefix(strings.ToLower(first.text), "b"):
		return "str"
	case first.is("[") && tokens[len(tokens)-1].is("]"):
		return "list"
	case first.is("{") && tokens[len(tokens)-1].is("}"):
		return "dict"
	}
	return calledForm(tokens)
}

var builtins = map[string]string{
	"len": "int", "sum": "int", "int": "int", "round": "int", "abs": "int", "float": "int",
	"str": "str", "bool": "bool", "isinstance": "bool", "any": "bool", "all": "bool", "sorted": "list", "list": "list", "dict": "dict",
}

// calledForm knows a call of a builtin, where the call is all there is.
func calledForm(tokens []lexeme) string {
	if len(tokens) < 3 || !tokens[1].is("(") || tokens[0].kind != word {
		return ""
	}
	partner, ok := pairs(tokens)
	if !ok || partner[1] != len(tokens)-1 {
		return ""
	}
	return builtins[tokens[0].text]
}

// readLine offers the faults of one logical line.
func (p *pythonReader) readLine(f pythonFunction, line int) {
	tokens := p.lines[line].tokens
	if isQuietCall(p.source(tokens)) || tokens[0].is("case", "match") {
		return
	}
	switch {
	case tokens[0].is("if", "elif"):
		p.offerNegation(f, tokens, p.raises(line+1))
	case tokens[0].is("return") && len(tokens) > 1:
		p.offerReturn(f, tokens)
	default:
		p.offerCall(f, tokens)
	}
	for i := 1; i < len(tokens); i++ {
		if i+1 < len(tokens) {
			p.offerOperator(f, tokens, i)
		}
		p.offerLiteral(f, tokens, i)
	}
}

// raises reports whether a line raises an exception.
func (p *pythonReader) raises(line int) bool {
	return line < len(p.lines) && p.lines[line].tokens[0].is("raise")
}

var pythonGuards = []string{"None", "isinstance", "hasattr", "len", "in", "not", "callable"}

func (p *pythonReader) offerNegation(f pythonFunction, tokens []lexeme, guardsRaise bool) {
	depth := 0
	for i, t := range tokens {
		switch {
		case t.is("lambda"):
			return
		case t.is("(", "[", "{"):
			depth++
		case t.is(")", "]", "}"):
			depth--
		case t.is(":") && depth == 0 && i > 1:
			condition := p.source(tokens[1:i])
			rank := strong
			if guardsRaise || i == 2 || slices.ContainsFunc(tokens[1:i], func(t lexeme) bool { return t.is(pythonGuards...) }) {
				rank = rough // it keeps what follows from an exception, or raises one
			}
			p.offer(f, tokens[1].start, tokens[i-1].end, tokens[0], Negate, rank, "not ("+condition+")")
			return
		}
	}
}

// offerReturn returns another value of the same type, or None where the type
// is not known.
func (p *pythonReader) offerReturn(f pythonFunction, tokens []lexeme) {
	value := p.source(tokens[1:])
	if tokens[len(tokens)-1].is(";") || value == "None" || value == "self" {
		return
	}
	form := pythonForm(tokens[1:])
	if form == "" {
		form = f.returns
	}
	after, rank := "None", strong
	switch form {
	case "bool":
		after = "not (" + value + ")"
	case "int", "float":
		after = "(" + value + ") + 1"
	case "str":
		after = "(" + value + `) + "x"`
	case "list":
		after = "[]"
	case "dict":
		after = "{}"
	default:
		rank = rough
	}
	if after != value {
		p.offer(f, tokens[1].start, tokens[len(tokens)-1].end, tokens[0], Return, rank, after)
	}
}

// offerCall leaves out a line that is one call and nothing else.
func (p *pythonReader) offerCall(f pythonFunction, tokens []lexeme) {
	last := len(tokens) - 1
	partner, ok := pairs(tokens)
	if !ok || !tokens[last].is(")") || tokens[0].is("super", "await", "yield") || f.name == "__init__" {
		return
	}
	for i := range partner[last] {
		if tokens[i].kind != word && !tokens[i].is(".") {
			return
		}
	}
	if partner[last] > 0 && !isPythonKeyword(tokens[0].text) {
		p.offer(f, tokens[0].start, tokens[last].end, tokens[0], Call, weak, "pass")
	}
}

func isPythonKeyword(word string) bool {
	switch word {
	case "if", "elif", "while", "for", "return", "with", "assert", "del", "raise", "not", "lambda", "match", "case", "except", "async", "print", "exec":
		return true
	}
	return false
}

var pythonSwapped = map[string]struct {
	after string
	kind  Kind
}{
	"==": {"!=", Compare}, "!=": {"==", Compare}, "<": {">=", Compare}, ">=": {"<", Compare},
	">": {"<=", Compare}, "<=": {">", Compare}, "and": {"or", Logic}, "or": {"and", Logic},
	"+": {"-", Arithmetic}, "-": {"+", Arithmetic},
}

// offerOperator swaps the operator at i. A plus or minus is only known to be
// arithmetic between values where a number stands on one side and no text on
// the other.
func (p *pythonReader) offerOperator(f pythonFunction, tokens []lexeme, i int) {
	t := tokens[i]
	swap, known := pythonSwapped[t.text]
	if !known || t.kind == text || t.kind == number {
		return
	}
	left, right := tokens[i-1], tokens[i+1]
	rank := fair
	switch swap.kind {
	case Arithmetic:
		isValue := left.kind == number || (left.kind == word && !isPythonKeyword(left.text)) || left.is(")", "]")
		if !isValue || (left.kind != number && right.kind != number) || left.kind == text || right.kind == text || (i > 2 && tokens[i-2].is("=") && tokens[i-3].text == left.text) {
			return // the last of these counts, and its loop would not end
		}
	case Logic:
		rank = weak
		if source := p.source(tokens); strings.Contains(source, "None") || strings.Contains(source, "isinstance") {
			rank = rough
		}
	}
	p.offer(f, t.start, t.end, tokens[0], swap.kind, rank, swap.after)
}

// offerLiteral changes a number or a plain string. Subscripts and slices are
// left alone, since one more is easily out of range.
func (p *pythonReader) offerLiteral(f pythonFunction, tokens []lexeme, i int) {
	t, before := tokens[i], tokens[i-1]
	if before.is("[", ":") {
		return
	}
	switch t.kind {
	case number:
		if n, ok := smallNumber(t.text); ok {
			p.offer(f, t.start, t.end, tokens[0], Number, weak, strconv.Itoa(n+1))
		}
	case text:
		if after, ok := otherText(t.text); ok && !before.is("in", "raise") && (i+1 == len(tokens) || tokens[i+1].kind != text) {
			p.offer(f, t.start, t.end, tokens[0], Text, weak, after)
		}
	}
}

// otherText puts a character before the content of a plain string literal.
func otherText(literal string) (string, bool) {
	if len(literal) < 3 || (literal[0] != '"' && literal[0] != '\'') || strings.HasPrefix(literal[1:], literal[:1]) {
		return "", false
	}
	return literal[:1] + "~" + literal[1:], true
}
