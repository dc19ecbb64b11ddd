package manifest

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"github.com/roadworthy-dev/roadworthy/internal/document"
	"github.com/roadworthy-dev/roadworthy/internal/problem"
)

// stepForm is a request on one line: method, path, and a body that is a form
// or, after the word json, JSON.
var stepForm = regexp.MustCompile(`^(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) (/[^\s\x00-\x1f\x7f]*)( +(json +)?(\S[\s\S]*))?$`)

// upperName is a name that can only be meant as a setting. Bodies may hold
// other dollar signs, such as the key "$ref" of a JSON document.
var upperName = regexp.MustCompile(`^[A-Z][A-Z0-9_]+$`)

// step reads one step; nil where it cannot be read, which is noted already.
func (r *reader) step(n *document.Node, path string) *Step {
	if n == nil {
		return nil
	}
	request, headers := n, (*document.Node)(nil)
	if n.Kind == document.Mapping {
		request, headers = n.Get("request"), n.Get("headers")
	}
	if request == nil || request.Kind != document.Text {
		return nil
	}
	match := stepForm.FindStringSubmatch(request.Text)
	if match == nil {
		return nil
	}
	s := &Step{Method: match[1], Path: match[2], Line: n.At.Line}
	r.names(request.At, path, References(match[2]))
	if body := match[5]; body != "" && !r.body(s, request.At, path, body, match[4] != "") {
		return nil
	}
	r.headers(s, headers, path)
	return s
}

// bodyLimits are those of a body: its aliases add no more than it is long, so
// that many short ones take no longer than the manifest that holds them.
func bodyLimits(body string) document.Limits {
	return document.Limits{Bytes: len(body), Values: min(limits.Values, len(body)+1)}
}

// body reads what follows the path.
func (r *reader) body(s *Step, at document.Place, path, body string, isJSON bool) bool {
	inner := &report{path: r.path}
	n := inner.decode([]byte(body), bodyLimits(body))
	if len(inner.findings) > 0 || n == nil {
		why := "it cannot be read"
		if len(inner.findings) > 0 {
			why = inner.findings[0].problem.Summary
		}
		r.badBody(at, path, body, why)
		return false
	}
	r.bodyNames(at, path, body)
	if isJSON {
		out, err := encodeJSON(n)
		if err != nil {
			r.badBody(at, path, body, err.Error())
			return false
		}
		s.JSON = out
		return true
	}
	if n.Kind != document.Mapping {
		r.badBody(at, path, body, "a form is {key: value}")
		return false
	}
	s.Form = [][2]string{}
	for _, e := range n.Entries {
		if !e.Value.Scalar() && e.Value.Kind != document.Nothing {
			r.badBody(at, path, body, "the field "+problem.Quote(e.Key)+" is "+e.Value.Describe())
			return false
		}
		s.Form = append(s.Form, [2]string{e.Key, e.Value.String()})
	}
	return true
}

func (r *reader) badBody(at document.Place, path, body, why string) {
	r.add(at, problem.Problem{
		Code: codeType, Summary: fmt.Sprintf("the body of %s cannot be read: %s", path, why), Got: problem.Quote(body),
		Want: "{key: value} for a form, json {key: value} for JSON",
		Fix:  fmt.Sprintf(`on line %d write it like "POST /entries {message: $nonce}"`, at.Line),
	})
}

func (r *reader) headers(s *Step, n *document.Node, path string) {
	if n == nil || n.Kind != document.Mapping {
		return
	}
	s.Headers = make(map[string]string, len(n.Entries))
	for _, e := range n.Entries {
		value := e.Value.String()
		if strings.ContainsAny(value, "\r\n") {
			r.add(e.Value.At, problem.Problem{
				Code: codeType, Summary: fmt.Sprintf("the header %s of %s spans several lines", problem.Clip(e.Key), path), Got: problem.Quote(value),
				Want: "a value on one line", Fix: fmt.Sprintf("write the value on line %d in one line", e.Value.At.Line),
			})
			continue
		}
		r.names(e.Value.At, join(path, "headers."+problem.Clip(e.Key)), References(value))
		s.Headers[e.Key] = value
	}
}

// names notes every reference that is neither $nonce nor a setting.
func (r *reader) names(at document.Place, path string, names []string) {
	for _, name := range names {
		if _, ok := r.m.Config.Settings[name]; !ok && name != "nonce" {
			r.undeclared(at, "setting", name, fmt.Sprintf("declare it for %s: add %s: {} under config.settings", path, problem.Clip(name)), r.settingNames())
		}
	}
}

// bodyNames notes the references of a body that can only mean a setting.
func (r *reader) bodyNames(at document.Place, path, body string) {
	for _, name := range References(body) {
		if upperName.MatchString(name) {
			r.names(at, path, []string{name})
		}
	}
}

// encodeJSON writes a node as JSON, with the order of its keys.
func encodeJSON(n *document.Node) (string, error) {
	switch n.Kind {
	case document.Nothing:
		return "null", nil
	case document.Truth:
		return strings.ToLower(n.Text), nil
	case document.Number:
		if !json.Valid([]byte(n.Text)) {
			return "", fmt.Errorf("%s is no number of JSON", problem.Clip(n.Text))
		}
		return n.Text, nil
	case document.Text:
		return jsonText(n.Text)
	}
	parts := make([]string, 0, len(n.Items)+len(n.Entries))
	for _, item := range n.Items {
		part, err := encodeJSON(item)
		if err != nil {
			return "", err
		}
		parts = append(parts, part)
	}
	for _, e := range n.Entries {
		part, err := encodeJSON(e.Value)
		if err != nil {
			return "", err
		}
		name, err := jsonText(e.Key)
		if err != nil {
			return "", err
		}
		parts = append(parts, name+":"+part)
	}
	if n.Kind == document.List {
		return "[" + strings.Join(parts, ",") + "]", nil
	}
	return "{" + strings.Join(parts, ",") + "}", nil
}

// jsonText writes a text as JSON, without the escapes that only HTML needs.
func jsonText(s string) (string, error) {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		return "", fmt.Errorf("write a text as JSON: %w", err)
	}
	return strings.TrimSuffix(b.String(), "\n"), nil
}

// unquotedStep recognizes `- POST /entries {message: x}`, which YAML reads as
// a mapping because of its colon, and returns the step that was meant.
func unquotedStep(n *document.Node) (string, bool) {
	if n.Kind != document.Mapping || len(n.Entries) != 1 {
		return "", false
	}
	e := n.Entries[0]
	whole := e.Key + ": " + e.Value.String()
	return whole, e.Value.Scalar() && stepForm.MatchString(whole)
}
