package runner

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/front"
	"github.com/roadworthy-dev/roadworthy/internal/worker"
)

// quiet waits for a moment without requests. Nothing is accepted from the call
// until it fails: what connects meanwhile is queued by the kernel.
func (p *passing) quiet(ctx context.Context) error {
	m := p.m
	if m.gate == nil {
		p.state.Paused = time.Now()
		return nil
	}
	p.undos = append(p.undos, m.gate.thaw)
	if !m.gate.plain {
		return p.shut(ctx)
	}
	for range windows {
		p.state.Paused = time.Now()
		m.gate.freeze()
		short, cancel := context.WithTimeout(ctx, window)
		err := m.gate.empty(short)
		cancel()
		if err == nil {
			return p.conns()
		}
		if ctx.Err() != nil { // the end comes first, and takes its time
			return ctx.Err()
		}
		if open, _ := m.gate.opened(); open <= m.front.Streams() { // which no window is long enough for
			return p.quieten(ctx)
		}
		m.gate.thaw()
		select {
		case <-time.After(between):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	p.state.Paused = time.Now()
	m.gate.freeze()
	return p.quieten(ctx)
}

// quieten ends what does not end by itself, while nothing is accepted.
func (p *passing) quieten(ctx context.Context) error {
	if err := p.endStreams(ctx); err != nil {
		return err
	}
	return p.conns()
}

// conns hands the connections over that wait for a request.
func (p *passing) conns() error {
	g := p.m.gate
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, conn := range g.kept {
		fd, err := p.state.pass(conn)
		if err != nil {
			return err
		}
		p.state.Conns = append(p.state.Conns, fd)
	}
	return nil
}

// endStreams ends what does not end by itself, by its policy, and waits for
// the requests under way.
func (p *passing) endStreams(ctx context.Context) error {
	m := p.m
	ctx, cancel := context.WithTimeout(ctx, longPause)
	defer cancel()
	serving := map[string]worker.Backend{}
	for _, w := range m.crews["web"].Snapshot() {
		if w.State == worker.Serving {
			serving[w.ID] = w.Backend
		}
	}
	// A request that has no worker yet must get one before they leave the rotation.
	for {
		open, changed := m.gate.opened()
		under := 0
		for id := range serving {
			under += m.front.InFlight(id)
		}
		if open <= under {
			break
		}
		select {
		case <-changed:
		case <-time.After(5 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("%d connections do not come to an end: %w", open, ctx.Err())
		}
	}
	in := rotation{m.front, m.config().Settings.Concurrency, m.log}
	p.undos = append(p.undos, func() {
		for _, b := range serving {
			in.Add(b)
		}
	})
	short, cancelShort := context.WithTimeout(context.WithoutCancel(ctx), m.config().Settings.untilCut()) // what has begun to end is not cut
	defer cancelShort()
	var draining sync.WaitGroup
	for id := range serving {
		draining.Go(func() { _ = in.Drain(short, id) }) // what is left then is seen at the gate
	}
	draining.Wait()
	if err := m.gate.empty(ctx); err != nil {
		return fmt.Errorf("requests do not come to an end: %w", err)
	}
	return nil
}

// untilCut is how long an upgrade waits for streams to end by their policy:
// not at all for those that would linger for longer than it may take.
func (s Settings) untilCut() time.Duration {
	if front.DrainPolicy(s.Streams) == front.DrainLinger && lingering(s.Times.Drain) > orderly {
		return 0
	}
	return orderly
}
