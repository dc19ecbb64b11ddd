// Package codebase proves codebase: what runs is one commit of one repository.
//
// The artifact is built from a clean checkout, so this probe boots nothing: it
// reads which commit that was, what the image says of it, and whether the
// working tree beside it differs.
//
// run.go records, judge.go decides. Read next: internal/artifact.
package codebase

import (
	"context"
	_ "embed"
	"errors"
	"fmt"

	"github.com/roadworthy-dev/roadworthy/internal/artifact"
	"github.com/roadworthy-dev/roadworthy/internal/bench"
	"github.com/roadworthy-dev/roadworthy/internal/probe"
	"github.com/roadworthy-dev/roadworthy/internal/problem"
)

//go:embed def.yaml
var def []byte

// New returns the probe.
func New() probe.Probe { return probe.New(def, run, judge) }

// Observations is what the probe records.
type Observations struct {
	Commit     string   `json:"commit"`     // that the artifact was built from; "" for none
	Dirty      bool     `json:"dirty"`      // the artifact was built from the working tree
	Labelled   string   `json:"labelled"`   // the commit that the image names
	Repository bool     `json:"repository"` // the folder lies in one, with a commit
	Refusal    string   `json:"refusal"`    // why it does not
	Changes    []string `json:"changes"`    // how the working tree differs; at most 50
	More       int      `json:"more"`
	LFS        []string `json:"lfs"` // files that are only pointers to their content
}

func run(ctx context.Context, b *bench.Bench, _ *probe.Recorder) (Observations, error) {
	o := Observations{Commit: b.Source.Commit, Dirty: b.Source.Dirty, LFS: b.Source.LFS}
	described, err := artifact.Describe(b.Source.Layout, b.Source.Digest)
	if err != nil {
		return o, fmt.Errorf("read what the image says of itself: %w", err)
	}
	o.Labelled = described.Revision.Commit
	state, err := artifact.Status(ctx, b.Source.Dir)
	var p *problem.Problem
	if errors.As(err, &p) && (p.Code == "RW-A01" || p.Code == "RW-A03") {
		o.Refusal = p.Summary
		return o, nil
	}
	if err != nil {
		return o, fmt.Errorf("compare the working tree with the commit: %w", err)
	}
	o.Repository, o.More = true, state.More
	for _, change := range state.Changes {
		o.Changes = append(o.Changes, change.Path+" is "+change.What)
	}
	return o, nil
}
