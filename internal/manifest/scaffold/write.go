package scaffold

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode"
)

// write renders the plan as YAML with comments.
func (p *plan) write() []byte {
	var w writer
	w.comment("", "Proposed from what is in this folder: look through each line.")
	w.line("", p.name.name, text(p.name.value), p.name.why)
	p.writeBuild(&w)
	w.gap()
	if p.run {
		w.line("", "run", "{}", "roadworthy run supplies what the application lacks")
	}
	w.line("", "processes", "", "by type; web is the one that serves HTTP")
	for _, l := range p.processes {
		w.line("  ", l.name, text(l.value), l.why)
	}
	if len(p.admin) > 0 {
		w.line("", "admin", "", "one-off commands")
		for _, l := range p.admin {
			w.line("  ", l.name, text(l.value), l.why)
		}
	}
	if len(p.system) > 0 {
		w.line("", "system", "["+strings.Join(p.system, ", ")+"]", "packages of Debian that it runs with")
	}
	p.writeSettings(&w)
	p.writeStatus(&w)
	w.gap()
	w.line("", "traffic", "", `an ordinary session, in order; a form is "POST /path {field: $nonce}"`)
	for _, l := range p.traffic {
		w.item("  ", text(l.value), l.why)
	}
	p.writeFaults(&w)
	return []byte(w.String())
}

func (p *plan) writeBuild(w *writer) {
	if len(p.stack.build) > 0 {
		w.gap()
		w.line("", "build", "", p.stack.from+": "+p.stack.says)
		indent := "  "
		if above := p.facts.context(); above != "" {
			w.line("  ", "context", above, "go.mod takes a module from there")
			w.line("  ", "run", "", "")
			indent = "    "
		}
		for _, command := range p.stack.build {
			w.item(indent, text(command), "")
		}
	}
	if p.stack.test != "" {
		from := p.stack.testFrom
		if from == "" {
			from = "usual for " + p.stack.says
		}
		w.line("", "test", "", from)
		w.line("  ", "run", text(p.stack.test), "")
		if p.stack.coverage != "" {
			w.line("  ", "coverage", text(p.stack.coverage), "the report that it writes")
			w.line("  ", "format", text(p.stack.format), "")
		} else {
			w.comment("  ", "coverage: the report that it writes; nothing here measures coverage")
		}
	}
	if len(p.release) > 0 {
		w.line("", "release", "", p.releaseBy+": once per release, before it serves")
		for _, command := range p.release {
			w.item("  ", text(command), "")
		}
	}
}

func (p *plan) writeSettings(w *writer) {
	if len(p.settings) > 0 || p.file.name != "" {
		w.gap()
		w.line("", "config", "", "")
		if p.file.name != "" {
			value := "{variable: " + p.file.name
			if p.file.value != "" {
				value += ", format: " + p.file.value
			}
			w.line("  ", "file", value+"}", p.file.why)
		} else {
			w.comment("  ", "file: {variable: APP_CONFIG} if a flat file holds the same settings; then give each its key")
		}
	}
	if len(p.settings) > 0 {
		w.line("  ", "settings", "", "where each variable is read")
		for _, s := range p.settings {
			w.line("    ", s.name, s.yaml(), s.why)
		}
	}
	if len(p.services) == 0 {
		return
	}
	w.line("", "services", "", "durable: true for what must survive and be backed up")
	for _, s := range p.services {
		value := fmt.Sprintf("{type: %s", s.kind)
		if s.durable {
			value += ", durable: true"
		}
		w.line("  ", s.name, value+"}", s.why)
	}
}

func (p *plan) writeStatus(w *writer) {
	switch {
	case p.run:
		w.gap()
		w.line("", "status", "{path: /status, token: STATUS_TOKEN}", "roadworthy run answers it")
	case p.status != "" && p.token != "":
		w.gap()
		w.line("", "status", fmt.Sprintf("{path: %s, token: %s}", p.status, p.token), p.facts.where(p.status))
	case p.status != "":
		w.gap()
		w.comment("", fmt.Sprintf("status: {path: %s, token: STATUS_TOKEN} once a setting holds its token (%s)", p.status, p.facts.where(p.status)))
	}
}

func (p *plan) writeFaults(w *writer) {
	if len(p.faults) == 0 {
		w.comment("", "faults: {exception: GET /fault, slow: GET /slow} if such routes exist")
		return
	}
	w.line("", "faults", "", "routes that misbehave on purpose")
	for _, f := range p.faults {
		if f.header == "" {
			w.line("  ", f.name, text(f.value), f.why)
		} else {
			w.line("  ", f.name, "{request: "+text(f.value)+", headers: "+f.header+"}", f.why)
		}
	}
}

// writer writes lines of YAML.
type writer struct{ strings.Builder }

func (w *writer) gap() { w.WriteByte('\n') }

// line writes a key with its value, already YAML, and a comment.
func (w *writer) line(indent, key, value, why string) {
	w.WriteString(indent + key + ":")
	if value != "" {
		w.WriteString(" " + value)
	}
	if why != "" {
		w.WriteString(" # " + clean(why))
	}
	w.WriteByte('\n')
}

// item writes an entry of a list, already YAML, and a comment.
func (w *writer) item(indent, value, why string) {
	w.WriteString(indent + "- " + value)
	if why != "" {
		w.WriteString(" # " + clean(why))
	}
	w.WriteByte('\n')
}

func (w *writer) comment(indent, what string) {
	w.WriteString(indent + "# " + clean(what) + "\n")
}

var (
	plainForm = regexp.MustCompile(`^[A-Za-z./][A-Za-z0-9 ./_=@$+-]*$`)
	notText   = regexp.MustCompile(`(?i)^(true|false|yes|no|on|off|y|n|null|\.inf|\.nan)$`)
)

// text writes a text as YAML, in quotes where it needs them.
func text(s string) string {
	if plainForm.MatchString(s) && !notText.MatchString(s) && !strings.HasSuffix(s, " ") {
		return s
	}
	return quoted(s)
}

// quoted writes a text in double quotes with the escapes that YAML and Go
// share; YAML 1.2 section 5.7.
func quoted(s string) string { return strconv.Quote(strings.ToValidUTF8(s, "\ufffd")) }

// clean makes a text fit for one line of a comment or a note.
func clean(s string) string {
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
	if r := []rune(s); len(r) > 160 {
		return string(r[:160]) + "…"
	}
	return s
}
