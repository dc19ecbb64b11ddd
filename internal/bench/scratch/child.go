package scratch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// Bounds of ending a child.
const (
	quitGrace = 3 * time.Second // from the quit signal to SIGKILL
	pipeGrace = 3 * time.Second // from the end of a child to that of its own children, told by its output pipe
)

// command is what to run.
type command struct {
	program string
	args    []string
	env     []string  // added to a minimal environment; ours is not inherited
	dir     string    // working folder, also HOME and TMPDIR
	stdin   io.Reader // nil: /dev/null
	stdout  io.Writer // nil: as the log
	log     io.Writer
	cred    *syscall.Credential
	death   syscall.Signal // what the child gets when we die; 0: SIGKILL
}

// child is a running process. Its goroutine, which waits for it, ends with it.
type child struct {
	cmd  *exec.Cmd
	tail *tail
	done chan struct{} // closed when the process has ended and has been waited for
	err  error         // of Wait; valid after done
}

// start starts a child that outlives ctx only if keep is true.
//
// The kernel sends the parent death signal when the *thread* that forked ends
// (prctl(2)), and a Go thread ends when a goroutine that locked it returns, as
// namespace code does. Therefore each child is forked from a thread that is
// locked by the goroutine that waits for it, and so lives as long as the child.
func start(ctx context.Context, c command, keep bool) (*child, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("start %s: %w", filepath.Base(c.program), err)
	}
	if keep {
		ctx = context.WithoutCancel(ctx)
	}
	ch := &child{tail: &tail{next: c.log}, done: make(chan struct{})}
	ch.cmd = c.prepare(ctx, ch.tail)
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer close(ch.done)
		err := ch.cmd.Start()
		started <- err
		if err == nil {
			ch.err = ch.cmd.Wait()
		}
	}()
	if err := <-started; err != nil {
		<-ch.done
		return nil, fmt.Errorf("start %s: %w", filepath.Base(c.program), err)
	}
	return ch, nil
}

// prepare builds the exec.Cmd: own process group, minimal environment, death
// signal, killed as a group when ctx ends.
func (c command) prepare(ctx context.Context, log *tail) *exec.Cmd {
	cmd := exec.CommandContext(ctx, c.program, c.args...)
	cmd.Dir = c.dir
	cmd.Env = append([]string{
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"LC_ALL=C.UTF-8", "TZ=UTC", "HOME=" + c.dir, "TMPDIR=" + c.dir,
	}, c.env...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = c.stdin, c.stdout, log
	if c.stdout == nil {
		cmd.Stdout = log
	}
	death := c.death
	if death == 0 {
		death = syscall.SIGKILL
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: death, Credential: c.cred}
	cmd.Cancel = func() error { return killGroup(cmd) }
	cmd.WaitDelay = pipeGrace
	return cmd
}

// run runs a child to its end and returns its output's last lines in an error.
func run(ctx context.Context, c command) error {
	ch, err := start(ctx, c, false)
	if err != nil {
		return err
	}
	<-ch.done
	if ctx.Err() != nil {
		return fmt.Errorf("run %s: %w", filepath.Base(c.program), context.Cause(ctx))
	}
	if ch.err != nil {
		return fmt.Errorf("run %s: %w%s", filepath.Base(c.program), ch.err, ch.tail.quote())
	}
	return nil
}

// version runs PROGRAM --version and returns what it prints.
func version(ctx context.Context, c command) (string, error) {
	var out bytes.Buffer
	c.args, c.stdout = []string{"--version"}, &out
	if err := run(ctx, c); err != nil {
		return "", err
	}
	return string(bytes.TrimSpace(out.Bytes())), nil
}

// stop ends the child with sig, after quitGrace with SIGKILL for its group,
// and waits for it. It returns an error only if processes are left.
func (ch *child) stop(sig syscall.Signal) error {
	_ = ch.cmd.Process.Signal(sig) // fails only when it has ended already, which the wait below sees
	timer := time.NewTimer(quitGrace)
	defer timer.Stop()
	select {
	case <-ch.done:
	case <-timer.C:
		_ = killGroup(ch.cmd) // as above
		<-ch.done
	}
	if errors.Is(ch.err, exec.ErrWaitDelay) {
		return fmt.Errorf("stop %s: a process that it started still runs", filepath.Base(ch.cmd.Path))
	}
	return nil
}

// ready polls try until it succeeds, the child ends or ctx ends. The error
// holds the last reason and the last lines that the child printed.
func (ch *child) ready(ctx context.Context, try func(context.Context) error) error {
	name := filepath.Base(ch.cmd.Path)
	tick := time.NewTicker(3 * time.Millisecond)
	defer tick.Stop()
	for {
		err := try(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ch.done:
			return fmt.Errorf("start %s: it ended (%s)%s", name, ch.cmd.ProcessState, ch.tail.quote())
		case <-ctx.Done():
			return fmt.Errorf("start %s: %w: %w%s", name, context.Cause(ctx), err, ch.tail.quote())
		case <-tick.C:
		}
	}
}

// killGroup kills the process group that cmd leads.
func killGroup(cmd *exec.Cmd) error {
	err := syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	if errors.Is(err, syscall.ESRCH) {
		return os.ErrProcessDone
	}
	return err
}

// tail passes on what a child prints and remembers the last 2 KiB.
type tail struct {
	mu   sync.Mutex
	next io.Writer
	last []byte
}

const tailSize = 2 << 10

// Write never fails, so that a broken log never ends a server.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last = append(t.last, p...)
	if over := len(t.last) - tailSize; over > 0 {
		t.last = append(t.last[:0], t.last[over:]...)
	}
	_, _ = t.next.Write(p)
	return len(p), nil
}

// quote returns the remembered lines as the end of an error message.
func (t *tail) quote() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	text := bytes.TrimSpace(t.last)
	if len(text) == 0 {
		return ""
	}
	return "; its last lines:\n" + string(text)
}
