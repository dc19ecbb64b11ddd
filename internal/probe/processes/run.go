package processes

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/roadworthy-dev/roadworthy/internal/bench"
	"github.com/roadworthy-dev/roadworthy/internal/probe"
)

const (
	aside     = 1500 * time.Millisecond // how long a process that does not serve must stay up
	leastWait = 5 * time.Second         // for the second process to answer, at the least
	manyTimes = 30                      // times what the first took
	stopLimit = 10 * time.Second
)

func run(ctx context.Context, b *bench.Bench, r *probe.Recorder) (Observations, error) {
	var o Observations
	types := slices.Sorted(maps.Keys(b.Manifest.Processes))
	o.Pairs, o.Watches = make([]Pair, len(types)), make([]Watch, len(types))
	group, gctx := errgroup.WithContext(ctx)
	group.SetLimit(3)
	for i, name := range types {
		group.Go(func() error {
			r.Try("processes.scales", func() (err error) { o.Pairs[i], err = pair(gctx, b, name); return err })
			return gctx.Err()
		})
		group.Go(func() error {
			r.Try("processes.foreground", func() (err error) { o.Watches[i], err = watch(gctx, b, name); return err })
			return gctx.Err()
		})
	}
	return o, group.Wait()
}

// serves reports whether a type answers HTTP.
func serves(name string) bool { return name == "web" }

// pair starts two processes of a type in one sandbox.
func pair(ctx context.Context, b *bench.Bench, name string) (Pair, error) {
	p := Pair{Type: name, Serves: serves(name)}
	boot, err := b.Boot(ctx, bench.Plan{})
	if err != nil {
		return p, err
	}
	defer boot.Close()
	first, err := p.First.start(ctx, boot, bench.Launch{Process: name, NoWait: true}, b.Manifest.Boot)
	if err != nil || !p.First.Ready {
		return p, err
	}
	if p.Serves {
		p.First.Alone = play(ctx, b, first)
	}
	wait := min(b.Manifest.Boot, max(leastWait, manyTimes*time.Duration(p.First.After*float64(time.Second))))
	second, err := p.Second.start(ctx, boot, bench.Launch{Process: name, Port: boot.Random.Port(), NoWait: true}, wait)
	if err != nil {
		return p, err
	}
	if p.Serves {
		p.First.Beside = play(ctx, b, first)
		if p.Second.Ready {
			p.Second.Beside = play(ctx, b, second)
		}
	}
	p.First.end(ctx, first)
	p.Second.end(ctx, second)
	if _, _, err := second.Stop(ctx, stopLimit); err != nil && ctx.Err() != nil {
		return p, err
	}
	if p.Serves && p.First.Exit == "" {
		p.After = play(ctx, b, first)
		p.First.end(ctx, first)
	}
	return p, nil
}

// start launches a process and waits until it is ready or has ended.
func (s *Single) start(ctx context.Context, boot *bench.Boot, launch bench.Launch, limit time.Duration) (*bench.Process, error) {
	p, err := boot.Launch(ctx, launch)
	if err != nil {
		return nil, err
	}
	s.Ready = ready(ctx, p, serves(launch.Process), limit)
	s.After = time.Since(p.Started).Seconds()
	s.end(ctx, p)
	if !s.Ready && s.Tail == "" {
		s.Tail = tail(p)
	}
	return p, ctx.Err()
}

// ready waits until a process answers, or, where it does not serve, whether
// it stays up.
func ready(ctx context.Context, p *bench.Process, serves bool, limit time.Duration) bool {
	if serves {
		wait, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		return p.Await(wait) == nil
	}
	_, err := p.Wait(ctx, aside)
	return err != nil && !p.Ended()
}

// end notes how a process ended, if it has.
func (s *Single) end(ctx context.Context, p *bench.Process) {
	if !p.Ended() || s.Exit != "" {
		return
	}
	exit, err := p.Wait(ctx, time.Second)
	if err == nil {
		s.Exit, s.Tail = exit.String(), tail(p)
	}
}

func tail(p *bench.Process) string {
	text := strings.Join(p.Output.Tail(4), " / ")
	return strings.ToValidUTF8(text[:min(len(text), 300)], "")
}

// play runs the session on one process and keeps the statuses.
func play(ctx context.Context, b *bench.Bench, p *bench.Process) Session {
	session, err := b.Play(ctx, b.NewRandom().Nonce(), 0, func(int) (*bench.Process, error) {
		return p, ctx.Err()
	})
	statuses := Session{}
	for _, reply := range session {
		status := reply.Status
		if reply.Err != "" {
			status = 0
		}
		statuses = append(statuses, status)
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		statuses = append(statuses, 0)
	}
	return statuses
}
