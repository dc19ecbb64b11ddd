package scratch

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestCrashLeavesNoServer kills a process that has started servers, which gives
// it no chance to do anything about them.
func TestCrashLeavesNoServer(t *testing.T) {
	o := options(t)
	cmd := helperCommand(context30(t), "postgres,mariadb,redis", o)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close() // the reader is dead
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var pids []int
	var sockets []string
	lines := bufio.NewScanner(stdout)
	for lines.Scan() && lines.Text() != "ready" {
		var pid int
		var socket string
		if _, err := fmt.Sscan(lines.Text(), &pid, &socket); err != nil {
			t.Fatal(err)
		}
		pids, sockets = append(pids, pid), append(sockets, socket)
	}
	for i, pid := range pids {
		pids = append(pids, childrenOf(t, pid)...)
		if err := dialUnix(sockets[i]); err != nil {
			t.Errorf("before the crash: %v", err)
		}
	}
	if len(sockets) != 3 || len(pids) < 6 {
		t.Fatalf("expected three servers and PostgreSQL's own children, got %v %v", pids, sockets)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, stdout)
	if err := cmd.Wait(); err == nil {
		t.Error("the helper ended well, so it was not killed")
	}
	for _, pid := range pids {
		eventually(t, fmt.Sprintf("end of server process %d", pid), func() bool { return !running(pid) })
	}
	for _, socket := range sockets {
		// The first thread of a process can be a zombie while others still close
		// its files, so this too may take a moment.
		eventually(t, socket+" no longer answers", func() bool { return dialUnix(socket) != nil })
	}
}

// childrenOf returns the child processes of a process.
func childrenOf(t *testing.T, pid int) []int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		t.Fatal(err)
	}
	var pids []int
	for word := range strings.FieldsSeq(string(text)) {
		var child int
		if _, err := fmt.Sscan(word, &child); err != nil {
			t.Fatal(err)
		}
		pids = append(pids, child)
	}
	return pids
}

// TestChildOutlivesThreads starts a child from goroutines whose threads end,
// as namespace code has them. The parent death signal must not follow those.
func TestChildOutlivesThreads(t *testing.T) {
	c := command{program: "/bin/sleep", args: []string{"60"}, dir: t.TempDir(), log: io.Discard}
	children := make(chan *child, 20)
	for range cap(children) {
		go func() {
			runtime.LockOSThread() // without unlock: the thread ends with the goroutine
			ch, err := start(context.Background(), c, true)
			if err != nil {
				t.Error(err)
			}
			children <- ch
		}()
	}
	for range cap(children) {
		ch := <-children
		if ch == nil {
			continue
		}
		select {
		case <-ch.done:
			t.Error("a child ended with a thread of ours")
		case <-time.After(20 * time.Millisecond):
		}
		if err := ch.stop(syscall.SIGKILL); err != nil {
			t.Error(err)
		}
	}
}

func TestStopIsBounded(t *testing.T) {
	c := command{program: "/bin/sh", args: []string{"-c", "trap '' QUIT; echo up; while :; do sleep 0.1; done"}, dir: t.TempDir(), log: io.Discard}
	ch, err := start(t.Context(), c, true)
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the trap is set", func() bool { return strings.Contains(ch.tail.quote(), "up") })
	began := time.Now()
	if err := ch.stop(syscall.SIGQUIT); err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took < quitGrace || took > quitGrace+pipeGrace {
		t.Errorf("took %v", took)
	}
	if running(ch.cmd.Process.Pid) {
		t.Error("still runs")
	}
}

func TestEarlyEndIsExplained(t *testing.T) {
	c := command{program: "/bin/sh", args: []string{"-c", "echo cannot find my files >&2; exit 3"}, dir: t.TempDir(), log: io.Discard}
	ch, err := start(t.Context(), c, true)
	if err != nil {
		t.Fatal(err)
	}
	err = ch.ready(context30(t), func(context.Context) error { return errors.New("no answer") })
	if err == nil || !strings.Contains(err.Error(), "exit status 3") || !strings.Contains(err.Error(), "cannot find my files") {
		t.Errorf("got %v", err)
	}
}

// TestRunEndsWithContext ends a shell and the program that it waits for, as
// installation scripts have them.
func TestRunEndsWithContext(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	var out bytes.Buffer
	err := run(ctx, command{
		program: "/bin/sh", args: []string{"-c", "sleep 60 & echo $!; wait"}, dir: t.TempDir(), stdout: &out, log: io.Discard,
	})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	var pid int
	if _, err := fmt.Sscan(out.String(), &pid); err != nil {
		t.Fatal(err)
	}
	eventually(t, "end of the shell's child", func() bool { return !running(pid) })
}

// TestAsOrdinaryUser runs all other tests again as the user "nobody" when the
// first round ran as root, which has other ways through this room.
func TestAsOrdinaryUser(t *testing.T) {
	if os.Geteuid() != 0 || os.Getenv(secondRound) != "" {
		t.Log("this is the round of an ordinary user")
		return
	}
	dir := t.TempDir() // not tempDir: a file system in memory may refuse to run programs
	for _, path := range []string{dir, filepath.Dir(dir)} {
		if err := os.Chmod(path, 0o711); err != nil { // the other user must get through
			t.Fatal(err)
		}
	}
	program := filepath.Join(dir, "scratch.test")
	content, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(program, content, 0o755); err != nil { // the other user runs it
		t.Fatal(err)
	}
	if err := os.Chmod(program, 0o755); err != nil { // whatever the umask
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, "-test.count=1")
	cmd.Dir, cmd.Env = "/", append(os.Environ(), secondRound+"=1", "HOME=/nonexistent")
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: ordinary(), Pdeathsig: syscall.SIGKILL}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("as an ordinary user: %v\n%s", err, out)
	}
}
