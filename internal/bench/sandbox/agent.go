package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// agentEnv names the file descriptor of the control socket.
const agentEnv = "SANDBOX_CONTROL"

// RunIfAgent turns this process into a sandbox's process 1 if it was started
// as one; it then never returns. Call it first in main.
func RunIfAgent() {
	fd, err := strconv.Atoi(os.Getenv(agentEnv))
	if err != nil || os.Getpid() != 1 {
		return
	}
	os.Exit(runAgent(fd)) //nolint:forbidigo // process 1 has no caller to return to
}

// agent is the sandbox's process 1.
type agent struct {
	conn    *net.UnixConn
	writeMu sync.Mutex
	setup   setupRequest
	layers  *layers
	sniffer *sniffer
	starts  chan func()

	mu      sync.Mutex
	exits   map[int]*exitState
	started map[int]bool
	intact  map[string][]byte // first bytes of corrupted files
}

type exitState struct {
	done chan struct{}
	exit Exit
}

func runAgent(fd int) int {
	// What a terminal sends is the host's to handle. Caught, not ignored:
	// children would inherit that a signal is ignored.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGPIPE)
	control := os.NewFile(uintptr(fd), "control")
	conn, err := net.FileConn(control)
	control.Close()
	if err != nil {
		return 1
	}
	_ = os.WriteFile("/proc/self/comm", []byte("init"), 0) // the name that ps shows
	a := &agent{
		conn: conn.(*net.UnixConn), starts: make(chan func()),
		exits: map[int]*exitState{}, started: map[int]bool{}, intact: map[string][]byte{},
	}
	go a.reap()
	go a.startThread()
	for {
		f, files, err := readFrame(a.conn)
		closeAll(files)
		if err != nil {
			return 0 // the host is gone: process 1 ends, and with it everything
		}
		if f.Op == opSetup { // all others need what it makes
			a.answer(f)
			continue
		}
		go a.answer(f)
	}
}

// startThread runs what starts processes on one locked thread, because "no
// new privileges" is a property of a thread that its children inherit.
func (a *agent) startThread() {
	runtime.LockOSThread()
	_ = unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
	for start := range a.starts {
		start()
	}
}

func (a *agent) answer(request frame) {
	reply := frame{ID: request.ID}
	body, files, err := a.handle(request)
	if err == nil {
		reply.Body, err = json.Marshal(body)
	}
	if err != nil {
		reply.Error = err.Error()
		if errno := syscall.Errno(0); errors.As(err, &errno) {
			reply.Errno = int(errno)
		}
	}
	a.writeMu.Lock()
	defer a.writeMu.Unlock()
	_ = writeFrame(a.conn, reply, files) // a host that is gone is noticed by the reader
	for _, fd := range files {
		syscall.Close(fd)
	}
}

func (a *agent) handle(request frame) (reply any, files []int, err error) {
	defer func() { // a bug here must be an answer, not a sandbox that vanishes
		if r := recover(); r != nil {
			err = fmt.Errorf("the sandbox failed at %s: %v", request.Op, r)
		}
	}()
	switch request.Op {
	case opSetup:
		return decode(request.Body, a.doSetup)
	case opListen:
		return decode(request.Body, a.doListen)
	case opDial:
		return decode(request.Body, a.doDial)
	case opStart:
		return decode(request.Body, a.doStart)
	case opWait:
		return decode(request.Body, a.doWait)
	case opSignal:
		return decode(request.Body, a.doSignal)
	case opProcesses:
		list, err := processes()
		return list, nil, err
	case opDelays:
		all, err := delays()
		return all, nil, err
	case opWritten:
		return decode(request.Body, a.doWritten)
	case opDestinations:
		return a.sniffer.list(), nil, nil
	case opFile:
		return decode(request.Body, a.doFile)
	}
	return nil, nil, fmt.Errorf("unknown request %q", request.Op)
}

func decode[T any](body []byte, do func(T) (any, []int, error)) (any, []int, error) {
	var request T
	if err := json.Unmarshal(body, &request); err != nil {
		return nil, nil, err
	}
	return do(request)
}

func (a *agent) doSetup(request setupRequest) (any, []int, error) {
	a.setup = request
	if request.Hostname != "" {
		if err := unix.Sethostname([]byte(request.Hostname)); err != nil {
			return nil, nil, fmt.Errorf("set the host name: %w", err)
		}
	}
	a.sniffer = &sniffer{seen: map[Destination]int{}, asked: map[string]bool{}}
	if request.Isolated {
		if err := everyAddressIsLocal(); err != nil {
			return nil, nil, err
		}
		if err := a.sniffer.start(); err != nil {
			return nil, nil, err
		}
	}
	layers, err := mountAll(request)
	if err != nil {
		return nil, nil, err
	}
	a.layers = layers
	limit := syscall.Rlimit{Cur: 0, Max: 0}
	_ = syscall.Setrlimit(syscall.RLIMIT_CORE, &limit)
	return struct{}{}, nil, nil
}

// reap collects every child, those that were handed to process 1 as well.
func (a *agent) reap() {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGCHLD)
	for range signals {
		for {
			// Starting holds the lock, so that no exit is seen before its start.
			a.mu.Lock()
			var status syscall.WaitStatus
			pid, err := syscall.Wait4(-1, &status, syscall.WNOHANG, nil)
			if err == nil && pid > 0 && a.started[pid] {
				a.exited(pid, status)
			}
			a.mu.Unlock()
			if pid <= 0 || (err != nil && !errors.Is(err, syscall.EINTR)) {
				break
			}
		}
	}
}
