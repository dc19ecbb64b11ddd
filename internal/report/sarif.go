package report

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/standard"
)

// sarifFormat writes SARIF 2.1.0 (OASIS, with errata 01). A rule is a claim; a
// result is a claim that did not pass. What failed is an error, what was not
// proven a warning, and where the tool broke, a note and a notification.
type sarifFormat struct{}

type sarifLog struct {
	Schema  string     `json:"$schema"`
	Version string     `json:"version"`
	Runs    []sarifRun `json:"runs"`
}

type sarifRun struct {
	Tool        sarifTool         `json:"tool"`
	Automation  sarifAutomation   `json:"automationDetails"`
	Invocations []sarifInvocation `json:"invocations"`
	ColumnKind  string            `json:"columnKind"`
	Results     []sarifResult     `json:"results"`
	Properties  map[string]any    `json:"properties"`
}

type sarifTool struct {
	Driver sarifDriver `json:"driver"`
}

type sarifDriver struct {
	Name           string      `json:"name"`
	Version        string      `json:"version,omitempty"`
	InformationURI string      `json:"informationUri"`
	Rules          []sarifRule `json:"rules"`
}

type sarifAutomation struct {
	ID string `json:"id"`
}

type sarifRule struct {
	ID            string         `json:"id"`
	Short         sarifText      `json:"shortDescription"`
	Full          sarifText      `json:"fullDescription"`
	Help          sarifText      `json:"help"`
	Configuration sarifLevel     `json:"defaultConfiguration"`
	Properties    map[string]any `json:"properties"`
}

type sarifLevel struct {
	Level string `json:"level"`
}

type sarifText struct {
	Text string `json:"text"`
}

type sarifInvocation struct {
	Successful    bool                `json:"executionSuccessful"`
	ExitCode      int                 `json:"exitCode"`
	Start         string              `json:"startTimeUtc,omitempty"`
	End           string              `json:"endTimeUtc,omitempty"`
	Notifications []sarifNotification `json:"toolExecutionNotifications,omitempty"`
}

type sarifNotification struct {
	Level   string    `json:"level"`
	Message sarifText `json:"message"`
}

type sarifResult struct {
	RuleID       string            `json:"ruleId"`
	RuleIndex    int               `json:"ruleIndex"`
	Level        string            `json:"level"`
	Message      sarifText         `json:"message"`
	Locations    []sarifLocation   `json:"locations"`
	Fingerprints map[string]string `json:"partialFingerprints"`
	Properties   map[string]any    `json:"properties"`
}

type sarifLocation struct {
	Physical sarifPhysical `json:"physicalLocation"`
}

type sarifPhysical struct {
	Artifact sarifArtifact `json:"artifactLocation"`
	Region   sarifRegion   `json:"region"`
}

type sarifArtifact struct {
	URI  string `json:"uri"`
	Base string `json:"uriBaseId"`
}

type sarifRegion struct {
	StartLine int `json:"startLine"`
}

// Write writes a log with one run.
func (sarifFormat) Write(w io.Writer, run Run) error {
	run = run.bounded()
	out := sarifRun{
		Tool: sarifTool{sarifDriver{
			Name: "roadworthy", Version: run.Tool, InformationURI: "https://roadworthy.dev/", Rules: []sarifRule{},
		}},
		Automation:  sarifAutomation{"roadworthy/" + url.PathEscape(run.Application.Name) + "/"},
		Invocations: []sarifInvocation{invocation(run)},
		ColumnKind:  "unicodeCodePoints",
		Results:     []sarifResult{},
		Properties: map[string]any{
			"artifact": run.Application.Digest, "commit": run.Application.Commit, "dirty": run.Application.Dirty,
			"mode": run.Mode, "state": run.State(),
		},
	}
	run.each(func(r Requirement, c Claim) {
		rules := &out.Tool.Driver.Rules
		*rules = append(*rules, ruleOf(r, c))
		if !c.Verdict.Outcome.Ready() {
			out.Results = append(out.Results, resultOf(run, c, len(*rules)-1))
		}
	})
	return writeJSON(w, sarifLog{
		Schema: "https://json.schemastore.org/sarif-2.1.0.json", Version: "2.1.0", Runs: []sarifRun{out},
	})
}

func invocation(run Run) sarifInvocation {
	const layout = "2006-01-02T15:04:05.000Z"
	in := sarifInvocation{Successful: true, ExitCode: run.ExitCode()}
	if !run.Started.IsZero() {
		in.Start = run.Started.UTC().Format(layout)
		in.End = run.Started.Add(time.Duration(run.Took.Check)).UTC().Format(layout)
	}
	run.each(func(_ Requirement, c Claim) {
		if c.Verdict.Outcome == standard.Error {
			in.Successful = false
			in.Notifications = append(in.Notifications, sarifNotification{
				"error", sarifText{sarifEscape(c.ID + ": " + c.Verdict.Why)},
			})
		}
	})
	for _, restriction := range run.Host.Restrictions {
		text := "the host refused: " + restriction.Refused + ". Allow it with: " + restriction.Allow
		in.Notifications = append(in.Notifications, sarifNotification{"warning", sarifText{sarifEscape(text)}})
	}
	return in
}

func ruleOf(r Requirement, c Claim) sarifRule {
	help := fmt.Sprintf("Claim: %s\n\nCounts as proven when: %s\n\nHow to mend it: %s", c.Says, c.PassRule, c.Remedy)
	return sarifRule{
		ID:            c.ID,
		Short:         sarifText{sarifEscape(c.Says)},
		Full:          sarifText{sarifEscape("The application " + r.Title + ": " + c.Says)},
		Help:          sarifText{sarifEscape(help)},
		Configuration: sarifLevel{"error"},
		Properties:    map[string]any{"tags": []string{"production-readiness", string(r.Section), r.ID}, "precision": "very-high"},
	}
}

func resultOf(run Run, c Claim, rule int) sarifResult {
	v := c.Verdict
	level, word := "error", "failed"
	switch v.Outcome {
	case standard.Unknown:
		level, word = "warning", "is not proven"
	case standard.Error:
		level, word = "note", "was not judged, because the tool broke"
	}
	lines := []string{fmt.Sprintf("%s %s: %s.", c.ID, word, strings.TrimSuffix(c.Says, "."))}
	for _, row := range rowsOf(run.Host, c) {
		lines = append(lines, row.Name+": "+row.Text)
	}
	sum := sha256.Sum256([]byte(run.Application.Name + "\x00" + c.ID))
	location := sarifPhysical{
		sarifArtifact{(&url.URL{Path: run.Application.manifestPath()}).EscapedPath(), "%SRCROOT%"}, sarifRegion{1},
	}
	return sarifResult{
		RuleID: c.ID, RuleIndex: rule, Level: level, Message: sarifText{sarifEscape(strings.Join(lines, "\n"))},
		Locations:    []sarifLocation{{location}},
		Fingerprints: map[string]string{"roadworthyClaim/v1": hex.EncodeToString(sum[:])},
		Properties:   map[string]any{"outcome": v.Outcome, "strength": v.Strength, "by": v.By},
	}
}

// sarifEscape keeps text from being read as a placeholder or as an embedded
// link (SARIF 2.1.0, sections 3.11.5 and 3.11.6).
func sarifEscape(s string) string {
	return strings.NewReplacer("{", "{{", "}", "}}", `\`, `\\`, "[", `\[`, "]", `\]`).Replace(s)
}
