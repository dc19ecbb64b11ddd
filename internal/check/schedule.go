package check

import (
	"context"
	"fmt"
	"os/exec"
	"runtime"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/roadworthy-dev/roadworthy/internal/bench"
	"github.com/roadworthy-dev/roadworthy/internal/probe"
	"github.com/roadworthy-dev/roadworthy/internal/problem"
	"github.com/roadworthy-dev/roadworthy/internal/report"
	"github.com/roadworthy-dev/roadworthy/internal/standard"
)

// selected gives the probes that the options ask for.
func selected(options Options) ([]probe.Probe, error) {
	var chosen []probe.Probe
	for _, id := range options.Only {
		if !slices.ContainsFunc(Probes, func(p probe.Probe) bool { return p.Requirement == id }) {
			near, ok := problem.Nearest(id, requirementIDs())
			if !ok {
				near = "config.env"
			}
			return nil, &problem.Problem{
				Code: "RW-U01", Summary: "there is no such requirement", At: "--only", Got: id,
				Want: "one of those that `roadworthy explain` lists", Fix: "roadworthy check --only " + near,
			}
		}
	}
	for _, p := range Probes {
		if len(options.Only) > 0 && !slices.Contains(options.Only, p.Requirement) || len(options.Only) == 0 && options.Quick && !p.Quick {
			continue
		}
		chosen = append(chosen, p)
	}
	return chosen, nil
}

func requirementIDs() []string {
	ids := make([]string, len(Probes))
	for i, p := range Probes {
		ids[i] = p.Requirement
	}
	return ids
}

// schedule runs the probes: first together, as many at a time as the machine
// has processors and one more, since they mostly wait; then those that
// measure time, each alone.
func (c *Checker) schedule(ctx context.Context, probes []probe.Probe) (map[string][]byte, map[string]time.Duration, error) {
	ids := make([]string, len(probes))
	for i, p := range probes {
		ids[i] = p.Requirement
	}
	c.events.Plan(ids)
	records, took := map[string][]byte{}, map[string]time.Duration{}
	var mu sync.Mutex
	one := func(ctx context.Context, p probe.Probe) error {
		c.events.Start(p.Requirement)
		started := c.now()
		record, err := c.runProbe(ctx, p)
		if err != nil {
			return err
		}
		elapsed := c.now().Sub(started)
		mu.Lock()
		records[p.Requirement], took[p.Requirement] = record, elapsed
		mu.Unlock()
		verdicts, err := p.Judge(record)
		if err != nil {
			return err
		}
		shown := report.Arrange([]string{p.Requirement}, p.Claims, verdicts, map[string]time.Duration{p.Requirement: elapsed})
		c.events.Finish(shown[0], elapsed)
		return nil
	}
	together, gctx := errgroup.WithContext(ctx)
	together.SetLimit(runtime.NumCPU() + 1)
	for _, p := range longestFirst(probes) {
		if !p.Alone {
			together.Go(func() error { return one(gctx, p) })
		}
	}
	if err := together.Wait(); err != nil {
		return nil, nil, err
	}
	for _, p := range probes {
		if p.Alone {
			if err := one(ctx, p); err != nil {
				return nil, nil, err
			}
		}
	}
	return records, took, nil
}

// longestFirst is the order to begin in: whatever is begun last is short, so
// that no processor waits for it.
func longestFirst(probes []probe.Probe) []probe.Probe {
	return slices.SortedStableFunc(slices.Values(probes), func(a, b probe.Probe) int { return b.Takes - a.Takes })
}

// runProbe runs one probe, unless the host lacks what it needs. A probe that
// panics is a broken tool, not a broken check.
func (c *Checker) runProbe(ctx context.Context, p probe.Probe) (record []byte, err error) {
	if failure, lacking := c.lacks(p); lacking {
		return p.Untested(failure)
	}
	defer func() {
		if r := recover(); r != nil {
			record, err = p.Untested(standard.Failure{Kind: standard.FailureTool, Message: fmt.Sprintf("the probe failed: %v", r)})
		}
	}()
	return p.Run(ctx, c.bench)
}

func (c *Checker) lacks(p probe.Probe) (standard.Failure, bool) {
	for _, need := range p.Needs {
		switch need {
		case probe.NeedSandbox:
			if c.forbids != nil {
				return standard.Failure{Kind: standard.FailureHost, Message: c.forbids.Error(), Fix: bench.Allow()}, true
			}
		case probe.NeedStrace, probe.NeedGit:
			if _, err := exec.LookPath(string(need)); err != nil {
				return standard.Failure{
					Kind: standard.FailureHost, Message: string(need) + " is not installed", Fix: "sudo apt-get install " + string(need),
				}, true
			}
		}
	}
	return standard.Failure{}, false
}
