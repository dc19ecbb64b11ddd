package mail

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"hash/fnv"
	"strings"
	"time"
)

// Message is one mail, ready to be sent. It holds no secret that the
// [Scrubber] knows.
type Message struct {
	Subject     string
	Body        string // plain text, lines end with "\n"
	ID          string // without angle brackets
	Thread      string // the id that all mails about one kind refer to, without angle brackets
	Fingerprint string // "" for a digest
	Count       uint64 // errors that the mail tells
}

// About says which application the mails are about.
type About struct {
	Application string
	Environment string
	Host        string
}

func (a About) prefix() string {
	return "[" + strings.TrimSpace(a.Application+" "+a.Environment) + "] "
}

const (
	maxSubject   = 150 // bytes
	digestTraces = 10  // kinds whose trace a digest shows
	digestLines  = 15  // of each of these traces
)

// compose writes a letter as a mail.
func compose(about About, out *letter, scrub *Scrubber) Message {
	m := Message{Count: out.count()}
	domain := domainOf(about)
	if out.digest {
		m.Subject, m.Body = digestText(about, out, scrub)
		m.Thread = "digest." + domain
	} else {
		p := out.parts[0]
		m.Subject, m.Body = kindText(about, p, scrub)
		m.Fingerprint, m.Thread = p.group.Fingerprint, word(p.group.Fingerprint)+"."+domain
	}
	m.Subject = about.prefix() + clip(strings.Join(strings.Fields(m.Subject), " "), maxSubject)
	m.ID = strings.ToLower(rand.Text()) + "." + m.Thread
	return m
}

// domainOf makes the right side of message ids: one for each application,
// environment and host, so that threads do not mix.
func domainOf(about About) string {
	return "errors@" + word(orWord(about.Environment, "app")) + "." + word(orWord(about.Application, "roadworthy")) + ".invalid"
}

// word makes a text fit for a message id (RFC 5322, section 3.6.4: dot-atom).
func word(text string) string {
	fit := len(text) > 0 && len(text) <= 64 && !strings.ContainsFunc(text, func(r rune) bool {
		return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_", r)
	})
	if fit {
		return text
	}
	sum := fnv.New64a()
	_, _ = sum.Write([]byte(text))
	return hex.EncodeToString(sum.Sum(nil))
}

// kindText writes the mail about one kind: first what a phone shows without
// scrolling, then the trace.
func kindText(about About, p part, scrub *Scrubber) (subject, body string) {
	e := scrub.event(p.sample)
	subject = orWord(scrub.Scrub(p.title), "an error")
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n", subject)
	if p.back != "" {
		fmt.Fprintf(&b, "It was gone and is back in %s.\n\n", scrub.Scrub(p.back))
		subject += " (back in " + scrub.Scrub(p.back) + ")"
	}
	rows(&b, [][2]string{
		{"where", e.Where},
		{"count", fmt.Sprintf("%s new, %s since %s", number(p.count), number(p.since), moment(p.first))},
		{"release", e.Release},
		{"host", strings.Join(nonEmpty(about.Host, e.Worker), ", ")},
		{"request", strings.Join(nonEmpty(e.Request, e.RequestID), ", id ")},
		{"time", moment(e.Time)},
	})
	if e.Text != "" {
		fmt.Fprintf(&b, "\n%s\n", strings.TrimRight(e.Text, "\n"))
	}
	fmt.Fprintf(&b, "\nNo further mail about it before %s; until then it is counted.\n", moment(p.after))
	howToMute(&b, p.group.Fingerprint)
	return subject, b.String()
}

// digestText writes the mail about a storm: every kind with its exact count.
func digestText(about About, out *letter, scrub *Scrubber) (subject, body string) {
	var b strings.Builder
	subject = fmt.Sprintf("%s errors of %s", number(out.count()), plural(len(out.parts), "kind"))
	fmt.Fprintf(&b, "%s, more than may be mailed one by one.\n", subject)
	if about.Host != "" {
		fmt.Fprintf(&b, "On %s, until %s.\n", about.Host, moment(out.at))
	}
	b.WriteString("\n")
	for _, p := range out.parts {
		fmt.Fprintf(&b, "%s × %s\n", number(p.count), clip(orWord(scrub.Scrub(p.title), "an error"), maxSubject))
		rows(&b, [][2]string{
			{"  where", scrub.Scrub(p.sample.Where)},
			{"  since", fmt.Sprintf("%s, %s in all", moment(p.first), number(p.since))},
			{"  back", scrub.Scrub(p.back)},
			{"  kind", p.group.Fingerprint},
		})
	}
	shown := 0
	for _, p := range out.parts {
		if p.mails > 0 || p.sample.Text == "" || shown == digestTraces {
			continue // its trace has been mailed, or there is no room
		}
		shown++
		fmt.Fprintf(&b, "\n--- %s\n%s\n", p.group.Fingerprint, lines(scrub.Scrub(p.sample.Text)))
	}
	howToMute(&b, "KIND")
	return subject, b.String()
}

func howToMute(b *strings.Builder, kind string) {
	fmt.Fprintf(b, "\nMute it for a day:  roadworthy mail mute %s --for 24h\nIt is fixed:        roadworthy mail fixed %s\n", kind, kind)
}

func rows(b *strings.Builder, list [][2]string) {
	for _, row := range list {
		if row[1] != "" {
			fmt.Fprintf(b, "%-8s %s\n", row[0], strings.ReplaceAll(row[1], "\n", " "))
		}
	}
}

// lines shortens a trace to its first and last lines.
func lines(text string) string {
	all := strings.Split(strings.TrimRight(text, "\n"), "\n")
	if len(all) <= digestLines {
		return strings.Join(all, "\n")
	}
	head := digestLines / 3
	tail := digestLines - head
	return strings.Join(all[:head], "\n") + "\n…\n" + strings.Join(all[len(all)-tail:], "\n")
}

func nonEmpty(texts ...string) []string {
	var list []string
	for _, text := range texts {
		if text != "" {
			list = append(list, text)
		}
	}
	return list
}

func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04:05 UTC")
}

// number writes 12345 as 12,345.
func number(n uint64) string {
	text := fmt.Sprint(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
