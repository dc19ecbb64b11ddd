package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/bench/sandbox"
)

// Confined is an artifact.Exec that runs the command in a sandbox: dir stands
// at sandbox.AppDir and what is written there stays, caches are shared, and
// nothing that the command started outlives it.
func Confined(ctx context.Context, dir string, env []string, command string, out io.Writer) error {
	s, err := confine(ctx, dir, env, true)
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }() // within has closed it, and told of it
	return within(ctx, s, env, command, out, s.Close)
}

// confine makes a sandbox for commands of a repository, with the host's
// network. With keep, what is written in dir stays.
func confine(ctx context.Context, dir string, env []string, keep bool) (*sandbox.Sandbox, error) {
	home, _ := os.UserHomeDir()
	return sandbox.Start(ctx, sandbox.Config{
		App: dir, Keep: keep, Network: sandbox.HostNetwork, DiskBytes: 8 << 30,
		Write: caches(env, home), Reveal: sandbox.Toolchains(os.Getenv("PATH")),
	})
}

// within runs one shell command in a sandbox. Output and errors share a pipe,
// as they do in the log of a build, so that their order and lines stay whole.
// end must end whatever the command left behind, which holds the pipes.
func within(ctx context.Context, s *sandbox.Sandbox, env []string, command string, out io.Writer, end func() error) error {
	p, err := s.Start(ctx, sandbox.Command{
		Args: []string{"/bin/sh", "-c", "exec 2>&1\n" + command}, Env: slices.Concat(env, []string{"PWD=" + sandbox.AppDir, "TMPDIR=/tmp"}),
	})
	if err != nil {
		return err
	}
	var copying sync.WaitGroup
	serial := &serialWriter{out: out}
	for _, stream := range []*os.File{p.Stdout, p.Stderr} { // the shell itself may still speak on the second
		copying.Go(func() {
			_, _ = io.Copy(serial, stream)
			stream.Close()
		})
	}
	exit, err := p.Wait(ctx)
	ended := end()
	if ended != nil {
		_ = s.Close() // the last way to free the pipes
	}
	copying.Wait()
	if err := errors.Join(err, ended); err != nil {
		return err
	}
	if exit.Code != 0 || exit.Signal != 0 {
		return exitError{exit}
	}
	return nil
}

// sweep ends every process of a sandbox that is to be used again.
func sweep(s *sandbox.Sandbox) error {
	ctx, cancel := context.WithTimeout(context.Background(), sandbox.Deadline)
	defer cancel()
	for {
		list, err := s.Processes(ctx)
		if err != nil {
			return fmt.Errorf("list what the command left behind: %w", err)
		}
		left := 0
		for _, process := range list {
			if process.State != "Z" && s.Signal(ctx, process.PID, syscall.SIGKILL) == nil {
				left++
			}
		}
		if left == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("end what the command left behind: %w", ctx.Err())
		case <-time.After(time.Millisecond):
		}
	}
}

// serialWriter lets several goroutines write to one writer.
type serialWriter struct {
	mu  sync.Mutex
	out io.Writer
}

// Write writes p to the one writer.
func (w *serialWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.out.Write(p)
}

// caches are the folders that builds share with the host.
func caches(env []string, home string) []string {
	var folders []string
	for _, name := range []string{".cache", ".npm", ".m2", ".gradle", ".cargo", ".bundle", ".gem", ".composer", "go"} {
		folders = append(folders, filepath.Join(home, name))
	}
	for _, entry := range env {
		name, value, _ := strings.Cut(entry, "=")
		if strings.HasPrefix(value, "/") && (strings.HasSuffix(name, "CACHE") || strings.HasSuffix(name, "CACHE_DIR")) {
			folders = append(folders, value)
		}
	}
	return folders
}

type exitError struct{ exit sandbox.Exit }

func (e exitError) Error() string { return e.exit.String() }

// ExitCode returns the exit code; 128 and the signal's number where a signal
// ended it, as shells say it.
func (e exitError) ExitCode() int {
	if e.exit.Signal != 0 {
		return 128 + int(e.exit.Signal)
	}
	return e.exit.Code
}
