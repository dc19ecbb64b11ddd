package sandbox

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

func (a *agent) doStart(request startRequest) (any, []int, error) {
	path, err := lookPath(request.Args, request.Env, request.Dir)
	if err != nil {
		return nil, nil, err
	}
	pipes, err := a.makePipes(request)
	if err != nil {
		return nil, nil, err
	}
	pid, err := a.fork(path, request, pipes)
	for _, write := range pipes.writes {
		syscall.Close(write)
	}
	if err != nil {
		for _, read := range pipes.reads {
			syscall.Close(read)
		}
		return nil, nil, fmt.Errorf("start %s: %w", path, err)
	}
	return startReply{pid}, pipes.reads, nil
}

type pipeEnds struct{ reads, writes []int }

// makePipes makes the output pipes here, so that they belong to the
// application's user: programs open /dev/stdout anew.
func (a *agent) makePipes(request startRequest) (pipeEnds, error) {
	var ends pipeEnds
	count := 2
	if request.Side {
		count = 3
	}
	for range count {
		var pair [2]int
		if err := syscall.Pipe2(pair[:], syscall.O_CLOEXEC); err != nil {
			return ends, fmt.Errorf("make a pipe: %w", err)
		}
		if !a.setup.Nested && !a.setup.Identity {
			_ = syscall.Fchown(pair[1], AppUID, AppUID)
		}
		ends.reads, ends.writes = append(ends.reads, pair[0]), append(ends.writes, pair[1])
	}
	return ends, nil
}

func (a *agent) fork(path string, request startRequest, pipes pipeEnds) (int, error) {
	null, err := syscall.Open("/dev/null", syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	defer syscall.Close(null)
	files := []uintptr{uintptr(null)}
	for _, write := range pipes.writes {
		files = append(files, uintptr(write))
	}
	attr := &syscall.ProcAttr{Dir: request.Dir, Env: request.Env, Files: files, Sys: a.identity(request)}
	type result struct {
		pid int
		err error
	}
	done := make(chan result)
	a.starts <- func() {
		a.mu.Lock()
		pid, err := syscall.ForkExec(path, request.Args, attr)
		if err == nil {
			a.started[pid] = true
			a.exits[pid] = &exitState{done: make(chan struct{})}
		}
		a.mu.Unlock()
		done <- result{pid, err}
	}
	r := <-done
	return r.pid, r.err
}

// identity makes the new process an ordinary user. Where only one id could be
// mapped, a nested user namespace gives it another number and no rights over
// this one.
func (a *agent) identity(request startRequest) *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setsid: true}
	if request.PID1 {
		attr.Cloneflags |= syscall.CLONE_NEWPID
	}
	switch {
	case a.setup.Identity || request.Root:
	case a.setup.Nested:
		attr.Cloneflags |= syscall.CLONE_NEWUSER
		attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: AppUID, HostID: 0, Size: 1}}
		attr.GidMappings = attr.UidMappings
	default:
		attr.Credential = &syscall.Credential{Uid: AppUID, Gid: AppUID}
	}
	return attr
}

// lookPath finds a program in the PATH of the environment that it will get.
func lookPath(args, env []string, dir string) (string, error) {
	if len(args) == 0 || args[0] == "" {
		return "", errors.New("an empty command")
	}
	name := args[0]
	if strings.Contains(name, "/") {
		if !filepath.IsAbs(name) {
			name = filepath.Join(dir, name)
		}
		return name, executable(name)
	}
	for _, entry := range env {
		paths, ok := strings.CutPrefix(entry, "PATH=")
		if !ok {
			continue
		}
		for folder := range strings.SplitSeq(paths, ":") {
			if path := filepath.Join(folder, name); executable(path) == nil {
				return path, nil
			}
		}
	}
	return "", fmt.Errorf("%s is not in PATH: %w", name, syscall.ENOENT)
}

func executable(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if info.IsDir() || info.Mode()&0o111 == 0 {
		return fmt.Errorf("%s is not executable: %w", path, syscall.EACCES)
	}
	return nil
}

func (a *agent) exited(pid int, status syscall.WaitStatus) {
	state := a.exits[pid]
	state.exit = Exit{Code: status.ExitStatus(), At: time.Now()}
	if status.Signaled() {
		state.exit.Signal = status.Signal()
	}
	delete(a.started, pid)
	close(state.done)
}

func (a *agent) doWait(request waitRequest) (any, []int, error) {
	a.mu.Lock()
	state, ok := a.exits[request.PID]
	a.mu.Unlock()
	if !ok {
		return nil, nil, fmt.Errorf("process %d was not started here", request.PID)
	}
	<-state.done
	return state.exit, nil, nil
}

func (a *agent) doSignal(request signalRequest) (any, []int, error) {
	pid := request.PID
	if pid <= 1 {
		return nil, nil, fmt.Errorf("process %d cannot be signalled", pid)
	}
	if request.Group {
		pid = -pid
	}
	if err := unix.Kill(pid, request.Signal); err != nil {
		return nil, nil, fmt.Errorf("signal process %d: %w", request.PID, err)
	}
	return struct{}{}, nil, nil
}
