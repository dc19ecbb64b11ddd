package worker

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// pipeSize is what is asked for each output pipe, in bytes.
const pipeSize = 1 << 20

// launch starts one process of a generation for a slot; it is not ready yet,
// and the caller has to release it.
func (s *Supervisor) launch(g *generation, slot int) (*process, error) {
	serial := s.serial.Add(1)
	p := &process{
		Source: Source{Worker: fmt.Sprintf("%s.%d", g.spec.Name, slot), Generation: g.number},
		slot:   slot, gen: g, env: s.env, state: Starting, holders: 1, jitter: 1 - s.config.Random()/5, ready: make(chan struct{}), exited: make(chan struct{}),
	}
	p.ID = fmt.Sprintf("%s#%d", p.Worker, serial)
	p.dir = filepath.Join(s.config.RunDir, fmt.Sprintf("%s-%d", p.Worker, serial))
	if err := s.prepare(p); err != nil {
		s.discard(p)
		return nil, err
	}
	out, err := s.fork(p)
	if err != nil {
		s.discard(p)
		return nil, fmt.Errorf("start %s: %w", p.Worker, err)
	}
	if s.config.Output != nil {
		s.config.Output(p.Source, out[0], out[1])
	}
	return p, nil
}

// discard frees what a process that never ran has got.
func (s *Supervisor) discard(p *process) {
	p.notify.close()
	if p.cgroup != nil {
		p.cgroup.remove()
	}
	p.cut()
	p.clear()
}

// clear removes its files.
func (p *process) clear() {
	_ = p.unrecord() // what stays is removed with the run folder
	os.RemoveAll(p.dir)
}

// launches reports whether the launcher starts a worker: always where there is
// one, so that the worker hangs on the master's life.
func (s *Supervisor) launches(spec Spec) bool {
	return len(s.config.Launcher) > 0 || spec.needsLauncher()
}

// prepare makes the folder, the sockets and the cgroup of a process.
func (s *Supervisor) prepare(p *process) error {
	if err := s.furnish(); err != nil {
		return err
	}
	if err := os.Mkdir(p.dir, 0o700); err != nil {
		return fmt.Errorf("make the folder of %s: %w", p.Worker, err)
	}
	socket := filepath.Join(p.dir, "notify.sock")
	var err error
	if p.notify, err = newNotifier(socket); err != nil {
		return err
	}
	dumps, err := os.OpenFile(p.dumpFile(), os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("make the dump file of %s: %w", p.Worker, err)
	}
	dumps.Close()
	if id := p.gen.ids; id != nil {
		if err := id.give(p.dir, socket, p.dumpFile()); err != nil {
			return fmt.Errorf("give %s its folder: %w", p.Worker, err)
		}
	}
	if s.config.Cgroup != nil {
		if p.cgroup, err = s.config.Cgroup.leaf(filepath.Base(p.dir)); err != nil {
			return err
		}
	}
	return s.place(p)
}

// place decides where the process will serve.
func (s *Supervisor) place(p *process) error {
	p.backend.Page = p.gen.spec.Page
	switch p.gen.spec.Mode {
	case ModePort:
		port, err := s.config.Ports()
		if err != nil {
			return fmt.Errorf("find a port for %s: %w", p.Worker, err)
		}
		p.backend.Network, p.backend.Address = "tcp", "127.0.0.1:"+strconv.Itoa(port)
	case ModeSocket:
		p.backend.Network, p.backend.Address = "unix", filepath.Join(p.dir, "app.sock")
		if len(p.backend.Address) > 107 {
			return fmt.Errorf("the path %s is longer than a unix socket's may be", p.backend.Address)
		}
	case ModeShared, ModeNone:
	}
	return nil
}

func (p *process) dumpFile() string { return filepath.Join(p.dir, "dump") }

// fork starts the process and its watch, and returns the read ends of its
// output; without an Output the process writes where the master does.
func (s *Supervisor) fork(p *process) (reads [2]*os.File, err error) {
	argv, env, err := s.command(p)
	if err != nil {
		return reads, err
	}
	files := []int{0, 1, 2}
	null, err := unix.Open("/dev/null", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return reads, fmt.Errorf("open /dev/null: %w", err)
	}
	mine := []int{null}
	defer func() {
		for _, fd := range mine {
			_ = unix.Close(fd)
		}
	}()
	files[0] = null
	lifeline := -1
	if s.launches(p.gen.spec) {
		if lifeline, err = p.newLifeline(); err != nil {
			return reads, err
		}
		mine = append(mine, lifeline)
	}
	for i := 0; s.config.Output != nil && i < 2; i++ {
		read, write, err := outputPipe(p)
		if err != nil {
			return reads, err
		}
		reads[i], files[i+1], mine = read, write, append(mine, write)
	}
	if listener := p.gen.spec.Listener; p.gen.spec.Mode == ModeShared {
		fd, err := dupNumber(listener)
		if err != nil {
			return reads, err
		}
		files, mine = append(files, fd), append(mine, fd)
	}
	if lifeline >= 0 {
		files = append(files, lifeline)
	}
	if err := s.start(p, argv, env, files); err != nil {
		for _, f := range append(reads[:], p.pipes...) {
			f.Close()
		}
		return reads, err
	}
	return reads, nil
}

func dupNumber(f *os.File) (fd int, err error) {
	failed := rawFD(f, func(own int) { fd, err = unix.FcntlInt(uintptr(own), unix.F_DUPFD_CLOEXEC, 3) })
	return fd, firstOf(failed, err)
}

// outputPipe makes a pipe whose read end the runtime can poll and whose write
// end blocks, as programs expect. The process keeps a second read end.
func outputPipe(p *process) (read *os.File, write int, err error) {
	var ends [2]int
	if err := unix.Pipe2(ends[:], unix.O_CLOEXEC); err != nil {
		return nil, 0, fmt.Errorf("make a pipe: %w", err)
	}
	_, _ = unix.FcntlInt(uintptr(ends[0]), unix.F_SETPIPE_SZ, pipeSize) // a smaller one serves as well
	if err := unix.SetNonblock(ends[0], true); err != nil {
		return nil, 0, fmt.Errorf("make a pipe nonblocking: %w", err)
	}
	second, err := unix.FcntlInt(uintptr(ends[0]), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return nil, 0, fmt.Errorf("duplicate a pipe: %w", err)
	}
	p.pipes = append(p.pipes, os.NewFile(uintptr(second), "output"))
	return os.NewFile(uintptr(ends[0]), "output"), ends[1], nil
}

// start forks. Nothing but the calls that the kernel offers happens between
// fork and exec; the rest is the launcher's.
func (s *Supervisor) start(p *process, argv, env []string, files []int) error {
	pidfd := -1
	attr := &syscall.ProcAttr{Dir: p.gen.spec.Dir, Env: env, Sys: &syscall.SysProcAttr{Setpgid: true, PidFD: &pidfd}}
	for _, fd := range files {
		attr.Files = append(attr.Files, uintptr(fd))
	}
	if id := p.gen.ids; id != nil && !s.launches(p.gen.spec) {
		attr.Sys.Credential = &syscall.Credential{Uid: uint32(id.UID), Gid: uint32(id.GID)}
		for _, g := range id.Groups {
			attr.Sys.Credential.Groups = append(attr.Sys.Credential.Groups, uint32(g))
		}
	}
	if p.cgroup != nil {
		if err := rawFD(p.cgroup.fd, func(fd int) { attr.Sys.UseCgroupFD, attr.Sys.CgroupFD = true, fd }); err != nil {
			return fmt.Errorf("reach the cgroup: %w", err)
		}
	}
	p.ooms, _ = p.oomKills()
	s.freeze.RLock()
	defer s.freeze.RUnlock()
	pid, err := s.env.reaper.starting(func() (int, error) { return syscall.ForkExec(argv[0], argv, attr) })
	if err != nil {
		return fmt.Errorf("execute %s: %w", argv[0], err)
	}
	p.PID, p.started = pid, s.config.Clock.Now()
	p.since, p.backend.Source = p.started, p.Source
	file, err := pollable(pid, pidfd)
	if err != nil {
		_ = syscall.Kill(-pid, syscall.SIGKILL)
		_, _ = syscall.Wait4(pid, nil, 0, nil)
		s.env.reaper.release(pid)
		return err
	}
	p.record()
	s.procs.Store(p.ID, p)
	s.children.Go(func() { p.watch(file) })
	s.emit(Event{Kind: Started, Worker: p.Source})
	return nil
}

// pollable makes a pidfd that the runtime's poller takes; fd is -1 where the
// kernel gave none with the fork.
func pollable(pid, fd int) (*os.File, error) {
	var err error
	if fd < 0 {
		if fd, err = unix.PidfdOpen(pid, 0); err != nil {
			return nil, fmt.Errorf("open a pidfd: %w", err)
		}
		unix.CloseOnExec(fd)
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		return nil, fmt.Errorf("make a pidfd nonblocking: %w", err)
	}
	return os.NewFile(uintptr(fd), "pidfd"), nil
}

// command returns arguments and environment with the address filled in.
func (s *Supervisor) command(p *process) (argv, env []string, err error) {
	spec := p.gen.spec
	port, socket := "", ""
	env = append(env, spec.Env...)
	set := func(key, value string) { env = append(without(env, key), key+"="+value) }
	for _, key := range []string{"LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "WATCHDOG_USEC", "WATCHDOG_PID"} {
		env = without(env, key) // those of the master's own supervisor are not the worker's
	}
	switch spec.Mode {
	case ModePort:
		port = p.backend.Address[strings.LastIndexByte(p.backend.Address, ':')+1:]
		set("PORT", port)
	case ModeSocket:
		socket = p.backend.Address
		set("SOCKET", socket)
	case ModeShared:
		set("LISTEN_FDS", "1")
		set("LISTEN_FDNAMES", spec.Name)
	case ModeNone:
	}
	if spec.Times.Watchdog > 0 {
		set("WATCHDOG_USEC", strconv.FormatInt(spec.Times.Watchdog.Microseconds(), 10))
	}
	set("NOTIFY_SOCKET", filepath.Join(p.dir, "notify.sock"))
	set("ROADWORTHY_WORKER", p.Worker)
	set("PWD", spec.Dir)
	if value(env, "PYTHONUNBUFFERED", "unset") == "unset" {
		set("PYTHONUNBUFFERED", "1")
	}
	if !spec.NoDumps {
		env = s.shims.instrument(env, spec.Command[0], p.dumpFile())
	}
	fill := strings.NewReplacer("{port}", port, "{socket}", socket)
	for _, text := range spec.Command {
		argv = append(argv, fill.Replace(text))
	}
	for i, text := range env {
		env[i] = fill.Replace(text)
	}
	if s.launches(spec) {
		argv, err = s.wrapped(p, argv)
	}
	return argv, env, err
}

// wrapped puts the launcher in front of a command.
func (s *Supervisor) wrapped(p *process, argv []string) ([]string, error) {
	spec := p.gen.spec
	if len(s.config.Launcher) == 0 {
		return nil, errors.New("shared mode, umask, limits and no-new-privileges need a launcher")
	}
	l := launch{ListenPID: spec.Mode == ModeShared, Umask: spec.Limits.Umask, NoFile: spec.Limits.NoFile, NoNewPrivs: spec.Limits.NoNewPrivs, Identity: p.gen.ids, Lifeline: 3}
	if l.ListenPID {
		l.Lifeline++ // behind the listener
	}
	return l.wrap(s.config.Launcher, argv)
}

// without returns an environment without one variable.
func without(env []string, key string) []string {
	var list []string
	for _, pair := range env {
		if !strings.HasPrefix(pair, key+"=") {
			list = append(list, pair)
		}
	}
	return list
}

// Clock is the time, so that tests need not wait for it.
type Clock interface {
	Now() time.Time
	After(d time.Duration) <-chan time.Time
}

// System is the machine's clock.
type System struct{}

// Now returns the time of day.
func (System) Now() time.Time { return time.Now() }

// After sends once, after d.
func (System) After(d time.Duration) <-chan time.Time { return time.After(d) }
