package sabotage

import (
	"strconv"
	"strings"
)

// readStatements offers the faults within one function, without those of the
// functions within it.
func (r *bracesReader) readStatements(b bracesBody) {
	skipTo := 0 // quiet calls and throws are passed over
	r.ownTokens(b, func(i int) {
		if i < skipTo {
			return
		}
		if r.startsStatement(i) {
			end := r.statementEnd(i, b.end)
			if r.tokens[i].is("throw", "import", "export") || isQuietCall(r.source(i, min(end, i+12))) {
				skipTo = end + 1
				return
			}
			r.offerCall(b, i, end)
		}
		switch t := r.tokens[i]; {
		case t.is("if") && r.at(i+1).is("("):
			r.offerNegation(b, i)
		case t.is("return"):
			r.offerReturn(b, i)
		case t.kind == operator:
			r.offerOperator(b, i)
		case t.kind == number || t.kind == text:
			r.offerLiteral(b, i)
		}
	})
}

func (r *bracesReader) startsStatement(i int) bool { return r.at(i-1).is(";", "{", "}") }

// between reports whether any of the texts stands between two tokens.
func (r *bracesReader) between(from, to int, texts ...string) bool {
	for i := max(from, 0); i <= to && i < len(r.tokens); i++ {
		if r.tokens[i].is(texts...) {
			return true
		}
	}
	return false
}

var guards = []string{"null", "undefined", "typeof", "instanceof", "length", "size", "isEmpty", "containsKey"}

// offerNegation negates the condition of an if. Names that a Java pattern
// binds would be out of scope then, and the types that TypeScript narrows
// would be others.
func (r *bracesReader) offerNegation(b bracesBody, i int) {
	from, to := i+2, r.partner[i+1]-1
	if to < from || (r.isJava && r.between(from, to, "instanceof")) || (r.isTyped && !r.between(from, to, "<", ">", "<=", ">=")) {
		return
	}
	rank := strong
	throws := r.at(to+2).is("throw") || r.at(to+3).is("throw")
	if throws || !r.between(from, to, "<", ">", "<=", ">=", "==", "!=", "===", "!==") || r.between(from, to, guards...) {
		rank = rough // it keeps what follows from an exception, or throws one
	}
	r.offer(b, r.tokens[from].start, r.tokens[to].end, i, Negate, rank, "!("+r.source(from, to)+")")
}

// offerReturn returns another value of the same type.
func (r *bracesReader) offerReturn(b bracesBody, i int) {
	end := r.statementEnd(i, b.end)
	if end == i || (r.isJava && b.isOpaque) {
		return
	}
	value, rank := r.source(i+1, end), strong
	form := map[string]string{"boolean": "bool", "int": "number", "long": "number", "double": "number", "float": "number", "String": "string"}[b.returns]
	if !r.isJava {
		form = r.form(i+1, end)
	}
	var after string
	switch form {
	case "bool":
		after = "!(" + value + ")"
	case "number":
		after = "(" + value + ") + 1"
	case "string":
		after = "(" + value + `) + "x"`
	case "array":
		if value == "[]" {
			return
		}
		after = "[]"
	default:
		if r.isJava || value == "undefined" || value == "this" {
			return
		}
		after, rank = "undefined", rough
	}
	if r.isTyped && (form == "array" || form == "") {
		after += " as any"
	}
	if after != value {
		r.offer(b, r.tokens[i+1].start, r.tokens[end].end, i, Return, rank, after)
	}
}

// offerCall leaves out a statement that is one call and nothing else.
func (r *bracesReader) offerCall(b bracesBody, i, end int) {
	if !r.at(end).is(")") || !r.at(end+1).is(";") || r.tokens[i].kind != word || isControl(r.tokens[i]) || b.name == "constructor" || b.returns == "" && r.isJava && b.isOpaque {
		return
	}
	open := r.partner[end]
	for j := i; j < open; j++ {
		if r.tokens[j].kind != word && !r.tokens[j].is(".") {
			return
		}
	}
	if open <= i || r.at(open-1).is("super", "this") || (open > i+1 && r.at(i+1).kind == word) {
		return
	}
	r.offer(b, r.tokens[i].start, r.tokens[end].end, i, Call, weak, "if (false) "+r.source(i, end))
}

var bracesSwapped = map[string]struct {
	after string
	kind  Kind
}{
	"==": {"!=", Compare}, "!=": {"==", Compare}, "===": {"!==", Compare}, "!==": {"===", Compare},
	"<": {">=", Compare}, ">=": {"<", Compare}, ">": {"<=", Compare}, "<=": {">", Compare},
	"&&": {"||", Logic}, "||": {"&&", Logic}, "+": {"-", Arithmetic}, "-": {"+", Arithmetic},
}

func (r *bracesReader) offerOperator(b bracesBody, i int) {
	t := r.tokens[i]
	swap, known := bracesSwapped[t.text]
	if !known || !endsValue(r.at(i-1)) {
		return
	}
	rank := fair
	from, to := r.statementAround(i)
	switch {
	case t.is("<", ">") && (!r.spaced(i) || r.at(i+1).is(">", ",", "?", ")")):
		return // may be type arguments
	case r.isTyped && swap.kind != Arithmetic && !t.is("<", ">", "<=", ">="):
		return // may narrow a type
	case swap.kind == Logic && r.between(from, to, "instanceof", "??"):
		return
	case swap.kind == Arithmetic && !r.isArithmetic(i):
		return
	case swap.kind == Logic:
		rank = weak
	}
	if swap.kind != Arithmetic && r.between(from, to, "null", "undefined", "typeof") {
		rank = rough
	}
	r.offer(b, t.start, t.end, i, swap.kind, rank, swap.after)
}

// spaced reports whether blanks stand on both sides of a token.
func (r *bracesReader) spaced(i int) bool {
	t := r.tokens[i]
	return t.start > 0 && t.end < len(r.data) && r.data[t.start-1] == ' ' && r.data[t.end] == ' '
}

// statementAround returns the tokens of the statement around i, roughly.
func (r *bracesReader) statementAround(i int) (from, to int) {
	from, to = i, i
	for from > 0 && i-from < 80 && !r.at(from-1).is(";", "{", "}") {
		from--
	}
	for to+1 < len(r.tokens) && to-i < 80 && !r.at(to+1).is(";", "{", "}") {
		to++
	}
	return from, to
}

// isArithmetic reports whether a plus or minus is certain to stand between
// numbers. A minus always does; a plus may join strings, so that both sides
// must be known and nothing may be joined before them.
func (r *bracesReader) isArithmetic(i int) bool {
	left, right := r.at(i-1), r.at(i+1)
	if left.kind == text || right.kind == text || (r.at(i-2).is("=") && r.at(i-3).text == left.text) {
		return false // the latter counts, and its loop would not end
	}
	if r.tokens[i].is("-") {
		return r.isJava || left.kind == number || right.kind == number
	}
	if !r.isNumber(i-1) || !r.isNumber(i+1) || (r.isJava && r.at(i+2).is("(", ".", "[")) {
		return false
	}
	return r.at(i-2).is("(", ",", "=", "return", "[", ";", "<", ">", "<=", ">=", "==", "!=", "===", "!==", "?", ":")
}

func (r *bracesReader) isNumber(i int) bool {
	t := r.at(i)
	if t.kind == number {
		return true
	}
	if r.isJava {
		return t.kind == word && r.numeric[t.text]
	}
	// JavaScript has no declared types: a number on the other side must do.
	return t.kind == word && !isValueKeyword(t.text) && (r.at(i+2).kind == number || r.at(i-2).kind == number)
}

// numericNames returns the names that a Java file declares as numbers only.
func numericNames(tokens []lexeme) map[string]bool {
	names, others := map[string]bool{}, map[string]bool{}
	for i := 1; i+1 < len(tokens); i++ {
		before, name := tokens[i-1], tokens[i]
		switch {
		case name.kind != word || tokens[i+1].is("("):
		case before.is("int", "long", "double", "float", "short", "byte"):
			names[name.text] = true
		case (before.kind == word && !isControl(before)) || before.is(">", "]"):
			others[name.text] = true
		}
	}
	for name := range others {
		delete(names, name)
	}
	return names
}

func (r *bracesReader) offerLiteral(b bracesBody, i int) {
	t, before, next := r.tokens[i], r.at(i-1), r.at(i+1)
	if before.is("[", "case", "import", "from", "|") || next.is(":") || (r.isTyped && before.is(":", "=")) || (before.is("(") && (r.at(i-2).is("require", "import") || r.at(i-3).is("@"))) {
		return
	}
	if t.kind == number {
		if n, ok := smallNumber(t.text); ok {
			r.offer(b, t.start, t.end, i, Number, weak, strconv.Itoa(n+1))
		}
		return
	}
	isCharacter := r.isJava && strings.HasPrefix(t.text, "'")
	isDirective := r.startsStatement(i) && next.is(";")
	if after, ok := otherText(t.text); ok && !isCharacter && !isDirective && !r.isTyped {
		r.offer(b, t.start, t.end, i, Text, weak, after)
	}
}
