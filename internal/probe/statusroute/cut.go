package statusroute

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/roadworthy-dev/roadworthy/internal/bench"
	"github.com/roadworthy-dev/roadworthy/internal/bench/fault"
	"github.com/roadworthy-dev/roadworthy/internal/manifest"
	"github.com/roadworthy-dev/roadworthy/internal/probe"
)

// mode is a way in which a service fails.
type mode struct {
	name     string
	fault    fault.Mode
	nameless bool // the name does not resolve either
	file     bool // for services that are files: their beginning is overwritten
}

// modes in the order in which they are begun: those that take longest beside
// the quickest, which shows first when nothing is noticed at all.
var modes = []mode{
	{name: "refused", fault: fault.Refuse},
	{name: "hung", fault: fault.Hang},
	{name: "black-holed", fault: fault.Blackhole},
	{name: "reset", fault: fault.Reset},
	{name: "truncated", fault: fault.Truncate},
	{name: "its name removed", fault: fault.Reset, nameless: true},
	{name: "corrupted", file: true},
}

const (
	slack       = time.Second            // for the polls themselves, on top of the declared time
	controlCut  = 300 * time.Millisecond // in which a cut service must not answer us
	confirmFor  = time.Second            // at most so long further polls are made, but one at least
	confirmWith = 3
)

// cutter makes services fail, each mode in a boot of its own.
type cutter struct {
	bench    *bench.Bench
	services []Service
	modes    []mode
	cuts     [][]Cut     // by mode
	failed   atomic.Bool // what was not noticed once need not be waited for six times
}

func newCutter(b *bench.Bench, services []Service) *cutter {
	c := &cutter{bench: b, services: services}
	for _, m := range modes {
		if len(c.subject(m)) > 0 {
			c.modes = append(c.modes, m)
		}
	}
	c.cuts = make([][]Cut, len(c.modes))
	return c
}

// subject lists the services that can fail in a mode.
func (c *cutter) subject(m mode) []Service {
	var list []Service
	for _, s := range c.services {
		if s.Named && (s.Type == string(manifest.SQLite)) == m.file {
			list = append(list, s)
		}
	}
	return list
}

func (c *cutter) list() []Cut { return slices.Concat(c.cuts...) }

// start begins the modes from one index to another.
func (c *cutter) start(ctx context.Context, group *errgroup.Group, r *probe.Recorder, from, to int) {
	for i := from; i < min(to, len(c.modes)); i++ {
		group.Go(func() error {
			err := c.run(ctx, i)
			if errors.Is(err, bench.ErrNotStarted) || ctx.Err() != nil {
				return err
			}
			r.Try("status.route.cut", func() error { return err })
			return nil
		})
	}
}

// run lets every service fail in one mode, one after the other.
func (c *cutter) run(ctx context.Context, i int) error {
	m := c.modes[i]
	if c.failed.Load() {
		c.skip(i, c.subject(m))
		return nil
	}
	boot, err := c.bench.Boot(ctx, bench.Plan{})
	if err != nil {
		return err
	}
	defer boot.Close()
	process, err := boot.Launch(ctx, bench.Launch{})
	if err != nil {
		return err
	}
	a := newAsker(boot, process, c.services)
	defer a.client.Close()
	for n, s := range c.subject(m) {
		cut, err := a.cut(ctx, m, s)
		if err != nil {
			return fmt.Errorf("%s %s: %w", s.Name, m.name, err)
		}
		cut.Ended = process.Ended()
		c.cuts[i] = append(c.cuts[i], cut)
		if !cut.noticed(c.services) {
			c.failed.Store(true)
			c.skip(i, c.subject(m)[n+1:])
			return nil
		}
	}
	return nil
}

func (c *cutter) skip(i int, services []Service) {
	for _, s := range services {
		c.cuts[i] = append(c.cuts[i], Cut{Service: s.Name, Mode: c.modes[i].name, Skipped: true})
	}
}

// cut lets one service fail and gives it back.
func (a *asker) cut(ctx context.Context, m mode, s Service) (Cut, error) {
	cut, attached := Cut{Service: s.Name, Mode: m.name}, a.boot.Services[s.ID]
	if err := attached.Control(ctx); err != nil {
		return cut, fmt.Errorf("control the service: %w", err)
	}
	within := time.Duration(s.Within*float64(time.Second)) + slack
	first, _, _ := a.until(ctx, max(warmUp, within), func(p Poll) bool { return p.healthy(a.names) })
	if !first.healthy(a.names) {
		cut.Back = &first
		return cut, ctx.Err()
	}
	cut.Healthy = append(cut.Healthy, first, a.poll(ctx, time.Now(), pollLimit), a.poll(ctx, time.Now(), pollLimit))
	cut.Refusals = append(cut.Refusals, a.refusal(ctx), a.refusal(ctx))
	if err := a.fail(ctx, m, attached); err != nil {
		return cut, err
	}
	noticed := func(p Poll) bool { return unwell(p, cut.Healthy, s.Name, a.names) }
	last, polls, silent := a.until(ctx, within, noticed)
	cut.Unwell, cut.Polls, cut.Silent = &last, polls, silent
	if noticed(last) {
		a.confirm(ctx, &cut)
	}
	if err := a.controlCut(ctx, m, attached); err != nil {
		return cut, err
	}
	if err := a.restore(ctx, m, attached); err != nil {
		return cut, err
	}
	if noticed(last) {
		back, _, _ := a.until(ctx, within, func(p Poll) bool { return well(p, cut.Healthy, a.names) })
		cut.Back = &back
	}
	return cut, ctx.Err()
}

// confirm polls on: a failure that shows once and goes is none that is seen.
func (a *asker) confirm(ctx context.Context, cut *Cut) {
	since := time.Now()
	for len(cut.Confirm) == 0 || len(cut.Confirm) < confirmWith && time.Since(since) < confirmFor {
		cut.Confirm = append(cut.Confirm, a.poll(ctx, time.Now(), 2*pollLimit))
	}
	cut.Refusals = append(cut.Refusals, a.refusal(ctx))
}

// refusal asks without the token.
func (a *asker) refusal(ctx context.Context) Attempt {
	request := a.boot.StatusRequest("")
	request.Within = 2 * pollLimit
	return newTelling(a.boot, a.services).attempt("no token", a.client.Do(ctx, request), nil)
}

func (a *asker) fail(ctx context.Context, m mode, attached *bench.Attached) error {
	if m.file {
		return a.boot.Sandbox().CorruptFile(ctx, attached.Path)
	}
	if m.nameless {
		attached.Resolve(false)
	}
	return attached.Proxy.Set(m.fault)
}

func (a *asker) restore(ctx context.Context, m mode, attached *bench.Attached) error {
	if m.file {
		return a.boot.Sandbox().RestoreFile(ctx, attached.Path)
	}
	if m.nameless {
		attached.Resolve(true)
	}
	return attached.Proxy.Set(fault.Pass)
}

// controlCut shows that the service was really cut: it does not answer us.
func (a *asker) controlCut(ctx context.Context, m mode, attached *bench.Attached) error {
	if m.file {
		return nil
	}
	limited, cancel := context.WithTimeout(ctx, controlCut)
	defer cancel()
	if attached.Control(limited) == nil {
		return errors.New("the service still answered us while it was cut")
	}
	return nil
}
