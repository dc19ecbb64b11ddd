package sabotage

import (
	"bytes"
	"strings"
)

// pythonFaults reads Python by logical lines. What stands outside of
// functions runs at import and is left alone, as are the def lines.
func pythonFaults(data []byte) []fault {
	lines, ok := lexPython(data)
	if !ok {
		return nil
	}
	p := &pythonReader{data: data, lines: lines}
	for i := range lines {
		if name, at := defName(lines[i].tokens); name != "" && lines[i].next > i+1 {
			p.readFunction(i, name, lines[i].tokens[at].start)
		}
	}
	return p.found
}

type pythonReader struct {
	data  []byte
	lines []logicalLine
	found []fault
}

// defName returns the name that a line defines, and the index of its token.
func defName(tokens []lexeme) (string, int) {
	i := 0
	if tokens[0].is("async") {
		i = 1
	}
	if len(tokens) > i+2 && tokens[i].is("def") && tokens[i+1].kind == word {
		return tokens[i+1].text, i + 1
	}
	return "", 0
}

// mustYield looks at the decorators of a def.
func (p *pythonReader) mustYield(def int) bool {
	for i := def - 1; i >= 0 && p.lines[i].tokens[0].is("@"); i-- {
		source := p.source(p.lines[i].tokens)
		if strings.Contains(source, "contextmanager") || strings.Contains(source, "fixture") {
			return true
		}
	}
	return false
}

// pythonFunction is one def with what is known of its value.
type pythonFunction struct {
	function
	returns   string // bool, int, float, str, list, dict, none (never returns a value) or "" (not known)
	mustYield bool   // a context manager or fixture: without its yield it raises
}

func (p *pythonReader) readFunction(def int, name string, start int) {
	first, end := def+1, p.lines[def].next
	for first < end && isDocstring(p.lines[first].tokens) {
		first++
	}
	if first == end {
		return
	}
	own := p.ownLines(first, end)
	f := pythonFunction{function{name, start}, p.valueType(def, own), p.mustYield(def)}
	p.offerBody(f, own)
	for _, i := range own {
		p.readLine(f, i)
	}
}

func isDocstring(tokens []lexeme) bool {
	for _, t := range tokens {
		if t.kind != text {
			return false
		}
	}
	return true
}

// ownLines returns the lines of a body without those of nested functions and
// classes, without decorators and declarations.
func (p *pythonReader) ownLines(first, end int) []int {
	var own []int
	for i := first; i < end; i++ {
		tokens := p.lines[i].tokens
		name, _ := defName(tokens)
		switch {
		case name != "" || tokens[0].is("class"):
			i = p.lines[i].next - 1
		case tokens[0].is("@", "import", "from", "global", "nonlocal", "assert", "pass", "raise", "del"):
		default:
			own = append(own, i)
		}
	}
	return own
}

// offerBody puts a return before the first statement. Where the type of the
// value is known the zero of that type is returned, so that callers go on.
func (p *pythonReader) offerBody(f pythonFunction, own []int) {
	if len(own) == 0 || f.name == "__init__" || f.name == "__new__" || f.mustYield || (len(own) == 1 && p.isTrivial(own[0])) {
		return
	}
	first := p.lines[own[0]]
	zero, rank := "None", strong
	switch f.returns {
	case "":
		rank = rough
	case "none":
		if p.onlyTells(own) {
			return
		}
		rank = fair // a later step may crash for what this one did not do
	default:
		zero = map[string]string{"bool": "False", "int": "0", "float": "0.0", "str": `""`, "list": "[]", "dict": "{}"}[f.returns]
	}
	at := first.tokens[0]
	p.offer(f, at.start, at.end, at, Body, rank, "return "+zero+p.newline()+first.indent+at.text)
}

// newline is the line ending of the file.
func (p *pythonReader) newline() string {
	if bytes.Contains(p.data, []byte("\r\n")) {
		return "\r\n"
	}
	return "\n"
}

// isTrivial reports whether a body of one line already returns a zero value
// or does nothing.
func (p *pythonReader) isTrivial(line int) bool {
	tokens := p.lines[line].tokens
	if !tokens[0].is("return") {
		return tokens[0].is("...")
	}
	if len(tokens) == 1 {
		return true
	}
	switch strings.TrimSpace(string(p.data[tokens[1].start:tokens[len(tokens)-1].end])) {
	case "None", "False", "0", "0.0", `""`, "''", "[]", "{}":
		return true
	}
	return false
}

func (p *pythonReader) onlyTells(own []int) bool {
	for _, i := range own {
		if !isQuietCall(p.source(p.lines[i].tokens)) {
			return false
		}
	}
	return true
}

// source returns what stands between the first and the last token.
func (p *pythonReader) source(tokens []lexeme) string {
	if len(tokens) == 0 {
		return ""
	}
	return string(p.data[tokens[0].start:tokens[len(tokens)-1].end])
}

// offer adds a fault; the token at tells which line must be covered.
func (p *pythonReader) offer(f pythonFunction, start, end int, at lexeme, kind Kind, rank int, after string) {
	p.found = append(p.found, fault{start, end, after, lineOf(p.data, at.start), kind, rank, f.function})
}

// valueType tells what a function returns: by its annotation, else by the
// form of what its returns say, if they agree.
func (p *pythonReader) valueType(def int, own []int) string {
	tokens := p.lines[def].tokens
	for i := range tokens {
		if tokens[i].is("->") && i+1 < len(tokens) {
			return annotated(strings.TrimRight(p.source(tokens[i+1:]), ": \t"))
		}
	}
	agreed := "none"
	for _, i := range own {
		line := p.lines[i].tokens
		for j, t := range line {
			if t.is("yield") {
				return "none" // the value is an iterator, whatever is returned
			}
			if t.is("return") && j+1 < len(line) {
				form := pythonForm(line[j+1:])
				if form == "" || (agreed != "none" && agreed != form) {
					return ""
				}
				agreed = form
			}
		}
	}
	return agreed
}

func annotated(annotation string) string {
	base, _, _ := strings.Cut(annotation, "[")
	switch strings.Trim(base, `"'`) {
	case "bool", "int", "float", "str":
		return strings.Trim(base, `"'`)
	case "list", "List", "Sequence", "Iterable":
		return "list"
	case "dict", "Dict", "Mapping":
		return "dict"
	case "None":
		return "none"
	}
	return ""
}
