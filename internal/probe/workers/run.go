package workers

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/roadworthy-dev/roadworthy/internal/bench"
	"github.com/roadworthy-dev/roadworthy/internal/probe"
)

// group is what stands for the workers in one boot: one process that
// supervises them, or several processes.
type group struct {
	boot       *bench.Boot
	supervised bool
	processes  []*bench.Process
	flying     sync.WaitGroup // ordinary requests on their way
}

// run measures waiting first, while nothing else runs, and then the rest at once.
func run(ctx context.Context, b *bench.Bench, r *probe.Recorder) (Observations, error) {
	o := Observations{Supervised: len(b.SetWorkers(1)) > 0, Workers: bench.Workers}
	if !o.Supervised {
		if err := o.neighbours(ctx, b); err != nil || !o.Scale.Many.Started {
			return o, err // what does not start twice has no workers to compare
		}
	}
	g, err := open(ctx, b, nil, o.Workers)
	if err != nil {
		return o, err
	}
	defer g.boot.Close()
	stall := g.processes[0].FindStall(ctx)
	o.Stall, o.Takes, o.Usual = stall.Describe(), stall.Takes.Seconds(), stall.Usual.Seconds()
	if stall.Kind == bench.StallNone {
		r.Opaque("workers.parallel", fmt.Sprintf("the request that is declared as slow takes only %.0f ms", o.Takes*1000),
			"declare one in roadworthy.yaml that takes at least a second and occupies a worker: faults: {slow: GET /slow}")
	} else {
		r.Try("workers.parallel", func() (err error) { o.Rounds, err = g.parallel(ctx, stall); return err })
	}
	work, wctx := errgroup.WithContext(ctx)
	work.Go(func() error {
		r.Try("workers.sessions", func() (err error) { o.Sessions, err = sessions(wctx, b, g.boot.SameValues()); return err })
		return wctx.Err()
	})
	if o.Supervised {
		work.Go(func() error {
			r.Try("workers.replace", func() (err error) { o.Replace, err = g.replace(wctx, stall); return err })
			return wctx.Err()
		})
		work.Go(func() error {
			r.Try("workers.scale", func() (err error) { o.Scale, err = scale(wctx, b, stall); return err })
			return wctx.Err()
		})
	}
	return o, work.Wait()
}

// open boots and starts the workers: as many as the values say for an
// application that supervises them, else n processes.
func open(ctx context.Context, b *bench.Bench, set map[string]string, n int) (*group, error) {
	boot, err := b.Boot(ctx, bench.Plan{Set: set})
	if err != nil {
		return nil, err
	}
	g := &group{boot: boot, supervised: len(b.SetWorkers(1)) > 0}
	if g.supervised {
		n = 1
	}
	for i := range n {
		launch := bench.Launch{}
		if i > 0 {
			launch.Port = boot.Random.Port()
		}
		p, err := boot.Launch(ctx, launch)
		if err != nil {
			_ = boot.Close()
			return nil, err
		}
		g.processes = append(g.processes, p)
	}
	return g, nil
}

func tail(p *bench.Process) string {
	text := strings.Join(p.Output.Tail(4), " / ")
	return strings.ToValidUTF8(text[:min(len(text), 300)], "")
}

// until waits for a moment, or until ctx ends.
func until(ctx context.Context, moment time.Time) {
	timer := time.NewTimer(time.Until(moment))
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
