package loglevels

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/bench"
	"github.com/roadworthy-dev/roadworthy/internal/trace"
)

const (
	maxTemplates = 400
	maxForms     = 50
	maxRecords   = 6
)

// read turns the lines of a boot into plain data.
func (t *traffic) read(seen *Boot) {
	lines := t.process.Output.Lines()
	seen.Lines, seen.Dropped = len(lines), t.process.Output.Dropped()
	mask := t.masker()
	templates := map[string]*Template{}
	for _, line := range lines {
		text := mask.template(line.Text)
		if strings.TrimSpace(text) == "" {
			continue
		}
		template := templates[text]
		if template == nil {
			template = &Template{Text: text}
			templates[text] = template
		}
		switch {
		case !line.At.Before(t.asked):
			template.Count++
		case !line.At.Before(t.served):
			template.Idle++
		default:
			template.Other++
		}
	}
	for _, template := range templates {
		seen.Templates = append(seen.Templates, *template)
	}
	slices.SortFunc(seen.Templates, func(a, b Template) int {
		return cmp.Or(b.Count-a.Count, strings.Compare(a.Text, b.Text))
	})
	seen.More = max(0, len(seen.Templates)-maxTemplates)
	seen.Templates = seen.Templates[:len(seen.Templates)-seen.More]
	seen.Ordinary = t.ordinary(lines, mask)
	for _, e := range t.induced {
		seen.Errors = append(seen.Errors, t.records(e, lines, mask))
	}
}

// masker masks what is different in each boot: settings, services, nonces.
func (t *traffic) masker() masker {
	values := slices.Clone(t.nonces)
	for _, e := range t.induced {
		values = append(values, e.nonce)
	}
	for _, value := range t.boot.Values.Set {
		values = append(values, value)
	}
	for _, text := range t.boot.Values.Texts {
		values = append(values, text)
	}
	for _, service := range t.boot.Services {
		values = append(values, service.Host, service.IP, service.User, service.Password, service.Database, service.Path)
	}
	// The names of the levels must show, should a line hold them.
	return newMasker(slices.DeleteFunc(values, func(v string) bool { return v == t.boot.Values.Level || slices.Contains(levels, strings.ToUpper(v)) }))
}

// ordinary lists the forms of lines about requests that were not to fail.
func (t *traffic) ordinary(lines []bench.Line, mask masker) []string {
	var forms []string
	for _, line := range lines {
		if len(forms) < maxForms && slices.ContainsFunc(t.nonces, func(n string) bool { return strings.Contains(line.Text, n) }) {
			if form := mask.form(line.Text); !slices.Contains(forms, form) {
				forms = append(forms, form)
			}
		}
	}
	return forms
}

// records finds what may belong to an induced error: lines with its nonce, and
// traces between its request and the next.
func (t *traffic) records(e induced, lines []bench.Line, mask masker) Induced {
	found := Induced{Target: e.reply.Method + " " + e.reply.Target, Status: e.reply.Status}
	var text strings.Builder
	last := e.ended
	for _, line := range lines {
		if line.At.Before(e.reply.Started) {
			continue
		}
		if strings.Contains(line.Text, e.nonce) && len(found.Records) < maxRecords {
			found.Records = append(found.Records, Record{
				Form: mask.form(line.Text), Text: t.boot.Excerpt(line.Text), After: line.At.Sub(e.ended).Seconds(),
			})
		}
		if !line.At.After(later(e.until, e.ended.Add(errorWithin))) {
			text.WriteString(line.Text + "\n")
			last = line.At
		}
	}
	for _, tr := range trace.FindAnywhere(text.String()) {
		if len(found.Records) < maxRecords {
			found.Records = append(found.Records, Record{
				Trace: true, Type: tr.Type, Text: t.boot.Excerpt(tr.Text), After: last.Sub(e.ended).Seconds(),
			})
		}
	}
	return found
}

// later: the window of an error ends with its limit, or with the next round.
func later(next, limit time.Time) time.Time {
	if !next.IsZero() && next.Before(limit) {
		return next
	}
	return limit
}

// shows reports whether the error shows by now.
func (t *traffic) shows(e induced) bool {
	lines := t.process.Output.Lines()
	mask := t.masker()
	return t.records(e, lines, mask).shown(t.ordinary(lines, mask))
}
