package worker

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

const (
	fastest   = 2 * time.Millisecond // between two checks of a starting process, at first
	slowest   = 50 * time.Millisecond
	tailLines = 20
)

// bring starts a process and waits until it is ready. On failure nothing of it
// is left, and the error is a *Failure.
func (s *Supervisor) bring(ctx context.Context, g *generation, slot int) (*process, error) {
	p, err := s.launch(g, slot)
	if err != nil {
		f := &Failure{Source: Source{Worker: fmt.Sprintf("%s.%d", g.spec.Name, slot), Generation: g.number}, Phase: "start", Cause: err}
		s.emit(Event{Kind: Failed, Worker: f.Source, Err: f})
		return nil, f
	}
	defer p.release()
	if err := s.awaitReady(ctx, p); err != nil {
		return nil, s.fail(p, "become ready", s.awaited(p), err)
	}
	p.mu.Lock()
	p.readyAt = s.config.Clock.Now()
	if p.beat.IsZero() {
		p.beat = p.readyAt
	}
	p.mu.Unlock()
	s.emit(Event{Kind: Ready, Worker: p.Source})
	return p, nil
}

// fail ends a process that is not healthy and says why.
func (s *Supervisor) fail(p *process, phase, awaited string, cause error) *Failure {
	f := &Failure{Source: p.Source, Phase: phase, Awaited: awaited, Elapsed: s.config.Clock.Now().Sub(p.started)}
	select {
	case <-p.exited:
		exit := p.exit
		f.Exit = &exit
	default:
		p.abort("failed to " + phase)
	}
	if !errors.Is(cause, errEnded) {
		f.Cause = cause
	}
	f.Tail = s.lastLines(p.ID)
	s.emit(Event{Kind: Failed, Worker: p.Source, Err: f, Exit: f.Exit})
	return f
}

// lastLines reads the tail when its reader has caught up: it is the same in
// several looks.
func (s *Supervisor) lastLines(id string) []string {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	var lines []string
	_, _ = steady(ctx, s.config.Clock, func() (string, bool) { // what came in time is told
		lines = s.config.Tail(id, tailLines)
		return strings.Join(lines, "\n"), true
	})
	return lines
}

var errEnded = errors.New("the process ended")

func (s *Supervisor) awaited(p *process) string {
	spec := p.gen.spec
	switch {
	case spec.Notify:
		return fmt.Sprintf("READY=1 on NOTIFY_SOCKET within %s", spec.Times.Ready)
	case p.backend.Network != "":
		return fmt.Sprintf("%s %s within %s", p.backend.Network, p.backend.Address, spec.Times.Ready)
	}
	return "its process to run"
}

// awaitReady returns nil once the process is ready, the last error of the
// check when time is up, errEnded when the process is gone.
func (s *Supervisor) awaitReady(ctx context.Context, p *process) error {
	spec := p.gen.spec
	timeout := s.config.Clock.After(spec.Times.Ready)
	checks, cancel := context.WithTimeout(ctx, spec.Times.Ready) // one check may take all of it
	defer cancel()
	pause, last := fastest, error(nil)
	for {
		var again <-chan time.Time
		switch {
		case spec.Notify:
		case p.backend.Network == "":
			return p.alive()
		default:
			if last = s.config.Ready(checks, p.backend); last == nil {
				return p.alive()
			}
			again = s.config.Clock.After(pause)
			pause = min(2*pause, slowest)
		}
		select {
		case <-p.exited:
			return errEnded
		case <-p.ready:
			if spec.Notify {
				return p.alive()
			}
			select { // an early READY=1 does not replace the check
			case <-again:
			case <-p.exited:
			}
		case <-again:
		case <-timeout:
			return firstOf(last, errors.New("it said nothing"))
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// alive returns errEnded if the process is gone.
func (p *process) alive() error {
	select {
	case <-p.exited:
		return errEnded
	default:
		return nil
	}
}

// healthy asks once. An answer may take as long as the first one.
func (s *Supervisor) healthy(ctx context.Context, p *process) error {
	ctx, cancel := context.WithTimeout(ctx, p.gen.spec.Times.Ready)
	defer cancel()
	return s.config.Health(ctx, p.backend)
}

// prove watches a ready process for MinUptime: it must go on running, and the
// health check must not fail twice in a row, nor the last time.
func (s *Supervisor) prove(ctx context.Context, p *process) error {
	spec := p.gen.spec
	p.hold()
	defer p.release()
	p.enter(Proving)
	over := s.config.Clock.After(spec.Times.MinUptime)
	every := min(spec.Times.MinUptime/8, 250*time.Millisecond)
	misses := 0
	for done := false; !done; {
		var sick error
		if s.config.Health != nil && p.backend.Network != "" {
			sick = s.healthy(ctx, p)
		}
		if sick == nil {
			misses = 0
		} else if misses++; misses == 2 {
			return s.fail(p, "stay healthy", fmt.Sprintf("%s without a failed check", spec.Times.MinUptime), sick)
		}
		select {
		case <-p.exited:
			return s.fail(p, "stay up", fmt.Sprintf("%s without an exit", spec.Times.MinUptime), errEnded)
		case <-over:
			done = sick == nil
		case <-s.config.Clock.After(every):
		case <-ctx.Done():
			return s.fail(p, "stay up", "the end of the proof", ctx.Err())
		}
	}
	return nil
}

// admit puts a process into the rotation, unless it is gone.
func (s *Supervisor) admit(p *process) {
	p.enter(Serving)
	p.rotation.Lock()
	defer p.rotation.Unlock()
	p.mu.Lock()
	gone := p.gone || p.planned
	p.mu.Unlock()
	if !gone && !p.rotating && s.config.Rotation != nil && p.backend.Network != "" {
		p.rotating = true
		s.config.Rotation.Add(p.backend)
	}
}

// leave takes a process out of the rotation and waits for its requests as
// long as ctx allows.
func (s *Supervisor) leave(ctx context.Context, p *process) {
	p.rotation.Lock()
	was := p.rotating
	p.rotating = false
	p.rotation.Unlock()
	if was {
		_ = s.config.Rotation.Drain(ctx, p.ID) // late requests end with the worker, as the timeout says
	}
}

// retire drains and ends a process. Ctx bounds the draining further.
func (s *Supervisor) retire(ctx context.Context, p *process, why string) {
	p.mu.Lock()
	p.planned = true
	p.enterLocked(Draining)
	p.mu.Unlock()
	drain, cancel := context.WithTimeout(ctx, p.gen.spec.Times.Drain)
	s.leave(drain, p)
	cancel()
	if ctx.Err() != nil {
		p.abort(why)
		return
	}
	stop := context.AfterFunc(ctx, func() { p.kill(why + ": the time to stop is over") })
	defer stop()
	p.end(why)
}

// gone takes a process that has ended out of the rotation.
func (s *Supervisor) gone(p *process) {
	over, cancel := context.WithCancel(context.Background())
	cancel()
	s.leave(over, p)
}

// told tells of the end of a process.
func (s *Supervisor) told(p *process) {
	p.mu.Lock()
	planned, exit := p.planned, p.exit
	p.mu.Unlock()
	s.emit(Event{Kind: Ended, Worker: p.Source, Exit: &exit, Planned: planned})
	if exit.OOM {
		s.emit(Event{Kind: OutOfMem, Worker: p.Source, Exit: &exit, Why: exit.Why})
	}
}
