package runner_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A worker that hangs while it has no request is found without one, dumped,
// mailed and replaced; the others stay.
func TestIdleWorkersThatHangAreFound(t *testing.T) {
	for _, language := range []string{"python", "node"} {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			const idle, limit = 300 * time.Millisecond, 1500 * time.Millisecond
			c := hanging[language]
			box := openMailbox(t)
			p := launch(t, "hang", c.command, map[string]string{"times.probe": idle.String(), "times.first": limit.String()}, box.environ(), nil)
			p.ready(2)
			time.Sleep(3 * idle) // in which healthy ones are asked
			before := p.status()
			if status, body := p.get("/later"); status != http.StatusOK {
				t.Fatalf("%d %s", status, body)
			}
			asked := time.Now()
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
			p.await("a successor", func() bool { return serving(p.status()) == 2 })
			replaced := time.Since(asked)
			p.await("a mail", func() bool { return len(box.all()) > 0 })
			p.await("the end of the hung one", func() bool { return len(p.status().Workers) == 2 })
			if found < limit || found > idle+limit+2*time.Second {
				t.Errorf("it was found after %s, want %s and %s", found, idle, limit)
			}
			told := box.all()
			place := fmt.Sprintf("%s:%d", filepath.Base(c.file), lineOf(t, c.file, "STUCK"))
			text := strings.ReplaceAll(told[0].body, `.py", line `, ".py:")
			if !strings.Contains(text, c.function) || !strings.Contains(text, place) || !strings.Contains(told[0].subject, "no answer to GET / within 1.5s") || len(told) != 1 {
				t.Errorf("want one mail with %s and %s:\n%s\n%s", c.function, place, box.subjects(), told[0].body)
			}
			time.Sleep(3 * idle)
			if n := strings.Count(p.log(), `msg="worker hung"`); n != 1 {
				t.Errorf("%d workers hung:\n%s", n, tailOf(p.log()))
			}
			for i, w := range p.status().Workers {
				if old := before.Workers[i].PID; (w.PID != old) != (old == victim) {
					t.Errorf("%s: pid %d before, %d now, hung was %d", w.ID, old, w.PID, victim)
				}
			}
			t.Logf("found after %s, replaced after %s, mailed after %s", found.Round(time.Millisecond), replaced.Round(time.Millisecond), told[0].at.Sub(asked).Round(time.Millisecond))
		})
	}
}

// asked is how often the first page was asked for in private.
func (p *program) asked() int { return strings.Count(p.log(), "asked by roadworthy") }

// Whoever has requests is not asked; what all workers wait for takes one of
// them away at most, and it comes back.
func TestWorkersAreAskedWithCare(t *testing.T) {
	t.Parallel()
	stuck := filepath.Join(t.TempDir(), "stuck")
	p := launch(t, "", []string{"python3", "idle.py"}, map[string]string{
		"log.access": "off", "workers": "3", "times.probe": "400ms", "times.first": "500ms", "times.settle": "0s", "times.stop": "200ms",
	}, []string{"STUCK=" + stuck}, nil)
	p.ready(3)
	load := (&running{t: t, url: p.url + "/ok"}).load(6)
	time.Sleep(500 * time.Millisecond)
	before := p.asked()
	time.Sleep(1500 * time.Millisecond)
	if n := p.asked() - before; n > 0 {
		t.Errorf("busy workers were asked %d times", n)
	}
	load.end()
	p.await("private requests", func() bool { return p.asked() >= before+6 })
	if err := os.WriteFile(stuck, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	p.await("a worker that is left alone", func() bool { return strings.Contains(p.log(), "it is left as long as others are away") })
	time.Sleep(2 * time.Second)
	if s := p.status(); serving(s) != 2 || strings.Count(p.log(), `msg="worker hung"`) != 1 {
		t.Errorf("%d serve, want 2:\n%s", serving(s), tailOf(p.log()))
	}
	if status, body := p.get("/ok"); status != http.StatusOK {
		t.Errorf("%d %s", status, body)
	}
	if err := os.Remove(stuck); err != nil {
		t.Fatal(err)
	}
	p.await("all workers", func() bool { return serving(p.status()) == 3 })
}

// What the front has served counts towards the end of a worker.
func TestWorkersAreReplacedAfterTheirRequests(t *testing.T) {
	t.Parallel()
	p := launch(t, "", languages["python"], map[string]string{"recycle.requests": "10"}, nil, nil)
	p.ready(2)
	before := p.pids()
	for range 40 {
		if status, body := p.get("/"); status != http.StatusOK {
			t.Fatalf("%d %s", status, body)
		}
	}
	p.await("successors", func() bool {
		return strings.Contains(p.log(), "it has served") && serving(p.status()) == 2 && p.pids() != before
	})
}
