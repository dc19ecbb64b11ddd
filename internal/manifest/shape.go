package manifest

import (
	"regexp"
	"slices"

	"github.com/roadworthy-dev/roadworthy/internal/document"
)

// shape says what a value may look like. keys.go is the one description of
// the manifest in shapes: check refuses by it, Schema publishes it.
//
// A value may have several forms, such as "a word or a list of words"; it is
// right if it has one of those that the shape allows.
type shape struct {
	says    string // the forms in words, after "must be"
	example string // a right value, in one line of YAML
	def     string // default, in words; "" for none
	null    bool   // nothing at all is allowed
	truth   bool   // true and false are allowed
	text    *text  // nil: no text is allowed
	list    *shape // the items of a list; nil: no list is allowed
	least   int    // items that a list needs
	keys    []key  // a mapping with these keys; nil: not allowed
	each    *shape // a mapping from free names to this; nil: not allowed
	names   *text  // the names of each
	must    []key  // names that each needs, with shape for their example
}

// key is one key of a mapping.
type key struct {
	name     string
	doc      string // what it is, a sentence
	required bool
	shape    *shape
}

// text says what a text may look like.
type text struct {
	says  string         // in words
	enum  []string       // nil: any that form matches
	form  *regexp.Regexp // nil: any
	loose bool           // numbers, true and false are read as text
}

// allows tells whether a scalar node is such a text, apart from its content.
func (t *text) allows(n *document.Node) bool {
	if t == nil {
		return false
	}
	return n.Kind == document.Text || t.loose && n.Scalar()
}

// takes tells whether a node has one of the forms that the shape allows.
func (s *shape) takes(n *document.Node) bool {
	switch n.Kind {
	case document.Broken:
		return true
	case document.Nothing:
		return s.null
	case document.List:
		return s.list != nil
	case document.Mapping:
		return s.keys != nil || s.each != nil
	case document.Truth:
		return s.truth || s.text.allows(n)
	default:
		return s.text.allows(n)
	}
}

// find returns the key of a name.
func find(keys []key, name string) (key, bool) {
	i := slices.IndexFunc(keys, func(k key) bool { return k.name == name })
	if i < 0 {
		return key{}, false
	}
	return keys[i], true
}

// keyNames lists the names of keys in order.
func keyNames(keys []key) []string {
	names := make([]string, len(keys))
	for i, k := range keys {
		names[i] = k.name
	}
	return names
}
