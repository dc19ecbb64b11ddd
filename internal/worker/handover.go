package worker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// handoverVersion changes with the meaning of Handover's fields.
const handoverVersion = 2

// Handover is a supervisor's state, to be passed through an exec of the same
// process as JSON. The workers stay its children, so that their pids cannot be
// used again before the next image reaps them: pidfds need not be passed. All
// descriptors in it are inheritable.
type Handover struct {
	Version     int                `json:"version"`
	Serial      int64              `json:"serial"`
	Highest     int                `json:"highest_generation"`
	Current     int                `json:"current_generation"`
	Generations []handedGeneration `json:"generations"`
	Slots       []handedSlot       `json:"slots"`
	Processes   []handedProcess    `json:"processes"`
	files       []int
}

// handedGeneration holds what may be no UTF-8 as bytes, and not in its Spec:
// JSON would change it.
type handedGeneration struct {
	Number   int       `json:"number"`
	Spec     Spec      `json:"spec"`
	Command  [][]byte  `json:"command"`
	Env      [][]byte  `json:"env"`
	Dir      []byte    `json:"dir"`
	Listener int       `json:"listener"` // descriptor; -1 is none
	Identity *identity `json:"identity,omitempty"`
}

type handedSlot struct {
	Number     int    `json:"number"`
	Generation int    `json:"generation"`
	Process    string `json:"process,omitempty"` // id; "" while it is empty
	Fails      int    `json:"fails"`
	Restarts   int    `json:"restarts"`
	Last       *Exit  `json:"last,omitempty"`
}

type handedProcess struct {
	Backend Backend   `json:"backend"`
	Slot    int       `json:"slot"`
	Dir     string    `json:"dir"`
	Started time.Time `json:"started"`
	Served  int64     `json:"served"`
	Main    int       `json:"main,omitempty"`
	OOMs    int       `json:"ooms"`
	Cgroup  string    `json:"cgroup,omitempty"`
	Output  []int     `json:"output"` // descriptors of the read ends; none where it writes as the master does
	Notify  int       `json:"notify"`
	Life    int       `json:"life,omitempty"` // write end of the lifeline; 0 is none
}

// handedOf describes a generation; its listener follows.
func handedOf(g *generation) handedGeneration {
	h := handedGeneration{Number: g.number, Spec: g.spec, Listener: -1, Identity: g.ids, Dir: []byte(g.spec.Dir)}
	for _, word := range g.spec.Command {
		h.Command = append(h.Command, []byte(word))
	}
	for _, entry := range g.spec.Env {
		h.Env = append(h.Env, []byte(entry))
	}
	h.Spec.Command, h.Spec.Env, h.Spec.Dir = nil, nil, ""
	return h
}

// spec is what was described.
func (h handedGeneration) spec() Spec {
	s := h.Spec
	s.Dir = string(h.Dir)
	for _, word := range h.Command {
		s.Command = append(s.Command, string(word))
	}
	for _, entry := range h.Env {
		s.Env = append(s.Env, string(entry))
	}
	return s
}

// Env is the environment that the workers were given, of the current generation.
func (h *Handover) Env() []string {
	for _, g := range h.Generations {
		if g.Number == h.Current {
			return g.spec().Env
		}
	}
	return nil
}

// Handover freezes the supervisor, so that nothing is started or reaped any
// more, and describes it. The caller stops reading output, writes down what it
// has read of unfinished lines, and calls syscall.Exec at once; if that fails,
// Resume goes on as before.
func (s *Supervisor) Handover(ctx context.Context) (*Handover, error) {
	if err := s.take(ctx); err != nil {
		return nil, err
	}
	s.freeze.Lock()
	h := &Handover{Version: handoverVersion, Serial: s.serial.Load()}
	if err := s.describe(h); err != nil {
		s.Resume(h)
		return nil, err
	}
	return h, nil
}

// Resume takes a handover back.
func (s *Supervisor) Resume(h *Handover) {
	for _, fd := range h.files {
		_ = unix.Close(fd)
	}
	s.freeze.Unlock()
	s.give()
}

func (s *Supervisor) describe(h *Handover) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gen == nil {
		return errors.New("hand over before start")
	}
	h.Highest, h.Current = s.generations, s.gen.number
	known := map[int]bool{}
	note := func(g *generation) error {
		if known[g.number] {
			return nil
		}
		known[g.number] = true
		handed := handedOf(g)
		var err error
		if g.spec.Listener != nil {
			handed.Listener, err = h.inheritable(g.spec.Listener)
		}
		h.Generations = append(h.Generations, handed)
		return err
	}
	failed := note(s.gen)
	for _, sl := range s.slots {
		handed := handedSlot{Number: sl.number, Generation: sl.gen.number, Fails: sl.fails, Restarts: sl.restarts, Last: sl.last}
		if sl.cur != nil {
			handed.Process = sl.cur.ID
		}
		h.Slots = append(h.Slots, handed)
		failed = firstOf(failed, note(sl.gen))
	}
	s.each(func(p *process) {
		handed, err := p.handed(h)
		failed = firstOf(failed, err, note(p.gen))
		h.Processes = append(h.Processes, handed)
	})
	return failed
}

// handed describes a process. Its own descriptors stay as they are; the next
// image gets duplicates.
func (p *process) handed(h *Handover) (handedProcess, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	d := handedProcess{Backend: p.backend, Slot: p.slot, Dir: p.dir, Started: p.started, Served: p.served.Load(), Main: p.main, OOMs: p.ooms}
	if p.cgroup != nil {
		d.Cgroup = filepath.Base(p.cgroup.dir)
	}
	for _, pipe := range p.pipes {
		fd, err := h.inheritable(pipe)
		if err != nil {
			return d, err
		}
		d.Output = append(d.Output, fd)
	}
	if p.lifeline != nil {
		fd, err := h.inheritable(p.lifeline)
		if err != nil {
			return d, err
		}
		d.Life = fd
	}
	raw, err := p.notify.conn.SyscallConn()
	if err != nil {
		return d, fmt.Errorf("reach the notify socket: %w", err)
	}
	file, err := dup(raw, "notify socket")
	if err != nil {
		return d, err
	}
	defer file.Close()
	d.Notify, err = h.inheritable(file)
	return d, err
}

// inheritable duplicates a descriptor without close-on-exec.
func (h *Handover) inheritable(f *os.File) (int, error) {
	fd, failed := -1, error(nil)
	err := rawFD(f, func(own int) { fd, failed = unix.FcntlInt(uintptr(own), unix.F_DUPFD, 3) })
	if err = firstOf(err, failed); err != nil {
		return -1, fmt.Errorf("duplicate a descriptor for the handover: %w", err)
	}
	h.files = append(h.files, fd)
	return fd, nil
}

// Adopt continues what another image of this process handed over, instead of
// Start. Config.RunDir must be the same. Serving processes are added to the
// rotation; what was starting or stopping is ended.
func (s *Supervisor) Adopt(h *Handover) error {
	if h.Version != handoverVersion {
		return fmt.Errorf("adopt a handover of version %d: only %d is known", h.Version, handoverVersion)
	}
	generations := map[int]*generation{}
	for _, g := range h.Generations {
		spec := g.spec()
		if g.Listener >= 0 {
			unix.CloseOnExec(g.Listener)
			spec.Listener = os.NewFile(uintptr(g.Listener), "listener")
		}
		generations[g.Number] = &generation{number: g.Number, spec: spec, ids: g.Identity}
	}
	s.mu.Lock()
	s.gen, s.generations = generations[h.Current], h.Highest
	s.serial.Store(h.Serial)
	for _, d := range h.Slots {
		sl := newSlot(s, d.Number, generations[d.Generation])
		sl.fails, sl.restarts, sl.last = d.Fails, d.Restarts, d.Last
		s.slots = append(s.slots, sl)
	}
	slots := s.slots
	s.mu.Unlock()
	for _, d := range h.Processes {
		p, err := s.adoptProcess(d, generations[d.Backend.Generation])
		if err != nil {
			return err
		}
		if sl := slotHolding(h, slots, p.ID); sl != nil {
			s.install(sl, p, "")
		} else {
			s.task(func() { s.retire(context.Background(), p, "left over from a handover") })
		}
	}
	for _, sl := range slots {
		s.task(sl.keep)
	}
	s.task(s.inspect)
	return nil
}

func slotHolding(h *Handover, slots []*slot, id string) *slot {
	for i, d := range h.Slots {
		if d.Process == id {
			return slots[i]
		}
	}
	return nil
}

// adoptProcess takes over one child.
func (s *Supervisor) adoptProcess(d handedProcess, g *generation) (*process, error) {
	if e, ok := stat(d.Backend.PID); g == nil || !ok || e.parent != os.Getpid() {
		return nil, fmt.Errorf("adopt %s: process %d is no child of this one", d.Backend.ID, d.Backend.PID)
	}
	now := s.config.Clock.Now()
	p := &process{
		Source: d.Backend.Source, slot: d.Slot, gen: g, backend: d.Backend, dir: d.Dir, started: d.Started, env: s.env, main: d.Main, ooms: d.OOMs,
		state: Starting, since: now, readyAt: now, beat: now, jitter: 1 - s.config.Random()/5, ready: make(chan struct{}), exited: make(chan struct{}),
	}
	p.served.Store(d.Served)
	if d.Life > 0 {
		unix.CloseOnExec(d.Life)
		p.lifeline = os.NewFile(uintptr(d.Life), "lifeline")
	}
	s.env.reaper.claim(p.PID)
	pidfd, err := pollable(p.PID, -1)
	if err != nil {
		return nil, err
	}
	if p.notify, err = adoptNotifier(d.Notify); err != nil {
		return nil, err
	}
	if s.config.Cgroup != nil && d.Cgroup != "" {
		if p.cgroup, err = s.config.Cgroup.leaf(d.Cgroup); err != nil {
			return nil, err
		}
	}
	reads, err := p.adoptOutput(d.Output)
	if err != nil {
		return nil, err
	}
	s.procs.Store(p.ID, p)
	s.children.Go(func() { p.watch(pidfd) })
	if len(reads) == 2 && s.config.Output != nil {
		s.config.Output(p.Source, reads[0], reads[1])
	}
	s.emit(Event{Kind: Adopted, Worker: p.Source})
	return p, nil
}

// adoptOutput keeps the descriptors, and returns duplicates for the reader.
func (p *process) adoptOutput(fds []int) ([]*os.File, error) {
	var reads []*os.File
	for _, fd := range fds {
		unix.CloseOnExec(fd)
		kept := os.NewFile(uintptr(fd), "output")
		p.pipes = append(p.pipes, kept)
		second, err := dupNumber(kept)
		if err != nil {
			return nil, fmt.Errorf("adopt the output of %s: %w", p.ID, err)
		}
		reads = append(reads, os.NewFile(uintptr(second), "output"))
	}
	return reads, nil
}
