// Package report shows what a check found: to people as text, Markdown, a
// badge and a page; to programs as JSON, SARIF and JUnit.
//
// [Run] is the data that every format prints, and nothing else is printed:
// what two formats show of one run cannot differ in substance. Each format is
// one file behind [Format]; [Formats] lists them.
//
// The one invariant: what was not proven never looks like a pass. Outcomes of
// requirements are computed again from their verdicts before anything is
// written, a requirement without a verdict is unknown, and the word "ready" is
// kept for a whole run in which every requirement is (see [Run.State]).
//
// The second: text that an application produced is data. It is bounded, made
// valid UTF-8, and escaped for the format that carries it, before it is
// written (see bound.go).
//
// The room runs nothing, judges nothing and opens no file. Read next:
// internal/cli, which hands it runs.
package report

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/standard"
)

// Mode is how much of the standard a run asked.
type Mode string

// The modes.
const (
	Full  Mode = "full"  // every requirement
	Quick Mode = "quick" // those that are answered fast
	Only  Mode = "only"  // those that were named
)

// Run is everything that one check found.
type Run struct {
	Application  Application   `json:"application"`
	Tool         string        `json:"tool_version"`
	Started      time.Time     `json:"started"`
	Mode         Mode          `json:"mode"`
	Repeats      int           `json:"repeats"` // how often each probe ran; at least 1
	Took         Timings       `json:"durations"`
	Host         Host          `json:"host"`
	Requirements []Requirement `json:"requirements"` // in the order of the standard
	Excerpts     []Excerpt     `json:"excerpts,omitempty"`
	Bundle       string        `json:"bundle,omitempty"` // path of the evidence; "" where none was kept
	Next         string        `json:"next,omitempty"`   // the command to type next
}

// Application is what was checked.
type Application struct {
	Name     string `json:"name"`
	Digest   string `json:"digest"`             // of the artifact: "sha256:" and 64 hexadecimal digits
	Commit   string `json:"commit,omitempty"`   // full, hexadecimal; "" where there is none
	Dirty    bool   `json:"dirty"`              // the tree held changes that no commit names
	Manifest string `json:"manifest,omitempty"` // path of the manifest in the repository
}

// Seconds is a duration that JSON carries as a number of seconds, to the
// millisecond.
type Seconds time.Duration

// MarshalJSON implements json.Marshaler.
func (s Seconds) MarshalJSON() ([]byte, error) {
	return json.Marshal(math.Round(time.Duration(s).Seconds()*1000) / 1000)
}

// UnmarshalJSON implements json.Unmarshaler.
func (s *Seconds) UnmarshalJSON(data []byte) error {
	var n float64
	if err := json.Unmarshal(data, &n); err != nil {
		return err
	}
	*s = Seconds(math.Round(n * float64(time.Second)))
	return nil
}

// Timings is where the time of a run went.
type Timings struct {
	Build   Seconds  `json:"build_seconds"`
	Tests   Seconds  `json:"tests_seconds"`
	Sandbox Seconds  `json:"sandbox_start_median_seconds"`
	Check   Seconds  `json:"check_seconds"` // all of it, from start to verdicts
	Probes  []Timing `json:"probes,omitempty"`
}

// Timing is how long one probe took.
type Timing struct {
	Name string  `json:"name"`
	Took Seconds `json:"seconds"`
}

// Host is the machine that the check ran on.
type Host struct {
	System       string        `json:"system"` // operating system and architecture: "linux/amd64"
	Kernel       string        `json:"kernel,omitempty"`
	Processors   int           `json:"processors,omitempty"`
	Restrictions []Restriction `json:"restrictions,omitempty"`
}

// Restriction is something that the host refused to the bench.
type Restriction struct {
	Refused string   `json:"refused"`           // what, and what could therefore not be proven
	Allow   string   `json:"allow"`             // the command that allows it
	Affects []string `json:"affects,omitempty"` // ids of claims, or of whole requirements
}

// Requirement is one question of the standard, with its answer.
type Requirement struct {
	ID      string           `json:"id"`
	Title   string           `json:"title"` // completes "the application …"
	Section standard.Section `json:"section"`
	Outcome standard.Outcome `json:"outcome"` // the worst of its verdicts
	Took    Seconds          `json:"seconds"`
	Claims  []Claim          `json:"claims"`
}

// Claim is one claim, with its verdict.
type Claim struct {
	standard.Claim
	Verdict standard.Verdict `json:"verdict"`
}

// Excerpt is a piece of the evidence that is worth showing: log lines, a
// reply, a mail.
type Excerpt struct {
	Claim string `json:"claim"` // id
	Title string `json:"title"`
	Text  string `json:"text"` // as the application wrote it; bounded when shown
}

// Arrange puts claims and verdicts under the requirements of the given ids, in
// the order of the standard; no ids means all of them. A claim without a
// verdict, and a requirement without a claim, is unknown.
func Arrange(ids []string, claims []standard.Claim, verdicts []standard.Verdict, took map[string]time.Duration) []Requirement {
	given := map[string]standard.Verdict{}
	for _, v := range verdicts {
		given[v.Claim] = v
	}
	var arranged []Requirement
	for _, r := range standard.Requirements {
		if len(ids) > 0 && !slices.Contains(ids, r.ID) {
			continue
		}
		row := Requirement{ID: r.ID, Title: r.Title, Section: r.Section, Took: Seconds(took[r.ID])}
		for _, c := range claims {
			if standard.RequirementOf(c.ID) == r.ID {
				row.Claims = append(row.Claims, Claim{c, given[c.ID]})
			}
		}
		arranged = append(arranged, row.settled())
	}
	return arranged
}

const unjudged = "no verdict was given"

// settled returns r with its outcome computed from its verdicts, and with an
// unknown where a verdict is missing.
func (r Requirement) settled() Requirement {
	claims := make([]Claim, 0, max(len(r.Claims), 1))
	claims = append(claims, r.Claims...)
	if len(claims) == 0 {
		claims = append(claims, Claim{Claim: standard.Claim{ID: r.ID, Says: r.Title}})
	}
	outcomes := make([]standard.Outcome, len(claims))
	for i := range claims {
		c := &claims[i]
		c.Requirement = r.ID
		if c.Verdict.Outcome == "" {
			c.Verdict = standard.Verdict{Outcome: standard.Unknown, Strength: c.Strength, Why: unjudged, Remedy: c.Remedy}
		}
		c.Verdict.Claim = c.ID
		if !c.Verdict.Outcome.Valid() {
			c.Verdict.Why = strings.TrimSpace("the judge gave an outcome that does not exist: " + string(c.Verdict.Outcome) + " " + c.Verdict.Why)
			c.Verdict.Outcome = standard.Error
		}
		outcomes[i] = c.Verdict.Outcome
	}
	r.Claims, r.Outcome = claims, standard.Worst(outcomes...)
	return r
}
