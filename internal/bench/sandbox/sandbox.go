// Package sandbox runs an application in a machine of its own that costs a
// few milliseconds: fresh user, mount, PID, network, IPC and UTS namespaces,
// an overlay over every file system, a private /dev/log, and a network in
// which every address is local and nothing gets out.
//
// A small agent, this same program started anew inside the namespaces, is the
// sandbox's process 1. The host side asks it, over one socket, to listen,
// dial, start, signal and look; listeners and connections come back as file
// descriptors, so that sinks and proxies run in the host process although
// their sockets live in the sandbox. That works in the same way for root and
// for an ordinary user.
//
// The invariant: when [Sandbox.Close] returns, or when the host process dies
// in whatever way, no process, mount, socket or file of the sandbox is left.
// Process 1 ends when the control socket closes, and the kernel takes the
// rest. The room knows nothing of applications, services or probes.
//
// A program that uses this room calls [RunIfAgent] as the first thing in main.
// Read next: internal/bench, which boots applications in it.
package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// AppDir is where the artifact stands inside every sandbox, as a writable
// overlay. It is the same for building and running, because build products
// such as Python environments hold absolute paths.
const AppDir = "/app"

// ToolPath is where the program that [Config] names as its tool lies inside.
const ToolPath = "/run/roadworthy/bin/roadworthy"

// AppUID is the user and group id that the application runs as inside.
const AppUID = 1000

// ErrForbidden says that the host refuses what a sandbox needs. The wrapping
// error names what was refused.
var ErrForbidden = errors.New("the host forbids namespaces")

// Config says what a sandbox is made of.
type Config struct {
	App       string    // host folder that becomes AppDir; "" for an empty one
	Keep      bool      // AppDir is the folder itself, not an overlay: what is written stays (builds)
	Network   Network   // default: isolated
	Hostname  string    // default "web"
	Resolver  string    // address of the name server inside, such as "10.7.0.53"; "" for none
	Hosts     []Host    // lines of /etc/hosts besides localhost
	DiskBytes int64     // limit of all that is written; default 1 GiB
	Reveal    []string  // host folders below a home folder to show read-only (toolchains); see Toolchains
	Tool      string    // host file to show read-only at ToolPath; "" for none
	Write     []string  // host folders that stay writable as they are (caches of builds)
	Stderr    io.Writer // the agent's own complaints; nil drops them
}

// Host is a name and its address.
type Host struct {
	Name    string `json:"name"`
	Address string `json:"address"`
}

// Network says what a sandbox can reach.
type Network string

// The networks.
const (
	Isolated    Network = ""     // every address is local and nothing gets out
	HostNetwork Network = "host" // the host's network: for builds, which fetch their dependencies
)

// Sandbox is a running sandbox. Its methods are safe for several goroutines.
type Sandbox struct {
	conn    *net.UnixConn
	agent   *exec.Cmd
	folder  *Folder
	writeMu sync.Mutex
	mu      sync.Mutex
	next    uint64
	waiting map[uint64]chan answer
	failed  error
	readers sync.WaitGroup
	closing sync.Once
}

// Start makes a sandbox. It takes about ten milliseconds.
// An error that wraps ErrForbidden means that the host does not allow it.
func Start(ctx context.Context, config Config) (*Sandbox, error) {
	folder, err := NewFolder("", "rw-")
	if err != nil {
		return nil, err
	}
	s := &Sandbox{folder: folder, waiting: map[uint64]chan answer{}}
	if err := s.start(ctx, config); err != nil {
		_ = s.Close() // why it did not start says more
		return nil, err
	}
	return s, nil
}

func (s *Sandbox) start(ctx context.Context, config Config) error {
	if err := os.Mkdir(filepath.Join(s.folder.Path, "s"), 0o755); err != nil { //nolint:gosec // a mount point
		return fmt.Errorf("make the mount point: %w", err)
	}
	if err := s.spawn(config); err != nil {
		return err
	}
	s.readers.Go(s.read)
	var done struct{}
	setup := setupRequest{
		Work: filepath.Join(s.folder.Path, "s"), App: config.App, Keep: config.Keep,
		Isolated: config.Network == Isolated, Nested: !rooted(),
		Hostname: config.Hostname, Resolver: config.Resolver, Hosts: config.Hosts,
		DiskBytes: config.DiskBytes, Reveal: config.Reveal, Tool: config.Tool, Write: config.Write,
		Identity: rooted() && config.Network == HostNetwork,
	}
	if err := s.call(ctx, opSetup, setup, &done, nil); err != nil {
		return fmt.Errorf("set up the sandbox: %w", forbidden(err))
	}
	return nil
}

// spawn starts the agent in its namespaces and keeps our end of the socket.
func (s *Sandbox) spawn(config Config) error {
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("make the control socket: %w", err)
	}
	ours, theirs := os.NewFile(uintptr(pair[0]), "control"), os.NewFile(uintptr(pair[1]), "agent")
	defer theirs.Close()
	conn, err := net.FileConn(ours)
	ours.Close()
	if err != nil {
		return fmt.Errorf("open the control socket: %w", err)
	}
	s.conn = conn.(*net.UnixConn)
	agent := &exec.Cmd{
		Path: "/proc/self/exe", Args: []string{"init"}, Env: []string{agentEnv + "=3"}, Dir: "/",
		ExtraFiles: []*os.File{theirs}, Stderr: config.Stderr, SysProcAttr: namespaces(config.Network),
	}
	if err := agent.Start(); err != nil {
		return fmt.Errorf("start the sandbox's process 1: %w", forbidden(err))
	}
	s.agent = agent
	return nil
}

// namespaces gives the clone flags and id maps. Root maps a whole range, so
// that the application is a user of its own; others can map only themselves.
func namespaces(network Network) *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWIPC | syscall.CLONE_NEWUTS,
		Setpgid:    true, // a Ctrl-C on the terminal is the host's to handle
	}
	root := rooted()
	if network == Isolated {
		attr.Cloneflags |= syscall.CLONE_NEWNET
	} else if root {
		return attr // a build keeps root's rights, as make would
	}
	attr.Cloneflags |= syscall.CLONE_NEWUSER
	ids := []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}}
	groups := []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}}
	if root {
		ids = []syscall.SysProcIDMap{{ContainerID: 0, HostID: hostBase, Size: hostIDs}}
		groups = ids
		attr.GidMappingsEnableSetgroups = true
		attr.Credential = &syscall.Credential{Uid: 0, Gid: 0}
	}
	attr.UidMappings, attr.GidMappings = ids, groups
	return attr
}

func forbidden(err error) error {
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EACCES) || errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOSYS) {
		return fmt.Errorf("%w: %w", ErrForbidden, err)
	}
	return err
}

// Close ends every process of the sandbox and removes what is left of it. It
// may be called more than once.
func (s *Sandbox) Close() error {
	var err error
	s.closing.Do(func() {
		if s.agent != nil && s.agent.Process != nil {
			_ = s.agent.Process.Kill() // process 1: the kernel kills all the others with it
			_ = s.agent.Wait()
		}
		if s.conn != nil {
			_ = s.conn.Close()
		}
		s.readers.Wait()
		err = s.folder.Remove()
	})
	return err
}

// PID returns the host's process id of the sandbox's process 1: with it,
// nsenter can look inside.
func (s *Sandbox) PID() int { return s.agent.Process.Pid }

// call sends one request and waits for its answer; files that come with the
// answer are handed to take, which owns them.
func (s *Sandbox) call(ctx context.Context, op op, request, reply any, take func([]*os.File) error) error {
	body, err := json.Marshal(request)
	if err != nil {
		return fmt.Errorf("encode the request: %w", err)
	}
	wait := make(chan answer, 1)
	id, err := s.register(wait)
	if err != nil {
		return err
	}
	s.writeMu.Lock()
	err = writeFrame(s.conn, frame{ID: id, Op: op, Body: body}, nil)
	s.writeMu.Unlock()
	if err != nil {
		s.forget(id)
		return fmt.Errorf("ask the sandbox: %w", err)
	}
	select {
	case <-ctx.Done():
		s.forget(id)
		return ctx.Err()
	case a := <-wait:
		return a.deliver(reply, take)
	}
}

func (s *Sandbox) register(wait chan answer) (uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed != nil {
		return 0, s.failed
	}
	s.next++
	s.waiting[s.next] = wait
	return s.next, nil
}

func (s *Sandbox) forget(id uint64) {
	s.mu.Lock()
	delete(s.waiting, id)
	s.mu.Unlock()
}

// read hands every answer to the call that waits for it, until the agent is gone.
func (s *Sandbox) read() {
	for {
		f, files, err := readFrame(s.conn)
		s.mu.Lock()
		if err != nil {
			s.failed = fmt.Errorf("the sandbox is gone: %w", err)
			for id, wait := range s.waiting {
				wait <- answer{err: s.failed}
				delete(s.waiting, id)
			}
			s.mu.Unlock()
			return
		}
		wait, ok := s.waiting[f.ID]
		delete(s.waiting, f.ID)
		s.mu.Unlock()
		if !ok { // the caller gave up
			closeAll(files)
			continue
		}
		wait <- answer{body: f.Body, errno: f.Errno, message: f.Error, files: files}
	}
}

// answer is a reply on its way to its caller.
type answer struct {
	body    []byte
	errno   int
	message string
	files   []*os.File
	err     error
}

func (a answer) deliver(reply any, take func([]*os.File) error) error {
	if a.err != nil {
		return a.err
	}
	if a.message != "" {
		closeAll(a.files)
		if a.errno != 0 {
			return &agentError{message: a.message, errno: syscall.Errno(a.errno)}
		}
		return errors.New(a.message)
	}
	if err := json.Unmarshal(a.body, reply); err != nil {
		closeAll(a.files)
		return fmt.Errorf("decode the answer: %w", err)
	}
	if take == nil {
		closeAll(a.files)
		return nil
	}
	return take(a.files)
}

// agentError carries an errno over the socket, for errors.Is.
type agentError struct {
	message string
	errno   syscall.Errno
}

func (e *agentError) Error() string { return e.message }
func (e *agentError) Unwrap() error { return e.errno }

func closeAll(files []*os.File) {
	for _, f := range files {
		f.Close()
	}
}

// Deadline bounds calls that are answered at once by a healthy agent.
const Deadline = 20 * time.Second
