package worker

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Hung declares a serving process hung: it is out of the rotation at once, its
// successor starts at once if there is memory for both, its stacks are dumped,
// its other requests get Times.Dump to end, and then it is ended. Hung returns
// before all that; the HungWorker event carries the dumps.
func (s *Supervisor) Hung(id, why string) error {
	p, living := s.find(id)
	sl, current := s.slotOf(id)
	if !living || !current {
		return fmt.Errorf("declare %s hung: %w", id, ErrUnknown)
	}
	fits := s.fits(p, 1)
	s.mu.Lock()
	if sl.cur != p || s.closed {
		s.mu.Unlock()
		return fmt.Errorf("declare %s hung: %w", id, ErrUnknown)
	}
	sl.cur, sl.hold, sl.since = nil, !fits, s.config.Clock.Now()
	sl.restarts++
	sl.nudge()
	p.mu.Lock()
	p.planned = true
	p.holders++
	p.enterLocked(Hanging) // before anybody looks
	p.mu.Unlock()
	s.loops.Go(func() {
		s.unhang(p, why)
		if !fits {
			s.mu.Lock()
			sl.hold = false
			sl.nudge()
			s.mu.Unlock()
		}
	})
	s.mu.Unlock()
	return nil
}

// unhang dumps the stacks of a hung process and ends it.
func (s *Supervisor) unhang(p *process, why string) {
	defer p.release()
	ctx, cancel := context.WithTimeout(context.Background(), p.gen.spec.Times.Dump)
	defer cancel()
	left := make(chan struct{})
	go func() {
		defer close(left)
		s.leave(ctx, p)
	}()
	dumps := s.dump(ctx, p, left)
	<-left
	s.emit(Event{Kind: HungWorker, Worker: p.Source, Why: why, Dumps: dumps})
	p.end("it hung: " + why)
}

// dump takes the stacks of all processes of a worker whose language it knows.
// What a dump kills comes last, when the other requests are through.
func (s *Supervisor) dump(ctx context.Context, p *process, left <-chan struct{}) []Dump {
	var dumps []Dump
	members := processes().of(p.PID)
	slices.SortFunc(members, func(a, b entry) int { return a.pid - b.pid })
	for _, deadly := range []bool{false, true} {
		for _, e := range members {
			how, ok := dumpers[detect(e.pid)]
			if !ok || how.deadly != deadly {
				continue
			}
			limit := ctx
			if deadly {
				<-left
				var cancel context.CancelFunc
				limit, cancel = context.WithTimeout(context.WithoutCancel(ctx), p.gen.spec.Times.Dump)
				defer cancel()
			}
			d := Dump{PID: e.pid, Language: detect(e.pid)}
			text, err := how.take(limit, s, p, e.pid)
			if d.Text = text; err != nil {
				d.Problem = err.Error()
			}
			dumps = append(dumps, d)
		}
	}
	return dumps
}

// changed acts on a message of sd_notify(3) that is more than a note.
func (s *Supervisor) changed(p *process, key string) {
	if key == "WATCHDOG" {
		_ = s.Hung(p.ID, "it said WATCHDOG=trigger") // unknown: it is not serving
		return
	}
	// STOPPING=1: it ends by itself, so that no new request may reach it.
	p.enter(Stopping)
	times := p.gen.spec.Times
	over := s.config.Clock.After(times.Drain + times.Stop)
	s.task(func() {
		ctx, cancel := context.WithTimeout(context.Background(), times.Drain)
		defer cancel()
		s.leave(ctx, p)
		select {
		case <-p.exited:
		case <-s.life.Done():
		case <-over:
			s.overdue(p)
		}
	})
}

// overdue ends a process that has not done so by itself, for a successor.
func (s *Supervisor) overdue(p *process) {
	p.mu.Lock()
	planned := p.planned
	p.mu.Unlock()
	if planned { // whoever ends it sees to it
		return
	}
	const why = "it said STOPPING=1 and did not end"
	s.emit(Event{Kind: HungWorker, Worker: p.Source, Why: why})
	p.end("it hung: " + why)
}

// steady polls a text until it has been complete and unchanged for some polls.
func steady(ctx context.Context, clock Clock, read func() (text string, complete bool)) (string, error) {
	last, same := "", 0
	for {
		text, complete := read()
		if !complete || text != last {
			same = 0
		} else if same++; same == 4 {
			return text, nil
		}
		last = text
		select {
		case <-ctx.Done():
			if complete {
				return text, nil
			}
			return text, fmt.Errorf("wait for the dump: %w", ctx.Err())
		case <-clock.After(25 * time.Millisecond):
		}
	}
}

// catches reports whether a process has a handler for a signal, so that it
// does not die of it.
func catches(pid int, signal int) bool {
	text := readProc(pid, "status")
	for line := range strings.Lines(text) {
		if mask, ok := strings.CutPrefix(line, "SigCgt:"); ok {
			bits, err := strconv.ParseUint(strings.TrimSpace(mask), 16, 64)
			return err == nil && bits&(1<<(signal-1)) != 0
		}
	}
	return false
}
