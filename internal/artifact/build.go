package artifact

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/problem"
)

// Exec runs one shell command in dir with exactly env (KEY=VALUE) and writes
// its output and errors to out. It ends when ctx does, and leaves no process
// behind. A command that ended with an exit code above 0 gives an error with a
// method ExitCode() int, such as [os/exec.ExitError].
type Exec func(ctx context.Context, dir string, env []string, command string, out io.Writer) error

// Steps are the build steps of a checkout.
type Steps struct {
	Dir        string        // the checkout
	Within     string        // the folder of it that the commands run in, with slashes; "" for the checkout itself
	Run        []string      // shell commands, in order; the first that fails ends the build
	Env        []string      // the whole environment; nil for Environment(os.Environ(), CommitTime)
	CommitTime time.Time     // for SOURCE_DATE_EPOCH, where Env is nil
	Exec       Exec          // nil for Shell, which does not isolate
	Timeout    time.Duration // of each step; default 15 min
}

// StepError is the cause of the problem RW-A02.
type StepError struct {
	Step    int           // from 1
	Command string        //
	Code    int           // exit code; -1 where it was killed or could not start
	Timeout time.Duration // above 0 where it was stopped for taking longer
	Last    []string      // its last lines, at most 200
	Bytes   int64         // how much it wrote in all
	Cause   error
}

// Error says which step failed and how.
func (e *StepError) Error() string {
	if e.Timeout > 0 {
		return fmt.Sprintf("build step %d did not end within %s", e.Step, e.Timeout)
	}
	return fmt.Sprintf("build step %d failed: %v", e.Step, e.Cause)
}

// Unwrap returns the error of Exec.
func (e *StepError) Unwrap() error { return e.Cause }

// Build runs the steps one after another. Each line of their output goes to
// progress, which may be nil, without control characters; steps get a TMPDIR
// of their own, which is removed at the end.
//
// A step that fails or takes too long gives the problem RW-A02 with the last
// 20 lines, and a [StepError] as its cause. When ctx ends, so does the step,
// and the error is ctx's.
func Build(ctx context.Context, steps Steps, progress func(line string)) (err error) {
	env := steps.Env
	if env == nil {
		env = Environment(os.Environ(), steps.CommitTime)
	}
	env, cleanUp, err := privateTemp(env)
	if err != nil {
		return fmt.Errorf("make a temporary folder for the build: %w", err)
	}
	defer func() { err = errors.Join(err, cleanUp()) }()
	for i := range steps.Run {
		if err := steps.step(ctx, i, env, progress); err != nil {
			return err
		}
	}
	return nil
}

func (s Steps) step(ctx context.Context, i int, env []string, progress func(string)) error {
	run, limit := s.Exec, s.Timeout
	if run == nil {
		run = Shell
	}
	if limit <= 0 {
		limit = 15 * time.Minute
	}
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	out := &lines{progress: progress}
	err := run(limited, s.Dir, env, In(s.Within, s.Run[i]), out)
	out.flush()
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return fmt.Errorf("run build step %d: %w", i+1, ctx.Err())
	}
	failed := &StepError{Step: i + 1, Command: s.Run[i], Code: -1, Last: out.last(keptLines), Bytes: out.bytes, Cause: err}
	var exit interface{ ExitCode() int }
	if limited.Err() != nil {
		failed.Timeout = limit
	} else if errors.As(err, &exit) {
		failed.Code = exit.ExitCode()
	}
	return s.problem(failed)
}

// In lets a shell command run in a folder below; "" changes nothing.
func In(folder, command string) string {
	if folder == "" {
		return command
	}
	return "cd -- '" + strings.ReplaceAll(folder, "'", `'\''`) + "' || exit\n" + command
}

func (s Steps) problem(failed *StepError) error {
	got := fmt.Sprintf("exit code %d", failed.Code)
	switch {
	case failed.Timeout > 0:
		got = fmt.Sprintf("not ended after %s", failed.Timeout)
	case failed.Code < 0:
		got = failed.Cause.Error()
	}
	last := failed.Last[max(0, len(failed.Last)-shownLines):]
	if len(last) > 0 {
		got += "; its last lines:\n" + strings.Join(last, "\n")
	}
	return &problem.Problem{
		Code:    "RW-A02",
		Summary: fmt.Sprintf("build step %d of %d failed", failed.Step, len(s.Run)),
		At:      fmt.Sprintf("build.run[%d]: %s", failed.Step-1, failed.Command),
		Got:     got, Want: "exit code 0",
		Fix: "in a clean clone: " + strings.Join(s.Run[:failed.Step], " && "), Cause: failed,
	}
}
