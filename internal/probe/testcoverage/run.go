package testcoverage

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/roadworthy-dev/roadworthy/internal/bench"
	"github.com/roadworthy-dev/roadworthy/internal/coverage"
	"github.com/roadworthy-dev/roadworthy/internal/manifest"
	"github.com/roadworthy-dev/roadworthy/internal/probe"
)

// run makes a clean checkout, builds it, runs the suite there, again on moved
// sources, and again with each fault.
func run(ctx context.Context, b *bench.Bench, _ *probe.Recorder) (Observations, error) {
	var o Observations
	if b.Manifest.Test == nil {
		return o, nil
	}
	o.Declared, o.Command, o.Report.Path = true, cut(b.Manifest.Test.Run, maxText), b.Manifest.Test.Coverage
	shop, err := b.Workshop(ctx)
	if err != nil {
		return o, err
	}
	defer func() { _ = shop.Close() }()
	names, err := committed(shop.Dir)
	if err != nil {
		return o, err
	}
	started := time.Now()
	if err := shop.Build(ctx); err != nil {
		return o, err
	}
	e := &examination{
		o: &o, test: b.Manifest.Test, shop: shop, names: names, random: b.NewRandom(), built: time.Since(started),
		suite: suite{command: b.Manifest.Test.Run, build: affected(b.Manifest.Build.Run), limit: b.Manifest.Test.Timeout, steps: buildLimit},
	}
	return o, e.walk(ctx)
}

const buildLimit = 15 * time.Minute // of the build steps in a copy

// examination is one probe on its way.
type examination struct {
	o      *Observations
	test   *manifest.Test
	shop   *bench.Workshop
	suite  suite
	names  []string // committed files
	files  []file   // sources of the application
	random bench.Random
	built  time.Duration
}

// walk goes as far as the suite allows: what a suite that fails says of moved
// or broken sources means nothing.
func (e *examination) walk(ctx context.Context) error {
	if err := e.removeReport(); err != nil {
		return err
	}
	report, ok, err := e.first(ctx)
	if err != nil || !ok {
		return err
	}
	if err := e.look(report); err != nil {
		return err
	}
	defer e.list() // with what became of them
	if err := e.again(ctx); err != nil || !e.o.Repeat.passed() {
		return err
	}
	return e.sabotage(ctx)
}

// removeReport removes whatever stands at the report's place, so that what
// stands there later was written by the run.
func (e *examination) removeReport() error {
	if e.test.Coverage == "" {
		return nil
	}
	root, err := os.OpenRoot(e.shop.Dir)
	if err != nil {
		return fmt.Errorf("open the checkout: %w", err)
	}
	defer root.Close()
	if _, err := root.Lstat(e.test.Coverage); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	e.o.Report.Before = true
	return root.RemoveAll(e.test.Coverage)
}

// first runs the suite for the first time and reads its report. It is false
// where there is nothing to go on with.
func (e *examination) first(ctx context.Context) (report coverage.Report, ok bool, err error) {
	c, err := e.shop.Copy(ctx)
	if err != nil {
		return report, false, err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	run, out, err := e.suite.test(ctx, c)
	e.o.Suite = run
	if err != nil {
		return report, false, err
	}
	e.o.Suite.Built = e.built.Seconds()
	e.o.Tests.Count, e.o.Tests.Runner, e.o.Tests.Known = coverage.TestCount(out)
	e.o.Failed = failed(out)
	if !e.o.Suite.passed() || e.test.Coverage == "" {
		return report, false, nil
	}
	report, data, err := e.read(ctx, c)
	e.o.Report.Written = !errors.Is(err, fs.ErrNotExist)
	e.o.Report.Bytes = len(data)
	if err != nil {
		e.o.Report.Err = cut(err.Error(), maxText)
		return report, false, ctx.Err()
	}
	sum := sha256.Sum256(data)
	e.o.Report.SHA256 = hex.EncodeToString(sum[:])
	return report, true, nil
}

// read reads the report that a run left in its copy.
func (e *examination) read(ctx context.Context, c *bench.Copy) (coverage.Report, []byte, error) {
	data, err := c.Read(ctx, e.test.Coverage, coverage.MaxBytes)
	if err != nil {
		return coverage.Report{}, nil, err
	}
	report, err := coverage.Read(e.test.Coverage, data)
	if err != nil {
		return report, data, err
	}
	root, err := os.OpenRoot(e.shop.Dir)
	if err != nil {
		return report, data, fmt.Errorf("open the checkout: %w", err)
	}
	defer root.Close()
	return tree{e.names, root}.resolve(report, e.shop.Inside), data, nil
}

// look finds the sources of the application and what the report says of them.
func (e *examination) look(report coverage.Report) error {
	root, err := os.OpenRoot(e.shop.Dir)
	if err != nil {
		return fmt.Errorf("open the checkout: %w", err)
	}
	defer root.Close()
	e.files = tree{e.names, root}.belonging(report)
	if len(e.test.Sources) > 0 {
		e.o.Default = linesOf(e.files)
		e.files = matching(e.files, e.test.Sources)
	}
	r := &e.o.Report
	r.Format, r.Files, r.Families = report.Format, len(report.Files), familiesOf(report, e.names)
	for _, f := range e.files {
		r.Covered += f.Covered
		r.Total += f.Total
	}
	known := map[string]bool{}
	for _, name := range e.names {
		known[name] = true
	}
	for _, f := range report.Files {
		if !known[f.Path] && len(r.Strange) < 5 {
			r.Strange = append(r.Strange, cut(f.Path, maxText))
		}
	}
	e.o.Twins = twins(e.files)
	return nil
}

// list puts the sources into the record.
func (e *examination) list() {
	for i, f := range e.files {
		if i < maxListed {
			f.Path = cut(f.Path, maxText)
			e.o.Sources = append(e.o.Sources, f.Source)
			continue
		}
		e.o.Rest.Files++
		e.o.Rest.Lines += f.Lines
		if f.Named {
			e.o.Rest.Named += f.Lines
		}
	}
}

// again runs the suite in copies: unchanged, which shows that it can be
// repeated, and on moved sources. Suites that get in each other's way, by a
// port or a database, run one at a time from then on.
func (e *examination) again(ctx context.Context) error {
	e.o.Together = 2
	if e.shop.Plain {
		e.o.Together = 1
	}
	group, gctx := errgroup.WithContext(ctx)
	group.SetLimit(e.o.Together)
	group.Go(func() (err error) { e.o.Repeat, err = e.repeat(gctx); return err })
	group.Go(func() error { return e.moveAll(gctx, forms[0]) })
	if err := group.Wait(); err != nil {
		return err
	}
	if e.o.Together > 1 && (!e.o.Repeat.passed() || e.troubled()) {
		e.o.Together = 1
		var err error
		if e.o.Repeat, err = e.repeat(ctx); err != nil {
			return err
		}
		if err := e.moveAll(ctx, forms[0]); err != nil {
			return err
		}
	}
	for _, other := range forms[1:] {
		if !e.o.Repeat.passed() || !e.troubled() {
			break
		}
		if err := e.moveAll(ctx, other); err != nil {
			return err
		}
	}
	return nil
}

// troubled reports whether the suite did not pass on moved sources.
func (e *examination) troubled() bool { return e.o.Moved.Run.Done && !e.o.Moved.Run.passed() }

// repeat runs the suite in a copy, unchanged.
func (e *examination) repeat(ctx context.Context) (Run, error) {
	return (&saboteur{suite: e.suite, shop: e.shop}).one(ctx, nil)
}

// moveAll runs the suite on moved sources and compares the reports.
func (e *examination) moveAll(ctx context.Context, how form) (err error) {
	changed := map[int]moved{}
	for i, f := range e.files[:min(len(e.files), maxListed)] {
		e.files[i].Follow = nil
		if !f.Named || f.Total == 0 {
			continue
		}
		if m := move(f, how, e.random); len(m.data) != len(f.data) {
			changed[i] = m
		}
	}
	e.o.Moved = Moved{Form: how.name, Tail: how.tail, Files: len(changed)}
	if len(changed) == 0 {
		return nil
	}
	c, err := e.shop.Copy(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	for i, m := range changed {
		if err := c.Write(ctx, e.files[i].Path, m.data); err != nil {
			return fmt.Errorf("move the sources: %w", err)
		}
	}
	if e.o.Moved.Run, err = e.suite.whole(ctx, c); err != nil || !e.o.Moved.Run.passed() || how.tail {
		return err
	}
	report, _, err := e.read(ctx, c)
	if err != nil {
		e.o.Moved.Err = cut(err.Error(), maxText)
		return ctx.Err()
	}
	return e.compare(ctx, c, report, changed)
}

// compare looks at each moved file: what the second report says of it, and
// whether it still is as we left it.
func (e *examination) compare(ctx context.Context, c *bench.Copy, report coverage.Report, changed map[int]moved) error {
	for i, m := range changed {
		f := &e.files[i]
		entry, _ := report.File(f.Path)
		followed := follow(f.entry, entry, m)
		if followed.PlantListed == 0 {
			now, err := c.Read(ctx, f.Path, maxSource+1<<16)
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
			followed.Overwritten = string(now) != string(m.data)
		}
		f.Follow = &followed
	}
	return nil
}

// sabotage injects faults, with limits that the runs before give, and runs
// the suite a last time without any.
func (e *examination) sabotage(ctx context.Context) error {
	mutants, places := plan(e.files, e.o.Twins)
	e.o.Places = places
	slowest := max(e.o.Suite.Seconds, e.o.Repeat.Seconds, e.o.Moved.Run.Seconds)
	s := &saboteur{suite: e.suite, shop: e.shop, sources: map[string][]byte{}, together: e.o.Together, hurry: slowest > slowSuite}
	s.suite.limit = max(seconds(3*slowest), leastLimit)
	s.suite.steps = max(seconds(3*max(e.o.Repeat.Built, e.o.Moved.Run.Built)), leastBuild)
	for _, f := range e.files {
		s.sources[f.Path] = f.data
	}
	faults, clash, err := s.inject(ctx, mutants)
	if err == nil && clash {
		e.o.Together, s.together = 1, 1
		faults, _, err = s.inject(ctx, mutants)
	}
	e.o.Faults = faults
	if err != nil || len(mutants) == 0 {
		return err
	}
	// The last run is a whole one, so that shared caches hold what belongs there.
	e.o.After, err = e.repeat(ctx)
	return err
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
