package runner_test

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// killed kills the master, and waits until it is gone.
func (p *program) killed() {
	p.t.Helper()
	if err := p.cmd.Process.Kill(); err != nil {
		p.t.Fatal(err)
	}
	<-p.ended
}

// again starts a master in the world of one that has ended.
func (p *program) again() *program {
	p.t.Helper()
	_ = os.Remove(p.socket()) // so that the new one is found
	q := *p
	q.cmd = exec.Command(p.cmd.Path, p.cmd.Args[1:]...)
	q.cmd.Dir, q.cmd.Env = p.cmd.Dir, p.cmd.Env
	q.ended = make(chan struct{})
	q.begin()
	return &q
}

// orphans waits until nothing of the killed master is left, and tells how long
// that took.
func (p *program) orphans() time.Duration {
	p.t.Helper()
	return p.await("the end of the workers", func() bool { return len(p.processes()) == 0 })
}

const alone = 5 * time.Second // that workers may live without their master

func TestWorkersEndWithAKilledMaster(t *testing.T) {
	for name, c := range map[string]struct {
		command []string
		set     map[string]string
	}{
		"python":          {command: languages["python"]},
		"node":            {command: languages["node"]},
		"ruby":            {command: languages["ruby"]},
		"php":             {command: languages["php"]},
		"behind a shell":  {command: []string{"sh", "-c", "python3 app.py; true"}},
		"with privileges": {languages["python"], map[string]string{"privileges": "true"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := launch(t, "", c.command, c.set, nil, nil)
			p.await("readiness", func() bool { return serving(p.status()) >= 2 })
			p.killed()
			took := p.orphans()
			if took > alone {
				t.Errorf("they lived for %s", took)
			}
			t.Logf("gone after %s", took.Round(time.Millisecond))
		})
	}
}

// The lifeline holds through upgrades, and of workers that were replaced after
// one.
func TestWorkersEndWithAMasterThatWasKilledAfterAnUpgrade(t *testing.T) {
	t.Parallel()
	p := launch(t, "count", []string{"python3", "app.py"}, nil, nil, nil)
	p.ready(2)
	before := p.pids()
	for n := range 2 {
		p.upgradeOnce(n)
	}
	time.Sleep(300 * time.Millisecond) // in which they might end
	if now := p.pids(); now != before {
		t.Fatalf("workers %q, before %q", now, before)
	}
	victim := p.status().Workers[0].PID
	if err := syscall.Kill(victim, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	p.await("a new worker", func() bool { s := p.status(); return serving(s) == 2 && s.Workers[0].PID != victim })
	held, given := pipesOf(t, p.status().Workers[0].PID), pipesOf(t, os.Getpid())
	held = slices.DeleteFunc(held, func(pipe string) bool { return slices.Contains(given, pipe) })
	if len(held) != 1 {
		t.Errorf("a new worker holds %q besides its output, want its own lifeline alone", held)
	}
	p.killed()
	if took := p.orphans(); took > alone {
		t.Errorf("they lived for %s", took)
	}
}

// pipesOf lists the pipes that a process holds besides its standard streams.
func pipesOf(t *testing.T, pid int) (pipes []string) {
	t.Helper()
	links, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	for _, link := range links {
		to, err := os.Readlink(link)
		if number, _ := strconv.Atoi(filepath.Base(link)); err == nil && number > 2 && strings.HasPrefix(to, "pipe:") {
			pipes = append(pipes, to)
		}
	}
	return pipes
}

func TestWorkersOfAnotherUserEndWithAKilledMaster(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root: sudo -E go test -run AnotherUser ./internal/runner")
	}
	t.Parallel()
	code, err := os.ReadFile(filepath.Join(here, "testdata/app.py"))
	if err != nil {
		t.Fatal(err)
	}
	command := []string{"/usr/bin/python3", "-c", string(code)} // a file might not be that user's to read
	p := launch(t, "/", command, map[string]string{"user": "nobody"}, nil, func(cmd *exec.Cmd) {
		for _, dir := range []string{"", "tmp"} {
			if err := os.Chmod(filepath.Join(filepath.Dir(cmd.Path), dir), 0o711); err != nil {
				t.Fatal(err)
			}
		}
	})
	p.ready(2)
	p.killed()
	if took := p.orphans(); took > alone {
		t.Errorf("they lived for %s", took)
	}
}

// What does not heed the end of its master is ended by the next one, before
// that listens.
func TestTheNextMasterEndsWhatAKilledOneLeft(t *testing.T) {
	for mode, command := range map[string][]string{"proxy": {"python3", "stubborn.py"}, "shared": {"sh", "-c", "python3 stubborn.py; true"}} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			p := launch(t, "", command, map[string]string{"mode": mode, "times.stop": "300ms"}, nil, nil)
			p.ready(2)
			p.await("workers that serve", func() bool { return strings.Count(p.log(), "stubborn as a mule") == 2 })
			p.killed()
			time.Sleep(500 * time.Millisecond)
			left := p.processes()
			if len(left) < 2 {
				t.Fatalf("%d workers are left: the test proves nothing", len(left))
			}
			begun := time.Now()
			q := p.again()
			q.ready(2)
			t.Logf("ready after %s", time.Since(begun).Round(time.Millisecond))
			for _, pid := range left {
				if strings.Contains(commandOf(pid), "stubborn.py") {
					t.Errorf("process %d is left: %s", pid, commandOf(pid))
				}
			}
			if status, body := q.get("/"); status != http.StatusOK {
				t.Errorf("%d %s", status, body)
			}
			if folders, _ := filepath.Glob(filepath.Join(q.folder, "tmp", "roadworthy-master-*")); len(folders) != 1 {
				t.Errorf("folders: %q", folders)
			}
			if !strings.Contains(q.log(), "ended what a master that was killed has left") {
				t.Errorf("the log does not tell:\n%s", q.log())
			}
		})
	}
}

// A folder that others can write to, or whose processes are others by now, is
// no reason to end anything.
func TestStrangersAreLeftAlone(t *testing.T) {
	t.Parallel()
	bystander := exec.Command("sleep", "60")
	bystander.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := bystander.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = bystander.Process.Kill(); _ = bystander.Wait() }()
	p := launch(t, "", []string{"python3", "app.py"}, nil, nil, func(cmd *exec.Cmd) {
		for name, c := range map[string]struct {
			mode  os.FileMode
			start string
		}{"roadworthy-master-4194400-a": {0o777, bornOf(t, bystander.Process.Pid)}, "roadworthy-master-4194401-b": {0o711, "12345"}} {
			folder := filepath.Join(filepath.Dir(cmd.Path), "tmp", name)
			boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
			if err == nil {
				err = os.Mkdir(folder, 0o700)
			}
			if err == nil {
				err = os.WriteFile(filepath.Join(folder, "web.1-1.pid"), []byte(pidOf(bystander)+" "+c.start+" "+string(boot)), 0o600)
			}
			if err == nil {
				err = os.Chmod(folder, c.mode)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	})
	p.ready(2)
	if err := bystander.Process.Signal(syscall.Signal(0)); err != nil || strings.HasPrefix(stateOf(t, bystander.Process.Pid), "Z") {
		t.Errorf("a process that is none of ours was ended: %v", err)
	}
	folders, _ := filepath.Glob(filepath.Join(p.folder, "tmp", "roadworthy-master-419440*"))
	if len(folders) != 1 || !strings.HasSuffix(folders[0], "-a") {
		t.Errorf("left are %q", folders)
	}
	_ = os.RemoveAll(filepath.Join(p.folder, "tmp", "roadworthy-master-4194400-a"))
}

func pidOf(cmd *exec.Cmd) string { return strconv.Itoa(cmd.Process.Pid) }

// statOf gives the fields of /proc/PID/stat behind the name: the state is the
// first one (proc(5), field 3).
func statOf(t *testing.T, pid int) []string {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
}

func stateOf(t *testing.T, pid int) string { t.Helper(); return statOf(t, pid)[0] }

func bornOf(t *testing.T, pid int) string { t.Helper(); return statOf(t, pid)[19] }

// A process that has left its worker's session, and holds its output open, does
// not hold up the end.
func TestAProcessThatLeftDoesNotHoldUpTheEnd(t *testing.T) {
	p := launch(t, "", []string{"sh", "-c", "setsid sleep 60 & exec python3 app.py"}, map[string]string{"workers": "1"}, nil, nil)
	p.ready(1)
	begun := time.Now()
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	if code := p.awaitEnd(); code != 0 || time.Since(begun) > 15*time.Second {
		t.Errorf("exit code %d after %s", code, time.Since(begun))
	}
	left := p.processes()
	for _, pid := range left {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	if len(left) != 1 {
		t.Errorf("%d processes live on, want one that has left", len(left))
	}
	p.await("the end of what has left", func() bool { return len(p.processes()) == 0 })
}
