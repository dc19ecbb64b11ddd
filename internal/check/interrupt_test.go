package check_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// programs is the folder of what tests build; TestMain makes and removes it.
var programs string

// binary is the real program, built once.
var binary = sync.OnceValues(func() (string, error) {
	path := filepath.Join(programs, "roadworthy")
	out, err := exec.Command("go", "build", "-o", path, "../../cmd/roadworthy").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build the program: %w\n%s", err, out)
	}
	return path, nil
})

// program is one run of the real program.
type program struct {
	cmd            *exec.Cmd
	stdout, stderr strings.Builder
	started        time.Time
}

// tool prepares a run of the real program, in a process group of its own as a
// shell would make it, with a home of its own.
func tool(t *testing.T, dir string, args ...string) *program {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	p := &program{cmd: exec.Command(path, args...)}
	home := t.TempDir()
	p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = dir, &p.stdout, &p.stderr
	p.cmd.Env = append(os.Environ(), "HOME="+home, "XDG_CONFIG_HOME="+home, "XDG_CACHE_HOME="+home)
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	p.cmd.WaitDelay = 3 * time.Second // for a process that was left and holds the pipes
	return p
}

func (p *program) start(t *testing.T) {
	t.Helper()
	p.started = time.Now()
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
}

// wait waits until the program has ended, at most limit.
func (p *program) wait(t *testing.T, limit time.Duration) {
	t.Helper()
	timer := time.AfterFunc(limit, func() { _ = p.cmd.Process.Kill() })
	err := p.cmd.Wait()
	if !timer.Stop() {
		t.Errorf("it was still there after %s", limit)
	}
	if errors.Is(err, exec.ErrWaitDelay) {
		t.Errorf("something that it left holds its output open")
	}
}

// slow is an application whose check takes more than three seconds.
func slow(t *testing.T, services string) string {
	return application(t, map[string]string{"app.py": server + `
answer = H.do_GET
H.do_GET = lambda self: (time.sleep(0.12), answer(self))
serve()`, "roadworthy.yaml": short + "build: {run: [\"sleep 0.6 & sleep 0.6; wait\"]}\n" + services})
}

// TestCtrlCAtAnyMoment: one run for each tenth of a second; as from a
// terminal, where the whole group gets the signal, and from kill.
func TestCtrlCAtAnyMoment(t *testing.T) {
	dir := slow(t, "")
	for k := 1; k <= 25; k++ {
		interruptAfter(t, dir, time.Duration(k)*100*time.Millisecond, k%2 == 0)
	}
}

// TestCtrlCWhileADatabaseStarts: its processes belong to another user and
// take a while to end.
func TestCtrlCWhileADatabaseStarts(t *testing.T) {
	dir := slow(t, "services: {db: {type: postgres}, cache: {type: redis}}\n")
	for _, after := range []time.Duration{700, 900, 1200, 1600, 2000, 2500} {
		interruptAfter(t, dir, after*time.Millisecond, true)
	}
}

func interruptAfter(t *testing.T, dir string, after time.Duration, group bool) {
	t.Helper()
	t.Run(after.String(), func(t *testing.T) {
		state := observe(t)
		p := tool(t, dir, "check", "--only", "log.stdout")
		p.start(t)
		time.Sleep(after) // the moment is what is tested
		pid := p.cmd.Process.Pid
		if group {
			pid = -pid
		}
		if err := syscall.Kill(pid, syscall.SIGINT); err != nil {
			t.Fatalf("it ended before: %v\n%s%s", err, &p.stdout, &p.stderr)
		}
		p.wait(t, 5*time.Second)
		code := p.cmd.ProcessState.ExitCode()
		if code == -1 && after <= 300*time.Millisecond && p.stderr.Len() == 0 {
			state.assertNothingLeft(t) // a busy machine: the signal came before main
			return
		}
		if code != 130 {
			t.Errorf("exit code %d, want 130\n%s", code, &p.stderr)
		}
		if !strings.HasSuffix(p.stderr.String(), "interrupted; nothing was left behind\n") {
			t.Errorf("it said %q", &p.stderr)
		}
		if p.stdout.Len() > 0 {
			t.Errorf("an interrupted check printed %q", &p.stdout)
		}
		state.assertNothingLeft(t)
	})
}

// TestKilledOutright: the kernel ends what the program cannot end any more,
// and the next check removes its files.
func TestKilledOutright(t *testing.T) {
	dir := slow(t, "services: {db: {type: postgres}, cache: {type: redis}}\n")
	state := observe(t)
	for _, after := range []time.Duration{100, 300, 700, 1000, 1500, 2000, 2500} {
		p := tool(t, dir, "check", "--only", "log.stdout")
		p.start(t)
		time.Sleep(after * time.Millisecond) // the moment is what is tested
		if err := p.cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		p.wait(t, 5*time.Second)
		deadline := time.Now().Add(5 * time.Second)
		for left := descendants(t); len(left) > 0; left = descendants(t) {
			if time.Now().After(deadline) {
				t.Fatalf("killed after %d ms, it left\n  %s", after, strings.Join(left, "\n  "))
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
	if len(state.folders(t)) == 0 {
		t.Fatal("no run left a folder: this tests nothing")
	}
	p := tool(t, dir, "check", "--only", "codebase")
	p.start(t)
	p.wait(t, 30*time.Second)
	if code := p.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("exit code %d\n%s%s", code, &p.stdout, &p.stderr)
	}
	state.assertNothingLeft(t)
}
