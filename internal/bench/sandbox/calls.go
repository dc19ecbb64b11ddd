package sandbox

import (
	"context"
	"fmt"
	"net"
	"os"
	"syscall"
	"time"
)

// Listen opens a listener inside: network tcp with an IP and port, or unix
// with a path. Port 0 takes any.
func (s *Sandbox) Listen(ctx context.Context, network, address string) (net.Listener, error) {
	var listener net.Listener
	err := s.call(ctx, opListen, listenRequest{network, address}, &struct{}{}, func(files []*os.File) (err error) {
		defer closeAll(files)
		listener, err = net.FileListener(files[0])
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("listen on %s %s: %w", network, address, err)
	}
	return listener, nil
}

// ListenPacket opens a datagram socket inside: network udp or unixgram.
func (s *Sandbox) ListenPacket(ctx context.Context, network, address string) (net.PacketConn, error) {
	var conn net.PacketConn
	err := s.call(ctx, opListen, listenRequest{network, address}, &struct{}{}, func(files []*os.File) (err error) {
		defer closeAll(files)
		conn, err = net.FilePacketConn(files[0])
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("listen on %s %s: %w", network, address, err)
	}
	return conn, nil
}

// Dial connects to an address inside, coming from source, an IPv4 address
// that tells our connections from those of the application.
func (s *Sandbox) Dial(ctx context.Context, network, address, source string) (net.Conn, error) {
	var conn net.Conn
	err := s.call(ctx, opDial, dialRequest{network, address, source}, &struct{}{}, func(files []*os.File) (err error) {
		defer closeAll(files)
		conn, err = net.FileConn(files[0])
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("dial %s %s: %w", network, address, err)
	}
	return conn, nil
}

// Command is a program to start inside.
type Command struct {
	Args []string // the program, found in PATH of Env, and its arguments
	Env  []string // its whole environment
	Dir  string   // default AppDir
	PID1 bool     // as process 1 of a PID namespace of its own
	Side bool     // give it a third pipe on file descriptor 3
}

// Process is a program that was started inside.
type Process struct {
	PID     int      // inside the sandbox
	Stdout  *os.File // its output; the caller closes it
	Stderr  *os.File
	Side    *os.File // nil unless asked for
	sandbox *Sandbox
}

// Exit is how a process ended.
type Exit struct {
	Code   int            `json:"code"`   // exit status; -1 where a signal ended it
	Signal syscall.Signal `json:"signal"` // 0 where none did
	At     time.Time      `json:"at"`     // when the agent reaped it
}

// String says it as people do: "exit status 1", "killed by SIGKILL".
func (e Exit) String() string {
	if e.Signal != 0 {
		return "killed by " + SignalName(e.Signal)
	}
	return fmt.Sprintf("exit status %d", e.Code)
}

// Start starts a program inside, as the ordinary user of the sandbox. It is a
// session and process group of its own.
func (s *Sandbox) Start(ctx context.Context, command Command) (*Process, error) {
	if command.Dir == "" {
		command.Dir = AppDir
	}
	process := &Process{sandbox: s}
	var reply startReply
	request := startRequest{Args: command.Args, Env: command.Env, Dir: command.Dir, PID1: command.PID1, Side: command.Side}
	err := s.call(ctx, opStart, request, &reply, func(files []*os.File) error {
		process.Stdout, process.Stderr = files[0], files[1]
		if command.Side {
			process.Side = files[2]
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("start %q: %w", command.Args[0], err)
	}
	process.PID = reply.PID
	return process, nil
}

// Wait waits until the process has ended. It may be called by several
// goroutines and again later.
func (p *Process) Wait(ctx context.Context) (Exit, error) {
	var exit Exit
	err := p.sandbox.call(ctx, opWait, waitRequest{p.PID}, &exit, nil)
	return exit, err
}

// Signal sends a signal to the process alone.
func (p *Process) Signal(ctx context.Context, signal syscall.Signal) error {
	return p.sandbox.Signal(ctx, p.PID, signal)
}

// Signal sends a signal to a process inside; 0 asks whether it is there.
func (s *Sandbox) Signal(ctx context.Context, pid int, signal syscall.Signal) error {
	return s.call(ctx, opSignal, signalRequest{PID: pid, Signal: signal}, &struct{}{}, nil)
}

// SignalGroup sends a signal to a whole process group inside.
func (s *Sandbox) SignalGroup(ctx context.Context, pgid int, signal syscall.Signal) error {
	return s.call(ctx, opSignal, signalRequest{PID: pgid, Group: true, Signal: signal}, &struct{}{}, nil)
}

// ProcessInfo is one process inside, as /proc tells it (proc(5)).
type ProcessInfo struct {
	PID       int      `json:"pid"`
	Parent    int      `json:"parent"`
	Group     int      `json:"group"`
	Session   int      `json:"session"`
	State     string   `json:"state"` // R, S, D, Z, T …
	Name      string   `json:"name"`
	Exe       string   `json:"exe"`
	Args      []string `json:"args"`
	Threads   int      `json:"threads"`
	Started   uint64   `json:"started"`   // clock ticks after boot
	Resident  int64    `json:"resident"`  // bytes
	Listening []string `json:"listening"` // "IP:port" of its listening TCP sockets
	Accepted  []string `json:"accepted"`  // "local remote" of its established TCP sockets
}

// Processes lists the processes inside, the agent aside.
func (s *Sandbox) Processes(ctx context.Context) ([]ProcessInfo, error) {
	var list []ProcessInfo
	err := s.call(ctx, opProcesses, struct{}{}, &list, nil)
	return list, err
}

// Delays gives for each process inside how long its threads were ready to run
// and got no processor, in seconds, summed; 0 where the kernel keeps no account.
func (s *Sandbox) Delays(ctx context.Context) (map[int]float64, error) {
	var delays map[int]float64
	err := s.call(ctx, opDelays, struct{}{}, &delays, nil)
	return delays, err
}

// Written is one file that was created, changed or removed since the start, or
// as the last of a list, of kind "rest", all those that were too many to list.
type Written struct {
	Path    string `json:"path"` // inside
	Size    int64  `json:"size"` // bytes
	Kind    string `json:"kind"` // file, dir, link, socket, fifo, removed, deleted (open but unlinked), memory (memfd), rest
	Created bool   `json:"created"`
	Hits    []int  `json:"hits,omitempty"` // indices of the needles that its content holds
	Holder  int    `json:"holder,omitempty"`
	Partial bool   `json:"partial,omitempty"` // too large or too many to be searched whole
	Head    []byte `json:"head,omitempty"`    // the first 64 bytes of a small file
}

// Written lists what was written since the start and which of the needles
// each file holds: on disk, in temporary folders, deleted but open, in memory files.
func (s *Sandbox) Written(ctx context.Context, needles [][]byte) ([]Written, error) {
	var list []Written
	err := s.call(ctx, opWritten, writtenRequest{needles}, &list, nil)
	return list, err
}

// Whole is nil for a list that has all that was written.
func Whole(list []Written) error {
	if n := len(list); n > 0 && list[n-1].Kind == "rest" {
		return fmt.Errorf("look at what was written: %s were too many to list", list[n-1].Path)
	}
	return nil
}

// Destination is an address that something inside sent a first packet to.
type Destination struct {
	Network string `json:"network"` // tcp, udp
	Source  string `json:"source"`  // IP
	Address string `json:"address"` // IP:port
	Count   int    `json:"count"`
}

// Destinations lists every TCP and UDP destination that was tried inside.
func (s *Sandbox) Destinations(ctx context.Context) ([]Destination, error) {
	var list []Destination
	err := s.call(ctx, opDestinations, struct{}{}, &list, nil)
	return list, err
}

// MakeFolder makes a folder inside that belongs to the application.
func (s *Sandbox) MakeFolder(ctx context.Context, path string) error {
	return s.call(ctx, opFile, fileRequest{Path: path, Action: "folder"}, &struct{}{}, nil)
}

// SignalName gives a signal's usual name, such as SIGTERM.
func SignalName(signal syscall.Signal) string {
	names := map[syscall.Signal]string{
		syscall.SIGHUP: "SIGHUP", syscall.SIGINT: "SIGINT", syscall.SIGQUIT: "SIGQUIT", syscall.SIGILL: "SIGILL",
		syscall.SIGABRT: "SIGABRT", syscall.SIGBUS: "SIGBUS", syscall.SIGKILL: "SIGKILL", syscall.SIGSEGV: "SIGSEGV",
		syscall.SIGPIPE: "SIGPIPE", syscall.SIGTERM: "SIGTERM", syscall.SIGSYS: "SIGSYS", syscall.SIGXFSZ: "SIGXFSZ",
	}
	if name, ok := names[signal]; ok {
		return name
	}
	return fmt.Sprintf("signal %d", int(signal))
}
