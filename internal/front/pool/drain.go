package pool

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// EndWith says how a stream on this lease is ended when its worker drains: by
// calling end once, no earlier than after, which is asked when the drain begins.
// With spread it is called at some moment within Spread, so that the clients do
// not all come back at once. The functions must not block; with cut, end ends
// the stream without ceremony.
func (p *Pool) EndWith(l *Lease, after func() time.Duration, spread bool, end func(cut bool)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	l.end, l.after, l.spread = end, after, spread
	if l.worker.draining {
		p.wake()
	}
}

// Streams returns the number of leases that hold a stream.
func (p *Pool) Streams() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for _, w := range p.workers {
		for l := w.first; l != nil; l = l.newer {
			if l.end != nil {
				n++
			}
		}
	}
	return n
}

// Drain takes the worker out of rotation, ends its streams by their own rules
// and waits until it serves nothing; then it is forgotten. When the context
// ends first, the streams are cut, and the error says how much was left.
func (p *Pool) Drain(ctx context.Context, id string) error {
	p.mu.Lock()
	var mine []*Worker
	for _, w := range p.workers {
		if w.ID == id {
			w.draining = true
			mine = append(mine, w)
		}
	}
	p.mu.Unlock()
	if len(mine) == 0 {
		return fmt.Errorf("drain %q: %w", id, ErrUnknown)
	}
	if err := p.settle(ctx, mine); err != nil {
		return fmt.Errorf("drain %q: %w", id, err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reap()
	return nil
}

// EndStreams ends all streams by their own rules and waits until nothing is in
// flight on any worker, or until the context ends. No worker leaves rotation.
func (p *Pool) EndStreams(ctx context.Context) error {
	p.mu.Lock()
	workers := slices.Clone(p.workers)
	p.mu.Unlock()
	if err := p.settle(ctx, workers); err != nil {
		return fmt.Errorf("end the streams: %w", err)
	}
	return nil
}

// due is a stream and the moment at which it is ended.
type due struct {
	at     time.Time
	lease  *Lease
	serial uint64
}

func (p *Pool) settle(ctx context.Context, workers []*Worker) error {
	start := p.options.Now()
	var plan []due
	for {
		p.mu.Lock()
		left := 0
		for _, w := range workers {
			left += w.inflight
			plan = p.schedule(plan, w, start)
		}
		changed := p.changed
		plan = p.fire(plan, p.options.Now())
		p.mu.Unlock()
		if left == 0 {
			return nil
		}
		wait := 50 * time.Millisecond // looks again, since only draining workers tell
		if len(plan) > 0 {
			wait = max(0, min(wait, plan[0].at.Sub(p.options.Now())))
		}
		timer := time.NewTimer(wait)
		select {
		case <-changed:
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			p.cut(workers)
			return fmt.Errorf("%d requests in flight: %w", left, context.Cause(ctx))
		}
		timer.Stop()
	}
}

// schedule adds the streams of the worker that have no moment yet.
func (p *Pool) schedule(plan []due, w *Worker, start time.Time) []due {
	for l := w.first; l != nil; l = l.newer {
		if l.end == nil || l.ending {
			continue
		}
		l.ending = true
		at := start.Add(l.after())
		if l.spread {
			at = at.Add(p.jitter())
		}
		plan = append(plan, due{at, l, l.serial})
	}
	slices.SortFunc(plan, func(a, b due) int { return a.at.Compare(b.at) })
	return plan
}

func (p *Pool) jitter() time.Duration {
	if p.options.Random == nil || p.options.Spread <= 0 {
		return max(0, p.options.Spread/2)
	}
	return time.Duration(p.options.Random(uint64(p.options.Spread)))
}

// fire ends the streams whose moment has come, if they are still there.
func (p *Pool) fire(plan []due, now time.Time) []due {
	for len(plan) > 0 && !plan[0].at.After(now) {
		if d := plan[0]; d.lease.ending && d.lease.serial == d.serial {
			d.lease.end(false)
		}
		plan = plan[1:]
	}
	return plan
}

// cut ends all streams of the workers without ceremony.
func (p *Pool) cut(workers []*Worker) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, w := range workers {
		for l := w.first; l != nil; l = l.newer {
			if l.end != nil {
				l.ending = true
				l.end(true)
			}
		}
	}
}
