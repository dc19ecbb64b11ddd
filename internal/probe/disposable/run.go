package disposable

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/roadworthy-dev/roadworthy/internal/bench"
	"github.com/roadworthy-dev/roadworthy/internal/probe"
	"github.com/roadworthy-dev/roadworthy/internal/replay"
)

const (
	starts    = 3
	startsIn  = 10 * time.Second // the pass rule's limit
	terms     = 3                // as process 1, and as many not
	parallel  = 3                // boots at once
	excerptIs = 300              // bytes
)

// run times the starts first, while nothing else runs.
func run(ctx context.Context, b *bench.Bench, r *probe.Recorder) (Observations, error) {
	o := Observations{Limit: min(startsIn, b.Manifest.Boot).Seconds()}
	keeper, err := o.timeStarts(ctx, b)
	if err != nil {
		return o, err
	}
	if keeper == nil {
		return o, nil // nothing can be stopped that does not start
	}
	defer keeper.boot.Close()
	stall := keeper.process.FindStall(ctx)
	if stall.Kind == bench.StallDeclared || stall.Kind == bench.StallService {
		o.Stall = stall.Describe()
	} else {
		stall.Kind = bench.StallNone // an upload is not written in full: it cannot be lost
	}
	o.Terms = make([]Term, 2*terms)
	group, gctx := errgroup.WithContext(ctx)
	group.SetLimit(parallel)
	for i := range o.Terms {
		group.Go(func() error {
			r.Try("disposable.term", func() (err error) { o.Terms[i], err = term(gctx, b, stall, i%2 == 0); return err })
			return gctx.Err()
		})
	}
	group.Go(func() error {
		r.Try("disposable.kill", func() (err error) { o.Kill, err = kill(gctx, b, stall); return err })
		return gctx.Err()
	})
	if err := group.Wait(); err != nil {
		return o, err
	}
	o.Later = shape(ctx, b, keeper.process)
	if len(b.Stores()) > 0 && !slices.ContainsFunc(o.Later.Own, func(n int) bool { return n > 0 }) {
		// A placeholder may still answer: look again when the start must be over.
		until(ctx, keeper.process.Started.Add(time.Duration(o.Limit+2)*time.Second))
		o.Later = shape(ctx, b, keeper.process)
	}
	return o, ctx.Err()
}

// kept is a process that stays up until the end.
type kept struct {
	boot    *bench.Boot
	process *bench.Process
}

// timeStarts starts the application several times, one after the other, and
// keeps the first one up. A start that takes too long is not waited for
// alone: the others go together then.
func (o *Observations) timeStarts(ctx context.Context, b *bench.Bench) (*kept, error) {
	o.Starts = make([]Start, starts)
	var keeper *kept
	first := func() error {
		k, err := o.Starts[0].time(ctx, b, o.Limit)
		if k != nil && o.Starts[0].Ready {
			keeper = k
		} else if k != nil {
			_ = k.boot.Close()
		}
		return err
	}
	if err := first(); err != nil {
		return nil, err
	}
	group, gctx := errgroup.WithContext(ctx)
	group.SetLimit(1)
	if !o.Starts[0].Ready {
		group.SetLimit(parallel)
	}
	for i := 1; i < starts; i++ {
		group.Go(func() error {
			k, err := o.Starts[i].time(gctx, b, o.Limit)
			if k != nil {
				_ = k.boot.Close()
			}
			return err
		})
	}
	return keeper, group.Wait()
}

// time does one start.
func (s *Start) time(ctx context.Context, b *bench.Bench, limit float64) (*kept, error) {
	boot, err := b.Boot(ctx, bench.Plan{})
	if err != nil {
		return nil, err
	}
	p, err := boot.Launch(ctx, bench.Launch{NoWait: true})
	if err != nil {
		_ = boot.Close()
		return nil, err
	}
	s.Ready = await(ctx, p, time.Duration(limit*float64(time.Second)))
	s.Took = time.Since(p.Started).Seconds()
	if s.Delayed, err = p.DelayedSince(ctx, nil); err != nil {
		return &kept{boot, p}, fmt.Errorf("ask for the delays: %w", err)
	}
	if s.Ready {
		s.Took = p.Ready.Sub(p.Started).Seconds()
		s.First = shape(ctx, b, p)
	} else {
		s.Exit, s.Tail = last(ctx, p)
	}
	return &kept{boot, p}, ctx.Err()
}

// await waits until a process answers.
func await(ctx context.Context, p *bench.Process, limit time.Duration) bool {
	wait, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return p.Await(wait) == nil
}

// last tells how a process ended, if it has, and its last lines.
func last(ctx context.Context, p *bench.Process) (exit, tail string) {
	if p.Ended() {
		if e, err := p.Wait(ctx, time.Second); err == nil {
			exit = e.String()
		}
	}
	text := strings.Join(p.Output.Tail(4), " / ")
	return exit, strings.ToValidUTF8(text[:min(len(text), excerptIs)], "")
}

// shape plays the session on one process.
func shape(ctx context.Context, b *bench.Bench, p *bench.Process) Shape {
	began := time.Now()
	session, _ := b.Play(ctx, b.NewRandom().Nonce(), 0, func(int) (*bench.Process, error) { return p, ctx.Err() })
	s := shapeOf(session)
	s.Took = time.Since(began).Seconds()
	return s
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

func shapeOf(session replay.Session) Shape {
	s := Shape{Statuses: []int{}, Own: []int{}}
	for _, reply := range session {
		status := reply.Status
		if reply.Err != "" {
			status = 0
		}
		s.Statuses, s.Own = append(s.Statuses, status), append(s.Own, reply.Own)
	}
	return s
}
