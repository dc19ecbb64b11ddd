package manifest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/roadworthy-dev/roadworthy/internal/document"
	"github.com/roadworthy-dev/roadworthy/internal/problem"
)

// check compares a value with its shape and notes every difference. path is
// the dotted way to the value, "" for the whole file; at is where its key is.
func (r *report) check(n *document.Node, s *shape, path string, at document.Place) {
	if _, unquoted := unquotedStep(n); !s.takes(n) || unquoted && s == stepShape {
		r.wrongType(n, s, path)
		return
	}
	switch n.Kind {
	case document.List:
		for i, item := range n.Items {
			r.check(item, s.list, fmt.Sprintf("%s[%d]", path, i+1), item.At)
		}
		if len(n.Items) < s.least {
			r.missing(at, path, "at least one entry", fmt.Sprintf("on line %d write %s", n.At.Line, edit(path, s)))
		}
	case document.Mapping:
		if s.each != nil {
			r.checkEach(n, s, path, at)
		} else {
			r.checkKeys(n, s, path, at)
		}
	case document.Text, document.Number, document.Truth:
		if s.text.allows(n) {
			r.checkText(n, s, path)
		}
	}
}

// checkKeys checks a mapping of known keys.
func (r *report) checkKeys(n *document.Node, s *shape, path string, at document.Place) {
	for _, e := range n.Entries {
		k, known := find(s.keys, e.Key)
		if !known {
			r.unknownKey(e, s, path)
			continue
		}
		r.check(e.Value, k.shape, join(path, e.Key), e.At)
	}
	for _, k := range s.keys {
		if k.required && n.Get(k.name) == nil {
			r.missing(at, join(path, k.name), k.doc, fmt.Sprintf("add %s: %s%s", k.name, k.shape.example, under(path)))
		}
	}
}

// checkEach checks a mapping from free names.
func (r *report) checkEach(n *document.Node, s *shape, path string, at document.Place) {
	for _, e := range n.Entries {
		if s.names.form != nil && !s.names.form.MatchString(e.Key) {
			r.add(e.At, problem.Problem{
				Code: codeType, Summary: fmt.Sprintf("%s is not a name for an entry of %s", problem.Quote(e.Key), path),
				Got: problem.Clip(e.Key), Want: s.names.says, Fix: fmt.Sprintf("rename the key on line %d", e.At.Line),
			})
		}
		r.check(e.Value, s.each, join(path, problem.Clip(e.Key)), e.At)
	}
	for _, k := range s.must {
		if n.Get(k.name) == nil {
			r.missing(at, join(path, k.name), k.doc, fmt.Sprintf("add %s: %s%s", k.name, k.shape.example, under(path)))
		}
	}
}

// checkText checks the content of a text.
func (r *report) checkText(n *document.Node, s *shape, path string) {
	t := s.text
	if t.enum != nil {
		if !slices.Contains(t.enum, n.Text) {
			r.notAllowed(n, path, t.enum)
		}
		return
	}
	if t.form != nil && !t.form.MatchString(n.Text) {
		r.add(n.At, problem.Problem{
			Code: codeType, Summary: fmt.Sprintf("%s is not written as it must be", path),
			Got: problem.Quote(n.Text), Want: t.says, Fix: fmt.Sprintf("on line %d write %s", n.At.Line, edit(path, s)),
		})
	}
}

func (r *report) unknownKey(e document.Entry, s *shape, path string) {
	known := keyNames(s.keys)
	p := problem.Problem{
		Code:    codeUnknown,
		Summary: fmt.Sprintf("the key %s is not known%s", problem.Quote(e.Key), under(path)),
		Got:     problem.Clip(e.Key),
		Want:    "one of " + strings.Join(known, ", "),
		Fix:     fmt.Sprintf("remove %s on line %d", problem.Clip(e.Key), e.At.Line),
	}
	if near, ok := problem.Nearest(e.Key, known); ok {
		p.Want = near + " (or " + strings.Join(slices.DeleteFunc(known, func(k string) bool { return k == near }), ", ") + ")"
		p.Fix = fmt.Sprintf("on line %d change %s to %s", e.At.Line, problem.Clip(e.Key), near)
	}
	r.add(e.At, p)
}

// notAllowed notes a value that is not one of a few.
func (r *report) notAllowed(n *document.Node, path string, allowed []string) {
	word := n.Text
	near, ok := problem.Nearest(word, allowed)
	if !ok {
		near = allowed[0]
	}
	r.add(n.At, problem.Problem{
		Code: codeEnum, Summary: fmt.Sprintf("%s cannot be %s", path, problem.Quote(word)), Got: problem.Clip(word),
		Want: "one of " + strings.Join(allowed, ", "), Fix: fmt.Sprintf("on line %d write %s", n.At.Line, last(path)+": "+near),
	})
}

func (r *report) wrongType(n *document.Node, s *shape, path string) {
	name := path
	if name == "" {
		name = "the file"
	}
	fix := fmt.Sprintf("on line %d write %s", n.At.Line, edit(path, s))
	if s.text != nil && (n.Kind == document.Number || n.Kind == document.Truth) && s.text.form != nil && s.text.form.MatchString(n.Text) {
		fix = fmt.Sprintf("on line %d put it into quotes: %q", n.At.Line, problem.Clip(n.Text))
	}
	if step, ok := unquotedStep(n); ok && s == stepShape {
		fix = fmt.Sprintf("on line %d put the step into quotes: %s", n.At.Line, problem.Quote(step))
	}
	r.add(n.At, problem.Problem{
		Code: codeType, Summary: name + " has the wrong type", Got: n.Describe(), Want: s.says, Fix: fix,
	})
}

// missing notes something that must be there.
func (r *report) missing(at document.Place, path, want, fix string) {
	r.add(at, problem.Problem{Code: codeMissing, Summary: path + " is missing", Want: want, Fix: fix})
}

// edit writes a right value as the line that belongs into the file.
func edit(path string, s *shape) string {
	if name := last(path); name != "" {
		return name + ": " + s.example
	}
	return s.example
}

// last returns the last key of a path, "" for the whole file and list items.
func last(path string) string {
	if strings.HasSuffix(path, "]") {
		return ""
	}
	return path[strings.LastIndexByte(path, '.')+1:]
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// under says in which mapping a key belongs.
func under(path string) string {
	if path == "" {
		return ""
	}
	return " under " + path
}
