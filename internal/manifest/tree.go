package manifest

import (
	"fmt"

	"github.com/goccy/go-yaml/ast"

	"github.com/roadworthy-dev/roadworthy/internal/problem"
)

// tree turns the library's syntax tree into nodes. It resolves aliases, within
// a budget, since an alias of an alias grows without end.
type tree struct {
	report  *report
	anchors map[string]ast.Node
	open    map[string]bool // anchors whose value is being read
	nodes   int
	through *place // the alias of the file itself that is being read
	stopped bool   // a limit is passed: what was read is worth nothing
}

// node converts one value at a depth, counted from 1.
func (t *tree) node(n ast.Node, depth int) *node {
	at := place{1, 1}
	if n != nil {
		at = tokenPlace(n.GetToken())
	}
	if !t.spend(at, depth) {
		return &node{at: at}
	}
	switch v := n.(type) {
	case *ast.MappingNode:
		return t.mapping(v, at, depth)
	case *ast.SequenceNode:
		out := &node{kind: kindList, at: at}
		for _, item := range v.Values {
			out.items = append(out.items, t.node(item, depth+1))
		}
		return out
	case *ast.AnchorNode:
		return t.anchor(v, depth)
	case *ast.AliasNode:
		return t.alias(v, at, depth)
	case *ast.TagNode:
		return t.tag(v, at, depth)
	}
	return scalarNode(n, at)
}

// spend counts a node against the limits.
func (t *tree) spend(at place, depth int) bool {
	if t.stopped {
		return false
	}
	t.nodes++
	if t.through != nil {
		at = *t.through
	}
	switch {
	case depth > maxDepth+1: // the scalars inside the deepest level are allowed
		t.report.tooDeep(at)
	case t.nodes > maxNodes:
		t.report.tooMuch(at, "the aliases expand to too much", fmt.Sprintf("more than %d values", maxNodes),
			fmt.Sprintf("at most %d values", maxNodes), fmt.Sprintf("write out the value on line %d instead of the alias", at.line))
	default:
		return true
	}
	t.stopped = true
	return false
}

func scalarNode(n ast.Node, at place) *node {
	switch v := n.(type) {
	case *ast.StringNode:
		return &node{kind: kindText, text: v.Value, at: at}
	case *ast.LiteralNode:
		return &node{kind: kindText, text: v.Value.Value, at: at}
	case *ast.BoolNode:
		return &node{kind: kindTruth, text: fmt.Sprint(v.Value), at: at}
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return &node{kind: kindNumber, text: n.GetToken().Value, at: at}
	}
	return &node{at: at}
}

func (t *tree) mapping(m *ast.MappingNode, at place, depth int) *node {
	out := &node{kind: kindMapping, at: at}
	seen := map[string]place{}
	for _, value := range m.Values {
		key, keyAt, ok := t.key(value.Key)
		if !ok {
			continue
		}
		if first, twice := seen[key]; twice {
			t.report.notYAML(keyAt, fmt.Sprintf("the key %s stands twice in one mapping", quote(key)), fmt.Sprintf("%s on line %d and on line %d", quote(key), first.line, keyAt.line),
				"each key once", fmt.Sprintf("remove the key on line %d or on line %d", first.line, keyAt.line))
			continue
		}
		seen[key] = keyAt
		out.entries = append(out.entries, entry{key, keyAt, t.node(value.Value, depth+1)})
	}
	if !m.IsFlowStyle && len(out.entries) > 0 {
		out.at = out.entries[0].at // the library gives the colon's place
	}
	return out
}

// key reads the key of a mapping, which must be a plain word.
func (t *tree) key(k ast.MapKeyNode) (string, place, bool) {
	var n ast.Node = k
	if explicit, ok := k.(*ast.MappingKeyNode); ok && explicit.Value != nil {
		n = explicit.Value
	}
	at := tokenPlace(n.GetToken())
	switch v := n.(type) {
	case *ast.MergeKeyNode:
		return "<<", at, true
	case *ast.StringNode:
		return v.Value, at, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.NullNode, *ast.InfinityNode, *ast.NanNode:
		return n.GetToken().Value, at, true
	}
	t.report.add(at, problem.Problem{
		Code: codeType, Summary: "a key is not a plain word", Got: "an alias, an anchor, a list or a mapping", Want: "a word",
		Fix: fmt.Sprintf("on line %d write the key as a word", at.line),
	})
	return "", at, false
}

func (t *tree) anchor(a *ast.AnchorNode, depth int) *node {
	name := nodeName(a.Name)
	t.anchors[name] = a.Value
	t.open[name] = true
	defer delete(t.open, name)
	return t.node(a.Value, depth)
}

func (t *tree) alias(a *ast.AliasNode, at place, depth int) *node {
	name := nodeName(a.Value)
	target, known := t.anchors[name]
	switch {
	case !known:
		t.report.undeclared(at, "anchor", name, fmt.Sprintf("write out the value on line %d", at.line), nil)
		return &node{kind: kindBroken, at: at}
	case t.open[name]:
		t.report.tooMuch(at, "an alias stands inside the value that it names", "*"+clip(name), "a value that ends",
			fmt.Sprintf("write out the value on line %d instead of *%s", at.line, clip(name)))
		t.stopped = true
		return &node{at: at}
	}
	t.open[name] = true
	defer delete(t.open, name)
	if t.through == nil {
		t.through = &at
		defer func() { t.through = nil }()
	}
	return t.node(target, depth)
}

// tag allows !!str, which makes a text of what looks like a number.
func (t *tree) tag(n *ast.TagNode, at place, depth int) *node {
	out := t.node(n.Value, depth)
	if tag := n.GetToken().Value; tag != "!!str" {
		t.report.add(at, problem.Problem{
			Code: codeType, Summary: "a tag is not read here", Got: clip(tag), Want: "a plain value",
			Fix: fmt.Sprintf("on line %d remove %s", at.line, clip(tag)),
		})
		return out
	}
	if out.scalar() {
		out.kind = kindText
	}
	return out
}

func nodeName(n ast.Node) string {
	if n == nil || n.GetToken() == nil {
		return ""
	}
	return n.GetToken().Value
}
