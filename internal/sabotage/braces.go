package sabotage

import "strings"

// bracesReader finds functions and faults in JavaScript, TypeScript and Java.
type bracesReader struct {
	dialect
	data    []byte
	tokens  []lexeme
	partner map[int]int
	bodies  []bracesBody
	isBody  map[int]bool    // the braces that open a function
	numeric map[string]bool // Java: names declared as numbers, and as nothing else
	found   []fault
}

// bracesBody is one function with a body in braces.
type bracesBody struct {
	function
	open, end int    // token indexes of its braces
	returns   string // Java: the declared type's last word; "" otherwise
	isOpaque  bool   // a lambda or constructor: only looked through, not changed as a whole
}

func javaScriptFaults(data []byte) []fault { return bracesFaults(data, javaScript) }
func typeScriptFaults(data []byte) []fault { return bracesFaults(data, typeScript) }
func javaFaults(data []byte) []fault       { return bracesFaults(data, java) }

func bracesFaults(data []byte, d dialect) []fault {
	tokens, ok := lexBraces(data, d)
	if !ok {
		return nil
	}
	partner, ok := pairs(tokens)
	if !ok {
		return nil
	}
	r := &bracesReader{dialect: d, data: data, tokens: tokens, partner: partner, isBody: map[int]bool{}}
	if d.isJava {
		r.numeric = numericNames(tokens)
	}
	for i, t := range tokens {
		if !t.is("{") {
			continue
		}
		if body, ok := r.bodyAt(i); ok {
			r.bodies = append(r.bodies, body)
			r.isBody[i] = true
		}
	}
	for _, b := range r.bodies {
		r.offerBody(b)
		r.readStatements(b)
	}
	return r.found
}

// at returns a token, an empty operator beyond either end.
func (r *bracesReader) at(i int) lexeme {
	if i < 0 || i >= len(r.tokens) {
		return lexeme{kind: operator}
	}
	return r.tokens[i]
}

// source returns what stands between two tokens, both included.
func (r *bracesReader) source(from, to int) string {
	if to < from {
		return ""
	}
	return string(r.data[r.tokens[from].start:r.tokens[to].end])
}

// bodyAt tells whether the brace at i opens the body of a function.
func (r *bracesReader) bodyAt(i int) (bracesBody, bool) {
	b := bracesBody{open: i, end: r.partner[i]}
	if r.at(i-1).is("=>", "->") {
		return r.arrowAt(b)
	}
	parameters := r.parametersBefore(i)
	if parameters < 0 {
		return b, false
	}
	name := r.at(parameters - 1)
	if r.isJava {
		return r.javaMethod(b, parameters, name)
	}
	return r.javaScriptFunction(b, parameters, name)
}

// arrowAt is a lambda of Java, an arm of a switch, or an arrow function.
func (r *bracesReader) arrowAt(b bracesBody) (bracesBody, bool) {
	b.function = function{"lambda", r.tokens[b.open].start}
	b.isOpaque = r.isJava
	if end := b.open - 2; !r.isJava && r.at(end).is(")") {
		open := r.partner[end]
		if r.at(open - 1).is("async") {
			open--
		}
		if r.at(open-1).is("=") && r.at(open-2).kind == word {
			b.name = r.at(open - 2).text
		}
	}
	return b, true
}

// parametersBefore returns the index of the parenthesis that opens the
// parameters of the function whose body is at i; -1 where there are none.
func (r *bracesReader) parametersBefore(i int) int {
	end := i - 1
	switch {
	case r.isJava:
		for r.at(end).kind == word || r.at(end).is(",", ".") { // throws A, b.C
			if r.at(end).is("throws") {
				end--
				break
			}
			end--
		}
		if end != i-1 && !r.at(end+1).is("throws") {
			return -1
		}
	case r.isTyped && !r.at(end).is(")"):
		end = r.beforeReturnType(i)
	}
	if end < 0 || !r.at(end).is(")") {
		return -1
	}
	return r.partner[end]
}

// beforeReturnType goes back from a body over ": Type" to the parenthesis
// before it; -1 where this is not a return type.
func (r *bracesReader) beforeReturnType(i int) int {
	if r.at(i-1).is(":", "|", "&", "<", ",", "(", "[") {
		return -1 // the brace opens an object type, not a body
	}
	for j := i - 1; j > 0 && i-j < 40; j-- {
		t := r.tokens[j]
		switch {
		case t.is(":") && r.at(j-1).is(")"):
			return j - 1
		case t.is("]", "}", ")"):
			j = r.partner[j]
		case t.kind == operator && !t.is("<", ">", "|", "&", ".", ",", "[", "]"):
			return -1
		}
	}
	return -1
}

func isControl(t lexeme) bool {
	return t.is("if", "for", "while", "switch", "catch", "with", "synchronized", "try", "return", "do", "else", "await", "new", "typeof", "void", "delete", "throw", "yield", "case", "in", "of", "instanceof")
}

// javaScriptFunction is a declared function, a function expression or a method.
func (r *bracesReader) javaScriptFunction(b bracesBody, open int, name lexeme) (bracesBody, bool) {
	if name.is(">") && r.isTyped { // function name<T>(
		j := open - 1
		for j > 0 && !r.at(j).is("<") {
			j--
		}
		name = r.at(j - 1)
	}
	b.function = function{"function", r.tokens[b.open].start}
	switch {
	case name.is("function", "*"):
		return b, true
	case name.kind == text || name.is("]"):
		return b, true // a method whose name is computed
	case name.kind != word || isControl(name):
		return b, false
	}
	b.name = name.text
	b.isOpaque = name.is("constructor")
	return b, true
}

// javaMethod is a method or a constructor; "new T() {" and records are not.
func (r *bracesReader) javaMethod(b bracesBody, open int, name lexeme) (bracesBody, bool) {
	before := r.at(open - 2)
	if name.kind != word || isControl(name) || (isControl(before) && !before.is("void")) || before.is(".", "record", "enum", "@") {
		return b, false
	}
	b.function = function{name.text, name.start}
	switch {
	case before.is("]"):
		b.returns = "[]"
	case before.is(">"):
		b.returns, b.isOpaque = r.genericBase(open-2), r.genericBase(open-2) == ""
	case before.kind == word && !isJavaModifier(before.text):
		b.returns = before.text
	default:
		b.isOpaque = true // a constructor: its fields may be final
	}
	return b, before.kind == word || before.is("]", ">", "{", "}", ";", ")")
}

// genericBase returns the name before the type arguments that end at i; ""
// for the type parameters of a constructor.
func (r *bracesReader) genericBase(i int) string {
	depth := 0
	for ; i > 0; i-- {
		switch {
		case r.tokens[i].is(">"):
			depth++
		case r.tokens[i].is("<"):
			depth--
		}
		if depth == 0 {
			break
		}
	}
	if base := r.at(i - 1); base.kind == word && !isJavaModifier(base.text) {
		return base.text
	}
	return ""
}

func isJavaModifier(word string) bool {
	return strings.Contains(" public protected private static final abstract synchronized native strictfp default ", " "+word+" ")
}

// ownTokens calls for each token of a body that is in no function within it.
func (r *bracesReader) ownTokens(b bracesBody, each func(i int)) {
	for i := b.open + 1; i < b.end; i++ {
		if r.isBody[i] {
			i = r.partner[i]
			continue
		}
		if r.at(i).is("class") && !r.at(i-1).is(".") {
			i = r.skipClass(i, b.end)
			continue
		}
		each(i)
	}
}

// skipClass returns the end of a class within a function.
func (r *bracesReader) skipClass(i, end int) int {
	for ; i < end; i++ {
		if r.tokens[i].is("{") {
			return r.partner[i]
		}
	}
	return end
}
