package manifest

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"github.com/roadworthy-dev/roadworthy/internal/problem"
)

// stepForm is a request on one line: method, path, and a body that is a form
// or, after the word json, JSON.
var stepForm = regexp.MustCompile(`^(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) (/[^\s\x00-\x1f\x7f]*)( +(json +)?(\S[\s\S]*))?$`)

// upperName is a name that can only be meant as a setting. Bodies may hold
// other dollar signs, such as the key "$ref" of a JSON document.
var upperName = regexp.MustCompile(`^[A-Z][A-Z0-9_]+$`)

// step reads one step; nil where it cannot be read, which is noted already.
func (r *reader) step(n *node, path string) *Step {
	if n == nil {
		return nil
	}
	request, headers := n, (*node)(nil)
	if n.kind == kindMapping {
		request, headers = n.get("request"), n.get("headers")
	}
	if request == nil || request.kind != kindText {
		return nil
	}
	match := stepForm.FindStringSubmatch(request.text)
	if match == nil {
		return nil
	}
	s := &Step{Method: match[1], Path: match[2], Line: n.at.line}
	r.names(request.at, path, References(match[2]))
	if body := match[5]; body != "" && !r.body(s, request.at, path, body, match[4] != "") {
		return nil
	}
	r.headers(s, headers, path)
	return s
}

// body reads what follows the path.
func (r *reader) body(s *Step, at place, path, body string, isJSON bool) bool {
	inner := &report{path: r.path}
	n := inner.decode([]byte(body))
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
	if n.kind != kindMapping {
		r.badBody(at, path, body, "a form is {key: value}")
		return false
	}
	s.Form = [][2]string{}
	for _, e := range n.entries {
		if !e.value.scalar() && e.value.kind != kindNothing {
			r.badBody(at, path, body, "the field "+quote(e.key)+" is "+e.value.describe())
			return false
		}
		s.Form = append(s.Form, [2]string{e.key, e.value.string()})
	}
	return true
}

func (r *reader) badBody(at place, path, body, why string) {
	r.add(at, problem.Problem{
		Code: codeType, Summary: fmt.Sprintf("the body of %s cannot be read: %s", path, why), Got: quote(body),
		Want: "{key: value} for a form, json {key: value} for JSON",
		Fix:  fmt.Sprintf(`on line %d write it like "POST /entries {message: $nonce}"`, at.line),
	})
}

func (r *reader) headers(s *Step, n *node, path string) {
	if n == nil || n.kind != kindMapping {
		return
	}
	s.Headers = make(map[string]string, len(n.entries))
	for _, e := range n.entries {
		value := e.value.string()
		if strings.ContainsAny(value, "\r\n") {
			r.add(e.value.at, problem.Problem{
				Code: codeType, Summary: fmt.Sprintf("the header %s of %s spans several lines", clip(e.key), path), Got: quote(value),
				Want: "a value on one line", Fix: fmt.Sprintf("write the value on line %d in one line", e.value.at.line),
			})
			continue
		}
		r.names(e.value.at, join(path, "headers."+clip(e.key)), References(value))
		s.Headers[e.key] = value
	}
}

// names notes every reference that is neither $nonce nor a setting.
func (r *reader) names(at place, path string, names []string) {
	for _, name := range names {
		if _, ok := r.m.Config.Settings[name]; !ok && name != "nonce" {
			r.undeclared(at, "setting", name, fmt.Sprintf("declare it for %s: add %s: {} under config.settings", path, clip(name)), r.settingNames())
		}
	}
}

// bodyNames notes the references of a body that can only mean a setting.
func (r *reader) bodyNames(at place, path, body string) {
	for _, name := range References(body) {
		if upperName.MatchString(name) {
			r.names(at, path, []string{name})
		}
	}
}

// encodeJSON writes a node as JSON, with the order of its keys.
func encodeJSON(n *node) (string, error) {
	switch n.kind {
	case kindNothing:
		return "null", nil
	case kindTruth:
		return n.text, nil
	case kindNumber:
		if !json.Valid([]byte(n.text)) {
			return "", fmt.Errorf("%s is no number of JSON", clip(n.text))
		}
		return n.text, nil
	case kindText:
		return jsonText(n.text)
	}
	parts := make([]string, 0, len(n.items)+len(n.entries))
	for _, item := range n.items {
		part, err := encodeJSON(item)
		if err != nil {
			return "", err
		}
		parts = append(parts, part)
	}
	for _, e := range n.entries {
		part, err := encodeJSON(e.value)
		if err != nil {
			return "", err
		}
		name, err := jsonText(e.key)
		if err != nil {
			return "", err
		}
		parts = append(parts, name+":"+part)
	}
	if n.kind == kindList {
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
func unquotedStep(n *node) (string, bool) {
	if n.kind != kindMapping || len(n.entries) != 1 {
		return "", false
	}
	e := n.entries[0]
	whole := e.key + ": " + e.value.string()
	return whole, e.value.scalar() && stepForm.MatchString(whole)
}
