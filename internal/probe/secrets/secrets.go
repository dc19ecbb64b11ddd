// Package secrets proves secrets: no secret that the application is given
// leaves it, and none is kept in its repository or artifact.
//
// Every secret setting and every password of a service is a fresh canary. The
// application is led into the places where secrets slip out: a session at log
// level DEBUG, an exception, malformed requests, services that are gone, and
// starts with settings that it cannot use. Then everything that left is
// searched, in the forms of bench.Disguises; arguments of programs that lived
// only for a moment are seen by strace where the host has it (situations.go).
//
// The history and the files of the artifact are searched for secrets by their
// form (run.go). No secret is recorded, only its name and what stood around
// it. run.go records, judge.go decides. Read next: internal/bench/hunt.go.
package secrets

import (
	_ "embed"

	"github.com/roadworthy-dev/roadworthy/internal/bench"
	"github.com/roadworthy-dev/roadworthy/internal/probe"
)

//go:embed def.yaml
var def []byte

// New returns the probe.
func New() probe.Probe { return probe.New(def, run, judge) }

// Observations is what the probe records.
type Observations struct {
	Runtime Runtime `json:"runtime"`
	History *Scan   `json:"history,omitempty"` // nil where there is no repository
	Files   *Scan   `json:"files,omitempty"`
}

// Runtime is the search of what left the application.
type Runtime struct {
	Secrets    []string       `json:"secrets,omitempty"`    // names of the canaries
	Situations []string       `json:"situations,omitempty"` // that it was led into
	Traced     bool           `json:"traced"`               // programs that it executed were seen, however short they lived
	Answered   int            `json:"answered"`             // requests with less than 500
	Leaks      []bench.Leak   `json:"leaks,omitempty"`
	Searched   bench.Searched `json:"searched"`
}

// Scan is a search for secrets by their form.
type Scan struct {
	Findings []Finding `json:"findings,omitempty"` // at most 20
	Total    int       `json:"total"`              // of findings that count: not in fixtures
	Read     int       `json:"read"`               // files, or versions of files
	Larger   int       `json:"larger"`             // files that were not read, being above 1 MiB
	Missed   []string  `json:"missed,omitempty"`   // what else was not read, in sentences
}

// Finding is one secret, without the secret.
type Finding struct {
	Commit   string `json:"commit,omitempty"`
	Path     string `json:"path"`
	Line     int    `json:"line"`
	Kind     string `json:"kind"`
	Redacted string `json:"redacted"`
	Fixture  bool   `json:"fixture,omitempty"` // in a file of tests, examples or documentation
}
