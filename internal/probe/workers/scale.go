package workers

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/roadworthy-dev/roadworthy/internal/bench"
)

const (
	few, many   = 1, 4 // workers that are set
	servings    = 3    // at most
	slowTimes   = 1.5  // of one slow request: who is served within is served in parallel
	besideLimit = 5 * time.Second
	besideTimes = 30 // times what the first process took to answer
)

// scale boots an application that supervises its workers with few of them and
// with many.
func scale(ctx context.Context, b *bench.Bench, stall bench.Stall) (Scale, error) {
	var s Scale
	group, gctx := errgroup.WithContext(ctx)
	group.Go(func() (err error) { s.Few, err = width(gctx, b, stall, few); return err })
	group.Go(func() (err error) { s.Many, err = width(gctx, b, stall, many); return err })
	return s, group.Wait()
}

func width(ctx context.Context, b *bench.Bench, stall bench.Stall, n int) (Width, error) {
	w := Width{Set: n}
	boot, err := b.Boot(ctx, bench.Plan{Set: b.SetWorkers(n)})
	if err != nil {
		return w, err
	}
	defer boot.Close()
	p, err := boot.Launch(ctx, bench.Launch{NoWait: true})
	if err != nil {
		return w, err
	}
	if w.Started = p.Await(ctx) == nil; !w.Started {
		w.Tail = tail(p)
		return w, ctx.Err()
	}
	pool, err := p.Pool(ctx, many)
	if err != nil {
		return w, err
	}
	w.Accept = pool.Holders
	w.Alone = alone(ctx, pool, stall.Ordinary)
	if stall.Kind == bench.StallDeclared || stall.Kind == bench.StallService {
		defer stall.Begin(boot)()
		w.serve(ctx, p, stall)
	}
	return w, ctx.Err()
}

// serve sends slow requests together and counts those that are answered in
// little more time than one takes: the most of several times, since a busy
// machine answers fewer, but none more than run in parallel.
func (w *Width) serve(ctx context.Context, p *bench.Process, stall bench.Stall) {
	for range servings {
		w.Sent, w.Served = many, max(w.Served, together(ctx, p, stall))
		if w.Served >= w.Set {
			return
		}
	}
}

func together(ctx context.Context, p *bench.Process, stall bench.Stall) int {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(slowTimes*float64(stall.Takes)))
	defer cancel()
	var served atomic.Int64
	var flying sync.WaitGroup
	for range many {
		flying.Go(func() {
			h := stall.Hold(ctx, p)
			select {
			case <-h.Done:
				if h.Reply.Err == "" {
					served.Add(1)
				}
			case <-ctx.Done():
			}
		})
	}
	flying.Wait()
	return int(served.Load())
}

// neighbours starts an application that does not supervise workers several
// times in one sandbox, and sees whether each process answers when all others
// are stopped.
func (o *Observations) neighbours(ctx context.Context, b *bench.Bench) error {
	boot, err := b.Boot(ctx, bench.Plan{})
	if err != nil {
		return err
	}
	defer boot.Close()
	first, err := boot.Launch(ctx, bench.Launch{})
	if err != nil {
		return err
	}
	landing := bench.Request{Method: http.MethodGet, Target: b.Landing()}
	all := []*bench.Process{first}
	o.Scale.Few = Width{Set: 1, Started: true}
	if first.Answers(ctx, landing, 1, aloneIn) {
		o.Scale.Few.Alone = 1
	}
	o.Scale.Many = Width{Set: o.Workers}
	limit := min(b.Manifest.Boot, max(besideLimit, besideTimes*first.Ready.Sub(first.Started)))
	for len(all) < o.Workers {
		p, err := boot.Launch(ctx, bench.Launch{Port: boot.Random.Port(), NoWait: true})
		if err != nil {
			return err
		}
		wait, cancel := context.WithTimeout(ctx, limit)
		err = p.Await(wait)
		cancel()
		if err != nil {
			o.Scale.Many.Tail = tail(p)
			return ctx.Err()
		}
		all = append(all, p)
	}
	o.Scale.Many.Started = true
	for i, p := range all {
		others := append(append([]*bench.Process{}, all[:i]...), all[i+1:]...)
		for range aloneTries {
			release, err := boot.Pause(ctx, 2*aloneIn, others...)
			if err != nil {
				return err
			}
			answers := p.Answers(ctx, landing, 1, aloneIn)
			release()
			if answers {
				o.Scale.Many.Alone++
				break
			}
		}
	}
	return ctx.Err()
}
