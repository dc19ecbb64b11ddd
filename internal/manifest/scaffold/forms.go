package scaffold

import (
	"regexp"
	"slices"
	"strings"
)

// The parts of HTML that a form is made of.
var (
	formForm    = regexp.MustCompile(`(?is)<form\b([^>]*)>(.*?)</form>`)
	controlForm = regexp.MustCompile(`(?is)<(input|textarea|select|button)\b([^>]*)>`)
	attribute   = regexp.MustCompile(`([\w-]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))`)
	optionForm  = regexp.MustCompile(`(?is)^\s*<option\b[^>]*\bvalue\s*=\s*["']([^"'{}$<]+)["']`)
	templated   = regexp.MustCompile(`\{\{|\$\{|<%|\{%|<\?|#\{`)
	listForm    = regexp.MustCompile(`^[^,]+(, ?[^,]+)+$`)
	csrfName    = regexp.MustCompile(`(?i)csrf|authenticity|^_token$`)
	harmful     = regexp.MustCompile(`(?i)delete|remove|destroy|logout|signout|login|signin|register|password|reset|upload|pay|checkout`)
	plainAction = regexp.MustCompile(`^/[\w./~-]*$`)
)

// findTraffic proposes a session: the first page, each form that can be filled
// in without knowing what the page shows, and the first page again.
func (p *plan) findTraffic() {
	p.traffic = []line{{"", "GET /", ""}}
	if d := p.facts.route("GET", "/"); d != nil {
		p.traffic[0].why = d.where
	}
	seen := map[string]bool{}
	for _, name := range p.facts.pages {
		text := p.facts.texts[name]
		for _, at := range formForm.FindAllStringSubmatchIndex(text, -1) {
			attributes := attributesOf(group(text, at, 1))
			action := attributes["action"]
			if !strings.EqualFold(attributes["method"], "post") || seen[action] || !plainAction.MatchString(action) {
				continue
			}
			seen[action] = true
			p.form(action, group(text, at, 2), place(name, text, at[0]))
		}
	}
	p.readForms(seen)
	if len(p.traffic) == 1 {
		p.note("The traffic is only GET /: add what an ordinary session does, a request that writes among it.")
		return
	}
	p.traffic = append(p.traffic, line{"", "GET /", "what was written shows"})
}

// form adds the step that sends a form, or says why not.
func (p *plan) form(action, inside, where string) {
	d := p.facts.route("POST", action)
	fields, ok := fieldsOf(inside)
	switch {
	case d == nil:
		p.note("The form at %s sends to %s, but no route of that path was found: it is not part of the traffic.", where, action)
	case harmful.MatchString(action):
		p.note("The form at %s is not part of the traffic: %s may end or destroy something.", where, action)
	case !ok || len(fields) == 0:
		p.note("The form at %s is not part of the traffic: %s needs values that only a page or a person knows.", where, action)
	default:
		p.traffic = append(p.traffic, line{"", "POST " + action + " {" + strings.Join(fields, ", ") + "}", where + "; " + d.where})
	}
}

// fieldsOf fills in a form as "name: value" each; false where a value that it
// needs cannot be known.
func fieldsOf(inside string) ([]string, bool) {
	var fields []string
	texts := 0
	for _, at := range controlForm.FindAllStringSubmatchIndex(inside, -1) {
		control, attributes := strings.ToLower(group(inside, at, 1)), attributesOf(group(inside, at, 2))
		name := attributes["name"]
		if name == "" || csrfName.MatchString(name) {
			continue
		}
		value, needed := fill(control, attributes, inside[at[1]:], texts)
		switch {
		case value == "" && needed || templated.MatchString(name) || strings.Contains(strings.Replace(value, "$nonce", "", 1), "$"):
			return nil, false
		case value == "":
			continue
		case strings.Contains(value, "$nonce"):
			texts++
		}
		fields = append(fields, flow(name)+": "+flow(value))
	}
	return fields, texts > 0
}

// fill decides the value of a control; "" leaves it out, or refuses the form
// where it is needed.
func fill(control string, a map[string]string, after string, texts int) (value string, needed bool) {
	fixed := a["value"]
	if templated.MatchString(fixed) {
		fixed = ""
	}
	if control == "select" {
		if m := optionForm.FindStringSubmatch(after); m != nil {
			return m[1], true
		}
		return "", true
	}
	if control == "button" {
		return fixed, true
	}
	switch kind := strings.ToLower(a["type"]); kind {
	case "hidden":
		return fixed, true
	case "submit", "image", "reset", "button":
		return fixed, false
	case "checkbox", "radio":
		return "", false
	case "file", "password":
		return "", true
	case "email":
		return "$nonce@example.com", true
	case "url":
		return "https://example.com/$nonce", true
	case "number", "range":
		if a["min"] != "" && !templated.MatchString(a["min"]) {
			return a["min"], true
		}
		return "1", true
	case "", "text", "search":
		if hint := a["placeholder"]; texts > 0 && listForm.MatchString(hint) && !templated.MatchString(hint) {
			return hint, true // a list: its hint shows the form of one
		}
		return "$nonce", true
	}
	return "", true
}

func attributesOf(text string) map[string]string {
	out := map[string]string{}
	for _, m := range attribute.FindAllStringSubmatch(text, -1) {
		if name := strings.ToLower(m[1]); out[name] == "" {
			out[name] = m[2] + m[3] + m[4]
		}
	}
	return out
}

var (
	flowPlain = regexp.MustCompile(`^[A-Za-z_$][\w.@$/ -]*$`)
	control   = regexp.MustCompile(`[\x00-\x1f\x7f]`)
)

// flow writes a text for the inside of a mapping on one line.
func flow(s string) string {
	s = control.ReplaceAllString(strings.ToValidUTF8(s, "?"), " ")
	if flowPlain.MatchString(s) && !notText.MatchString(s) && !strings.HasSuffix(s, " ") {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", "''") + "'"
}

// isPage tells whether a file holds HTML by its name.
func isPage(ext string) bool {
	return slices.Contains([]string{".html", ".htm", ".tmpl", ".gohtml", ".erb", ".ejs", ".hbs", ".jinja", ".jinja2", ".j2", ".twig", ".njk", ".mustache"}, ext)
}
