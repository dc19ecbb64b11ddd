package document

import (
	"fmt"

	"github.com/goccy/go-yaml/ast"

	"github.com/roadworthy-dev/roadworthy/internal/problem"
)

// tree turns the library's syntax tree into nodes. It resolves aliases, within
// a budget, since an alias of an alias grows without end.
type tree struct {
	*reader
	anchors map[string]ast.Node         // what a name stands for at the place that is being read
	targets map[*ast.AliasNode]ast.Node // what each alias of the file names
	open    map[ast.Node]bool           // the values behind anchors that are being read
	nodes   int
	again   int    // bytes of the texts and keys that aliases repeat
	way     int    // bytes of the keys on the way to the value that is being read
	through *Place // the alias of the file itself that is being read
	stopped bool   // a limit is passed: what was read is worth nothing
}

// node converts one value at a depth, counted from 1.
func (t *tree) node(n ast.Node, depth int) *Node {
	at := Place{1, 1}
	if n != nil {
		at = placeOf(n.GetToken())
	}
	if !t.spend(at, depth) {
		return &Node{At: at}
	}
	switch v := n.(type) {
	case *ast.MappingNode:
		return t.mapping(v, at, depth)
	case *ast.SequenceNode:
		out := &Node{Kind: List, At: at}
		for _, item := range v.Values {
			out.Items = append(out.Items, t.node(item, depth+1))
		}
		return out
	case *ast.AnchorNode:
		return t.anchor(v, depth)
	case *ast.AliasNode:
		return t.alias(v, at, depth)
	case *ast.TagNode:
		return t.tag(v, at, depth)
	}
	out := scalarNode(n, at)
	t.repeat(out.Text)
	return out
}

// repeat counts a text that is read through an alias against the limits.
func (t *tree) repeat(text string) {
	if t.through == nil || t.stopped {
		return
	}
	t.again += len(text)
	if t.again > t.limits.Bytes {
		t.expands(*t.through, "bytes", t.limits.Bytes)
	}
}

// expands stops at a place: what aliases stand for is too much.
func (t *tree) expands(at Place, what string, most int) {
	t.tooMuch(at, "the aliases expand to too much", fmt.Sprintf("more than %d %s", most, what),
		fmt.Sprintf("at most %d %s", most, what), fmt.Sprintf("write out the value on line %d instead of the alias", at.Line))
	t.stopped = true
}

// spend counts a node against the limits.
func (t *tree) spend(at Place, depth int) bool {
	if t.stopped {
		return false
	}
	t.nodes++
	at = t.place(at)
	switch {
	case depth > MaxDepth+1: // the scalars inside the deepest level are allowed
		t.tooDeep(at)
		t.stopped = true
	case t.nodes > t.limits.Values:
		t.expands(at, "values", t.limits.Values)
	}
	return !t.stopped
}

// fault notes what is wrong with the file, once: what an alias repeats is told
// where it stands.
func (t *tree) fault(f Fault) {
	if t.through == nil {
		t.faults = append(t.faults, f)
	}
}

func scalarNode(n ast.Node, at Place) *Node {
	switch v := n.(type) {
	case *ast.StringNode:
		return &Node{Kind: Text, Text: v.Value, At: at}
	case *ast.LiteralNode:
		return &Node{Kind: Text, Text: v.Value.Value, At: at}
	case *ast.BoolNode:
		return &Node{Kind: Truth, Text: n.GetToken().Value, At: at}
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return &Node{Kind: Number, Text: n.GetToken().Value, At: at}
	}
	return &Node{At: at}
}

func (t *tree) mapping(m *ast.MappingNode, at Place, depth int) *Node {
	out := &Node{Kind: Mapping, At: at}
	seen := map[string]Place{}
	for _, value := range m.Values {
		key, keyAt, ok := t.key(value.Key)
		first, twice := seen[key]
		if ok && twice {
			t.fault(Fault{NotYAML, keyAt, fmt.Sprintf("the key %s stands twice in one mapping", problem.Quote(key)), fmt.Sprintf("%s on line %d and on line %d", problem.Quote(key), first.Line, keyAt.Line),
				"each key once", fmt.Sprintf("remove the key on line %d or on line %d", first.Line, keyAt.Line), false})
		}
		if !ok || twice {
			t.spend(keyAt, depth) // it takes as long as a value
			continue
		}
		t.repeat(key)
		seen[key] = keyAt
		out.Entries = append(out.Entries, Entry{key, keyAt, t.below(key, keyAt, value.Value, depth)})
	}
	if !m.IsFlowStyle && len(out.Entries) > 0 {
		out.At = out.Entries[0].At // the library gives the colon's place
	}
	return out
}

// below reads the value behind a key of a mapping at a depth.
func (t *tree) below(key string, at Place, value ast.Node, depth int) *Node {
	t.way += len(key)
	defer func() { t.way -= len(key) }()
	if t.way > MaxKey && !t.stopped {
		t.longKey(t.place(at))
		t.stopped = true
	}
	return t.node(value, depth+1)
}

// place returns where a value stands in the file itself.
func (t *tree) place(at Place) Place {
	if t.through != nil {
		return *t.through
	}
	return at
}

// key reads the key of a mapping, which must be a plain word.
func (t *tree) key(k ast.MapKeyNode) (string, Place, bool) {
	var n ast.Node = k
	if explicit, ok := k.(*ast.MappingKeyNode); ok && explicit.Value != nil {
		n = explicit.Value
	}
	at := placeOf(n.GetToken())
	switch v := n.(type) {
	case *ast.MergeKeyNode:
		return "<<", at, true
	case *ast.StringNode:
		return v.Value, at, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.NullNode, *ast.InfinityNode, *ast.NanNode:
		return n.GetToken().Value, at, true
	}
	t.fault(Fault{WrongType, at, "a key is not a plain word", "an alias, an anchor, a list or a mapping", "a word", fmt.Sprintf("on line %d write the key as a word", at.Line), false})
	return "", at, false
}

func (t *tree) anchor(a *ast.AnchorNode, depth int) *Node {
	if t.through == nil { // an alias repeats a value, not its anchors
		t.anchors[nodeName(a.Name)] = a.Value
	}
	t.open[a.Value] = true
	defer delete(t.open, a.Value)
	return t.node(a.Value, depth)
}

// target returns the value that an alias names: that of the anchor which was
// the last before it in the file, also where the alias is read once more as
// part of what another repeats.
func (t *tree) target(a *ast.AliasNode, name string) (ast.Node, bool) {
	if target, bound := t.anchors[name]; bound && t.through == nil {
		t.targets[a] = target
	}
	target, known := t.targets[a]
	return target, known
}

func (t *tree) alias(a *ast.AliasNode, at Place, depth int) *Node {
	name := nodeName(a.Value)
	target, known := t.target(a, name)
	switch {
	case !known:
		t.fault(Fault{NoAnchor, at, "an alias names no anchor that stands before it", "*" + problem.Clip(name), "a declared anchor",
			fmt.Sprintf("on line %d write out the value, or put it into double quotes", at.Line), true})
		return &Node{Kind: Broken, At: at}
	case t.open[target]:
		t.faults = append(t.faults, Fault{TooMuch, at, "an alias stands inside the value that it names", "*" + problem.Clip(name), "a value that ends",
			fmt.Sprintf("write out the value on line %d instead of the alias", at.Line), true})
		t.stopped = true
		return &Node{At: at}
	}
	t.open[target] = true
	defer delete(t.open, target)
	if t.through == nil {
		t.through = &at
		defer func() { t.through = nil }()
	}
	return t.node(target, depth)
}

// tag allows !!str, which makes a text of what looks like a number.
func (t *tree) tag(n *ast.TagNode, at Place, depth int) *Node {
	out := t.node(n.Value, depth)
	if tag := n.GetToken().Value; tag != "!!str" {
		t.fault(Fault{WrongType, at, "a tag is not read here", problem.Clip(tag), "a plain value",
			fmt.Sprintf("on line %d remove the tag, or put the whole value into double quotes", at.Line), true})
		return out
	}
	if out.Scalar() {
		out.Kind = Text
	}
	return out
}

func nodeName(n ast.Node) string {
	if n == nil || n.GetToken() == nil {
		return ""
	}
	return n.GetToken().Value
}
