package document

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"github.com/roadworthy-dev/roadworthy/internal/problem"
)

// Read reads a text. The node is nil where nothing can be made of it, which
// the faults then say; an empty text is a node of kind [Nothing]. Beside a
// node there can be faults too: whoever asks can add its own and tell all at
// once. The name of the file is for their mends.
func Read(name string, data []byte, limits Limits) (*Node, []Fault) {
	r := &reader{name: name, limits: limits, lex: lexer.Tokenize}
	return r.read(data), r.faults
}

type reader struct {
	name   string
	limits Limits
	lex    func(string) token.Tokens // of the library
	faults []Fault
}

// read reads a text. A panic of the library on odd input is the file's fault
// as far as its writer is concerned: it must end no program.
func (r *reader) read(data []byte) (root *Node) {
	defer func() {
		if p := recover(); p != nil {
			r.unreadable(fmt.Sprint(p))
			root = nil
		}
	}()
	if !r.isText(data) {
		return nil
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	text := string(data)
	if json.Valid(data) { // its tabs stand between words alone, where YAML does not allow all of them
		text = strings.ReplaceAll(text, "\t", " ")
	}
	if !r.runs(text) {
		return nil
	}
	tokens, ok := r.tokens(text)
	if !ok {
		return nil
	}
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey()) // which tree refuses with both lines
	if err != nil {
		r.syntax(err)
		return nil
	}
	if len(file.Docs) == 0 || file.Docs[0].Body == nil {
		return &Node{At: Place{1, 1}}
	}
	if len(file.Docs) > 1 {
		second := placeOfDocument(file.Docs[1])
		r.severalDocuments(second, andWhatFollows(second))
		return nil
	}
	t := &tree{reader: r, anchors: map[string]ast.Node{}, targets: map[*ast.AliasNode]ast.Node{}, open: map[ast.Node]bool{}}
	root = t.node(file.Docs[0].Body, 1)
	if t.stopped {
		return nil
	}
	return root
}

// isText refuses what is too large or is no text.
func (r *reader) isText(data []byte) bool {
	if len(data) > r.limits.Bytes {
		r.tooMuch(Place{1, 1}, "the file is too large", fmt.Sprintf("%d bytes", len(data)),
			fmt.Sprintf("at most %d bytes", r.limits.Bytes), "keep only settings in this file; move data and scripts into files that it names")
		return false
	}
	for i, line := range bytes.Split(data, []byte("\n")) {
		at := Place{i + 1, 1}
		if before, _, found := bytes.Cut(line, []byte{0}); found {
			at.Column = utf8.RuneCount(before) + 1
			r.notYAML(at, "the file holds a NUL byte", "a NUL byte", "text", fmt.Sprintf("delete the byte on line %d, or save the file as UTF-8", at.Line))
			return false
		}
		if !utf8.Valid(line) {
			at.Column = badRune(line)
			r.notYAML(at, "the file is not UTF-8", "a byte that is no UTF-8", "UTF-8 text", "iconv -f LATIN1 -t UTF-8 "+r.name+" > new && mv new "+r.name)
			return false
		}
	}
	return true
}

// badRune returns the column of the first byte of a line that is not UTF-8.
func badRune(line []byte) int {
	column := 1
	for len(line) > 0 {
		r, size := utf8.DecodeRune(line)
		if r == utf8.RuneError && size <= 1 {
			break
		}
		line = line[size:]
		column++
	}
	return column
}

// syntax notes an error of the library's parser.
func (r *reader) syntax(err error) {
	e, ok := errors.AsType[*yaml.SyntaxError](err)
	if !ok {
		r.unreadable(err.Error())
		return
	}
	at, message := placeOf(e.Token), e.Message // its Error() prints the whole text, and takes its time
	fix := fmt.Sprintf("mend line %d at column %d", at.Line, at.Column)
	switch {
	case strings.Contains(message, "\t"):
		r.notYAML(at, "a tab is not allowed here", "a tab", "spaces", fmt.Sprintf("on line %d replace the tab by spaces", at.Line))
		return
	case strings.Contains(message, "reserved character"), strings.Contains(message, "mapping value is not allowed"):
		fix = fmt.Sprintf("on line %d put the value into double quotes", at.Line)
	case strings.Contains(message, "could not find"), strings.Contains(message, "not found"):
		fix = fmt.Sprintf("close on line %d what is opened at column %d", at.Line, at.Column)
	}
	f := Fault{Kind: Syntax, At: at, Summary: message, Fix: fix}
	if quote := strings.IndexByte(message, '"'); quote > 0 { // a word of the text
		f.Summary, f.Got, f.Shows = strings.TrimRight(message[:quote], ": "), problem.Clip(message[quote:]), true
	}
	r.faults = append(r.faults, f)
}

// unreadable notes what the library says of a text that it cannot take.
func (r *reader) unreadable(why string) {
	r.faults = append(r.faults, Fault{NotYAML, Place{1, 1}, "the file cannot be read as YAML", problem.Clip(why), "plain YAML", "write the file anew, without rare forms of YAML", true})
}

func (r *reader) severalDocuments(second Place, fix string) {
	r.notYAML(second, "the file holds several documents", "a second document", "one document", fix)
}

// placeOfDocument returns where a document begins.
func placeOfDocument(d *ast.DocumentNode) Place {
	switch {
	case d.Start != nil:
		return placeOf(d.Start)
	case d.Body != nil:
		return placeOf(d.Body.GetToken())
	}
	return Place{1, 1}
}

// andWhatFollows is the mend of a second document.
func andWhatFollows(at Place) string {
	return fmt.Sprintf("remove line %d and what follows it", at.Line)
}

func (r *reader) notYAML(at Place, summary, got, want, fix string) {
	r.faults = append(r.faults, Fault{NotYAML, at, summary, got, want, fix, false})
}

func (r *reader) tooMuch(at Place, summary, got, want, fix string) {
	r.faults = append(r.faults, Fault{TooMuch, at, summary, got, want, fix, false})
}

func (r *reader) tooDeep(at Place) {
	r.tooMuch(at, "the file nests too deep", fmt.Sprintf("more than %d levels", MaxDepth), fmt.Sprintf("at most %d levels", MaxDepth),
		fmt.Sprintf("remove levels on line %d", at.Line))
}

func (r *reader) longKey(at Place) {
	r.tooMuch(at, "a key is too long", fmt.Sprintf("more than %d bytes, with the keys above it", MaxKey), fmt.Sprintf("at most %d bytes", MaxKey),
		fmt.Sprintf("on line %d write a shorter key", at.Line))
}

// placeOf returns where a token stands; the library leaves some without.
func placeOf(t *token.Token) Place {
	if t == nil || t.Position == nil {
		return Place{1, 1}
	}
	return Place{max(1, t.Position.Line), max(1, t.Position.Column)}
}
