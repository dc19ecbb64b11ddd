package artifact

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestBuildRunsStepsInACleanEnvironment(t *testing.T) {
	t.Setenv("SECRET_OF_THE_HOST", "s3cret")
	t.Setenv("GOFLAGS", "-mod=mod")
	t.Setenv("npm_config_cache", "/tmp/npm")
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	var seen []string
	err := Build(t.Context(), Steps{
		Dir: t.TempDir(), CommitTime: time.Unix(1700000000, 0),
		Run: []string{"env; touch made; mktemp", "ls; printf 'no line feed'", "printf '\\033[31mred\\033[0m\\007 10%%\\r20%%\\n' >&2"},
	}, func(line string) { seen = append(seen, line) })
	must(t, err)
	for _, want := range []string{"LANG=C.UTF-8", "CI=true", "SOURCE_DATE_EPOCH=1700000000", "GOFLAGS=-mod=mod -buildvcs=false", "GODEBUG=goindex=0", "npm_config_cache=/tmp/npm", "made", "no line feed", "20%"} {
		if !slices.Contains(seen, want) {
			t.Errorf("no line %q in %q", want, seen)
		}
	}
	if strings.Contains(strings.Join(seen, ""), "s3cret") {
		t.Error("the environment of the host reached the build")
	}
	isEmpty(t, temp)
}

func TestBuildFailureShowsTheLastLines(t *testing.T) {
	err := Build(t.Context(), Steps{Dir: t.TempDir(), Run: []string{"true", "seq 1 1000; exit 7", "touch never"}}, nil)
	p := wantCode(t, err, "RW-A02")
	var failed *StepError
	if !errors.As(err, &failed) || failed.Step != 2 || failed.Code != 7 || failed.Bytes != 3893 || len(failed.Last) != 200 || failed.Last[0] != "801" {
		t.Errorf("got %+v", failed)
	}
	if !strings.HasPrefix(p.Got, "exit code 7; its last lines:\n981\n") || !strings.HasSuffix(p.Got, "\n1000") {
		t.Errorf("got %q", p.Got)
	}
	if p.At != "build.run[1]: seq 1 1000; exit 7" {
		t.Errorf("at %q", p.At)
	}
}

func TestBuildStopsAStepThatTakesTooLong(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	dir := t.TempDir()
	start := time.Now()
	err := Build(t.Context(), Steps{Dir: dir, Run: []string{"echo $$ > pid; sleep 300 & sleep 300"}, Timeout: 300 * time.Millisecond}, nil)
	wantCode(t, err, "RW-A02")
	var failed *StepError
	if !errors.As(err, &failed) || failed.Timeout != 300*time.Millisecond || failed.Code != -1 {
		t.Errorf("got %+v", failed)
	}
	if time.Since(start) > 60*time.Second {
		t.Error("the step was waited for")
	}
	groupEnds(t, dir)
	isEmpty(t, temp)
}

func TestCancelledBuildLeavesNothing(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	err := Build(ctx, Steps{Dir: dir, Run: []string{"mktemp; echo $$ > pid; sleep 300 & echo started; sleep 300"}}, func(line string) {
		if line == "started" {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) || isProblem(err) {
		t.Errorf("got %v", err)
	}
	groupEnds(t, dir)
	isEmpty(t, temp)
}

func TestShellEndsWhatItsCommandLeaves(t *testing.T) {
	dir := t.TempDir()
	var out bytes.Buffer
	must(t, Shell(t.Context(), dir, []string{"PATH=" + os.Getenv("PATH")}, "echo $$ > pid; sleep 300 & echo done", &out))
	if out.String() != "done\n" {
		t.Errorf("got %q", out.String())
	}
	groupEnds(t, dir)
}

// groupEnds waits until the process group whose leader wrote "pid" is gone.
func groupEnds(t *testing.T, dir string) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(dir, "pid"))
	must(t, err)
	leader, err := strconv.Atoi(strings.TrimSpace(string(raw)))
	must(t, err)
	eventually(t, "the process group ends", func() bool { return errors.Is(syscall.Kill(-leader, 0), syscall.ESRCH) })
}

func TestBuildUsesTheGivenExec(t *testing.T) {
	var calls []string
	steps := Steps{
		Dir: "/tree", Env: []string{"A=1"}, Run: []string{"one", "two"},
		Exec: func(_ context.Context, dir string, env []string, command string, out io.Writer) error {
			calls = append(calls, dir+" "+command)
			if len(env) != 2 || env[0] != "A=1" || !strings.HasPrefix(env[1], "TMPDIR=") {
				t.Errorf("environment %q", env)
			}
			fmt.Fprintln(out, "said")
			if command == "two" {
				return errors.New("no sandbox")
			}
			return nil
		},
	}
	p := wantCode(t, Build(t.Context(), steps, nil), "RW-A02")
	if fmt.Sprint(calls) != "[/tree one /tree two]" || !strings.HasPrefix(p.Got, "no sandbox") {
		t.Errorf("calls %q, got %q", calls, p.Got)
	}
}

func TestLinesAreBounded(t *testing.T) {
	l := &lines{}
	for range 1000 {
		_, _ = l.Write(bytes.Repeat([]byte("x"), 10_000))
	}
	_, _ = l.Write([]byte("\nlast\n"))
	got := l.last(keptLines)
	if len(got) != 2 || len(got[0]) != lineBytes+len("…") || got[1] != "last" || l.bytes != 10_000_006 || cap(l.open) > 2*lineBytes {
		t.Errorf("%d lines, %d bytes, first of %d, capacity %d", len(got), l.bytes, len(got[0]), cap(l.open))
	}
}

func FuzzPlainDrivesNoTerminal(f *testing.F) {
	f.Add("\x1b]0;title\x07a\x1b[2Jb\rc\x9b1m")
	f.Fuzz(func(t *testing.T, line string) {
		if got := plain(line); strings.ContainsAny(got, "\x1b\r\n\x07\u009b") {
			t.Errorf("%q became %q", line, got)
		}
	})
}
