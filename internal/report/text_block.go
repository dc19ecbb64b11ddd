package report

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/roadworthy-dev/roadworthy/internal/standard"
	"github.com/roadworthy-dev/roadworthy/internal/term"
)

// blocks writes every requirement of an outcome in full, by section.
func (p *page) blocks(run Run, outcome standard.Outcome, word string) {
	for _, g := range run.groups() {
		headed := false
		for _, r := range g.Requirements {
			if r.Outcome != outcome {
				continue
			}
			if !headed {
				p.line()
				p.line(p.paint(term.Bold, word+": "+g.Title))
				headed = true
			}
			p.line()
			p.block(run, r)
		}
	}
}

// block writes one requirement: its own line, then its claims. Claims that
// passed are counted, not shown, unless asked for.
func (p *page) block(run Run, r Requirement) {
	p.wrapped(p.terminal.Shape(r.Outcome)+" ", 2, term.Bold, r.ID+"  "+r.Title)
	hidden := map[standard.Outcome]int{}
	for _, c := range r.Claims {
		if c.Verdict.Outcome.Ready() && !p.verbose {
			hidden[c.Verdict.Outcome]++
			continue
		}
		p.claim(run, c)
	}
	for _, outcome := range []standard.Outcome{standard.Pass, standard.NotApplicable} {
		if n := hidden[outcome]; n > 0 {
			text := fmt.Sprintf("%s %s, shown with --verbose", count(n, "other claim"), term.MarkOf(outcome).Word)
			p.line("  ", p.paint(term.Muted, text))
		}
	}
}

func (p *page) claim(run Run, c Claim) {
	p.line("  ", p.terminal.Status(c.Verdict.Outcome, 0), "  ", p.paint(term.Bold, c.ID))
	p.wrapped("", 4, term.Plain, c.Says)
	for _, row := range rowsOf(run.Host, c) {
		p.row(row)
	}
	if !p.verbose {
		return
	}
	for _, e := range run.Excerpts {
		if e.Claim == c.ID {
			p.excerpt(e)
		}
	}
}

func (p *page) row(r row) {
	lead := "    " + p.label(r.Name)
	if r.Command { // never wrapped, so that it can be copied
		p.line(lead, p.paint(term.Accent, r.Text))
		return
	}
	indent := 4 + labels
	lines := term.Wrap(p.terminal.Text(r.Text), p.width-indent)
	rest := 0
	if !p.verbose && len(lines) > shownRows {
		rest = len(lines) - shownRows
		lines = lines[:shownRows]
	}
	for i, line := range lines {
		if i > 0 {
			lead = strings.Repeat(" ", indent)
		}
		p.line(lead, line)
	}
	if rest > 0 {
		p.line(strings.Repeat(" ", indent), p.paint(term.Muted, fmt.Sprintf("… %s, shown with --verbose", count(rest, "more line"))))
	}
}

// label returns the name of a row; its spaces are not painted.
func (p *page) label(name string) string {
	return p.paint(term.Muted, name) + term.Pad("", labels-term.Width(name))
}

func (p *page) excerpt(e Excerpt) {
	p.line("    ", p.paint(term.Muted, e.Title))
	bar := "│"
	if !p.terminal.UTF8() {
		bar = "|"
	}
	lines := term.Wrap(p.terminal.Text(e.Text), p.width-6)
	for _, line := range lines[:min(len(lines), excerpted)] {
		p.line("    ", p.terminal.Paint(term.Muted, bar), " ", line)
	}
	if rest := len(lines) - excerpted; rest > 0 {
		p.line("    ", p.paint(term.Muted, fmt.Sprintf("… %s, in the evidence", count(rest, "more line"))))
	}
}

func (p *page) restrictions(run Run) {
	if len(run.Host.Restrictions) == 0 {
		return
	}
	p.line()
	p.line(p.paint(term.Bold, "refused by this host"))
	for _, r := range run.Host.Restrictions {
		p.wrapped("  "+p.terminal.Shape(standard.Unknown)+" ", 4, term.Plain, r.Refused)
		if r.Allow != "" {
			p.line("    ", p.label("allow"), p.paint(term.Accent, r.Allow))
		}
	}
}

// plainWord is a word that a shell leaves alone.
var plainWord = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._/@:+-]*$`)

// next returns the command to type next: the one that was given, or else the
// explanation of the first claim that did not pass, or the verification of
// the bundle.
func (r Run) next() string {
	if r.Next != "" {
		return r.Next
	}
	var first string
	worst := standard.NotApplicable
	r.each(func(_ Requirement, c Claim) {
		if o := c.Verdict.Outcome; !o.Ready() && o != worst && standard.Worst(o, worst) == o {
			first, worst = c.ID, o
		}
	})
	switch {
	case plainWord.MatchString(first):
		return "roadworthy explain " + first
	case first == "" && plainWord.MatchString(strings.TrimPrefix(r.Bundle, ".")):
		return "roadworthy verify " + r.Bundle
	}
	return ""
}
