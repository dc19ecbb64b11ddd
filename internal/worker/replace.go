package worker

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Replace starts a successor of the same generation, puts it into the
// rotation, and then drains and ends the process id. It returns when that has
// happened; if the successor fails, the process goes on serving and the error
// is a *Failure.
func (s *Supervisor) Replace(ctx context.Context, id, why string) error {
	if err := s.take(ctx); err != nil {
		return err
	}
	defer s.give()
	sl, ok := s.slotOf(id)
	if !ok {
		return fmt.Errorf("replace %s: %w", id, ErrUnknown)
	}
	return s.exchange(ctx, sl, sl.gen, false, 1, why)
}

// slotOf finds the slot whose current process has the id.
func (s *Supervisor) slotOf(id string) (*slot, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, sl := range s.slots {
		if sl.cur != nil && sl.cur.ID == id {
			return sl, true
		}
	}
	return nil, false
}

// fits reports whether there is memory for so many successors beside their
// predecessors: 1.2 times what the old one uses each.
func (s *Supervisor) fits(old *process, parallel int) bool {
	free, known := s.config.Headroom()
	if !known {
		return true
	}
	need := float64(processes().proportional(old.PID)) * 1.2 * float64(parallel)
	return need <= float64(free)
}

// Headroom is the memory in bytes that the master's cgroup and the machine
// have left, the smaller of both; caches that can be dropped count as free.
func Headroom() (int64, bool) {
	free, known := int64(0), false
	least := func(n int64) {
		if !known || n < free {
			free, known = max(n, 0), true
		}
	}
	if text, err := os.ReadFile("/proc/meminfo"); err == nil {
		if n, ok := kilobytes(string(text), "MemAvailable:"); ok {
			least(n)
		}
	}
	dir, err := Delegated()
	for ; err == nil && len(dir) > len("/sys/fs/cgroup"); dir = filepath.Dir(dir) {
		limit, limited := number(dir, "memory.max")
		used, ok := number(dir, "memory.current")
		if limited && ok {
			least(limit - used + inactive(dir))
		}
	}
	return free, known
}

func number(dir, name string) (int64, bool) {
	text, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		return 0, false
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	return n, err == nil // "max" is no number
}

// inactive is the page cache of a cgroup that the kernel drops first.
func inactive(dir string) int64 {
	text, err := os.ReadFile(filepath.Join(dir, "memory.stat"))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) == 2 && f[0] == "inactive_file" {
			n, _ := strconv.ParseInt(f[1], 10, 64)
			return n
		}
	}
	return 0
}

// inspect looks at every serving process once a second, or four times in the
// shortest watchdog pause, and replaces, kills or declares hung what has to be.
func (s *Supervisor) inspect() {
	for {
		s.mu.Lock()
		every, watchdog := time.Second, s.gen.spec.Times.Watchdog
		s.mu.Unlock()
		if watchdog > 0 {
			every = min(every, watchdog/4)
		}
		select {
		case <-s.config.Clock.After(every):
			s.look()
		case <-s.life.Done():
			return
		}
	}
}

func (s *Supervisor) look() {
	s.mu.Lock()
	var serving []*process
	for _, sl := range s.slots {
		if sl.cur != nil {
			serving = append(serving, sl.cur)
		}
	}
	s.mu.Unlock()
	now, all := s.config.Clock.Now(), table(nil)
	for _, p := range serving {
		if silent := p.silence(now); silent > 0 {
			_ = s.Hung(p.ID, fmt.Sprintf("no WATCHDOG=1 for %s", silent.Round(time.Millisecond))) // it may just have ended
			continue
		}
		if r := p.gen.spec.Recycle; all == nil && (r.Soft > 0 || r.Hard > 0) {
			all = processes()
		}
		if why := s.worn(p, now, all); why != "" {
			s.recycle(p, why, now)
		}
	}
}

// silence is how long a process has not said WATCHDOG=1, if that is too long.
func (p *process) silence(now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	limit := p.gen.spec.Times.Watchdog
	if silent := now.Sub(p.beat); limit > 0 && silent > limit && p.state == Serving {
		return silent
	}
	return 0
}

// worn says why a process should be replaced; "" if it should not. A process
// above the hard limit is killed here.
func (s *Supervisor) worn(p *process, now time.Time, all table) string {
	r := p.gen.spec.Recycle
	age := now.Sub(p.started)
	if r.Age > 0 && age > time.Duration(p.jitter*float64(r.Age)) {
		return fmt.Sprintf("it is %s old", age.Round(time.Second))
	}
	if n := p.served.Load(); r.Requests > 0 && float64(n) >= p.jitter*float64(r.Requests) {
		return fmt.Sprintf("it has served %d requests", n)
	}
	least := r.Soft
	if least == 0 || r.Hard > 0 && r.Hard < least {
		least = r.Hard
	}
	// The resident set is cheap and never smaller: below the limit PSS need not be read.
	if least == 0 || all.resident(p.PID) < least {
		return ""
	}
	pss := all.proportional(p.PID)
	if r.Hard > 0 && pss >= r.Hard {
		why := fmt.Sprintf("by the supervisor: %d MB are more than the hard limit of %d MB", pss>>20, r.Hard>>20)
		s.emit(Event{Kind: OutOfMem, Worker: p.Source, Why: why})
		p.kill(why)
		return ""
	}
	if r.Soft > 0 && pss >= r.Soft {
		return fmt.Sprintf("it uses %d MB, more than %d MB", pss>>20, r.Soft>>20)
	}
	return ""
}

// recycle replaces one process at a time, and not more often than allowed.
func (s *Supervisor) recycle(p *process, why string, now time.Time) {
	s.mu.Lock()
	busy := s.recycling || !s.recycled.IsZero() && now.Sub(s.recycled) < p.gen.spec.Recycle.Every
	if !busy {
		s.recycling, s.recycled = true, now
	}
	s.mu.Unlock()
	if busy {
		return
	}
	started := s.task(func() {
		_ = s.Replace(s.life, p.ID, why) // a failure is an event, and tried again after Every
		s.mu.Lock()
		s.recycling, s.recycled = false, s.config.Clock.Now()
		s.mu.Unlock()
	})
	if !started {
		s.mu.Lock()
		s.recycling = false
		s.mu.Unlock()
	}
}
