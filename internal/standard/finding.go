package standard

import (
	"encoding/json"
	"fmt"
)

// Finding is what a judge says of one claim. [Complete] makes a verdict of it
// with the words of the claim.
type Finding struct {
	Claim   string  // claim id
	Outcome Outcome //
	By      string  // default ByApplication
	Did     string  // the stimulus with this run's values; default: the claim's stimulus
	Seen    string  // what was observed, in a sentence
	Why     string  // the reason; required unless the outcome is a pass
}

// Failure says why a claim could not be put to the test. It is data, so that
// a verdict that rests on it can be recomputed.
type Failure struct {
	Kind    FailureKind `json:"kind"`
	Message string      `json:"message"`
	Fix     string      `json:"fix,omitempty"` // a runnable command
}

// FailureKind decides the outcome of a claim that could not be tested.
type FailureKind string

// The kinds of failure.
const (
	FailureHost   FailureKind = "host"   // the host forbids or lacks something: unknown
	FailureStart  FailureKind = "start"  // the application did not start: unknown
	FailureOpaque FailureKind = "opaque" // the manifest gives no way to see it: unknown
	FailureTool   FailureKind = "tool"   // the tool broke or a control failed: error
)

// Record is what a probe leaves behind: its observations, and for claims that
// could not be tested, why. It is all that a judge gets.
type Record struct {
	Observations json.RawMessage    `json:"observations"`
	Failures     map[string]Failure `json:"failures,omitempty"` // by claim id
	By           string             `json:"by,omitempty"`       // who supplied the feature; "" for the application
}

// Complete turns findings and failures into exactly one verdict for each
// claim, in the order of the claims. A claim that nobody spoke of is an error,
// and so is a finding for a claim that is not there: neither can be a pass.
func Complete(claims []Claim, findings []Finding, failures map[string]Failure) []Verdict {
	byClaim := map[string][]Finding{}
	for _, f := range findings {
		byClaim[f.Claim] = append(byClaim[f.Claim], f)
	}
	verdicts := make([]Verdict, 0, len(claims))
	for _, claim := range claims {
		failure, failed := failures[claim.ID]
		found := byClaim[claim.ID]
		switch {
		case failed:
			verdicts = append(verdicts, claim.untested(failure))
		case len(found) == 1:
			verdicts = append(verdicts, claim.verdict(found[0]))
		default:
			verdicts = append(verdicts, claim.verdict(Finding{
				Outcome: Error, Why: fmt.Sprintf("the judge gave %d findings instead of one", len(found)),
			}))
		}
	}
	return verdicts
}

func (c Claim) verdict(f Finding) Verdict {
	v := Verdict{
		Claim: c.ID, Outcome: f.Outcome, Strength: c.Strength, By: f.By,
		Did: f.Did, Expected: c.PassRule, Seen: f.Seen, Why: f.Why,
	}
	if v.By == "" {
		v.By = ByApplication
	}
	if v.Did == "" {
		v.Did = c.Stimulus
	}
	if !v.Outcome.Valid() {
		v.Outcome, v.Why = Error, fmt.Sprintf("the judge said %q, which is no outcome", f.Outcome)
	}
	if v.Outcome != Pass && v.Why == "" {
		v.Why = v.Seen
	}
	if v.Outcome == Fail {
		v.Remedy = c.Remedy
	}
	return v
}

func (c Claim) untested(f Failure) Verdict {
	outcome := Error
	switch f.Kind {
	case FailureHost, FailureStart, FailureOpaque:
		outcome = Unknown
	case FailureTool:
	}
	v := c.verdict(Finding{Outcome: outcome, Seen: "nothing: the claim could not be put to the test", Why: f.Message})
	v.Remedy = f.Fix
	return v
}
