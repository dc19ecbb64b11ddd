package worker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
)

// Reload makes the next generation: Spec.Surge workers at a time it starts the
// new one, waits until it is ready, proves the first Spec.Prove of them for
// MinUptime, and only then retires the old one. If any of them fails, those
// that were promoted go back to the old generation, everything of the new one
// is ended, and the *Failure is returned. The old generation serves all along.
// Stop ends it wherever it is, with ErrStopped, and nothing is taken back.
func (s *Supervisor) Reload(ctx context.Context, spec Spec) error {
	if err := s.take(ctx); err != nil {
		return err
	}
	defer s.give()
	s.mu.Lock()
	old := s.gen
	s.generations++
	number := s.generations
	s.mu.Unlock()
	if old == nil {
		return errors.New("reload before start")
	}
	s.emit(Event{Kind: Beginning, Worker: Source{Generation: number}})
	g, err := pin(spec, number)
	if err == nil && g.spec.Name != old.spec.Name {
		err = errors.New("a reload cannot rename the process type " + old.spec.Name)
	}
	if err == nil {
		err = s.promote(ctx, old, g)
	}
	if err != nil && s.life.Err() != nil {
		err = fmt.Errorf("%w: %w", ErrStopped, err)
	}
	if err != nil {
		s.emit(Event{Kind: Aborted, Worker: Source{Generation: number}, Err: err})
		return err
	}
	s.emit(Event{Kind: Promoted, Worker: Source{Generation: number}})
	return nil
}

// promote moves all slots from one generation to the next, or back.
func (s *Supervisor) promote(ctx context.Context, old, g *generation) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.life, cancel)()
	before := len(s.slots)
	s.widen(g)
	for first := 0; first < g.spec.Count; first += g.spec.Surge {
		batch := s.slots[first:min(first+g.spec.Surge, g.spec.Count)]
		errs := make([]error, len(batch))
		var all sync.WaitGroup
		for i, sl := range batch {
			prove := g.spec.Prove < 0 || first+i < g.spec.Prove
			all.Go(func() { errs[i] = s.exchange(ctx, sl, g, prove, len(batch), "reload") })
		}
		all.Wait()
		if err := firstOf(errs...); err != nil {
			s.back(old, g)
			s.narrow(before)
			return err
		}
	}
	s.mu.Lock()
	s.gen = g
	s.mu.Unlock()
	s.narrow(g.spec.Count)
	return nil
}

// widen adds empty slots up to the count of a generation.
func (s *Supervisor) widen(g *generation) {
	for len(s.slots) < g.spec.Count {
		sl := newSlot(s, len(s.slots)+1, g)
		sl.hold = true
		s.mu.Lock()
		s.slots = append(s.slots, sl)
		s.mu.Unlock()
		s.task(sl.keep)
	}
}

// narrow removes the slots above count and retires what is in them.
func (s *Supervisor) narrow(count int) {
	s.mu.Lock()
	var rest []*process
	for _, sl := range s.slots[min(count, len(s.slots)):] {
		if sl.gone = true; sl.cur != nil {
			rest = append(rest, sl.cur)
			sl.cur = nil
		}
		sl.nudge()
	}
	s.slots = s.slots[:min(count, len(s.slots))]
	s.mu.Unlock()
	var all sync.WaitGroup
	for _, p := range rest {
		all.Go(func() { s.retire(context.Background(), p, "its slot is gone") })
	}
	all.Wait()
}

// back returns the slots that hold the new generation to the old one. Where
// even the old one does not start any more, the new process goes on serving,
// and what replaces it after its end is of the old generation.
func (s *Supervisor) back(old, g *generation) {
	for i, sl := range slices.Backward(s.slots) {
		s.mu.Lock()
		newer, had := sl.gen == g, i < old.spec.Count
		if newer && had {
			sl.gen = old
			if sl.cur == nil { // it crashed meanwhile: keep starts the old one
				newer = false
				sl.nudge()
			}
		}
		s.mu.Unlock()
		if newer && had && s.life.Err() == nil {
			_ = s.exchange(s.life, sl, old, false, 1, "back to the old generation") // its failure is an event
		}
	}
}

// exchange puts a ready process of a generation into a slot and retires the
// one that was there: successor first if there is memory for it, else
// predecessor first.
func (s *Supervisor) exchange(ctx context.Context, sl *slot, g *generation, prove bool, parallel int, why string) error {
	if old := sl.current(); old != nil && !s.fits(old, parallel) {
		return s.stopFirst(ctx, sl, old, g, prove, why)
	}
	p, err := s.bring(ctx, g, sl.number)
	if err != nil {
		return err
	}
	if prove {
		if err := s.prove(ctx, p); err != nil {
			return err
		}
	}
	s.install(sl, p, why)
	return nil
}

// stopFirst retires the old process before the new one starts. If no other
// worker serves, requests are parked meanwhile, and the new one is proven
// while it serves already.
func (s *Supervisor) stopFirst(ctx context.Context, sl *slot, old *process, g *generation, prove bool, why string) error {
	s.mu.Lock()
	others := 0
	for _, other := range s.slots {
		if other != sl && other.cur != nil {
			others++
		}
	}
	previous := sl.gen
	sl.hold, sl.cur = true, nil
	sl.nudge()
	s.mu.Unlock()
	unpark := func() {}
	if others == 0 && old.backend.Network != "" {
		s.config.Park(true)
		unpark = sync.OnceFunc(func() { s.config.Park(false) })
	}
	defer unpark()
	s.retire(context.Background(), old, why)
	p, err := s.bring(ctx, g, sl.number)
	if err != nil {
		s.restore(sl, previous)
		return err
	}
	s.install(sl, p, why)
	unpark()
	if !prove {
		return nil
	}
	if err := s.proveServing(ctx, sl, p); err != nil {
		s.restore(sl, previous)
		return err
	}
	return nil
}

// proveServing proves a process that serves already; a failure empties its slot.
func (s *Supervisor) proveServing(ctx context.Context, sl *slot, p *process) error {
	err := s.prove(ctx, p)
	if err == nil {
		p.enter(Serving)
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if sl.cur == p {
		sl.cur = nil
	}
	sl.hold = true
	sl.nudge()
	return err
}

// restore fills a held slot from a generation that had served; if that fails
// too, keep goes on trying.
func (s *Supervisor) restore(sl *slot, g *generation) {
	p, err := s.bring(s.life, g, sl.number)
	if err == nil {
		s.mu.Lock()
		sl.gen = g
		s.mu.Unlock()
		s.install(sl, p, "")
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	sl.gen, sl.hold, sl.fails = g, false, sl.fails+1
	sl.nudge()
}

// install makes a ready process the one of a slot and retires the one before.
func (s *Supervisor) install(sl *slot, p *process, why string) {
	s.admit(p)
	s.mu.Lock()
	old := sl.cur
	sl.cur, sl.gen, sl.hold, sl.since = p, p.gen, false, s.config.Clock.Now()
	sl.nudge()
	s.mu.Unlock()
	s.task(func() { s.survived(sl, p) })
	if why != "" {
		s.emit(Event{Kind: Replaced, Worker: p.Source, Why: why})
	}
	if old != nil {
		s.retire(context.Background(), old, why)
	}
}
