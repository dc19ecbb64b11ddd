package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/roadworthy-dev/roadworthy/internal/standard"
	"github.com/roadworthy-dev/roadworthy/internal/term"
)

// markdownFormat writes GitHub-flavoured Markdown for the summary page of a CI
// job. Whatever an application said stands in code, where neither mark-up nor
// a mention of a person is read.
type markdownFormat struct{}

// Write writes one document.
func (markdownFormat) Write(w io.Writer, run Run) error {
	run = run.bounded()
	var b strings.Builder
	fmt.Fprintf(&b, "## %s roadworthy: %s\n\n", term.MarkOf(run.State().outcome()).Shape, run.sentence())
	fmt.Fprintf(&b, "%s · artifact %s · commit %s · %s · %s\n\n",
		mdCode(run.Application.Name), mdCode(run.Application.ShortDigest()), mdCode(run.Application.ShortCommit()),
		modeOf(run), took(run.Took.Check))
	for _, g := range run.groups() {
		fmt.Fprintf(&b, "| %s | requirement | claims | took |\n| :-- | :-- | --: | --: |\n", mdText(g.Title))
		for _, r := range g.Requirements {
			mark := term.MarkOf(r.Outcome)
			fmt.Fprintf(&b, "| %s %s | %s %s | %d/%d | %s |\n", mark.Shape, mark.Word, mdCell(r.ID), mdText(r.Title),
				r.claimsReady(), len(r.Claims), took(r.Took))
		}
		b.WriteString("\n")
	}
	for _, outcome := range []standard.Outcome{standard.Fail, standard.Error, standard.Unknown} {
		for _, r := range run.Requirements {
			if r.Outcome == outcome {
				mdFinding(&b, run, r)
			}
		}
	}
	for _, r := range run.Host.Restrictions {
		b.WriteString("This host refused something:\n\n" + mdFence("", r.Refused))
		if r.Allow != "" {
			b.WriteString("Allow it with:\n\n" + mdFence("sh", r.Allow))
		}
	}
	if next := run.next(); next != "" {
		b.WriteString("Next:\n\n" + mdFence("sh", next))
	}
	_, err := io.WriteString(w, strings.TrimRight(b.String(), "\n")+"\n")
	return err
}

func mdFinding(b *strings.Builder, run Run, r Requirement) {
	mark := term.MarkOf(r.Outcome)
	fmt.Fprintf(b, "### %s %s: %s %s\n\n", mark.Shape, mark.Word, mdCode(r.ID), mdText(r.Title))
	for _, c := range r.Claims {
		if c.Verdict.Outcome.Ready() {
			continue
		}
		mark := term.MarkOf(c.Verdict.Outcome)
		fmt.Fprintf(b, "%s %s: %s %s\n\n", mark.Shape, mark.Word, mdCode(c.ID), mdText(c.Says))
		var lines []string
		for _, row := range rowsOf(run.Host, c) {
			for i, line := range term.Wrap(term.Clean(row.Text), 88) {
				name := row.Name
				if i > 0 {
					name = ""
				}
				lines = append(lines, term.Pad(name, labels)+line)
			}
		}
		b.WriteString(mdFence("text", strings.Join(lines, "\n")))
	}
}

// mdFence puts text in a code block whose fence the text cannot close.
func mdFence(language, text string) string {
	text = term.Clean(text)
	fence := strings.Repeat("`", max(longestRun(text)+1, 3))
	return fence + language + "\n" + text + "\n" + fence + "\n\n"
}

// mdCode puts a line in a code span that it cannot close.
func mdCode(s string) string {
	s = term.Line(s)
	if strings.TrimSpace(s) == "" {
		return ""
	}
	fence := strings.Repeat("`", longestRun(s)+1)
	if strings.HasPrefix(s, "`") || strings.HasSuffix(s, "`") {
		s = " " + s + " "
	}
	return fence + s + fence
}

// mdCell is [mdCode] within a table, where a bar would end the cell.
func mdCell(s string) string { return strings.ReplaceAll(mdCode(s), "|", `\|`) }

// mdText escapes a line of our own prose.
func mdText(s string) string {
	var b strings.Builder
	for _, r := range term.Line(s) {
		switch {
		case strings.ContainsRune("\\`*_{}[]()#+!|~@$", r):
			b.WriteRune('\\')
			b.WriteRune(r)
		case r == '<':
			b.WriteString("&lt;")
		case r == '>':
			b.WriteString("&gt;")
		case r == '&':
			b.WriteString("&amp;")
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// longestRun returns the length of the longest run of backticks.
func longestRun(s string) int {
	longest, run := 0, 0
	for _, r := range s {
		if r == '`' {
			run++
			longest = max(longest, run)
		} else {
			run = 0
		}
	}
	return longest
}
