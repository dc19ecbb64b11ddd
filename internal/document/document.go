// Package document reads a stranger's text as one YAML document, of which
// JSON is a part: a tree of values, each with its place.
//
// The manifest, the settings of a program and the configuration file of an
// application all come in through here. What the values mean is decided by
// whoever asks. A scalar is the text as it stands in the file: 1.10 keeps its
// zero. Aliases are followed; a merge key is a key named "<<".
//
// The invariant: any text ends within time and stack that are bounded by its
// [Limits], and each fault has its place and a mend. The room does no I/O and
// knows no key. Read next: read.go, runs.go, tokens.go, then tree.go.
package document

import (
	"strconv"
	"strings"

	"github.com/roadworthy-dev/roadworthy/internal/problem"
)

// Limits bound what a text can cost.
type Limits struct {
	Bytes  int // of the text, and once more of what aliases repeat
	Values int // words and signs of the text, and values after aliases are followed
}

// MaxDepth is how many levels may nest, in any text.
const MaxDepth = 20

// MaxKey is how many bytes the keys on the way to a value may have together,
// in any text.
const MaxKey = 1 << 10

// Kind is what a node is.
type Kind uint8

// The kinds of nodes.
const (
	Nothing Kind = iota // null, or a key with nothing behind it
	Text
	Number
	Truth // true or false
	List
	Mapping
	Broken // what is a fault already: it fits everywhere
)

// Place is where something stands in a text: line and column, both counted
// from 1, columns in characters.
type Place struct{ Line, Column int }

// Before tells whether p stands before q.
func (p Place) Before(q Place) bool {
	return p.Line < q.Line || p.Line == q.Line && p.Column < q.Column
}

// Node is one value.
type Node struct {
	Kind    Kind
	Text    string  // of scalars: as written, without quotes
	At      Place   // of the value
	Items   []*Node // of a List
	Entries []Entry // of a Mapping, in order, keys unique
}

// Entry is one key of a mapping with its value.
type Entry struct {
	Key   string
	At    Place // of the key
	Value *Node // never nil
}

// Get returns the value behind a key; nil where n is nil, is no mapping or
// does not have the key.
func (n *Node) Get(key string) *Node {
	if n == nil {
		return nil
	}
	for _, e := range n.Entries {
		if e.Key == key {
			return e.Value
		}
	}
	return nil
}

// Scalar tells whether n holds a text, a number or a truth value.
func (n *Node) Scalar() bool {
	return n != nil && (n.Kind == Text || n.Kind == Number || n.Kind == Truth)
}

// String returns the text of a scalar, "" for anything else.
func (n *Node) String() string {
	if n.Scalar() {
		return n.Text
	}
	return ""
}

// True tells whether n is the truth value true.
func (n *Node) True() bool { return n != nil && n.Kind == Truth && strings.EqualFold(n.Text, "true") }

// Describe says what a node is, for the "got" of a problem.
func (n *Node) Describe() string {
	switch n.Kind {
	case Text:
		return "the text " + problem.Quote(n.Text)
	case Number:
		return "the number " + problem.Clip(n.Text)
	case Truth:
		return n.Text
	case List:
		return "a list of " + strconv.Itoa(len(n.Items))
	case Mapping:
		return "a mapping of " + strconv.Itoa(len(n.Entries))
	default:
		return "nothing"
	}
}

// FaultKind is what is wrong with a text.
type FaultKind uint8

// The kinds of faults.
const (
	NotYAML   FaultKind = iota
	Syntax              // not YAML either, but in words and a mend that the library guesses
	TooMuch             // a limit is passed
	WrongType           // a tag, or a key that is no plain word
	NoAnchor            // an alias names nothing
)

// Fault is one thing that is wrong with a text. What values hold, which may be
// a secret, stands in Got alone, and only where Shows says so.
type Fault struct {
	Kind                    FaultKind
	At                      Place
	Summary, Got, Want, Fix string // as in [problem.Problem]
	Shows                   bool   // Got repeats a part of a value
}
