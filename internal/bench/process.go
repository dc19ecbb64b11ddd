package bench

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/bench/sandbox"
	"github.com/roadworthy-dev/roadworthy/internal/manifest"
	"github.com/roadworthy-dev/roadworthy/internal/problem"
)

// Launch says what to start in a boot, and how.
type Launch struct {
	Process string            // process type; default "web"
	Run     string            // a command instead of a process type's
	Port    int               // default: the port of the boot's values
	Env     map[string]string // variables that replace the boot's
	PID1    bool              // as process 1 of a PID namespace of its own
	Trace   bool              // under strace: programs executed, files opened; see Process.Trace
	NoWait  bool              // do not wait until it answers
}

// Process is one start of the application.
type Process struct {
	PID     int      // inside the sandbox
	Port    int      //
	Args    []string //
	Output  *Capture // standard output and error
	Trace   *Capture // what strace told; nil unless asked for
	Started time.Time
	Ready   time.Time // when it first answered; zero if nobody waited

	boot    *Boot
	process *sandbox.Process
	done    chan struct{} // closed when it has ended
	silent  chan struct{} // closed when nobody can write its output or its trace any more
	exit    sandbox.Exit
	err     error
}

// Launch starts a process and, unless told otherwise, waits until it answers.
// An error that wraps ErrNotStarted means that it ended or never answered; it
// is a problem with its last lines. The process is returned then as well.
func (b *Boot) Launch(ctx context.Context, launch Launch) (*Process, error) {
	if launch.Port == 0 {
		launch.Port = b.Values.Port
	}
	env := b.Environment(launch.Port)
	for name, value := range launch.Env {
		// Of two variables of one name getenv(3) takes the first.
		env = slices.DeleteFunc(env, func(entry string) bool { return strings.HasPrefix(entry, name+"=") })
		env = append(env, name+"="+value)
	}
	args, err := b.command(launch, env)
	if err != nil {
		return nil, err
	}
	p := &Process{Port: launch.Port, Args: args, Output: newCapture(), boot: b, done: make(chan struct{}), silent: make(chan struct{})}
	if launch.Trace {
		p.Trace = newCapture()
		p.Trace.useless = failedOpen
		// With -D strace is a grandchild: the process that we start, signal and
		// wait for is the application itself.
		args = append([]string{
			"strace", "-D", "-f", "-y", "-qq", "--seccomp-bpf", "-s", "512", "-e", "trace=execve,open,openat", "-e", "signal=none", "-o", "/dev/fd/3", "--",
		}, args...)
	}
	p.Started = time.Now()
	p.process, err = b.sandbox.Start(ctx, sandbox.Command{Args: args, Env: env, PID1: launch.PID1, Side: launch.Trace})
	if err != nil {
		if errors.Is(err, syscall.ENOENT) || errors.Is(err, syscall.EACCES) {
			return nil, &problem.Problem{
				Code: "RW-B01", Summary: "the application's program cannot be executed", At: b.bench.Manifest.Path, Got: err.Error(),
				Fix: "build it in build:, or name its package under system: and install that", Cause: ErrNotStarted,
			}
		}
		return nil, err
	}
	p.PID = p.process.PID
	b.mu.Lock()
	b.processes = append(b.processes, p)
	b.mu.Unlock()
	p.watch()
	if launch.NoWait {
		return p, nil
	}
	return p, p.Await(ctx)
}

// watch reads what the process writes and notes its end.
func (p *Process) watch() {
	p.Output.read("stdout", p.process.Stdout)
	p.Output.read("stderr", p.process.Stderr)
	if p.Trace != nil {
		p.Trace.read("trace", p.process.Side)
	}
	p.boot.serve(func() {
		defer close(p.silent)
		p.Output.readers.Wait()
		if p.Trace != nil {
			p.Trace.readers.Wait()
		}
	})
	p.boot.serve(func() {
		defer close(p.done)
		p.exit, p.err = p.process.Wait(context.Background()) // ends with the sandbox
	})
}

// command expands the variables of a command and splits it. A shell is used
// only where the command needs one: it would stand between us and the process.
func (b *Boot) command(launch Launch, env []string) ([]string, error) {
	if b.bench.Manifest.Run != nil {
		return b.underRuntime(launch), nil
	}
	run := launch.Run
	if run == "" {
		name := launch.Process
		if name == "" {
			name = "web"
		}
		run = b.bench.Manifest.Processes[name].Run
		if file := b.bench.Manifest.Config.File; file != nil && file.Argument != "" && b.usesFile() {
			run += " " + file.Argument + " " + b.FilePath()
		}
	}
	return manifest.SplitCommand(b.bench.Manifest.Path, run, func(name string) string {
		for _, entry := range slices.Backward(env) { // the last one counts
			if value, ok := strings.CutPrefix(entry, name+"="); ok {
				return value
			}
		}
		return ""
	})
}

// underRuntime is the command of an application that runs under ours.
func (b *Boot) underRuntime(launch Launch) []string {
	m := b.bench.Manifest
	args := []string{sandbox.ToolPath, "run", "--manifest", filepath.Base(m.Path)}
	if file := m.Config.File; file != nil && file.Argument != "" && b.usesFile() {
		args = append(args, "--config", b.FilePath())
	}
	if launch.Run != "" {
		return append(args, "--once", "--", "/bin/sh", "-c", launch.Run)
	}
	name := launch.Process
	if name == "" {
		name = "web"
	}
	return append(args, "--only", name)
}

// Await waits until the process answers an HTTP request with less than 500.
func (p *Process) Await(ctx context.Context) error {
	limit := p.boot.bench.Manifest.Boot
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	client := p.boot.Client(p)
	defer client.Close()
	last := ""
	for wait := 2 * time.Millisecond; ; wait = min(2*wait, 50*time.Millisecond) {
		reply := client.Get(ctx, p.boot.bench.Landing())
		if sentToTLS(reply) {
			return p.wantsTLS(reply)
		}
		if reply.Err == "" && reply.Status < 500 {
			p.Ready = time.Now()
			_ = p.boot.noteWorkers(ctx)
			return nil
		}
		switch { // a request that the limit cut short tells nothing, unless it had waited long
		case ctx.Err() == nil:
			last = reply.Outcome()
		case last == "" || reply.Duration > time.Second:
			last = fmt.Sprintf("a request waited %s for a reply", reply.Duration.Round(100*time.Millisecond))
		}
		select {
		case <-p.done:
			p.settle()
			return notStarted("the application ended before it answered", p.exit.String(), p)
		case <-ctx.Done():
			if context.Cause(ctx) != context.DeadlineExceeded { //nolint:errorlint // exactly ours
				return ctx.Err()
			}
			return notStarted(fmt.Sprintf("the application did not answer on port %d within %s", p.Port, limit), last, p)
		case <-time.After(wait): // polling is what waiting for a stranger is
		}
	}
}

// Landing is the path of the first request of the declared traffic.
func (b *Bench) Landing() string {
	for _, step := range b.Manifest.Traffic {
		if step.Method == http.MethodGet {
			return step.Path
		}
	}
	return "/"
}

func notStarted(summary, got string, p *Process) error {
	code := "RW-B01"
	if !p.Ended() {
		code = "RW-B02"
	}
	lines := p.Output.Tail(20)
	for i, line := range lines {
		lines[i] = clip(line, maxExcerpt)
	}
	tail := strings.Join(lines, "\n")
	if tail == "" {
		tail = "(it wrote nothing)"
	}
	return &problem.Problem{
		Code: code, Summary: summary, At: strings.Join(p.Args, " "), Got: got + "\n" + tail,
		Want: "an answer over HTTP", Fix: "roadworthy check --keep --only port", Cause: ErrNotStarted,
	}
}

// Ended reports whether the process has ended.
func (p *Process) Ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// settle waits a moment for the last of its output.
func (p *Process) settle() {
	select {
	case <-p.silent:
	case <-time.After(500 * time.Millisecond): // a child may hold the pipe for ever
	}
}

// Wait waits until the process has ended, at most limit.
func (p *Process) Wait(ctx context.Context, limit time.Duration) (sandbox.Exit, error) {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-p.done:
		p.settle()
		return p.exit, p.err
	case <-timer.C:
		return sandbox.Exit{}, fmt.Errorf("%q still runs after %s: %w", strings.Join(p.Args, " "), limit, os.ErrDeadlineExceeded)
	case <-ctx.Done():
		return sandbox.Exit{}, ctx.Err()
	}
}

// Signal sends a signal to the process alone.
func (p *Process) Signal(ctx context.Context, signal syscall.Signal) error {
	_ = p.boot.noteWorkers(ctx) // after it nobody may listen any more
	return p.process.Signal(ctx, signal)
}

// Kill ends the process and its whole group at once and waits for it.
func (p *Process) Kill(ctx context.Context) error {
	_ = p.boot.noteWorkers(ctx)
	err := p.boot.sandbox.SignalGroup(ctx, p.PID, syscall.SIGKILL)
	if err != nil && !errors.Is(err, syscall.ESRCH) {
		return err
	}
	_, err = p.Wait(ctx, 10*time.Second)
	return err
}

// Stop asks the process to end and, if it does not within limit, kills it. It
// tells how it ended and whether it had to be killed.
func (p *Process) Stop(ctx context.Context, limit time.Duration) (exit sandbox.Exit, killed bool, err error) {
	if err := p.Signal(ctx, syscall.SIGTERM); err != nil && !p.Ended() {
		return exit, false, err
	}
	exit, err = p.Wait(ctx, limit)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = p.Kill(ctx)
		return p.exit, true, err
	}
	return exit, false, err
}
