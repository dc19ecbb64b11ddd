package main

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// entry is one value of the file.
type entry struct {
	text string
	line int
}

// readFile returns the values of a YAML file by dotted key: "log.level" is
// level: in log:. A key that no setting has is an error, with its line.
func readFile(name string, known []setting) (map[string]entry, error) {
	if name == "" {
		return nil, nil
	}
	source, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("GUESTBOOK_CONFIG: %w", err)
	}
	tree, err := parser.ParseBytes(source, 0)
	if broken := yaml.Error(nil); errors.As(err, &broken) {
		return nil, fmt.Errorf("%s:%d: %s", name, broken.GetToken().Position.Line, broken.GetMessage())
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	values := map[string]entry{}
	for _, document := range tree.Docs {
		collect(values, "", document.Body)
	}
	for key, e := range values {
		if !slices.ContainsFunc(known, func(s setting) bool { return s.key == key }) {
			return nil, fmt.Errorf("%s:%d: there is no setting %s", name, e.line, key)
		}
	}
	return values, nil
}

// collect adds each scalar below a node under its dotted key. Whatever is no
// mapping counts as a scalar: its key or its text will be refused.
func collect(values map[string]entry, key string, node ast.Node) {
	switch n := node.(type) {
	case nil, *ast.CommentGroupNode:
	case ast.MapNode:
		for pairs := n.MapRange(); pairs.Next(); {
			name := pairs.Key().GetToken().Value
			if key != "" {
				name = key + "." + name
			}
			collect(values, name, pairs.Value())
		}
	case *ast.LiteralNode:
		values[key] = entry{n.Value.Value, n.GetToken().Position.Line}
	default:
		values[key] = entry{n.GetToken().Value, n.GetToken().Position.Line}
	}
}
