package worker

import (
	"context"
	"time"
)

// slot is one place for a worker, such as web.1. Its keep goroutine refills it
// after a crash; an operation may put another process into it at any time.
// Supervisor.mu guards all fields that change.
type slot struct {
	s      *Supervisor
	number int

	gen      *generation // what a restart starts
	cur      *process    // nil while the slot is empty
	hold     bool        // an operation is filling it
	gone     bool        // the slot was removed
	wake     chan struct{}
	fails    int // early deaths in a row
	restarts int
	last     *Exit
	since    time.Time // of being empty
}

func newSlot(s *Supervisor, number int, g *generation) *slot {
	return &slot{s: s, number: number, gen: g, wake: make(chan struct{}), since: s.config.Clock.Now()}
}

// nudge tells keep that something changed. The lock is held.
func (sl *slot) nudge() {
	close(sl.wake)
	sl.wake = make(chan struct{})
}

func (sl *slot) current() *process {
	sl.s.mu.Lock()
	defer sl.s.mu.Unlock()
	return sl.cur
}

// keep fills the slot until it is removed or the supervisor stops.
func (sl *slot) keep() {
	s := sl.s
	for s.life.Err() == nil {
		s.mu.Lock()
		cur, hold, gone, wake := sl.cur, sl.hold, sl.gone, sl.wake
		s.mu.Unlock()
		switch {
		case gone:
			return
		case cur != nil:
			select {
			case <-cur.exited:
				sl.lost(cur)
			case <-wake:
			case <-s.life.Done():
			}
		case hold:
			select {
			case <-wake:
			case <-s.life.Done():
			}
		default:
			sl.refill(wake)
		}
	}
}

// lost notes that the slot's process has ended by itself.
func (sl *slot) lost(p *process) {
	s := sl.s
	s.mu.Lock()
	defer s.mu.Unlock()
	if sl.cur != p {
		return
	}
	exit := p.exit
	sl.cur, sl.last, sl.since = nil, &exit, s.config.Clock.Now()
	sl.restarts++
	if s.early(p) {
		sl.fails++
		s.crashed(sl.gen)
	} else {
		sl.fails = 0
	}
}

// early reports whether a process ended before it outlived MinUptime.
func (s *Supervisor) early(p *process) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.readyAt.IsZero() || p.since.Sub(p.readyAt) < p.gen.spec.Times.MinUptime
}

// crashed counts an early death against the generation and opens its breaker
// after five, or two for each worker. The lock is held.
func (s *Supervisor) crashed(g *generation) {
	g.crashes++
	g.trying = false
	if g.crashes >= max(5, 2*g.spec.Count) && !g.open {
		g.open = true
		s.emit(Event{Kind: CrashLoop, Worker: Source{Generation: g.number}, Pause: g.spec.Times.Longest,
			Why: "no worker of the generation outlives its start; one slot at a time tries on"})
	}
}

// pause is how long an empty slot waits: not at all after a healthy life, then
// doubling, with a quarter of jitter to both sides.
func (sl *slot) pause() time.Duration {
	if sl.fails == 0 {
		return 0
	}
	t := sl.gen.spec.Times
	d := t.Backoff
	for range min(sl.fails-1, 30) {
		d = min(2*d, t.Longest)
	}
	return time.Duration(float64(d) * (0.75 + sl.s.config.Random()/2))
}

// refill waits for the end of the pause and starts a process, unless an
// operation wakes it before.
func (sl *slot) refill(wake chan struct{}) {
	s := sl.s
	s.mu.Lock()
	g, wait := sl.gen, sl.pause()
	s.mu.Unlock()
	if wait > 0 && !s.sleep(wait, wake) {
		return
	}
	trial, ok := s.mayTry(g)
	if !ok {
		s.sleep(g.spec.Times.Backoff, wake) // and come back
		return
	}
	ctx, cancel := context.WithCancel(s.life)
	defer cancel()
	done := make(chan struct{})
	s.loops.Go(func() { // inside a loop, so that Stop is not past its Wait
		select {
		case <-wake:
			cancel()
		case <-done:
		}
	})
	p, err := s.bring(ctx, g, sl.number)
	close(done)
	if err != nil {
		sl.failed(g, trial, ctx.Err() != nil)
		return
	}
	s.mu.Lock()
	superseded := sl.cur != nil || sl.hold || sl.gone || sl.gen != g
	s.mu.Unlock()
	if superseded {
		sl.failed(g, trial, true)
		p.abort("its slot is taken")
		return
	}
	s.install(sl, p, "")
}

// sleep reports whether the whole pause went by.
func (s *Supervisor) sleep(d time.Duration, wake <-chan struct{}) bool {
	select {
	case <-s.config.Clock.After(d):
		return true
	case <-wake:
	case <-s.life.Done():
	}
	return false
}

// mayTry lets one slot at a time start while the breaker is open.
func (s *Supervisor) mayTry(g *generation) (trial, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !g.open {
		return false, true
	}
	if g.trying {
		return false, false
	}
	g.trying = true
	return true, true
}

func (sl *slot) failed(g *generation, trial, cancelled bool) {
	sl.s.mu.Lock()
	defer sl.s.mu.Unlock()
	if cancelled {
		g.trying = g.trying && !trial
		return
	}
	sl.fails++
	sl.s.crashed(g)
}

// survived closes the breaker once a process has outlived MinUptime. One that
// ended before, as one that hung does without a crash, leaves the next try to
// any slot.
func (s *Supervisor) survived(sl *slot, p *process) {
	select {
	case <-s.config.Clock.After(p.gen.spec.Times.MinUptime):
	case <-p.exited:
	case <-s.life.Done():
		return
	}
	early := p.alive() != nil && s.early(p) // after a stall both are over
	s.mu.Lock()
	defer s.mu.Unlock()
	if early {
		p.gen.trying = false
		return
	}
	if sl.cur == p {
		sl.fails = 0
	}
	p.gen.crashes, p.gen.open, p.gen.trying = 0, false, false
}
