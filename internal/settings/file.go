package settings

import (
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

// The limits of a file bound the time and the stack that any text can cost.
const (
	maxFile  = 1 << 20 // bytes
	maxDepth = 20      // levels of nesting
)

// entry is one value of the file, by its dotted key.
type entry struct {
	key string
	value
	mapping bool // it is a mapping, empty or not: no setting has such a value
	null    bool // nothing stands behind the key
}

// document is a file as a flat list in the order of its lines.
type document struct {
	name     string
	entries  []entry
	problems problem.List
	anchors  map[string]ast.Node
	open     int // aliases that are being read: one within another is refused
}

// readDocument reads a text as YAML, of which JSON is a part. A section names
// the top-level mapping that holds the settings; the rest is left to others.
func readDocument(name, section string, data []byte) *document {
	d := &document{name: name, anchors: map[string]ast.Node{}}
	if len(data) > maxFile {
		d.refuse(0, codeSize, "the file is too large", fmt.Sprintf("%d bytes", len(data)), fmt.Sprintf("at most %d bytes", maxFile), "keep only settings in this file")
		return d
	}
	if !utf8.Valid(data) || strings.ContainsRune(string(data), 0) {
		d.refuse(0, codeSyntax, "the file is no UTF-8 text", "", "UTF-8 text", "save the file as UTF-8")
		return d
	}
	text := string(data)
	if strings.HasSuffix(name, ".json") {
		text = strings.ReplaceAll(text, "\t", " ") // between its words only: within them JSON has none
	}
	file := d.parse(text)
	if file == nil || len(file.Docs) == 0 || file.Docs[0].Body == nil {
		return d
	}
	if len(file.Docs) > 1 {
		d.refuse(file.Docs[1].GetToken().Position.Line, codeSyntax, "the file holds several documents", "a second document", "one document", "remove all but one")
		return d
	}
	d.flatten("", file.Docs[0].Body, 1)
	d.within(section)
	return d
}

// parse returns nil where the text is no YAML. A panic of the library on odd
// input is the file's fault as far as its writer is concerned.
func (d *document) parse(text string) (file *ast.File) {
	defer func() {
		if p := recover(); p != nil {
			file = nil
			d.refuse(0, codeSyntax, "the file is no YAML", "", "YAML", "mend the file")
		}
	}()
	tokens := lexer.Tokenize(text)
	if line := tooDeep(tokens); line > 0 {
		d.tooDeep(line)
		return nil
	}
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey()) // which flatten refuses with both lines
	if err == nil {
		return file
	}
	line, message := 0, "the file is no YAML"
	if e, ok := errors.AsType[*yaml.SyntaxError](err); ok && e.Token != nil && e.Token.Position != nil {
		line, message = e.Token.Position.Line, e.Message
	}
	d.refuse(line, codeSyntax, message, "", "YAML", fmt.Sprintf("mend line %d of %s", max(1, line), d.name))
	return nil
}

// tooDeep returns the line on which the text nests deeper than the parser,
// which recurses, should see; 0 for none.
func tooDeep(tokens token.Tokens) int {
	flow, inLine, line := 0, 0, 0
	for _, t := range tokens {
		if t.Position.Line != line {
			inLine, line = 0, t.Position.Line
		}
		switch t.Type {
		case token.SequenceStartType, token.MappingStartType:
			flow++
		case token.SequenceEndType, token.MappingEndType:
			flow--
		case token.SequenceEntryType, token.MappingKeyType:
			inLine++
		}
		if flow > maxDepth || inLine > maxDepth {
			return line
		}
	}
	return 0
}

func (d *document) tooDeep(line int) {
	d.refuse(line, codeSize, "the file nests too deep", "", fmt.Sprintf("at most %d levels", maxDepth), "remove levels")
}

// flatten adds what stands below a node.
func (d *document) flatten(key string, node ast.Node, depth int) {
	if depth > maxDepth {
		d.tooDeep(lineOf(node))
		return
	}
	switch n := node.(type) {
	case *ast.CommentGroupNode:
	case ast.MapNode:
		d.mapping(key, n, d.at(node), depth)
	case *ast.SequenceNode:
		d.list(key, n)
	case *ast.AnchorNode:
		d.anchors[n.Name.GetToken().Value] = n.Value
		d.flatten(key, n.Value, depth)
	case *ast.AliasNode:
		d.alias(key, n, depth)
	default:
		text, ok := scalar(node)
		if !ok {
			d.refuse(lineOf(node), codeForm, fmt.Sprintf("the value of %s cannot be read", orRoot(key)), node.Type().String(), "text, a number, true or false, or a list", "write a plain value")
			return
		}
		null := node.Type() == ast.NullType
		d.entries = append(d.entries, entry{key: key, value: value{text: text, origin: d.at(node)}, null: null})
	}
}

func (d *document) mapping(key string, m ast.MapNode, at Origin, depth int) {
	seen, first := map[string]int{}, len(d.entries)
	for pairs := m.MapRange(); pairs.Next(); {
		token := pairs.Key().GetToken()
		name := token.Value
		line := token.Position.Line
		if name == "<<" {
			d.refuse(line, codeForm, "a merge key is not read here", "<<", "plain keys", "write the keys out")
			continue
		}
		if before, twice := seen[name]; twice {
			d.refuse(line, codeSyntax, fmt.Sprintf("the key %q stands twice", name), fmt.Sprintf("it is on line %d already", before), "each key once", "remove one of them")
			continue
		}
		seen[name] = line
		if key != "" {
			name = key + "." + name
		}
		d.flatten(name, pairs.Value(), depth+1)
		for i := first; i < len(d.entries); i++ { // a key's own line is where people look for a nested value
			if e := &d.entries[i]; e.key == name && e.origin.Line < line {
				e.origin.Line = line
			}
		}
	}
	if len(d.entries) == first && key != "" && len(seen) == 0 {
		d.entries = append(d.entries, entry{key: key, value: value{origin: at}, mapping: true})
	}
}

func (d *document) list(key string, n *ast.SequenceNode) {
	e := entry{key: key, value: value{list: true, origin: d.at(n)}}
	for _, item := range n.Values {
		if a, ok := item.(*ast.AnchorNode); ok {
			item = a.Value
		}
		text, ok := scalar(item)
		if !ok {
			d.refuse(lineOf(item), codeForm, fmt.Sprintf("an item of the list %s is no plain value", orRoot(key)), item.Type().String(), "text, a number, or true or false", "write plain values")
			continue
		}
		e.items = append(e.items, text)
	}
	d.entries = append(d.entries, e)
}

// alias reads what an anchor named. An alias within an alias could expand
// without end, and no configuration needs it.
func (d *document) alias(key string, n *ast.AliasNode, depth int) {
	target, ok := d.anchors[n.Value.GetToken().Value]
	if !ok || d.open > 0 {
		d.refuse(lineOf(n), codeForm, "the alias cannot be followed", "*"+n.Value.GetToken().Value, "the name of an anchor above", "write the value out")
		return
	}
	d.open++
	d.flatten(key, target, depth)
	d.open--
}

// within keeps the entries of a section and takes its name off their keys.
func (d *document) within(section string) {
	if section == "" {
		return
	}
	var kept []entry
	for _, e := range d.entries {
		if rest, ok := strings.CutPrefix(e.key, section+"."); ok {
			e.key = rest
			kept = append(kept, e)
		} else if e.key == section && !e.null && !e.mapping {
			d.refuse(e.origin.Line, codeForm, fmt.Sprintf("%s is no mapping", section), e.text, "settings below it", "write the settings below "+section+":")
		}
	}
	d.entries = kept
}

// scalar returns a plain value as it is written, so that 1.10 stays 1.10.
func scalar(n ast.Node) (string, bool) {
	switch v := n.(type) {
	case *ast.StringNode:
		return v.Value, true
	case *ast.LiteralNode:
		return v.Value.Value, true
	case *ast.NullNode:
		return "", true
	case *ast.BoolNode, *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return n.GetToken().Value, true
	}
	return "", false
}

func (d *document) at(n ast.Node) Origin { return Origin{Kind: "file", Name: d.name, Line: lineOf(n)} }

func lineOf(n ast.Node) int {
	if n == nil || n.GetToken() == nil || n.GetToken().Position == nil {
		return 1
	}
	return n.GetToken().Position.Line
}

func (d *document) refuse(line int, code, summary, got, want, fix string) {
	at := Origin{Name: d.name, Line: line}
	d.problems = append(d.problems, &problem.Problem{Code: code, Summary: summary, At: at.place(), Got: got, Want: want, Fix: fix})
}

func orRoot(key string) string {
	if key == "" {
		return "the file"
	}
	return key
}
