package errormail

import (
	"fmt"
	"slices"
	"strings"

	"github.com/roadworthy-dev/roadworthy/internal/standard"
)

// mailSeconds is the limit of the pass rule.
const mailSeconds = 10.0

func judge(o Observations) []standard.Finding {
	if o.Setting == "" {
		var findings []standard.Finding
		for _, claim := range []string{"trace", "recipients", "storm", "dead"} {
			findings = append(findings, standard.Finding{
				Claim: "error.mail." + claim, Outcome: standard.Fail,
				Seen: "nobody to mail to", Why: "no setting of the manifest holds the recipients of error mail",
			})
		}
		return findings
	}
	return []standard.Finding{o.trace(), o.recipients(), o.storm(), o.dead()}
}

// trace passes if exactly the recipients got the trace of the failing request.
func (o Observations) trace() standard.Finding {
	f := standard.Finding{Claim: "error.mail.trace", Outcome: standard.Pass}
	m := o.First
	f.Did = fmt.Sprintf("set %s to %s and sent %s", o.Setting, strings.Join(m.Recipients, ","), m.Target)
	f.Seen = m.describe()
	outcome, why := m.addressed()
	if outcome != standard.Pass {
		f.Outcome, f.Why = outcome, why
		return f
	}
	for _, recipient := range m.Recipients {
		var reasons []string
		good := false
		for _, mail := range m.inTime() {
			if contains(mail.To, recipient) {
				why := m.lacks(mail)
				good = good || why == ""
				reasons = append(reasons, why)
			}
		}
		if !good && f.Outcome == standard.Pass {
			f.Outcome, f.Why = standard.Fail, fmt.Sprintf("the mail to %s %s", recipient, reasons[0])
		}
	}
	return f
}

func (m Mailing) describe() string {
	if len(m.Mails) == 0 {
		return "no mail"
	}
	first := m.Mails[0]
	frames, language := 0, "any language"
	for _, t := range first.Traces {
		frames, language = frames+len(t.Frames), t.Language
	}
	return fmt.Sprintf("%d mails, the first after %.1f s to %s with %d frames of %s", len(m.Mails), first.After, strings.Join(first.To, ", "), frames, language)
}

// inTime lists the mails that came within the limit.
func (m Mailing) inTime() (list []Mail) {
	for _, mail := range m.Mails {
		if mail.After <= mailSeconds {
			list = append(list, mail)
		}
	}
	return list
}

// addressed says whether the mails went to each recipient and to nobody else.
// A stranger counts even in a mail that came late.
func (m Mailing) addressed() (standard.Outcome, string) {
	for _, mail := range m.Mails {
		for _, to := range mail.To {
			if !contains(m.Recipients, to) {
				return standard.Fail, fmt.Sprintf("a mail went to %s, who is not on the list", to)
			}
		}
	}
	for _, recipient := range m.Recipients {
		if slices.ContainsFunc(m.inTime(), func(mail Mail) bool { return contains(mail.To, recipient) }) {
			continue
		}
		if m.Status > 0 && m.Status < 500 {
			return standard.Unknown, fmt.Sprintf("%s was answered with %d, so it may have raised nothing", m.Target, m.Status)
		}
		return standard.Fail, fmt.Sprintf("no mail to %s within %.0f s", recipient, mailSeconds)
	}
	if len(m.Recipients) == 0 {
		return standard.Unknown, "nobody was configured"
	}
	return standard.Pass, ""
}

// lacks says what a mail lacks to be about the failing request; "" if nothing.
func (m Mailing) lacks(mail Mail) string {
	switch {
	case len(mail.Traces) == 0:
		return "holds no stack trace"
	case !mail.Nonce && mail.Other != "":
		return "is about another request: " + mail.Other
	case !mail.Nonce && !mail.Path:
		return "names neither the failing request nor its path"
	case len(m.Logged) > 0 && !slices.ContainsFunc(mail.Traces, m.wasLogged):
		return fmt.Sprintf("holds a trace of %q, while the log has one of %q for the failing request", mail.Traces[0].Type, m.Logged[0].Type)
	}
	return ""
}

// wasLogged reports whether a trace is one that the log has as well: of the
// same exception, through the same places.
func (m Mailing) wasLogged(t Trace) bool {
	return slices.ContainsFunc(m.Logged, func(logged Trace) bool {
		if t.Type != "" && logged.Type != "" && t.Type != logged.Type {
			return false
		}
		return slices.ContainsFunc(t.Frames, func(frame string) bool { return slices.Contains(logged.Frames, frame) })
	})
}

// recipients passes if another list, of another length, got its mail.
func (o Observations) recipients() standard.Finding {
	f := standard.Finding{Claim: "error.mail.recipients", Outcome: standard.Pass}
	m := o.Second
	f.Did = fmt.Sprintf("booted again with %s set to %s and sent %s", o.Setting, strings.Join(m.Recipients, ","), m.Target)
	f.Seen = m.describe()
	f.Outcome, f.Why = m.addressed()
	same := len(m.Recipients) == len(o.First.Recipients) || slices.ContainsFunc(m.Recipients, func(r string) bool { return contains(o.First.Recipients, r) })
	if f.Outcome == standard.Pass && same {
		f.Outcome, f.Why = standard.Unknown, "the second list was no other one"
	}
	return f
}
