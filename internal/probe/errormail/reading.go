package errormail

import (
	"fmt"
	"path"
	"regexp"
	"strings"

	"github.com/roadworthy-dev/roadworthy/internal/bench/mailsink"
	"github.com/roadworthy-dev/roadworthy/internal/trace"
)

const (
	maxMails  = 40
	maxTraces = 4
	maxFrames = 40
	maxCounts = 8
)

// The ways in which a mail tells a number of errors: "12 more errors",
// "errors: 12", "x12".
var counted = []*regexp.Regexp{
	regexp.MustCompile(`(?i)\b[0-9]+(?:,[0-9]{3})*(?:[ \t]+[\p{L}-]+){0,3}?[ \t]+(?:errors?|exceptions?|failures?|faults?|times|occurrences?|events?|crashes|tracebacks?|more|others?|similar|repeats?|repetitions|duplicates?|suppressed|total)\b`),
	regexp.MustCompile(`(?i)\b(?:count|total|occurrences?|occurred|times|repeated|suppressed|seen|errors|exceptions|failures|skipped|omitted)[ \t]*(?:[:=]|is|of|was|were)?[ \t]*[0-9]+(?:,[0-9]{3})*\b`),
	regexp.MustCompile(`(?i)(?:(?:^|[\s(\[])[x×] ?[0-9]+\b|\b[0-9]+ ?[x×](?:[\s.,;)\]]|$))`),
}

// read turns the mails of a boot into plain data.
func (w *world) read(m *Mailing) {
	m.Mails, m.Unrelated = nil, 0
	for _, message := range w.messages() {
		mail, related := w.mail(message)
		switch {
		case !related:
			m.Unrelated++
		case len(m.Mails) < maxMails:
			m.Mails = append(m.Mails, mail)
		}
	}
}

// mail reads one mail. It is related if it speaks of an error: it holds a
// trace, a failing request, or a count.
func (w *world) mail(message mailsink.Message) (mail Mail, related bool) {
	text := message.Subject() + "\n" + message.Text()
	mail = Mail{
		To: message.To, Subject: w.Excerpt(message.Subject()), After: message.Received.Sub(w.began).Seconds(),
		Path: len(w.path) > 1 && strings.Contains(text, w.path),
	}
	for _, nonce := range w.failing {
		mail.Nonce = mail.Nonce || strings.Contains(text, nonce)
	}
	for nonce, target := range w.ordinary {
		if strings.Contains(text, nonce) {
			mail.Other = target
		}
	}
	found := trace.FindAnywhere(text)
	mail.Traces = tracesOf(found)
	for _, t := range found { // numbers within a trace count nothing
		text = strings.ReplaceAll(text, t.Text, "")
	}
	for _, form := range counted {
		for _, said := range form.FindAllString(text, maxCounts-len(mail.Counts)) {
			mail.Counts = append(mail.Counts, w.Excerpt(said))
		}
	}
	return mail, mail.Nonce || mail.Path || len(mail.Traces) > 0 || len(mail.Counts) > 0
}

func tracesOf(found []trace.Trace) (list []Trace) {
	for _, t := range found[:min(len(found), maxTraces)] {
		kept := Trace{Language: t.Language, Type: t.Type}
		for _, f := range t.Frames[:min(len(t.Frames), maxFrames)] {
			kept.Frames = append(kept.Frames, fmt.Sprintf("%s:%d", path.Base(f.File), f.Line))
		}
		list = append(list, kept)
	}
	return list
}
