// Package probe is the frame that every probe of the standard stands in: a
// definition that is written down before anything runs, a run that records
// what it saw, and a judge that is a pure function of the record.
//
// One folder below holds one requirement: def.yaml (claims and pass rules),
// observations.go (plain data), run.go (stimulates and records, decides
// nothing) and judge.go (decides, imports neither os nor net nor time). The
// invariant: [Probe.Judge] gives the same verdicts for the same record, on any
// machine, at any time. It is the only source of verdicts; a live check
// encodes its record and judges the encoded bytes, just as verification does.
//
// A probe never decides that a thing it could not test is fine: it says so
// with [Recorder.Try], and the claim becomes unknown or an error. Read next:
// internal/probe/logstdout, a small whole probe.
package probe

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/goccy/go-yaml"

	"github.com/roadworthy-dev/roadworthy/internal/bench"
	"github.com/roadworthy-dev/roadworthy/internal/bench/sandbox"
	"github.com/roadworthy-dev/roadworthy/internal/bench/scratch"
	"github.com/roadworthy-dev/roadworthy/internal/problem"
	"github.com/roadworthy-dev/roadworthy/internal/standard"
)

// Need is something that the host must offer.
type Need string

// The needs.
const (
	NeedSandbox Need = "sandbox" // namespaces
	NeedStrace  Need = "strace"  // the program strace
	NeedGit     Need = "git"     // the program git
)

// Definition is a def.yaml.
type Definition struct {
	Requirement string           `yaml:"requirement"`
	Why         string           `yaml:"why"` // why the standard asks it, in a sentence
	Needs       []Need           `yaml:"needs"`
	Alone       bool             `yaml:"alone"` // it measures time: nothing else runs beside it
	Quick       bool             `yaml:"quick"` // part of check --quick
	Takes       int              `yaml:"takes"` // seconds, about, on an application that starts at once
	Claims      []standard.Claim `yaml:"claims"`
	Source      []byte           `yaml:"-"` // the file itself: its digest is part of the evidence
}

// Probe proves or refutes the claims of one requirement.
type Probe struct {
	Definition
	run   func(context.Context, *bench.Bench, *Recorder) (any, error)
	judge func(json.RawMessage) ([]standard.Finding, error)
}

// New puts a probe together. O is the type of its observations: plain data
// that survives JSON. It panics on a def.yaml that cannot be read, since that
// is a bug in this program.
func New[O any](def []byte, run func(context.Context, *bench.Bench, *Recorder) (O, error), judge func(O) []standard.Finding) Probe {
	p := Probe{Definition: mustParse(def)}
	p.run = func(ctx context.Context, b *bench.Bench, r *Recorder) (any, error) { return run(ctx, b, r) }
	p.judge = func(raw json.RawMessage) ([]standard.Finding, error) {
		var observations O
		if err := json.Unmarshal(raw, &observations); err != nil {
			return nil, fmt.Errorf("decode the observations of %s: %w", p.Requirement, err)
		}
		return judge(observations), nil
	}
	return p
}

func mustParse(def []byte) Definition {
	d := Definition{Source: def}
	if err := yaml.UnmarshalWithOptions(def, &d, yaml.Strict()); err != nil {
		panic(fmt.Sprintf("def.yaml: %v", err))
	}
	for i := range d.Claims {
		d.Claims[i].Requirement = d.Requirement
	}
	return d
}

// Run stimulates the application and returns the encoded record. It returns
// an error only when ctx ended; whatever else goes wrong is in the record.
func (p Probe) Run(ctx context.Context, b *bench.Bench) ([]byte, error) {
	recorder := newRecorder()
	observations, err := p.run(ctx, b, recorder)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		recorder.failAll(p.Claims, failureOf(err))
	}
	raw, err := json.Marshal(observations)
	if err != nil {
		return nil, fmt.Errorf("encode the observations of %s: %w", p.Requirement, err)
	}
	record := standard.Record{Observations: raw, Failures: recorder.failures}
	if b.Manifest.Supplies(p.Requirement) {
		record.By = standard.ByRoadworthy
	}
	return json.Marshal(record)
}

// Untested gives the record of a probe that was not run at all.
func (p Probe) Untested(failure standard.Failure) ([]byte, error) {
	recorder := newRecorder()
	recorder.failAll(p.Claims, failure)
	return json.Marshal(standard.Record{Observations: json.RawMessage("null"), Failures: recorder.failures})
}

// Judge gives one verdict for each claim, from nothing but the record.
func (p Probe) Judge(record []byte) ([]standard.Verdict, error) {
	var r standard.Record
	if err := json.Unmarshal(record, &r); err != nil {
		return nil, fmt.Errorf("decode the record of %s: %w", p.Requirement, err)
	}
	var findings []standard.Finding
	if len(r.Failures) < len(p.Claims) {
		var err error
		if findings, err = p.findings(r.Observations); err != nil {
			return nil, err
		}
	}
	verdicts := standard.Complete(p.Claims, findings, r.Failures)
	for i := range verdicts {
		if r.By == standard.ByRoadworthy {
			verdicts[i].By = r.By
		}
	}
	return verdicts, nil
}

// findings asks the judge. One that panics is a broken tool: every claim that
// could be tested is then an error, as it is whenever the record is judged.
func (p Probe) findings(observations json.RawMessage) (findings []standard.Finding, err error) {
	defer func() {
		if r := recover(); r != nil {
			findings = nil
			for _, claim := range p.Claims {
				findings = append(findings, standard.Finding{Claim: claim.ID, Outcome: standard.Error, Why: fmt.Sprintf("the judge failed: %v", r)})
			}
		}
	}()
	return p.judge(observations)
}

// Recorder collects why claims could not be tested. It is safe for several goroutines.
type Recorder struct {
	mu       sync.Mutex
	failures map[string]standard.Failure
	ended    map[string]bool // claims whose failure is only that they were ended
}

func newRecorder() *Recorder {
	return &Recorder{failures: map[string]standard.Failure{}, ended: map[string]bool{}}
}

// Try does what one claim needs. An error leaves that claim unknown or an
// error, and the others as they are.
func (r *Recorder) Try(claim string, do func() error) {
	err := do()
	switch {
	case err == nil:
	case errors.Is(err, context.Canceled):
		// One part of a probe ends its siblings when it fails: that it was ended
		// is no reason of its own, and gives way to the one that comes.
		r.fail(claim, failureOf(err), true)
	default:
		r.Fail(claim, failureOf(err))
	}
}

// Fail says that a claim could not be tested.
func (r *Recorder) Fail(claim string, failure standard.Failure) { r.fail(claim, failure, false) }

func (r *Recorder) fail(claim string, failure standard.Failure, ended bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, known := r.failures[claim]; !known || r.ended[claim] { // the first reason is the cause of the others
		r.failures[claim], r.ended[claim] = failure, ended
	}
}

// Opaque says that the manifest gives no way to see what a claim is about.
func (r *Recorder) Opaque(claim, message, fix string) {
	r.Fail(claim, standard.Failure{Kind: standard.FailureOpaque, Message: message, Fix: fix})
}

func (r *Recorder) failAll(claims []standard.Claim, failure standard.Failure) {
	for _, claim := range claims {
		r.Fail(claim.ID, failure)
	}
}

// failureOf sorts an error: the host's fault, the application's, or ours.
func failureOf(err error) standard.Failure {
	failure := standard.Failure{Kind: standard.FailureTool, Message: err.Error()}
	if p, ok := problem.Of(err); ok {
		failure.Message, failure.Fix = p.Summary, p.Fix
		if p.Got != "" {
			failure.Message += ": " + p.Got
		}
	}
	switch {
	case errors.Is(err, sandbox.ErrForbidden), errors.Is(err, scratch.ErrMissing), errors.Is(err, bench.ErrHost):
		failure.Kind = standard.FailureHost
	case errors.Is(err, bench.ErrNotStarted):
		failure.Kind = standard.FailureStart
	}
	return failure
}
