package report

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/standard"
	"github.com/roadworthy-dev/roadworthy/internal/term"
)

// junitFormat writes JUnit XML: a suite per requirement, a case per claim.
// What is unknown is an error of type "unknown": readers show a skipped case
// like a pass, and an unknown is none.
type junitFormat struct{}

type junitSuites struct {
	XMLName  xml.Name     `xml:"testsuites"`
	Name     string       `xml:"name,attr"`
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Errors   int          `xml:"errors,attr"`
	Skipped  int          `xml:"skipped,attr"`
	Time     string       `xml:"time,attr"`
	Suites   []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name       string          `xml:"name,attr"`
	Tests      int             `xml:"tests,attr"`
	Failures   int             `xml:"failures,attr"`
	Errors     int             `xml:"errors,attr"`
	Skipped    int             `xml:"skipped,attr"`
	Time       string          `xml:"time,attr"`
	Timestamp  string          `xml:"timestamp,attr,omitempty"`
	Properties []junitProperty `xml:"properties>property"`
	Cases      []junitCase     `xml:"testcase"`
}

type junitProperty struct {
	Name  string `xml:"name,attr"`
	Value string `xml:"value,attr"`
}

type junitCase struct {
	Name    string      `xml:"name,attr"`
	Class   string      `xml:"classname,attr"`
	Failure *junitCause `xml:"failure"`
	Error   *junitCause `xml:"error"`
	Skipped *junitCause `xml:"skipped"`
	Out     string      `xml:"system-out,omitempty"`
}

type junitCause struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr,omitempty"`
	Text    string `xml:",chardata"`
}

// Write writes one document.
func (junitFormat) Write(w io.Writer, run Run) error {
	run = run.bounded()
	all := junitSuites{Name: "roadworthy: " + term.Line(run.Application.Name), Time: junitTime(run.Took.Check)}
	for _, r := range run.Requirements {
		suite := junitSuiteOf(run, r)
		all.Tests += suite.Tests
		all.Failures += suite.Failures
		all.Errors += suite.Errors
		all.Skipped += suite.Skipped
		all.Suites = append(all.Suites, suite)
	}
	data, err := xml.MarshalIndent(all, "", "  ")
	if err != nil {
		return fmt.Errorf("encode report: %w", err)
	}
	_, err = io.WriteString(w, xml.Header+string(data)+"\n")
	return err
}

func junitSuiteOf(run Run, r Requirement) junitSuite {
	suite := junitSuite{
		Name: term.Line(r.ID + ": " + r.Title), Tests: len(r.Claims), Time: junitTime(r.Took),
		Properties: []junitProperty{
			{"outcome", string(r.Outcome)},
			{"artifact", term.Line(run.Application.Digest)},
			{"commit", term.Line(run.Application.Commit)},
		},
	}
	if !run.Started.IsZero() {
		suite.Timestamp = run.Started.UTC().Format("2006-01-02T15:04:05")
	}
	for _, c := range r.Claims {
		one := junitCaseOf(run, c)
		suite.Cases = append(suite.Cases, one)
		switch {
		case one.Failure != nil:
			suite.Failures++
		case one.Error != nil:
			suite.Errors++
		case one.Skipped != nil:
			suite.Skipped++
		}
	}
	return suite
}

func junitCaseOf(run Run, c Claim) junitCase {
	one := junitCase{Name: term.Line(c.ID + ": " + c.Says), Class: term.Line(c.Requirement)}
	var lines []string
	for _, r := range rowsOf(run.Host, c) {
		lines = append(lines, fmt.Sprintf("%-9s %s", r.Name, term.Clean(r.Text)))
	}
	text, message := strings.Join(lines, "\n"), term.Line(firstOf(c.Verdict.Why, c.Verdict.Seen, c.Says))
	switch c.Verdict.Outcome {
	case standard.Pass:
		one.Out = text
	case standard.NotApplicable:
		one.Skipped = &junitCause{Message: message, Text: text}
	case standard.Fail:
		one.Failure = &junitCause{message, "fail", text}
	case standard.Unknown:
		one.Error = &junitCause{message, "unknown", text}
	default:
		one.Error = &junitCause{message, "error", text}
	}
	return one
}

func firstOf(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return ""
}

func junitTime(s Seconds) string { return fmt.Sprintf("%.3f", time.Duration(s).Seconds()) }
