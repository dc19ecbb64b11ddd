package flatfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/pelletier/go-toml/v2"
)

const maxDepth = 20

// readYAML flattens the first document. The parser may panic on odd input,
// which is the file's fault as far as its writer is concerned.
func readYAML(name string, data []byte) (entries []Entry, err error) {
	defer func() {
		if r := recover(); r != nil {
			entries, err = nil, broken(name, 0, fmt.Sprint(r), "YAML", nil)
		}
	}()
	if line := tooDeep(data); line > 0 {
		return nil, broken(name, line, "more than 20 levels", "a flat file", nil)
	}
	file, err := parser.ParseBytes(data, 0)
	if err != nil {
		line := 0
		first, _, _ := strings.Cut(err.Error(), "\n")
		_, _ = fmt.Sscanf(first, "[%d:", &line) // "[3:5] …": the parser has no other way to tell it
		return nil, broken(name, line, first, "YAML", err)
	}
	if len(file.Docs) == 0 || file.Docs[0].Body == nil {
		return nil, nil
	}
	if len(file.Docs) > 1 {
		return nil, broken(name, 0, "several documents", "one document", nil)
	}
	f := flattener{name: name}
	f.node("", file.Docs[0].Body, 0)
	return f.entries, f.err
}

// tooDeep returns the line on which brackets nest deeper than the parser,
// which recurses, should see; 0 for none.
func tooDeep(data []byte) int {
	depth, line := 0, 1
	for _, b := range data {
		switch b {
		case '\n':
			line++
		case '[', '{':
			if depth++; depth > 10*maxDepth {
				return line
			}
		case ']', '}':
			depth--
		}
	}
	return 0
}

type flattener struct {
	name    string
	entries []Entry
	err     error
}

func (f *flattener) node(key string, node ast.Node, depth int) {
	line := 0
	if node.GetToken() != nil {
		line = node.GetToken().Position.Line
	}
	if depth > maxDepth || f.err != nil {
		if f.err == nil {
			f.err = broken(f.name, line, "more than 20 levels", "a flat file", nil)
		}
		return
	}
	switch n := node.(type) {
	case *ast.MappingNode:
		for _, value := range n.Values {
			f.pair(key, value, depth)
		}
	case *ast.MappingValueNode:
		f.pair(key, n, depth)
	case *ast.SequenceNode:
		for i, item := range n.Values {
			f.node(fmt.Sprintf("%s.%d", key, i), item, depth+1)
		}
	case *ast.NullNode:
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode, *ast.MergeKeyNode:
		f.err = broken(f.name, line, node.String(), "plain values, without anchors, aliases and tags", nil)
	case ast.ScalarNode:
		if key == "" {
			f.err = broken(f.name, line, node.String(), "a mapping: key: value", nil)
			return
		}
		text := n.GetToken().Value
		if literal, ok := node.(*ast.LiteralNode); ok {
			text = literal.Value.Value
		}
		f.entries = append(f.entries, Entry{key, text, line})
	default:
		f.err = broken(f.name, line, node.String(), "a mapping: key: value", nil)
	}
}

func (f *flattener) pair(key string, value *ast.MappingValueNode, depth int) {
	name := value.Key.GetToken().Value
	if key != "" {
		name = key + "." + name
	}
	f.node(name, value.Value, depth+1)
}

// readJSON asks the strict parser whether it is JSON, and the other one where
// everything stands: JSON is YAML.
func readJSON(name string, data []byte) ([]Entry, error) {
	var value any
	if err := json.Unmarshal(data, &value); err != nil {
		line := 0
		if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
			line = 1 + bytes.Count(data[:min(int(syntax.Offset), len(data))], []byte("\n"))
		}
		return nil, broken(name, line, err.Error(), "JSON", err)
	}
	return readYAML(name, data)
}

func readTOML(name string, data []byte) ([]Entry, error) {
	var root map[string]any
	if err := toml.Unmarshal(data, &root); err != nil {
		line := 0
		if decode, ok := errors.AsType[*toml.DecodeError](err); ok {
			line, _ = decode.Position()
		}
		return nil, broken(name, line, err.Error(), "TOML", err)
	}
	return flatten("", root), nil
}

func flatten(key string, value any) []Entry {
	var entries []Entry
	switch v := value.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			below := name
			if key != "" {
				below = key + "." + name
			}
			entries = append(entries, flatten(below, v[name])...)
		}
	case []any:
		for i, item := range v {
			entries = append(entries, flatten(fmt.Sprintf("%s.%d", key, i), item)...)
		}
	default:
		entries = append(entries, Entry{Key: key, Text: fmt.Sprint(v)})
	}
	return entries
}

// readLines reads INI, with sections, or dotenv, with export in front.
func readLines(name string, data []byte, sections bool) ([]Entry, error) {
	var entries []Entry
	section, number := "", 0
	for line := range strings.Lines(string(data)) {
		number++
		line = strings.TrimSpace(line)
		switch {
		case line == "" || line[0] == '#' || sections && line[0] == ';':
			continue
		case sections && line[0] == '[':
			inside, rest, closed := strings.Cut(line[1:], "]")
			if section = strings.TrimSpace(inside); !closed || section == "" || strings.TrimSpace(rest) != "" {
				return nil, broken(name, number, line, "[section]", nil)
			}
			continue
		}
		if !sections {
			line = strings.TrimPrefix(line, "export ")
		}
		key, text, found := strings.Cut(line, "=")
		if key = strings.TrimSpace(key); !found || key == "" || strings.ContainsAny(key, " \t\"'") {
			return nil, broken(name, number, line, "key = value", nil)
		}
		text, ok := unquote(strings.TrimSpace(text))
		if !ok {
			return nil, broken(name, number, line, "a value whose quotes are closed", nil)
		}
		if section != "" {
			key = section + "." + key
		}
		entries = append(entries, Entry{key, text, number})
	}
	return entries, nil
}

// unquote takes the quotes off a value; a comment after a blank ends one
// without quotes.
func unquote(text string) (string, bool) {
	if text != "" && (text[0] == '"' || text[0] == '\'') {
		inside, rest, closed := strings.Cut(text[1:], text[:1])
		rest = strings.TrimSpace(rest)
		return inside, closed && (rest == "" || rest[0] == '#')
	}
	if at := strings.Index(text, " #"); at >= 0 {
		text = strings.TrimSpace(text[:at])
	}
	return text, true
}
