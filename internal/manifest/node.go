package manifest

import (
	"strconv"
	"unicode/utf8"
)

// kind is what a node is.
type kind uint8

const (
	kindNothing kind = iota // null, or a key with nothing behind it
	kindText
	kindNumber
	kindTruth // true or false
	kindList
	kindMapping
	kindBroken // what is noted already: it fits everywhere
)

// place is where something stands in the file, both counted from 1, columns in
// characters.
type place struct{ line, column int }

func (p place) before(q place) bool {
	return p.line < q.line || p.line == q.line && p.column < q.column
}

// node is one value of the file, after aliases are resolved.
type node struct {
	kind    kind
	text    string  // scalars: as written, without quotes
	at      place   // of the value
	items   []*node // kindList
	entries []entry // kindMapping, in order, keys unique
}

// entry is one key of a mapping with its value.
type entry struct {
	key   string
	at    place // of the key
	value *node // never nil
}

// get returns the value behind a key; nil where n is nil, is no mapping or
// does not have the key.
func (n *node) get(key string) *node {
	if n == nil {
		return nil
	}
	for _, e := range n.entries {
		if e.key == key {
			return e.value
		}
	}
	return nil
}

// scalar tells whether n holds a text, a number or a truth value.
func (n *node) scalar() bool {
	return n != nil && (n.kind == kindText || n.kind == kindNumber || n.kind == kindTruth)
}

// string returns the text of a scalar, "" for anything else.
func (n *node) string() string {
	if n.scalar() {
		return n.text
	}
	return ""
}

// describe says what a node is, for the "got" of a problem.
func (n *node) describe() string {
	switch n.kind {
	case kindText:
		return "the text " + quote(n.text)
	case kindNumber:
		return "the number " + clip(n.text)
	case kindTruth:
		return n.text
	case kindList:
		return "a list of " + strconv.Itoa(len(n.items))
	case kindMapping:
		return "a mapping of " + strconv.Itoa(len(n.entries))
	default:
		return "nothing"
	}
}

// maxShown bounds what a problem repeats of the file, in bytes.
const maxShown = 80

// clip shortens a text for a message.
func clip(s string) string {
	if len(s) <= maxShown {
		return s
	}
	cut := maxShown
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}

// quote puts a shortened text into quotes, with control characters escaped.
func quote(s string) string { return strconv.Quote(clip(s)) }
