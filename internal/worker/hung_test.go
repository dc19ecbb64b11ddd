package worker

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// hangLine is the number of the line with the word STUCK.
func hangLine(t *testing.T, file string) int {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for i, line := range strings.Split(string(text), "\n") {
		if strings.Contains(line, "STUCK") {
			return i + 1
		}
	}
	t.Fatalf("%s does not hang", file)
	return 0
}

func TestAHungWorkerTellsWhereItHangs(t *testing.T) {
	for language, c := range map[string]struct {
		file     string
		command  []string
		function string
	}{
		"python": {"hang.py", []string{"python3", "hang.py"}, "stuck_here"},
		"node":   {"hang.js", []string{"node", "hang.js"}, "stuckHere"},
		"ruby":   {"hang.rb", []string{"ruby", "hang.rb"}, "stuck_here"},
		"php":    {"hang.php", []string{"php", "-S", "127.0.0.1:{port}", "-t", "."}, "stuck_here"},
		"java":   {"Hang.java", []string{"java", "-Xshare:auto", "-XX:TieredStopAtLevel=1", "Hang.java"}, "stuckHere"},
		"go":     {"hanggo/main.go", []string{"go", "build"}, "stuckHere"},
	} {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			need(t, c.command[0])
			if language == "go" {
				binary := t.TempDir() + "/hanggo"
				build := exec.Command("go", "build", "-o", binary, "testdata/hanggo/main.go")
				if out, err := build.CombinedOutput(); err != nil {
					t.Fatalf("%v: %s", err, out)
				}
				c.command = []string{binary}
			}
			w := newWorld(t, nil)
			spec := python(t, 1)
			spec.Command, spec.Times.Dump = c.command, 20*time.Second
			spec.Env = append(spec.Env, "HOME="+t.TempDir())
			w.start(spec)
			b, _ := w.pick(0)
			conn, err := net.Dial("tcp", b.Address)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			fmt.Fprint(conn, "GET /hang.php HTTP/1.1\r\nHost: x\r\n\r\n")
			w.until("the request", w.said("HANGING"))
			w.settle(b.PID)
			w.done(b) // the front has given up on the request
			told := time.Now()
			if err := w.sup.Hung(b.ID, "the request is 60 s old"); err != nil {
				t.Fatal(err)
			}
			e := w.await(HungWorker)
			t.Logf("dump after %s", time.Since(told).Round(time.Millisecond))
			if len(e.Dumps) != 1 || e.Dumps[0].Language != language {
				t.Fatalf("got %+v", e.Dumps)
			}
			line := fmt.Sprintf("%s:%d", filepath.Base(c.file), hangLine(t, "testdata/"+c.file))
			text := strings.NewReplacer(`.py", line `, ".py:", ".php(", ".php:").Replace(e.Dumps[0].Text)
			if !strings.Contains(text, c.function) || !strings.Contains(text, line) {
				t.Errorf("%s or %s is not in the dump (%s):\n%s", c.function, line, e.Dumps[0].Problem, e.Dumps[0].Text)
			}
			w.until("a successor", func() bool { p := w.pids()["web.1"]; return p != 0 && p != b.PID })
		})
	}
}

// settle waits until a process either sleeps without using the processor, or
// has used much of it.
func (w *world) settle(pid int) {
	first := ticks(pid)
	last, still := first, 0
	w.until("a hang", func() bool {
		<-time.After(10 * time.Millisecond)
		now := ticks(pid)
		if still++; now != last {
			last, still = now, 0
		}
		return still > 20 || now-first > 30
	})
}

// ticks is the processor time of a process.
func ticks(pid int) int {
	_, rest, _ := strings.Cut(readProc(pid, "stat"), ") ")
	f := strings.Fields(rest)
	if len(f) < 13 {
		return 0
	}
	u, _ := strconv.Atoi(f[11])
	s, _ := strconv.Atoi(f[12])
	return u + s
}
