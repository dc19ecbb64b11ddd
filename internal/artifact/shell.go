package artifact

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// Shell is the plain [Exec]: it runs command with /bin/sh -c in a process group
// of its own, and kills the whole group when ctx ends and when the command has
// ended, so that nothing that it left in the background writes on. It does not
// isolate: a process that leaves the group (setsid) gets away.
func Shell(ctx context.Context, dir string, env []string, command string, out io.Writer) error {
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", command)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = dir, env, out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.WaitDelay = 2 * time.Second // for output that a process outside the group holds open
	group := &group{}
	cmd.Cancel = func() error { return group.kill(cmd.Process.Pid) }
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start the shell: %w", err)
	}
	if awaitExit(cmd.Process.Pid) {
		group.end(cmd.Process.Pid)
	}
	err := cmd.Wait()
	group.end(cmd.Process.Pid)
	if errors.Is(err, exec.ErrWaitDelay) && ctx.Err() == nil {
		return nil // the command itself succeeded
	}
	if ctx.Err() != nil {
		return fmt.Errorf("run the command: %w", ctx.Err())
	}
	return err
}

// group is a process group that may be killed only as long as its leader was
// not waited for: afterwards its number may belong to others.
type group struct {
	mu    sync.Mutex
	ended bool
}

func (g *group) kill(leader int) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.ended {
		return os.ErrProcessDone
	}
	return syscall.Kill(-leader, syscall.SIGKILL)
}

// end kills what is left of the group, a last time.
func (g *group) end(leader int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.ended {
		return
	}
	_ = syscall.Kill(-leader, syscall.SIGKILL)
	g.ended = true
}
