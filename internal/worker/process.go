package worker

import (
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// process is one child. Its watch goroutine reaps it and closes exited; after
// that exit does not change.
type process struct {
	Source
	slot     int
	gen      *generation
	backend  Backend
	dir      string // its private folder, removed at its end
	started  time.Time
	env      *surroundings
	notify   *notifier
	cgroup   *leaf
	lifeline *os.File   // write end of a pipe that the worker hangs on; nil where nothing launched it
	pipes    []*os.File // duplicates of the read ends: no SIGPIPE if their reader goes, and what a handover passes on
	ooms     int        // OOM kills counted at its start
	ready    chan struct{}
	exited   chan struct{}
	exit     Exit

	mu      sync.Mutex
	state   State
	since   time.Time
	gone    bool             // it has ended
	reaped  bool             // and its pid may be another's
	planned bool             // we end it
	why     string           // why it was killed
	grace   <-chan time.Time // while planned: until then strays may finish
	main    int              // MAINPID, 0 is the first process
	status  string           // STATUS
	beat    time.Time        // last WATCHDOG=1 or READY=1
	readyAt time.Time        // zero while it is not
	isReady bool             // said READY=1
	holders int              // who will ask for its output: Ended waits for them
	over    bool             // and nothing but them keeps Ended back

	served   atomic.Int64 // requests
	jitter   float64      // 0.8 to 1: spreads recycling
	rotation sync.Mutex   // orders Add before Drain
	rotating bool         // guarded by rotation
}

// surroundings is what every process of a supervisor needs of it.
type surroundings struct {
	freeze  *sync.RWMutex
	clock   Clock
	reaper  *Reaper
	ooms    func() (int, bool)
	changed func(p *process, key string) // a notify message came in
	gone    func(p *process)             // as soon as it has ended
	forget  func(p *process)             // before exited is closed
	told    func(p *process)             // once nobody asks for its output any more
}

// watch waits for the end of the process, kills what is left of its group
// while its zombie keeps the pid from being used again, and reaps it.
func (p *process) watch(pidfd *os.File) {
	p.notify.listen(func(pid int) bool { return member(pid, p.PID) }, p.hear)
	awaitEnd(pidfd)
	pidfd.Close()
	p.awaitMain()
	p.mu.Lock()
	p.gone = true
	p.mu.Unlock()
	p.env.gone(p) // at once: what follows may take its time
	p.awaitStrays()
	p.env.freeze.RLock() // handed over: the next image reaps it
	defer p.env.freeze.RUnlock()
	ooms, counted := p.oomKills()
	p.mu.Lock()
	p.signalLocked(syscall.SIGKILL)
	p.reaped = true
	var status syscall.WaitStatus
	_, err := syscall.Wait4(p.PID, &status, 0, nil)
	for err == syscall.EINTR {
		_, err = syscall.Wait4(p.PID, &status, 0, nil)
	}
	p.exit = p.describe(status, err, counted && ooms > p.ooms)
	p.state, p.since = Exited, p.env.clock.Now()
	p.mu.Unlock()
	p.env.reaper.release(p.PID)
	p.env.reaper.release(p.main)
	p.notify.close()
	p.cut()
	for _, pipe := range p.pipes {
		pipe.Close()
	}
	if p.cgroup != nil {
		p.cgroup.emptied(p.env.clock)
		p.cgroup.remove()
	}
	p.env.forget(p)
	p.clear()
	p.hold()
	p.mu.Lock()
	p.over = true
	p.mu.Unlock()
	close(p.exited)
	p.release()
}

// awaitEnd waits in the runtime's poller, without a thread, until the process
// behind a pidfd has ended.
func awaitEnd(pidfd *os.File) {
	raw, err := pidfd.SyscallConn()
	if err != nil {
		return
	}
	ended := func(fd uintptr, wait int) bool {
		for {
			n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, wait)
			if err != unix.EINTR {
				return n > 0 || err != nil
			}
		}
	}
	if raw.Read(func(fd uintptr) bool { return ended(fd, 0) }) == nil {
		return
	}
	_ = raw.Control(func(fd uintptr) { ended(fd, -1) }) // a kernel whose pidfds the poller does not take
}

// awaitMain goes on waiting if the first process has handed over to another
// one of its group (MAINPID).
func (p *process) awaitMain() {
	p.mu.Lock()
	pid := p.main
	p.mu.Unlock()
	if pid == 0 || pid == p.PID || !member(pid, p.PID) {
		return
	}
	fd, err := unix.PidfdOpen(pid, unix.PIDFD_NONBLOCK)
	if err != nil {
		return
	}
	file := os.NewFile(uintptr(fd), "pidfd")
	awaitEnd(file)
	file.Close()
	if p.env.reaper != nil {
		_, _ = syscall.Wait4(pid, nil, syscall.WNOHANG, nil) // ours since its parent ended, if we are a subreaper
		p.env.reaper.release(pid)
	}
}

// awaitStrays gives what is left of the group the rest of the stop timeout:
// a shell that ends on SIGTERM at once leaves an application that does not.
func (p *process) awaitStrays() {
	p.mu.Lock()
	grace := p.grace
	p.mu.Unlock()
	for grace != nil && len(processes().of(p.PID)) > 0 {
		select {
		case <-grace:
			return
		case <-p.env.clock.After(20 * time.Millisecond):
		}
	}
}

// describe names the end. The lock is held.
func (p *process) describe(status syscall.WaitStatus, err error, oom bool) Exit {
	e := Exit{Code: -1, Why: p.why, After: p.env.clock.Now().Sub(p.started)}
	switch {
	case err != nil:
		e.Why = "reaped by somebody else"
	case status.Exited():
		e.Code, e.Why = status.ExitStatus(), ""
	case status.Signaled():
		e.Signal = status.Signal()
	}
	if e.Signal != syscall.SIGKILL || p.why != "" {
		return e
	}
	if e.OOM = oom; oom {
		e.Why = "by the kernel: out of memory"
	} else {
		e.Why = "by whom is unknown"
	}
	return e
}

func (p *process) oomKills() (int, bool) {
	if p.cgroup != nil {
		if n, ok := p.cgroup.oomKills(); ok {
			return n, true
		}
	}
	return p.env.ooms()
}

// signalLocked signals the process group, and for SIGKILL the cgroup, unless
// the pid is gone. The lock is held.
func (p *process) signalLocked(s syscall.Signal) {
	if p.reaped {
		return
	}
	_ = syscall.Kill(-p.PID, s) // ESRCH: it has just ended
	if s == syscall.SIGKILL && p.cgroup != nil {
		_ = p.cgroup.kill()
	}
}

// signalOne signals one process of the worker.
func (p *process) signalOne(pid int, s syscall.Signal) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.reaped || !member(pid, p.PID) {
		return os.ErrProcessDone
	}
	return syscall.Kill(pid, s)
}

// hold and release frame work that may ask for the output of a process: the
// consumer forgets it at the Ended event, which therefore comes after.
func (p *process) hold() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.holders++
}

func (p *process) release() {
	p.mu.Lock()
	p.holders--
	tell := p.over && p.holders == 0
	p.mu.Unlock()
	if tell {
		p.env.told(p)
	}
}

// kill ends the process at once. The first reason given is the one told.
func (p *process) kill(why string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.why == "" {
		p.why = why
	}
	p.signalLocked(syscall.SIGKILL)
}

// end asks the process to end, kills it after the stop timeout, and waits for
// its end.
func (p *process) end(why string) {
	stop := p.gen.spec.Times.Stop
	timeout := p.env.clock.After(stop)
	p.mu.Lock()
	p.planned = true
	if p.grace == nil {
		p.grace = p.env.clock.After(stop)
	}
	p.enterLocked(Stopping)
	p.signalLocked(syscall.SIGTERM)
	p.mu.Unlock()
	select {
	case <-p.exited:
	case <-timeout:
		p.kill(why + ": did not end within " + stop.String() + " of SIGTERM")
		<-p.exited
	}
}

// abort ends the process without asking.
func (p *process) abort(why string) {
	p.mu.Lock()
	p.planned = true
	p.mu.Unlock()
	p.kill(why)
	<-p.exited
}

func (p *process) enter(s State) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.enterLocked(s)
}

func (p *process) enterLocked(s State) {
	if p.state != s && p.state != Exited {
		p.state, p.since = s, p.env.clock.Now()
	}
}

// hear acts on a message of sd_notify(3).
func (p *process) hear(m message) {
	p.mu.Lock()
	var acted []string
	if m.values["READY"] == "1" {
		p.beat = p.env.clock.Now()
		if !p.isReady {
			p.isReady = true
			close(p.ready)
		}
	}
	if m.values["WATCHDOG"] == "1" {
		p.beat = p.env.clock.Now()
	}
	if status, ok := m.values["STATUS"]; ok {
		p.status = status
	}
	if pid, err := strconv.Atoi(m.values["MAINPID"]); err == nil && member(pid, p.PID) {
		p.main = pid
		p.env.reaper.claim(pid)
	}
	if m.values["WATCHDOG"] == "trigger" {
		acted = append(acted, "WATCHDOG")
	}
	if m.values["STOPPING"] == "1" && !p.planned {
		acted = append(acted, "STOPPING")
	}
	p.mu.Unlock()
	for _, key := range acted {
		p.env.changed(p, key)
	}
}
