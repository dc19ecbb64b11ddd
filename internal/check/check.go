// Package check carries out the main job: it takes a commit to an artifact,
// the artifact to the bench, runs the probes, judges what they recorded, and
// signs it all into a bundle.
//
// The flow is one walk, readable in [Checker.Check]: manifest, checkout,
// build, image, bench, probes, verdicts, bundle. The invariant: every verdict
// comes from a judge that was given the encoded record, in a live check and in
// [Verify] alike, so that both give the same.
//
// The list of probes is the slice in probes.go. The room prints nothing; it
// tells what happens through [Events]. Read next: build.go, schedule.go.
package check

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/artifact"
	"github.com/roadworthy-dev/roadworthy/internal/bench"
	"github.com/roadworthy-dev/roadworthy/internal/bench/sandbox"
	"github.com/roadworthy-dev/roadworthy/internal/manifest"
	"github.com/roadworthy-dev/roadworthy/internal/probe"
	"github.com/roadworthy-dev/roadworthy/internal/report"
	"github.com/roadworthy-dev/roadworthy/internal/standard"
)

// Options says what to check and how.
type Options struct {
	Dir      string   // the application's folder
	Manifest string   // file name of the manifest in it; default roadworthy.yaml
	Commit   string   // default HEAD
	Dirty    bool     // the working tree as it is, instead of a commit
	Only     []string // requirement ids; empty for all
	Quick    bool     // leave out what takes long
	Keep     bool     // leave the sandboxes in place
	Seed     uint64   // of everything random
	CacheDir string   // templates of databases, images; "" for none
	KeyDir   string   // where the signing key lies; "" signs nothing and writes no bundle
	Bundle   string   // file to write the bundle to
	Tool     string   // version of this program
	Program  string   // its file, for applications that run under it; default: this process
}

// Events is told what happens, as it happens, from several goroutines.
type Events interface {
	Step(name, detail string)                                  // a phase begins: "build", "test"
	Plan(requirements []string)                                // what will be asked, before the first
	Start(requirement string)                                  //
	Finish(requirement report.Requirement, took time.Duration) //
}

// Checker is one check on its way.
type Checker struct {
	options     Options
	events      Events
	now         func() time.Time
	work        *sandbox.Folder // of everything temporary
	memory      *sandbox.Folder // the same in memory, where databases are many times faster
	manifest    *manifest.Manifest
	source      []byte // the manifest's text
	revision    artifact.Revision
	root        string // the checkout that is built in
	within      string // the application's folder in root, with slashes; "" for root itself
	image       artifact.Image
	bench       *bench.Bench
	unguessable string // part of names
	forbids     error  // why no sandbox can be made; nil where one can
	took        report.Timings
	started     time.Time
}

// Result is a finished check.
type Result struct {
	Run     report.Run
	Records map[string][]byte // by requirement: what its probe recorded
	Kept    []*bench.Boot     // sandboxes that were left in place
	close   func() error
}

// Close removes what the check left for debugging.
func (r *Result) Close() error { return r.close() }

// Run checks an application. Whatever it returns, nothing is left behind but
// the bundle and, with Keep, the sandboxes until Result.Close. Problems with
// the input are *problem.Problem or problem.List.
func Run(ctx context.Context, options Options, events Events, now func() time.Time) (*Result, error) {
	probes, err := selected(options)
	if err != nil {
		return nil, err
	}
	c := &Checker{options: options, events: events, now: now, started: now(), unguessable: rand.Text()}
	if err := c.makeFolders(); err != nil {
		return nil, err
	}
	result, err := c.check(ctx, probes)
	if err != nil {
		return nil, errors.Join(err, c.clean())
	}
	if options.Keep {
		result.Kept, result.close = c.bench.Kept(), c.clean
		return result, nil
	}
	result.close = func() error { return nil }
	return result, c.clean()
}

func (c *Checker) clean() error {
	var err error
	if c.bench != nil {
		err = c.bench.Close()
	}
	return errors.Join(err, c.memory.Remove(), c.work.Remove())
}

// Names of the temporary folders begin with these.
const workPrefix, sandboxPrefix = "roadworthy-", "rw-"

// makeFolders makes the temporary folders, and removes those of checks that
// were killed.
func (c *Checker) makeFolders() error {
	const memory = "/dev/shm"
	sandbox.Sweep(os.TempDir(), workPrefix)
	sandbox.Sweep(os.TempDir(), sandboxPrefix)
	sandbox.Sweep(memory, sandboxPrefix)
	var err error
	if c.work, err = sandbox.NewFolder("", workPrefix); err != nil {
		return err
	}
	if c.memory, err = sandbox.NewFolder(memory, sandboxPrefix); err != nil {
		c.memory = c.work
	}
	return nil
}

// check is the walk.
func (c *Checker) check(ctx context.Context, probes []probe.Probe) (*Result, error) {
	if err := c.fetch(ctx); err != nil {
		return nil, err
	}
	if c.forbids = bench.Able(ctx); c.forbids != nil && !errors.Is(c.forbids, sandbox.ErrForbidden) {
		return nil, fmt.Errorf("try a sandbox: %w", c.forbids)
	}
	if err := c.build(ctx); err != nil {
		return nil, err
	}
	if err := c.openBench(); err != nil {
		return nil, err
	}
	// Whatever stands in the way meets the probes as well, which judge it.
	if err := c.bench.Prepare(ctx); err != nil && ctx.Err() != nil {
		return nil, ctx.Err()
	}
	records, took, err := c.schedule(ctx, probes)
	if err != nil {
		return nil, err
	}
	verdicts, claims, err := judge(probes, records)
	if err != nil {
		return nil, err
	}
	run := c.report(probes, claims, verdicts, took)
	if err := c.seal(&run, records, verdicts); err != nil {
		return nil, err
	}
	return &Result{Run: run, Records: records}, nil
}

// judge gives every verdict, from the encoded records alone.
func judge(probes []probe.Probe, records map[string][]byte) ([]standard.Verdict, []standard.Claim, error) {
	var verdicts []standard.Verdict
	var claims []standard.Claim
	for _, p := range probes {
		given, err := p.Judge(records[p.Requirement])
		if err != nil {
			return nil, nil, err
		}
		verdicts, claims = append(verdicts, given...), append(claims, p.Claims...)
	}
	return verdicts, claims, nil
}
