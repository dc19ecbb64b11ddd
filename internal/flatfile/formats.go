package flatfile

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"github.com/roadworthy-dev/roadworthy/internal/document"
)

// limits of a file: as many values as its size can reasonably hold.
var limits = document.Limits{Bytes: MaxSize, Values: 200_000}

func readYAML(name string, data []byte) ([]Entry, error) {
	root, faults := document.Read(name, data, limits)
	if len(faults) > 0 {
		f := faults[0]
		got := cmp.Or(f.Got, f.Summary)
		if f.Shows { // it may be a secret, and this is logged
			got = f.Summary
		}
		return nil, broken(name, f.At.Line, got, cmp.Or(f.Want, "YAML"), nil)
	}
	if root.Kind == document.Nothing {
		return nil, nil
	}
	if root.Kind != document.Mapping {
		return nil, broken(name, root.At.Line, root.Describe(), "a mapping: key: value", nil)
	}
	return flattenNode(name, "", root)
}

func flattenNode(name, key string, n *document.Node) ([]Entry, error) {
	var entries []Entry
	add := func(word string, below *document.Node) error {
		if key != "" {
			word = key + "." + word
		}
		more, err := flattenNode(name, word, below)
		entries = append(entries, more...)
		return err
	}
	switch n.Kind {
	case document.Mapping:
		for _, e := range n.Entries {
			if e.Key == "<<" {
				return nil, broken(name, e.At.Line, "<<", "plain keys, no merge key", nil)
			}
			if err := add(e.Key, e.Value); err != nil {
				return nil, err
			}
		}
	case document.List:
		for i, item := range n.Items {
			if err := add(strconv.Itoa(i), item); err != nil {
				return nil, err
			}
		}
	case document.Text, document.Number, document.Truth:
		entries = append(entries, Entry{key, n.Text, n.At.Line})
	}
	return entries, nil
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
