package runner_test

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// hanging are servers that hang on /hang, by language: the command in
// testdata/hang, the file and the function that it hangs in.
var hanging = map[string]struct {
	file, function string
	command        []string
}{
	"python": {"hang.py", "stuck_here", []string{"python3", "hang.py"}},
	"node":   {"hang.js", "stuckHere", []string{"node", "hang.js"}},
	"ruby":   {"hang.rb", "stuck_here", []string{"ruby", "hang.rb"}},
	"php":    {"php/index.php", "stuck_here", []string{"php", "-q", "-S", "127.0.0.1:{port}", "-t", "php"}},
	"java":   {"Hang.java", "stuckHere", []string{"java", "-Xshare:auto", "-XX:TieredStopAtLevel=1", "Hang.java"}},
	"go":     {"go/main.go", "stuckHere", []string{"go"}},
}

// F4: a worker that hangs is found within a second of the deadline, replaced
// while the others serve, and its stack is logged and mailed, once.
func TestHungWorkersAreFoundAndTold(t *testing.T) {
	for language, c := range hanging {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			command := c.command
			if language == "go" {
				command = []string{filepath.Join(t.TempDir(), "hang")}
				build := exec.Command("go", "build", "-o", command[0], "testdata/hang/go/main.go")
				build.Dir = here
				if out, err := build.CombinedOutput(); err != nil {
					t.Fatalf("%v: %s", err, out)
				}
			}
			box := openMailbox(t)
			p := launch(t, "hang", command, map[string]string{"times.request": "1s", "times.ready": "60s"}, box.environ(), nil)
			p.ready(2)
			others := p.traffic(2)
			before := p.status()
			asked := time.Now()
			answer := make(chan int, 1)
			go func() { status, _ := p.get("/hang"); answer <- status }()
			var victim int
			p.await("a hung worker", func() bool {
				for _, w := range p.status().Workers {
					if w.State == "hung" {
						victim = w.PID
					}
				}
				return victim != 0
			})
			found := time.Since(asked)
			if found > 2*time.Second {
				t.Errorf("it was found after %s, want the deadline of 1 s and a second more at most", found)
			}
			p.await("a successor", func() bool {
				return serving(p.status()) == 2
			})
			replaced := time.Since(asked)
			p.await("a mail", func() bool { return len(box.all()) > 0 })
			p.await("the end of the hung one", func() bool { return len(p.status().Workers) == 2 })
			if status := <-answer; status < 500 {
				t.Errorf("the request that hung was answered with %d", status)
			}
			failed, slowest := others()
			if len(failed) > 0 {
				t.Errorf("other requests failed: %v", failed)
			}
			told := box.all()
			place := fmt.Sprintf("%s:%d", filepath.Base(c.file), lineOf(t, c.file, "STUCK"))
			for what, text := range map[string]string{"the mail": told[0].body, "the log": p.log()} {
				text = strings.NewReplacer(`.py", line `, ".py:", `.py\", line `, ".py:", ".php(", ".php:").Replace(text)
				if !strings.Contains(text, c.function) || !strings.Contains(text, place) {
					t.Errorf("%s does not hold %s and %s:\n%s", what, c.function, place, text[max(0, len(text)-6000):])
				}
			}
			if !strings.Contains(told[0].subject, "GET /hang takes longer than 1s") || len(told) != 1 {
				t.Errorf("want one mail about it, got:\n%s", box.subjects())
			}
			if n := strings.Count(p.log(), `msg="worker hung"`); n != 1 {
				t.Errorf("one request hung %d workers", n)
			}
			for i, w := range p.status().Workers {
				if old := before.Workers[i].PID; (w.PID != old) != (old == victim) {
					t.Errorf("%s: pid %d before, %d now, hung was %d", w.ID, old, w.PID, victim)
				}
			}
			t.Logf("found after %s, replaced after %s, mailed after %s; the slowest other request took %s", found, replaced, told[0].at.Sub(asked), slowest)
		})
	}
}

func lineOf(t *testing.T, file, mark string) int {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(here, "testdata/hang", file))
	if err != nil {
		t.Fatal(err)
	}
	before, _, ok := strings.Cut(string(text), mark)
	if !ok {
		t.Fatalf("%s holds no %s", file, mark)
	}
	return strings.Count(before, "\n") + 1
}

// traffic asks for the first page again and again. The function that it
// returns ends that, and gives the failures and the longest time of a request.
func (p *program) traffic(clients int) (end func() (failed []string, slowest time.Duration)) {
	var mu sync.Mutex
	var failed []string
	var slowest time.Duration
	var all sync.WaitGroup
	stop := make(chan struct{})
	for range clients {
		all.Go(func() {
			client := &http.Client{Timeout: 40 * time.Second, Transport: &http.Transport{}}
			defer client.CloseIdleConnections()
			for {
				select {
				case <-stop:
					return
				case <-time.After(10 * time.Millisecond):
				}
				begun := time.Now()
				err := once(client, p.url, false, "")
				mu.Lock()
				if slowest = max(slowest, time.Since(begun)); err != nil {
					failed = append(failed, err.Error())
				}
				mu.Unlock()
			}
		})
	}
	return func() ([]string, time.Duration) {
		close(stop)
		all.Wait()
		return failed, slowest.Round(time.Millisecond)
	}
}
