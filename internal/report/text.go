package report

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/standard"
	"github.com/roadworthy-dev/roadworthy/internal/term"
)

const (
	measure   = 112 // columns beyond which running text is hard to read
	wideTable = 100 // columns from which the number of claims is shown
	narrow    = 64  // columns below which titles are left out
	labels    = 10  // columns of "expected  "
	shownRows = 12  // lines of one field, unless verbose
	excerpted = 40  // lines of one excerpt, when verbose
)

// Text writes a run for people in a terminal: one line per requirement, and
// everything about what did not pass. The voice is that of package term.
type Text struct {
	terminal *term.Terminal
	verbose  bool
}

// NewText returns the text format.
func NewText(s Settings) *Text {
	if s.Terminal == nil {
		s.Terminal = term.Fixed(io.Discard, 80, false, true)
	}
	return &Text{s.Terminal, s.Verbose}
}

// Write writes the whole report; its last line is the next command to type.
func (t *Text) Write(w io.Writer, run Run) error {
	run = run.bounded()
	p := &page{Text: t, width: min(t.terminal.Width(), measure)}
	p.header(run)
	p.overview(run)
	if t.verbose {
		p.blocks(run, standard.Pass, "ok")
		p.blocks(run, standard.NotApplicable, "not applicable")
	}
	p.blocks(run, standard.Fail, "failed")
	p.blocks(run, standard.Error, "tool error")
	p.blocks(run, standard.Unknown, "not proven")
	p.restrictions(run)
	p.summary(run)
	_, err := w.Write(p.b.Bytes())
	return err
}

// WriteFinding writes the block of one requirement as soon as its verdicts are
// known. It writes nothing where every claim passed or does not apply.
func (t *Text) WriteFinding(w io.Writer, host Host, r Requirement) error {
	run := Run{Host: host, Requirements: []Requirement{r}}.bounded()
	if r = run.Requirements[0]; r.Outcome.Ready() {
		return nil
	}
	p := &page{Text: t, width: min(t.terminal.Width(), measure)}
	p.block(run, r)
	_, err := w.Write(p.b.Bytes())
	return err
}

// page collects what is written, so that a report reaches its reader whole.
type page struct {
	*Text
	width int
	b     bytes.Buffer
}

func (p *page) line(parts ...string) {
	p.b.WriteString(strings.TrimRight(strings.Join(parts, ""), " ") + "\n")
}

func (p *page) paint(style term.Style, text string) string {
	return p.terminal.Paint(style, p.terminal.Line(text))
}

// wrapped writes text in lines that begin with spaces, the first with lead.
func (p *page) wrapped(lead string, indent int, style term.Style, text string) {
	for i, line := range term.Wrap(p.terminal.Text(text), p.width-indent) {
		if i == 0 && lead != "" {
			p.line(lead, p.terminal.Paint(style, line))
			continue
		}
		p.line(strings.Repeat(" ", indent), p.terminal.Paint(style, line))
	}
}

func (p *page) header(run Run) {
	a := run.Application
	p.line(p.paint(term.Bold, a.Name), "  ", p.paint(term.Plain, a.ShortDigest()), "  ",
		p.paint(term.Muted, "commit "+a.ShortCommit()))
	p.facts(0, muted(factsOf(run)))
}

func factsOf(run Run) []string {
	facts := []string{modeOf(run)}
	for _, fact := range []string{run.Host.System, named("kernel ", run.Host.Kernel)} {
		if fact != "" {
			facts = append(facts, fact)
		}
	}
	if run.Host.Processors > 0 {
		facts = append(facts, count(run.Host.Processors, "processor"))
	}
	if run.Tool != "" {
		facts = append(facts, "roadworthy "+run.Tool)
	}
	return facts
}

func named(name, value string) string {
	if value == "" {
		return ""
	}
	return name + value
}

func muted(texts []string) []term.Cell {
	return mapped(texts, func(text string) term.Cell { return term.Cell{Text: text, Style: term.Muted} })
}

// facts writes short facts, as many to a line as fit.
func (p *page) facts(indent int, facts []term.Cell) {
	between := p.terminal.Line(" · ")
	line, used := "", 0
	flush := func() {
		if line != "" {
			p.line(strings.Repeat(" ", indent), line)
		}
		line, used = "", 0
	}
	for _, fact := range facts {
		text := p.terminal.Line(fact.Text)
		if used > 0 && indent+used+len(between)+term.Width(text) > p.width {
			flush()
		}
		if used > 0 {
			line += p.terminal.Paint(term.Muted, between)
			used += term.Width(between)
		}
		line += p.terminal.Paint(fact.Style, text)
		used += term.Width(text)
	}
	flush()
}

func (p *page) overview(run Run) {
	table := term.Table{Indent: 2, Right: []int{3}, Flex: 2}
	if p.width < narrow {
		table.Right, table.Flex = []int{2}, 1
	}
	var all []Requirement
	groups := run.groups()
	for _, g := range groups {
		for _, r := range g.Requirements {
			all = append(all, r)
			table.Rows = append(table.Rows, p.cells(r))
		}
	}
	if p.width >= wideTable {
		table.Right = []int{3, 4}
	}
	lines := p.terminal.Lines(table)
	for _, g := range groups {
		p.line()
		p.line(p.paint(term.Bold, g.Title))
		for range g.Requirements {
			p.line(lines[0])
			p.reason(all[0])
			lines, all = lines[1:], all[1:]
		}
	}
}

func (p *page) cells(r Requirement) []term.Cell {
	mark := term.MarkOf(r.Outcome)
	shape, quiet := mark.Shape, term.Plain
	if !p.terminal.UTF8() {
		shape = mark.Plain
	}
	if r.Outcome == standard.NotApplicable {
		quiet = term.Muted
	}
	row := []term.Cell{
		{Text: shape + " " + mark.Word, Style: mark.Style},
		{Text: p.terminal.Line(r.ID), Style: quiet},
	}
	if p.width >= narrow {
		row = append(row, term.Cell{Text: p.terminal.Line(r.Title), Style: term.Muted})
	}
	if p.width >= wideTable {
		row = append(row, term.Cell{Text: fmt.Sprintf("%d/%d", r.claimsReady(), len(r.Claims)), Style: term.Muted})
	}
	return append(row, term.Cell{Text: took(r.Took), Style: term.Muted})
}

// reason tells, beneath a requirement that is let through otherwise than by
// the application itself, why.
func (p *page) reason(r Requirement) {
	if p.verbose || !r.Outcome.Ready() {
		return
	}
	for _, c := range r.Claims {
		if c.Verdict.Outcome == standard.NotApplicable && c.Verdict.Why != "" {
			p.wrapped("", 6, term.Muted, c.Verdict.Why)
			return
		}
	}
	for _, c := range r.Claims {
		if c.Verdict.By == standard.ByRoadworthy {
			p.wrapped("", 6, term.Muted, suppliedBy)
			return
		}
	}
}

func (p *page) summary(run Run) {
	counts := run.Counts()
	var parts []term.Cell
	for _, outcome := range []standard.Outcome{
		standard.Pass, standard.Fail, standard.Error, standard.Unknown, standard.NotApplicable,
	} {
		if n := counts[outcome]; n > 0 {
			mark := term.MarkOf(outcome)
			parts = append(parts, term.Cell{Text: fmt.Sprintf("%d %s", n, mark.Word), Style: mark.Style})
		}
	}
	p.line()
	state := run.State()
	p.line(p.terminal.Shape(state.outcome()), " ",
		p.terminal.Paint(term.MarkOf(state.outcome()).Style, p.terminal.Line(run.sentence())))
	p.facts(2, append(parts, term.Cell{Text: took(run.Took.Check), Style: term.Muted}))
	p.facts(2, muted(timesOf(run.Took)))
	if run.Bundle != "" {
		p.line("  ", p.label("evidence"), p.paint(term.Plain, run.Bundle))
	}
	if next := run.next(); next != "" {
		p.line("  ", p.label("next"), p.paint(term.Accent, next))
	}
}

func timesOf(t Timings) []string {
	var parts []string
	for _, part := range []Timing{{"build", t.Build}, {"tests", t.Tests}, {"sandbox start", t.Sandbox}} {
		if part.Took > 0 {
			parts = append(parts, part.Name+" "+took(part.Took))
		}
	}
	return parts
}

func took(s Seconds) string { return term.Duration(time.Duration(s)) }

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func modeOf(run Run) string {
	text := string(run.Mode) + " check"
	if run.Mode == Only {
		text = fmt.Sprintf("check of %d of %d requirements", len(run.Requirements), len(standard.Requirements))
	}
	if run.Repeats > 1 {
		text += fmt.Sprintf(", %d times each", run.Repeats)
	}
	return text
}
