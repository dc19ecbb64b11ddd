package scaffold

import (
	"regexp"
	"slices"
	"strings"
)

// fieldForm is how code reads a field of a form.
var fieldForm = regexp.MustCompile(`(?:PostFormValue|FormValue|PostForm\.Get|[Ff]orm\.get|POST\.get|getParameter)\(\s*["'` + "`" + `](\w+)["'` + "`" + `]|(?:[Ff]orm|POST|params)\[\s*:?["']?(\w+)|\b(?:req|request)\.body\.(\w+)`)

// The bounds of what is read behind a handler, and of what is filled in.
const (
	handlerLines = 12
	mostFields   = 2
)

// readForms adds a step for each route that takes a form which no page of the
// sources has: with the fields that its handler reads, as a guess.
func (p *plan) readForms(seen map[string]bool) {
	for _, d := range p.facts.declared {
		if d.method != "POST" || seen[d.path] || harmful.MatchString(d.path) || !plainAction.MatchString(d.path) {
			continue
		}
		seen[d.path] = true
		fields := p.facts.fieldsRead(d)
		if len(fields) == 0 || len(fields) > mostFields {
			p.note("POST %s (%s) is not part of the traffic: which fields it needs is not clear.", d.path, d.where)
			continue
		}
		for i, name := range fields {
			fields[i] = flow(name) + ": $nonce"
		}
		p.traffic = append(p.traffic, line{"", "POST " + d.path + " {" + strings.Join(fields, ", ") + "}", d.where + "; its fields are a guess"})
	}
}

// returned is a handler that code behind a route hands over to.
var returned = regexp.MustCompile(`return (?:await )?(?:\w+\.)?(\w+)\(`)

// fieldsRead returns the fields that the handler of a route reads, in order.
func (f *facts) fieldsRead(d declared) []string {
	body := d.after
	if m := returned.FindStringSubmatch(body); d.handler == "" && m != nil && !fieldForm.MatchString(body) {
		d.handler = m[1]
	}
	if d.handler != "" {
		body = f.handler(d)
	}
	var out []string
	for _, m := range fieldForm.FindAllStringSubmatch(body, -1) {
		if name := m[1] + m[2] + m[3]; !slices.Contains(out, name) && !csrfName.MatchString(name) {
			out = append(out, name)
		}
	}
	return out
}

// definition begins a function or a method in any of the languages.
var definition = regexp.MustCompile(`(?m)^(?:func\b|[ \t]*(?:async[ \t]+)?def\b|[ \t]*(?:export[ \t]+)?(?:async[ \t]+)?function\b|[ \t]*(?:async[ \t]+)?[*#]?\w+\([^()\n]*\)[ \t]*\{)`)

// handler returns the text of the function that a route names, from the source
// that declares it, else from the first that has it.
func (f *facts) handler(d declared) string {
	name := regexp.QuoteMeta(d.handler)
	form := regexp.MustCompile(`(?m)^(?:func[ \t]+(?:\([^)\n]*\)[ \t]*)?` + name + `\(|[ \t]*(?:async[ \t]+)?def[ \t]+` + name + `\(|[ \t]*(?:export[ \t]+)?(?:async[ \t]+)?(?:function[ \t]+)?` + name + `\([^()\n]*\)[ \t]*\{|[ \t]*(?:const|let|var)[ \t]+` + name + `[ \t]*=[ \t]*(?:async[ \t]*)?(?:\([^()\n]*\)[ \t]*=>|\w+[ \t]*=>|function))`)
	file, _, _ := strings.Cut(d.where, ":")
	for _, source := range append([]string{file}, f.sources...) {
		if at := form.FindStringIndex(f.texts[source]); at != nil {
			rest := lines(f.texts[source][at[1]:], handlerLines)
			if end := definition.FindStringIndex(rest); end != nil {
				rest = rest[:end[0]]
			}
			return rest
		}
	}
	return ""
}

// lines returns the first n lines of a text.
func lines(text string, n int) string {
	end := 0
	for range n {
		i := strings.IndexByte(text[end:], '\n')
		if i < 0 {
			return text
		}
		end += i + 1
	}
	return text[:end]
}
