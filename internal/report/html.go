package report

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // the page and its stylesheet
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"strings"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/standard"
	"github.com/roadworthy-dev/roadworthy/internal/term"
)

// htmlFormat writes one page that needs no other file, no script and no
// network, and whose content security policy forbids all three.
type htmlFormat struct{}

//go:embed page.html.tmpl
var pageSource string

//go:embed page.css
var pageStyle string

// view is all that the page shows.
type view struct {
	Policy    template.HTMLAttr // http-equiv and content of the policy
	Style     template.CSS
	Title     string
	Name      string
	Mark      viewMark
	Verdict   string
	Facts     []viewFact
	Counts    []viewCount
	Findings  []viewFinding
	Groups    []viewGroup
	Refusals  []Restriction
	Timings   []viewFact
	Next      string
	StartedAt string // RFC 3339
	Started   string
}

type viewMark struct {
	Shape string
	Word  string
	Class string // of the stylesheet: ok, bad, warn, idle
}

type viewFact struct {
	Name  string
	Value string
	Code  bool
}

type viewCount struct {
	Mark viewMark
	N    int
}

type viewFinding struct {
	ID, Says, Why, Mend string
	Command             bool // Mend can be typed
	Mark                viewMark
}

type viewGroup struct {
	Title        string
	Requirements []viewRequirement
}

type viewRequirement struct {
	ID, Title, Took, Held string
	Mark                  viewMark
	Open                  bool
	Claims                []viewClaim
}

type viewClaim struct {
	ID, Says, PassRule, Blind string
	Mark                      viewMark
	Open                      bool
	Tags                      []string
	Rows                      []row
	Excerpts                  []Excerpt
}

// Write writes the page.
func (htmlFormat) Write(w io.Writer, run Run) error {
	page, err := template.New("page").Parse(pageSource)
	if err != nil {
		return fmt.Errorf("parse the page: %w", err)
	}
	var b bytes.Buffer
	if err := page.Execute(&b, viewOf(run.bounded())); err != nil {
		return fmt.Errorf("write the page: %w", err)
	}
	_, err = w.Write(b.Bytes())
	return err
}

func viewOf(run Run) view {
	a := run.Application
	v := view{
		Style: template.CSS(pageStyle), Policy: policy(), //nolint:gosec // our own stylesheet
		Title: term.Line(a.Name) + ": " + run.Verdict(), Name: term.Line(a.Name),
		Mark: markView(run.State().outcome()), Verdict: run.sentence(),
		Facts: []viewFact{
			{"artifact", term.Line(a.Digest), true}, {"commit", term.Line(commitOf(a)), true},
			{"asked", modeOf(run), false}, {"took", took(run.Took.Check), false},
			{"host", strings.TrimSpace(term.Line(run.Host.System + " " + run.Host.Kernel)), false},
			{"roadworthy", term.Line(run.Tool), false}, {"evidence", term.Line(run.Bundle), true},
		},
		Next: term.Line(run.next()), Refusals: mapped(run.Host.Restrictions, safeRestriction),
	}
	if !run.Started.IsZero() {
		v.StartedAt = run.Started.UTC().Format(time.RFC3339)
		v.Started = run.Started.UTC().Format("2 January 2006, 15:04 UTC")
	}
	v.Mark.Word = string(run.State())
	counts := run.Counts()
	for _, outcome := range []standard.Outcome{
		standard.Fail, standard.Error, standard.Unknown, standard.Pass, standard.NotApplicable,
	} {
		if counts[outcome] > 0 {
			v.Counts = append(v.Counts, viewCount{markView(outcome), counts[outcome]})
		}
	}
	for _, outcome := range []standard.Outcome{standard.Fail, standard.Error, standard.Unknown} {
		v.Findings = append(v.Findings, findingsOf(run, outcome)...)
	}
	for _, g := range run.groups() {
		group := viewGroup{Title: term.Line(g.Title)}
		for _, r := range g.Requirements {
			group.Requirements = append(group.Requirements, requirementView(run, r))
		}
		v.Groups = append(v.Groups, group)
	}
	v.Timings = timingsView(run.Took)
	return v
}

func commitOf(a Application) string {
	if a.Commit != "" && a.Dirty {
		return a.Commit + " + uncommitted changes"
	}
	return firstOf(a.Commit, "none")
}

func markView(outcome standard.Outcome) viewMark {
	mark := term.MarkOf(outcome)
	class := map[term.Style]string{term.Good: "ok", term.Bad: "bad", term.Warn: "warn"}[mark.Style]
	if class == "" {
		class = "idle"
	}
	return viewMark{mark.Shape, mark.Word, class}
}

func findingsOf(run Run, outcome standard.Outcome) []viewFinding {
	var found []viewFinding
	run.each(func(_ Requirement, c Claim) {
		if c.Verdict.Outcome != outcome {
			return
		}
		mend, command := firstOf(c.Verdict.Remedy, c.Remedy), false
		if allow := run.Host.allow(c); allow != "" && outcome != standard.Fail {
			mend, command = allow, true
		}
		found = append(found, viewFinding{
			ID: term.Line(c.ID), Says: term.Line(c.Says), Mark: markView(outcome),
			Why:  brief(firstOf(c.Verdict.Why, c.Verdict.Seen)),
			Mend: brief(mend), Command: command,
		})
	})
	return found
}

// brief shortens a text for the overview; the whole of it stands further down.
func brief(s string) string { return term.Truncate(term.Line(clip(s, 1000)), 240, "…") }

func requirementView(run Run, r Requirement) viewRequirement {
	out := viewRequirement{
		ID: term.Line(r.ID), Title: term.Line(r.Title), Took: took(r.Took), Mark: markView(r.Outcome),
		Held: fmt.Sprintf("%d of %d", r.claimsReady(), len(r.Claims)), Open: !r.Outcome.Ready(),
	}
	for _, c := range r.Claims {
		claim := viewClaim{
			ID: term.Line(c.ID), Says: term.Line(c.Says), PassRule: term.Clean(c.PassRule), Blind: term.Clean(c.Blind),
			Mark: markView(c.Verdict.Outcome), Open: !c.Verdict.Outcome.Ready(),
			Rows: mapped(rowsOf(run.Host, c), func(r row) row { return row{r.Name, term.Clean(r.Text), r.Command} }),
		}
		if claim.PassRule == term.Clean(c.Verdict.Expected) {
			claim.PassRule = ""
		}
		if claim.ID == out.ID { // a requirement without claims stands for itself; ids stay unique
			claim.ID = ""
		}
		for _, tag := range []string{string(c.Verdict.Strength), byWhom(c.Verdict.By)} {
			if tag != "" {
				claim.Tags = append(claim.Tags, term.Line(tag))
			}
		}
		for _, e := range run.Excerpts {
			if e.Claim == c.ID {
				claim.Excerpts = append(claim.Excerpts, Excerpt{e.Claim, term.Line(e.Title), term.Clean(e.Text)})
			}
		}
		out.Claims = append(out.Claims, claim)
	}
	return out
}

func byWhom(by string) string {
	if by == "" {
		return ""
	}
	return "by " + by
}

func safeRestriction(r Restriction) Restriction {
	return Restriction{term.Clean(r.Refused), term.Clean(r.Allow), mapped(r.Affects, term.Line)}
}

func timingsView(t Timings) []viewFact {
	facts := []viewFact{
		{"build", took(t.Build), false}, {"tests", took(t.Tests), false},
		{"sandbox start, median", took(t.Sandbox), false},
	}
	for _, probe := range t.Probes {
		facts = append(facts, viewFact{term.Line(probe.Name), took(probe.Took), true})
	}
	return append(facts, viewFact{"the whole check", took(t.Check), false})
}

// policy allows the one stylesheet of the page, by its hash, and nothing else.
func policy() template.HTMLAttr {
	sum := sha256.Sum256([]byte(pageStyle))
	return template.HTMLAttr(fmt.Sprintf( //nolint:gosec // a constant and a hash
		`http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'none'; style-src 'sha256-%s'; base-uri 'none'; form-action 'none'"`,
		base64.StdEncoding.EncodeToString(sum[:])))
}
