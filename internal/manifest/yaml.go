package manifest

import (
	"bytes"
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

// The limits of a manifest. They bound the time and the stack that any file
// can cost, whatever is in it.
const (
	maxBytes  = 256 << 10 // of the file
	maxDepth  = 20        // levels of nesting
	maxTokens = 20_000    // of the file; a long manifest has a thousand
	maxNodes  = 20_000    // after aliases are resolved
)

// decode reads a text as one YAML document. It returns nil where nothing can
// be made of the text; the report then says why.
func (r *report) decode(data []byte) *node {
	if !r.checkBytes(data) {
		return nil
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	tokens, ok := r.tokens(string(data))
	if !ok {
		return nil
	}
	file, err := parseTokens(tokens)
	if err != nil {
		r.syntax(err, string(data))
		return nil
	}
	if len(file.Docs) == 0 || file.Docs[0].Body == nil {
		return &node{at: place{1, 1}}
	}
	if len(file.Docs) > 1 {
		r.severalDocuments(file.Docs[1])
		return nil
	}
	t := &tree{report: r, anchors: map[string]ast.Node{}, open: map[string]bool{}}
	root := t.node(file.Docs[0].Body, 1)
	if t.stopped {
		return nil
	}
	return root
}

// checkBytes refuses what is too large or is no text.
func (r *report) checkBytes(data []byte) bool {
	if len(data) > maxBytes {
		r.tooMuch(place{1, 1}, "the file is too large", fmt.Sprintf("%d bytes", len(data)),
			fmt.Sprintf("at most %d bytes", maxBytes), "keep only the manifest in this file; move scripts into files that it names")
		return false
	}
	for i, line := range bytes.Split(data, []byte("\n")) {
		at := place{i + 1, 1}
		if before, _, found := bytes.Cut(line, []byte{0}); found {
			at.column = utf8.RuneCount(before) + 1
			r.notYAML(at, "the file holds a NUL byte", "a NUL byte", "text", fmt.Sprintf("delete the byte on line %d, or save the file as UTF-8", at.line))
			return false
		}
		if !utf8.Valid(line) {
			at.column = badRune(line)
			r.notYAML(at, "the file is not UTF-8", "a byte that is no UTF-8", "UTF-8 text", "iconv -f LATIN1 -t UTF-8 "+Name+" > new.yaml && mv new.yaml "+Name)
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

// tokens splits a text and refuses what nests too deep, before the parser,
// which recurses, sees it.
func (r *report) tokens(text string) (token.Tokens, bool) {
	tokens := lexer.Tokenize(text)
	lines := strings.Split(text, "\n")
	flow, inLine, line := 0, 0, 0
	for i, t := range tokens {
		if t.Position.Line != line {
			inLine, line = 0, t.Position.Line
			if c := tabIn(lines, t); c > 0 {
				r.tab(place{line, c})
				return nil, false
			}
		}
		switch t.Type {
		case token.SequenceStartType, token.MappingStartType:
			flow++
		case token.SequenceEndType, token.MappingEndType:
			flow = max(0, flow-1)
		case token.SequenceEntryType, token.MappingKeyType:
			inLine++ // "- - - -" nests within one line
		}
		switch {
		case flow > maxDepth || inLine > maxDepth:
			r.tooDeep(tokenPlace(t))
			return nil, false
		case i == maxTokens:
			r.tooMuch(tokenPlace(t), "the file has too many values", fmt.Sprintf("%d words and signs", len(tokens)),
				fmt.Sprintf("at most %d", maxTokens), "keep only the manifest in this file; move data into files that it names")
			return nil, false
		}
	}
	return tokens, true
}

// tabIn returns the column of a tab in the indentation of the line that a
// token is the first of, 0 for none. The library lets some of them pass, and
// then the line means something else than it looks. Within a block of text a
// tab is text.
func tabIn(lines []string, t *token.Token) int {
	if t.Position.Line < 1 || t.Position.Line > len(lines) || strings.HasPrefix(strings.TrimSpace(lines[t.Position.Line-1]), "#") {
		return 0
	}
	if t.Prev != nil && (t.Prev.Type == token.LiteralType || t.Prev.Type == token.FoldedType) {
		return 0
	}
	line := lines[t.Position.Line-1]
	indent := line[:len(line)-len(strings.TrimLeft(line, " \t"))]
	return strings.IndexByte(indent, '\t') + 1
}

func (r *report) tab(at place) {
	r.notYAML(at, "a line is indented with a tab", "a tab", "spaces: YAML does not allow tabs here", fmt.Sprintf("on line %d replace the tab by two spaces", at.line))
}

// parseTokens runs the library's parser. A panic of its own on odd input is
// the file's fault as far as its writer is concerned.
func parseTokens(tokens token.Tokens) (file *ast.File, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("parse the file: %v", p)
		}
	}()
	return parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
}

// syntax notes an error of the library's parser.
func (r *report) syntax(err error, text string) {
	at, message := place{1, 1}, err.Error()
	if e, ok := errors.AsType[*yaml.SyntaxError](err); ok {
		at, message = tokenPlace(e.Token), e.Message
	}
	fix := fmt.Sprintf("mend line %d at column %d", at.line, at.column)
	switch {
	case strings.Contains(message, "\t"):
		fix = fmt.Sprintf("on line %d replace the tab by spaces", at.line)
		message = "a tab is not allowed here"
	case strings.Contains(message, "reserved character"), strings.Contains(message, "mapping value is not allowed"):
		fix = fmt.Sprintf("on line %d put the value into double quotes", at.line)
	case strings.Contains(message, "could not find"), strings.Contains(message, "not found"):
		fix = fmt.Sprintf("close on line %d what is opened at column %d", at.line, at.column)
	}
	if step, ok := stepOn(text, at.line); ok {
		fix = fmt.Sprintf("on line %d put the step into quotes: - %s", at.line, quote(step))
	}
	r.notYAML(at, message, "", "", fix)
}

// stepOn returns the step that stands unquoted on a line: its colon is what
// most often makes a manifest no YAML.
func stepOn(text string, line int) (string, bool) {
	lines := strings.Split(text, "\n")
	if line > len(lines) {
		return "", false
	}
	step := strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(lines[line-1]), "- "))
	return step, stepForm.MatchString(step)
}

func (r *report) notYAML(at place, summary, got, want, fix string) {
	r.add(at, problem.Problem{Code: codeSyntax, Summary: summary, Got: got, Want: want, Fix: fix})
}

func (r *report) tooMuch(at place, summary, got, want, fix string) {
	r.add(at, problem.Problem{Code: codeSize, Summary: summary, Got: got, Want: want, Fix: fix})
}

func (r *report) tooDeep(at place) {
	r.tooMuch(at, "the file nests too deep", fmt.Sprintf("more than %d levels", maxDepth), fmt.Sprintf("at most %d levels", maxDepth),
		fmt.Sprintf("remove levels on line %d; a manifest needs five", at.line))
}

func (r *report) severalDocuments(second *ast.DocumentNode) {
	at := place{1, 1}
	switch {
	case second.Start != nil:
		at = tokenPlace(second.Start)
	case second.Body != nil:
		at = tokenPlace(second.Body.GetToken())
	}
	r.notYAML(at, "the file holds several documents", "a second document", "one document", fmt.Sprintf("remove line %d and what follows it", at.line))
}

// tokenPlace returns where a token stands; the library leaves some without.
func tokenPlace(t *token.Token) place {
	if t == nil || t.Position == nil {
		return place{1, 1}
	}
	return place{max(1, t.Position.Line), max(1, t.Position.Column)}
}
