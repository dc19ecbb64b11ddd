package worker

import (
	"fmt"
	"os"
	"os/signal"
	"sync"

	"golang.org/x/sys/unix"
)

// Reaper collects the zombies of processes that nobody waits for: orphans of
// workers that the kernel gives to the master because it is process 1 or a
// subreaper. One Reaper serves all supervisors of a master.
//
// It never waits for "any child", which would steal the exit status that
// os/exec waits for. It takes a zombie by its pid, and only if its process
// group is not the master's own (a child of os/exec stays in it unless it is
// told otherwise, an orphan of a worker never was in it), if it is no worker,
// and if no one else claims it.
type Reaper struct {
	mu      sync.RWMutex // read: a start is between fork and registration; write: a sweep
	own     sync.Map     // pid → struct{}: waited for by its process
	others  func(pid int) bool
	signals chan os.Signal
	done    chan struct{}

	countMu sync.Mutex
	reaped  int
}

// NewReaper makes the master a subreaper if asked to, and reaps strays until
// Close. Others, which may be nil, reports pids that another room waits for
// although they have a process group of their own.
func NewReaper(subreaper bool, others func(pid int) bool) (*Reaper, error) {
	if subreaper {
		if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
			return nil, fmt.Errorf("become a subreaper: %w", err)
		}
	}
	if others == nil {
		others = func(int) bool { return false }
	}
	r := &Reaper{others: others, signals: make(chan os.Signal, 1), done: make(chan struct{})}
	signal.Notify(r.signals, unix.SIGCHLD)
	go r.run()
	return r, nil
}

// Close ends the reaping.
func (r *Reaper) Close() {
	signal.Stop(r.signals)
	close(r.signals)
	<-r.done
}

// Reaped counts the strays that were reaped.
func (r *Reaper) Reaped() int {
	r.countMu.Lock()
	defer r.countMu.Unlock()
	return r.reaped
}

func (r *Reaper) run() {
	defer close(r.done)
	for range r.signals {
		r.sweep()
	}
}

// sweep reaps the strays of now.
func (r *Reaper) sweep() {
	r.mu.Lock()
	defer r.mu.Unlock()
	self, group := os.Getpid(), unix.Getpgrp()
	for pid, e := range processes() {
		if e.parent != self || !e.zombie || e.group == group {
			continue
		}
		if _, ours := r.own.Load(pid); ours || r.others(pid) {
			continue
		}
		if got, err := unix.Wait4(pid, nil, unix.WNOHANG, nil); err == nil && got == pid {
			r.countMu.Lock()
			r.reaped++
			r.countMu.Unlock()
		}
	}
}

// starting runs a function that forks; the pid that it returns is left to its
// process. A nil Reaper only runs it.
func (r *Reaper) starting(fork func() (int, error)) (int, error) {
	if r == nil {
		return fork()
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	pid, err := fork()
	if err == nil {
		r.own.Store(pid, struct{}{})
	}
	return pid, err
}

// claim and release say that a process is, or is no longer, waited for by pid.
func (r *Reaper) claim(pid int) {
	if r != nil {
		r.own.Store(pid, struct{}{})
	}
}

func (r *Reaper) release(pid int) {
	if r != nil {
		r.own.Delete(pid)
	}
}
