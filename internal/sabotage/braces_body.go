package sabotage

import "strings"

// offerBody lets a function return before its first statement. The condition
// that is always true keeps what follows reachable for the compiler of Java.
func (r *bracesReader) offerBody(b bracesBody) {
	if b.isOpaque || b.end == b.open+1 || r.isTrivial(b) {
		return
	}
	value, rank := r.zero(b)
	if value == "" && r.onlyTells(b) {
		return
	}
	open := r.tokens[b.open]
	after := "{ if (true) " + strings.TrimSpace("return "+value) + ";"
	r.offer(b, open.start, open.end, b.open+1, Body, rank, after)
}

// offer adds a fault; the token at tells which line must be covered.
func (r *bracesReader) offer(b bracesBody, start, end, at int, kind Kind, rank int, after string) {
	line := lineOf(r.data, r.tokens[at].start)
	r.found = append(r.found, fault{start, end, after, line, kind, rank, b.function})
}

// isTrivial reports whether a body only throws, or only returns what zero
// would return.
func (r *bracesReader) isTrivial(b bracesBody) bool {
	first := r.at(b.open + 1)
	if first.is("throw") {
		return true
	}
	if !first.is("return") {
		return false
	}
	switch strings.TrimRight(r.source(b.open+2, b.end-1), "; \n") {
	case "", "null", "undefined", "false", "0", `""`, "''", "[]", "0L", "0.0":
		return true
	}
	return false
}

// onlyTells reports whether every statement is a quiet call.
func (r *bracesReader) onlyTells(b bracesBody) bool {
	atStart := true
	for i := b.open + 1; i < b.end; i++ {
		if atStart && !isQuietCall(r.source(i, min(i+8, b.end-1))) {
			return false
		}
		if r.tokens[i].is("(", "[", "{") {
			i = r.partner[i]
		}
		atStart = r.tokens[i].is(";", "}")
	}
	return true
}

// zero returns the expression that a function returns instead; "" where it
// returns nothing.
func (r *bracesReader) zero(b bracesBody) (value string, rank int) {
	if r.isJava {
		return r.javaZero(b.returns)
	}
	form := r.javaScriptValue(b)
	value, known := map[string]string{"bool": "false", "number": "0", "string": `""`, "array": "[]"}[form]
	switch {
	case form == "none":
		return "", fair // a later step may crash for what it did not do
	case !known:
		value, rank = "undefined", rough
	}
	if r.isTyped {
		value += " as any"
	}
	return value, rank
}

var javaZeros = map[string]string{
	"boolean": "false", "int": "0", "long": "0", "short": "0", "byte": "0", "char": "0", "float": "0", "double": "0",
	"String": `""`, "CharSequence": `""`, "Boolean": "false", "Integer": "0", "Long": "0L", "Double": "0.0", "Float": "0f",
}

var javaEmpty = map[string]string{
	"List": "Collections.emptyList()", "Collection": "Collections.emptyList()", "Iterable": "Collections.emptyList()",
	"Set": "Collections.emptySet()", "Map": "Collections.emptyMap()", "Optional": "Optional.empty()",
}

func (r *bracesReader) javaZero(typ string) (value string, rank int) {
	if typ == "void" {
		return "", fair
	}
	if zero, ok := javaZeros[typ]; ok {
		return zero, strong
	}
	if empty, ok := javaEmpty[typ]; ok {
		source := string(r.data)
		if strings.Contains(source, "import java.util."+typ+";") || strings.Contains(source, "import java.util.*;") {
			return "java.util." + empty, strong
		}
	}
	return "null", rough
}

// javaScriptValue tells what a function returns by the form of its returns:
// bool, number, string, array, none (no value), or "" where they do not say.
func (r *bracesReader) javaScriptValue(b bracesBody) string {
	agreed := "none"
	r.ownTokens(b, func(i int) {
		if !r.tokens[i].is("return") {
			return
		}
		end := r.statementEnd(i, b.end)
		if end == i {
			return
		}
		form := r.form(i+1, end)
		if agreed == "none" {
			agreed = form
		} else if agreed != form {
			agreed = ""
		}
	})
	return agreed
}

// statementEnd returns the last token of the statement that begins at i,
// without its semicolon. Without one, a line that begins with a value after a
// line that ends with one begins a new statement.
func (r *bracesReader) statementEnd(i, limit int) int {
	for j := i + 1; j < limit; j++ {
		t := r.tokens[j]
		if t.is(";") {
			return j - 1
		}
		if !r.isJava && r.newLine(j) && (r.at(j-1).is("return") || (t.kind != operator && endsValue(r.at(j-1)))) {
			return j - 1
		}
		if t.is("(", "[", "{") {
			j = r.partner[j]
		}
	}
	return limit - 1
}

func (r *bracesReader) newLine(j int) bool {
	return strings.Contains(string(r.data[r.tokens[j-1].end:r.tokens[j].start]), "\n")
}

func endsValue(t lexeme) bool {
	return t.kind != operator && !isValueKeyword(t.text) || t.is(")", "]", "}")
}

var resultForms = map[string]string{
	"join": "string", "toUpperCase": "string", "toLowerCase": "string", "trim": "string", "toString": "string", "toFixed": "string",
	"replace": "string", "replaceAll": "string", "padStart": "string", "padEnd": "string", "repeat": "string", "String": "string", "stringify": "string",
	"includes": "bool", "startsWith": "bool", "endsWith": "bool", "some": "bool", "every": "bool", "has": "bool", "test": "bool", "isArray": "bool", "Boolean": "bool",
	"indexOf": "number", "round": "number", "floor": "number", "ceil": "number", "max": "number", "min": "number", "abs": "number", "Number": "number", "parseInt": "number", "parseFloat": "number",
	"map": "array", "filter": "array", "split": "array", "sort": "array",
}

// form tells the type of the expression between two tokens.
func (r *bracesReader) form(from, to int) string {
	first, last := r.tokens[from], r.tokens[to]
	compares, concatenates, computes := first.is("!", "true", "false"), first.kind == text && first.text[0] != '/', false
	for i := from; i <= to; i++ {
		t := r.tokens[i]
		switch {
		case t.is("(", "[", "{"):
			i = r.partner[i]
		case t.is("?", "&&", "||", "??", "=>", ",", "=", "await", "new", "function", "yield"):
			return ""
		case t.is("==", "===", "!=", "!==", "<", ">", "<=", ">=", "instanceof", "in"):
			compares = true
		case t.is("*", "/", "%", "-") && i > from:
			computes = true
		case t.is("+") && (r.at(i+1).kind == text || r.at(i-1).kind == text):
			concatenates = true
		}
	}
	switch {
	case compares:
		return "bool"
	case concatenates:
		return "string"
	case computes || first.kind == number || (last.is("length") && r.at(to-1).is(".")):
		return "number"
	case first.is("[") && r.partner[from] == to:
		return "array"
	case last.is(")") && r.at(r.partner[to]-1).kind == word && r.partner[to] > from && !r.hasPlus(from, to):
		return resultForms[r.at(r.partner[to]-1).text]
	}
	return ""
}

// hasPlus reports whether a sum stands outside of brackets.
func (r *bracesReader) hasPlus(from, to int) bool {
	for i := from; i <= to; i++ {
		if r.tokens[i].is("+") {
			return true
		}
		if r.tokens[i].is("(", "[", "{") {
			i = r.partner[i]
		}
	}
	return false
}
