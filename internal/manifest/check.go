package manifest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/roadworthy-dev/roadworthy/internal/problem"
)

// check compares a value with its shape and notes every difference. path is
// the dotted way to the value, "" for the whole file; at is where its key is.
func (r *report) check(n *node, s *shape, path string, at place) {
	if _, unquoted := unquotedStep(n); !s.takes(n) || unquoted && s == stepShape {
		r.wrongType(n, s, path)
		return
	}
	switch n.kind {
	case kindList:
		for i, item := range n.items {
			r.check(item, s.list, fmt.Sprintf("%s[%d]", path, i+1), item.at)
		}
		if len(n.items) < s.least {
			r.missing(at, path, "at least one entry", fmt.Sprintf("on line %d write %s", n.at.line, edit(path, s)))
		}
	case kindMapping:
		if s.each != nil {
			r.checkEach(n, s, path, at)
		} else {
			r.checkKeys(n, s, path, at)
		}
	case kindText, kindNumber, kindTruth:
		if s.text.allows(n) {
			r.checkText(n, s, path)
		}
	}
}

// checkKeys checks a mapping of known keys.
func (r *report) checkKeys(n *node, s *shape, path string, at place) {
	for _, e := range n.entries {
		k, known := find(s.keys, e.key)
		if !known {
			r.unknownKey(e, s, path)
			continue
		}
		r.check(e.value, k.shape, join(path, e.key), e.at)
	}
	for _, k := range s.keys {
		if k.required && n.get(k.name) == nil {
			r.missing(at, join(path, k.name), k.doc, fmt.Sprintf("add %s: %s%s", k.name, k.shape.example, under(path)))
		}
	}
}

// checkEach checks a mapping from free names.
func (r *report) checkEach(n *node, s *shape, path string, at place) {
	for _, e := range n.entries {
		if s.names.form != nil && !s.names.form.MatchString(e.key) {
			r.add(e.at, problem.Problem{
				Code: codeType, Summary: fmt.Sprintf("%s is not a name for an entry of %s", quote(e.key), path),
				Got: clip(e.key), Want: s.names.says, Fix: fmt.Sprintf("rename the key on line %d", e.at.line),
			})
		}
		r.check(e.value, s.each, join(path, clip(e.key)), e.at)
	}
	for _, k := range s.must {
		if n.get(k.name) == nil {
			r.missing(at, join(path, k.name), k.doc, fmt.Sprintf("add %s: %s%s", k.name, k.shape.example, under(path)))
		}
	}
}

// checkText checks the content of a text.
func (r *report) checkText(n *node, s *shape, path string) {
	t := s.text
	if t.enum != nil {
		if !slices.Contains(t.enum, n.text) {
			r.notAllowed(n, path, t.enum)
		}
		return
	}
	if t.form != nil && !t.form.MatchString(n.text) {
		r.add(n.at, problem.Problem{
			Code: codeType, Summary: fmt.Sprintf("%s is not written as it must be", path),
			Got: quote(n.text), Want: t.says, Fix: fmt.Sprintf("on line %d write %s", n.at.line, edit(path, s)),
		})
	}
}

func (r *report) unknownKey(e entry, s *shape, path string) {
	known := keyNames(s.keys)
	p := problem.Problem{
		Code:    codeUnknown,
		Summary: fmt.Sprintf("the key %s is not known%s", quote(e.key), under(path)),
		Got:     clip(e.key),
		Want:    "one of " + strings.Join(known, ", "),
		Fix:     fmt.Sprintf("remove %s on line %d", clip(e.key), e.at.line),
	}
	if near, ok := problem.Nearest(e.key, known); ok {
		p.Want = near + " (or " + strings.Join(slices.DeleteFunc(known, func(k string) bool { return k == near }), ", ") + ")"
		p.Fix = fmt.Sprintf("on line %d change %s to %s", e.at.line, clip(e.key), near)
	}
	r.add(e.at, p)
}

// notAllowed notes a value that is not one of a few.
func (r *report) notAllowed(n *node, path string, allowed []string) {
	word := n.text
	near, ok := problem.Nearest(word, allowed)
	if !ok {
		near = allowed[0]
	}
	r.add(n.at, problem.Problem{
		Code: codeEnum, Summary: fmt.Sprintf("%s cannot be %s", path, quote(word)), Got: clip(word),
		Want: "one of " + strings.Join(allowed, ", "), Fix: fmt.Sprintf("on line %d write %s", n.at.line, last(path)+": "+near),
	})
}

func (r *report) wrongType(n *node, s *shape, path string) {
	name := path
	if name == "" {
		name = "the file"
	}
	fix := fmt.Sprintf("on line %d write %s", n.at.line, edit(path, s))
	if s.text != nil && (n.kind == kindNumber || n.kind == kindTruth) && s.text.form != nil && s.text.form.MatchString(n.text) {
		fix = fmt.Sprintf("on line %d put it into quotes: %q", n.at.line, clip(n.text))
	}
	if step, ok := unquotedStep(n); ok && s == stepShape {
		fix = fmt.Sprintf("on line %d put the step into quotes: %s", n.at.line, quote(step))
	}
	r.add(n.at, problem.Problem{
		Code: codeType, Summary: name + " has the wrong type", Got: n.describe(), Want: s.says, Fix: fix,
	})
}

// missing notes something that must be there.
func (r *report) missing(at place, path, want, fix string) {
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
