package workers

import (
	"context"
	"sync"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/bench"
)

const (
	maxRounds  = 5                      //
	maxWaits   = 12                     // ordinary requests of a level
	settles    = 50 * time.Millisecond  // after a slow request was sent
	breath     = 10 * time.Millisecond  // between two ordinary requests
	stuck      = 80 * time.Millisecond  // after which the next one does not wait for the one before
	calmFor    = 100 * time.Millisecond // of ordinary requests with no worker held
	roundShare = 0.8                    // of the slow time that the levels of a round take
)

// parallel holds one worker after the other and measures how long ordinary
// requests wait meanwhile, until most rounds say the same.
func (g *group) parallel(ctx context.Context, stall bench.Stall) ([]Round, error) {
	defer stall.Begin(g.boot)()
	var list []Round
	for good, bad := 0, 0; good < rounds && bad < rounds && len(list) < maxRounds; {
		round, err := g.round(ctx, stall)
		if err != nil {
			return list, err
		}
		list = append(list, round)
		if _, why := round.delays(bench.Workers); why != "" {
			bad++
		} else if round.tests(bench.Workers, stall.Usual.Seconds()) {
			good++
		}
	}
	return list, nil
}

func (g *group) round(ctx context.Context, stall bench.Stall) (Round, error) {
	var levels []*Level
	var held []*bench.Held
	const steps = bench.Workers - 1
	calm := g.level(ctx, stall, nil, time.Now().Add(calmFor)).Waits
	began := time.Now()
	for k := range steps {
		held = append(held, stall.Hold(ctx, g.target(k)))
		until(ctx, time.Now().Add(settles))
		end := began.Add(time.Duration(roundShare * float64(stall.Takes) * float64(k+1) / steps))
		levels = append(levels, g.level(ctx, stall, held, end))
	}
	shortest := time.Duration(0)
	for _, h := range held {
		select {
		case <-h.Done:
		case <-ctx.Done():
			return Round{}, ctx.Err()
		}
		if shortest == 0 || h.Reply.Duration < shortest {
			shortest = h.Reply.Duration
		}
	}
	g.flying.Wait()
	calm = append(calm, g.level(ctx, stall, nil, time.Now().Add(calmFor)).Waits...)
	g.flying.Wait()
	round := Round{Calm: calm}
	for _, level := range levels {
		level.For = shortest.Seconds()
		round.Levels = append(round.Levels, *level)
	}
	return round, nil
}

// target is the process that the k-th slow request goes to.
func (g *group) target(k int) *bench.Process { return g.processes[k%len(g.processes)] }

// level sends ordinary requests on fresh connections, one after the other, to
// the application or to those of its processes that are not held. Each begins
// while every slow request is still without a reply. One that is stuck does
// not keep the others from being sent.
func (g *group) level(ctx context.Context, stall bench.Stall, held []*bench.Held, end time.Time) *Level {
	level := &Level{Held: len(held), Waits: []float64{}}
	free := g.processes
	if len(free) > len(held) {
		free = free[len(held):]
	}
	client := g.boot.Client(g.processes...)
	defer client.Close()
	var mu sync.Mutex
	for i := 0; i < maxWaits && time.Now().Before(end) && pending(held) && ctx.Err() == nil; i++ {
		done := make(chan struct{})
		g.flying.Go(func() {
			defer close(done)
			reply := client.To(ctx, free[i%len(free)], stall.Ordinary)
			mu.Lock()
			defer mu.Unlock()
			level.Waits = append(level.Waits, reply.Duration.Seconds())
			if reply.Err != "" {
				level.Bad++
			}
		})
		select {
		case <-done:
		case <-time.After(stuck):
		}
		until(ctx, time.Now().Add(breath))
	}
	until(ctx, end) // the next level needs its own time
	return level
}

// pending reports whether no slow request has its reply.
func pending(held []*bench.Held) bool {
	for _, h := range held {
		select {
		case <-h.Done:
			return false
		default:
		}
	}
	return true
}
