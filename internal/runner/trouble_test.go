package runner_test

import (
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// crashing writes an application into a folder of its own, in a mode.
func crashing(t *testing.T, dir, mode string) {
	t.Helper()
	source, err := os.ReadFile(filepath.Join(here, "testdata/app.py"))
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(source), `os.environ.get("MODE", "")`, strconv.Quote(mode), 1)
	if err := os.WriteFile(filepath.Join(dir, "app.py"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// An application that dies again and again is started ever less often, people
// hear of it once, and the master lives on to serve the next release.
func TestACrashLoopIsSlowedAndToldOnce(t *testing.T) {
	t.Parallel()
	dir, box := t.TempDir(), openMailbox(t)
	crashing(t, dir, "crash-soon")
	begun := time.Now()
	p := launch(t, dir, []string{"python3", "app.py"}, map[string]string{"times.settle": "1500ms"}, box.environ(), nil)
	p.await("the word of the crash loop", func() bool { return strings.Contains(p.log(), `msg="worker crash loop"`) })
	p.await("a mail", func() bool { return len(box.all()) > 0 })
	length := 4 * time.Second
	if soak {
		length = 2 * time.Minute
	}
	time.Sleep(length) // what does not happen meanwhile is what is tested
	starts, lasted := strings.Count(p.log(), "listening\n"), time.Since(begun)
	most := 0 // with pauses of 0.2, 0.4, 0.8 … s, a quarter shorter by jitter, and lives of 0.3 s
	for next, pause := 0.0, 0.15; next < lasted.Seconds(); next, pause = next+0.3+pause, min(2*pause, 22) {
		most += 2
	}
	if starts > most || starts < 5 {
		t.Errorf("it was started %d times in %s, want 5 to %d", starts, lasted, most)
	}
	told := box.all()
	if len(told) != 1 || !strings.Contains(told[0].subject, "the workers of web end soon after their start") || !strings.Contains(told[0].body, "web.1 listening") {
		t.Errorf("want one mail with the last output, got:\n%s\n%s", box.subjects(), told[0].body)
	}
	crashing(t, dir, "")
	if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	p.ready(2)
	if status, body := p.get("/"); status != http.StatusOK {
		t.Errorf("after the next release: %d %s", status, body)
	}
	t.Logf("%d starts in %s, at most %d; without pauses some %d", starts, lasted, most, int(2*lasted.Seconds()/0.45))
}

// A taken port is the end, with the reason.
func TestATakenPortIsTold(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	p := launch(t, "", []string{"python3", "app.py"}, map[string]string{"listen": listener.Addr().String()}, nil, nil)
	if code := p.awaitEnd(); code == 0 {
		t.Error("it ended with 0")
	}
	for _, want := range []string{"RW-R05", "the address cannot be listened on", listener.Addr().String(), "address already in use"} {
		if !strings.Contains(p.log(), want) {
			t.Errorf("%q is missing in:\n%s", want, p.log())
		}
	}
	if left := p.left(); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

// However it is told to stop, nothing is left: no process, no folder, no socket.
func TestNoEndLeavesAnything(t *testing.T) {
	for name, c := range map[string]struct {
		set    map[string]string
		env    string
		until  func(p *program) bool
		stop   []syscall.Signal
		code   int
		within time.Duration
	}{
		"SIGTERM during the boot": {
			nil, "MODE=hang", func(p *program) bool { return len(p.status().Workers) == 2 && len(p.processes()) >= 3 },
			[]syscall.Signal{syscall.SIGTERM}, 0, 6 * time.Second,
		},
		"SIGTERM during a reload": {
			map[string]string{"times.settle": "20s"}, "", func(p *program) bool {
				s := p.status()
				if len(s.Workers) == 2 && serving(s) == 2 {
					_ = p.cmd.Process.Signal(syscall.SIGHUP)
					p.await("a new generation", func() bool { return len(p.status().Workers) > 2 })
				}
				return len(s.Workers) > 2
			},
			[]syscall.Signal{syscall.SIGTERM}, 0, 6 * time.Second,
		},
		"a second Ctrl-C": {
			map[string]string{"times.drain": "60s", "times.stop": "60s"}, "", func(p *program) bool {
				if serving(p.status()) < 2 {
					return false
				}
				go func() { _, _ = p.get("/hang") }()
				p.await("a request in flight", func() bool {
					w := p.status().Workers
					return w[0].InFlight+w[1].InFlight > 0
				})
				return true
			},
			[]syscall.Signal{syscall.SIGINT, syscall.SIGINT}, 130, 6 * time.Second,
		},
		"Ctrl-C during the boot of a deaf application": {
			map[string]string{"times.stop": "60s"}, "MODE=hang-on", func(p *program) bool { return strings.Count(p.log(), "deaf\n") == 2 },
			[]syscall.Signal{syscall.SIGINT}, 0, 6 * time.Second,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := launch(t, "", []string{"python3", "app.py"}, c.set, []string{c.env}, nil)
			p.await("its time", func() bool { return c.until(p) })
			begun := time.Now()
			for i, signal := range c.stop {
				if i > 0 {
					time.Sleep(300 * time.Millisecond) // a person presses twice
				}
				if err := p.cmd.Process.Signal(signal); err != nil {
					t.Fatal(err)
				}
			}
			code := p.awaitEnd()
			if took := time.Since(begun); code != c.code || took > c.within {
				t.Errorf("it ended with %d after %s, want %d within %s:\n%s", code, took, c.code, c.within, p.log())
			}
			if left := p.left(); len(left) > 0 {
				t.Errorf("left: %v", left)
			}
		})
	}
}

// A state folder that cannot be written costs the memory of what was mailed,
// and is told; requests and mails go on.
func TestAStateThatCannotBeKeptIsTold(t *testing.T) {
	for name, spoil := range map[string]func(t *testing.T, state string){
		"no folder": func(t *testing.T, state string) {
			if err := os.Remove(state); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(state, nil, 0o600); err != nil {
				t.Fatal(err)
			}
		},
		"a full disk": fillUp,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			box := openMailbox(t)
			p := launch(t, "", []string{"python3", "faults.py"}, nil, box.environ(), func(cmd *exec.Cmd) {
				for _, entry := range cmd.Env {
					if state, ok := strings.CutPrefix(entry, "XDG_STATE_HOME="); ok && strings.HasSuffix(state, "/state") {
						spoil(t, state)
					}
				}
			})
			p.ready(2)
			for range 3 {
				if status, _ := p.get("/fault/1"); status != http.StatusInternalServerError {
					t.Errorf("got %d", status)
				}
			}
			p.await("a mail", func() bool { return len(box.all()) > 0 })
			if status, _ := p.get("/"); status != http.StatusOK {
				t.Errorf("got %d", status)
			}
			p.await("a warning", func() bool {
				return strings.Contains(p.log(), "level=WARN msg=\"what was mailed will not be known after the next start") || strings.Contains(p.log(), "level=WARN msg=\"the state of error mails was not saved")
			})
			if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			if code := p.awaitEnd(); code != 0 || box.told() != 3 {
				t.Errorf("it ended with %d, and the mails tell %d errors of 3", code, box.told())
			}
		})
	}
}

// fillUp makes a folder that has no room, or at least takes no file.
func fillUp(t *testing.T, state string) {
	t.Helper()
	if os.Getuid() != 0 {
		if err := os.Chmod(state, 0o500); err != nil {
			t.Fatal(err)
		}
		return
	}
	if err := syscall.Mount("tmpfs", state, "tmpfs", 0, "size=8k"); err != nil {
		t.Skipf("this test needs to mount a small file system: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(state, syscall.MNT_DETACH) })
	file, err := os.Create(filepath.Join(state, "filler"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for err == nil {
		_, err = file.Write(make([]byte, 512))
	}
}
