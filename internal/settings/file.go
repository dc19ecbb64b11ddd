package settings

import (
	"github.com/roadworthy-dev/roadworthy/internal/document"
	"github.com/roadworthy-dev/roadworthy/internal/problem"
)

// limits of a file of settings.
var limits = document.Limits{Bytes: 1 << 20, Values: 100_000}

// entry is one value of the file, by its dotted key.
type entry struct {
	key string
	value
	mapping bool // it is a mapping, empty or not: no setting has such a value
	null    bool // nothing stands behind the key
}

// flat is a file as a list in the order of its lines.
type flat struct {
	name     string
	entries  []entry
	problems problem.List
}

// readFlat reads a text as YAML, of which JSON is a part. A section names the
// top-level mapping that holds the settings; the rest is left to others.
func readFlat(name, section string, data []byte) *flat {
	f := &flat{name: name}
	root, faults := document.Read(name, data, limits)
	for _, fault := range faults {
		if fault.Shows { // it may be the value of a secret
			fault.Got = ""
		}
		f.refuse(fault.At.Line, fault.Summary, fault.Got, fault.Want, fault.Fix)
	}
	what := "the file"
	if section != "" {
		what, root = section, root.Get(section)
	}
	switch {
	case root == nil || root.Kind == document.Nothing || root.Kind == document.Broken:
	case root.Kind != document.Mapping:
		got := "a value alone" // which the file of a secret has
		if root.Kind == document.List {
			got = root.Describe()
		}
		f.refuse(root.At.Line, what+" is no mapping", got, "settings, such as key: value", "write the settings as key: value")
	default:
		f.add("", root, root.At.Line)
	}
	return f
}

// add adds what stands below a node; the line is that of its key.
func (f *flat) add(key string, n *document.Node, line int) {
	at := Origin{Kind: "file", Name: f.name, Line: max(line, n.At.Line)}
	switch n.Kind {
	case document.Broken:
	case document.Mapping:
		if len(n.Entries) == 0 && key != "" {
			f.entries = append(f.entries, entry{key: key, value: value{origin: at}, mapping: true})
		}
		for _, e := range n.Entries {
			if e.Key == "<<" {
				f.refuse(e.At.Line, "a merge key is not read here", "<<", "plain keys", "write the keys out")
				continue
			}
			below := e.Key
			if key != "" {
				below = key + "." + below
			}
			f.add(below, e.Value, e.At.Line)
		}
	case document.List:
		f.entries = append(f.entries, entry{key: key, value: value{list: true, items: f.items(key, n), origin: at}})
	default:
		f.entries = append(f.entries, entry{key: key, value: value{text: n.Text, origin: at}, null: n.Kind == document.Nothing})
	}
}

func (f *flat) items(key string, n *document.Node) []string {
	var items []string
	for _, item := range n.Items {
		if item.Kind == document.List || item.Kind == document.Mapping {
			f.refuse(item.At.Line, "an item of the list "+key+" is no plain value", item.Describe(), "text, a number, or true or false", "write plain values")
			continue
		}
		items = append(items, item.Text)
	}
	return items
}

func (f *flat) refuse(line int, summary, got, want, fix string) {
	at := Origin{Name: f.name, Line: line}
	f.problems = append(f.problems, &problem.Problem{Code: codeBroken, Summary: summary, At: at.place(), Got: got, Want: want, Fix: fix})
}
