package worker

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

var insecure = http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 30 * time.Second}

// kill kills a serving worker from outside.
func (w *world) kill(worker string) {
	w.t.Helper()
	pid := w.pids()[worker]
	if pid <= 1 {
		w.t.Fatalf("%s does not serve", worker)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		w.t.Fatal(err)
	}
}

func TestAFirstGenerationThatFailsIsAnError(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	err := w.sup.Start(t.Context(), python(t, 2, "BEHAVE=import"))
	for _, want := range []string{"web.", "exit code 1", "no_such_module_roadworthy"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %v", want, err)
		}
	}
	if n := len(w.sup.Snapshot()); n != 2 { // two empty slots
		t.Errorf("got %d", n)
	}
}

func TestACrashIsRestartedAndNamed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.start(python(t, 2))
	w.kill("web.1")
	w.until("a restart", func() bool { return len(w.pids()) == 2 && w.count(Ended) == 1 })
	e := w.await(Ended)
	if e.Planned || e.Exit.Signal != syscall.SIGKILL || !strings.Contains(e.Exit.String(), "by whom is unknown") {
		t.Errorf("got %s", e.Exit)
	}
	for _, s := range w.sup.Snapshot() {
		if s.Worker == "web.1" && (s.Restarts != 1 || s.Last == nil || s.RSS < 1<<20) {
			t.Errorf("got %+v", s)
		}
	}
}

func TestACrashLoopPausesAndNeverEnds(t *testing.T) {
	t.Parallel()
	flag := t.TempDir() + "/good"
	w := newWorld(t, func(c *Config) { c.KeepTrying = true })
	w.start(shell(2, "test -e "+flag+" && exec sleep 600; exit 9"))
	e := w.await(CrashLoop)
	if e.Pause != 40*time.Millisecond {
		t.Errorf("got %+v", e)
	}
	w.until("thirty tries", func() bool { return w.count(Started) > 30 })
	if n := w.count(CrashLoop); n != 1 {
		t.Errorf("%d crash loops", n)
	}
	if err := os.WriteFile(flag, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	w.until("recovery", func() bool { return len(w.pids()) == 2 })
	w.until("the breaker to close", func() bool {
		w.sup.mu.Lock()
		defer w.sup.mu.Unlock()
		return !w.sup.gen.open && w.sup.gen.crashes == 0
	})
}

func TestACrashLoopGoesOnAfterATrialThatHung(t *testing.T) {
	t.Parallel()
	flag := t.TempDir() + "/stays"
	w := newWorld(t, func(c *Config) { c.KeepTrying = true })
	spec := shell(1, "test -e "+flag+" || exit 9; echo it stays; exec sleep 600")
	spec.Times.MinUptime = time.Hour // the breaker does not close meanwhile
	w.start(spec)
	w.await(CrashLoop)
	if err := os.WriteFile(flag, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	w.until("a trial", w.said("it stays"))
	before, trial := w.count(Started), w.sup.Snapshot()[0].ID
	w.until("its place", func() bool { return w.sup.Hung(trial, "it answers nobody") == nil })
	w.until("another trial", func() bool { return w.count(Started) > before })
}

func TestASlowAnswerMakesReadyToo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *Config) {
		c.Ready = func(ctx context.Context, _ Backend) error {
			select {
			case <-time.After(2500 * time.Millisecond):
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	})
	spec := python(t, 1)
	spec.Times.Ready = 6 * time.Second
	w.start(spec)
}

func TestNoCheckOutlivesTheReadyTime(t *testing.T) {
	t.Parallel()
	var asked, ended atomic.Int64
	w := newWorld(t, func(c *Config) {
		c.Ready = func(ctx context.Context, _ Backend) error {
			asked.Add(1)
			<-ctx.Done()
			ended.Add(1)
			return errors.New("it hangs")
		}
	})
	spec := python(t, 1)
	spec.Times.Ready = 300 * time.Millisecond
	err := w.sup.Start(t.Context(), spec)
	if err == nil || !strings.Contains(err.Error(), "it hangs") || asked.Load() != 1 || ended.Load() != 1 {
		t.Errorf("got %v after %d checks, %d of them ended", err, asked.Load(), ended.Load())
	}
}

func TestPausesDoubleWithJitter(t *testing.T) {
	t.Parallel()
	s := &Supervisor{config: Config{Random: func() float64 { return 0.5 }}}
	sl := &slot{s: s, gen: &generation{spec: Spec{}.withDefaults()}}
	var got []string
	for sl.fails = range 10 {
		got = append(got, sl.pause().String())
	}
	if want := "0s 200ms 400ms 800ms 1.6s 3.2s 6.4s 12.8s 25.6s 30s"; strings.Join(got, " ") != want {
		t.Errorf("got %v", got)
	}
	s.config.Random = func() float64 { return 0 }
	if sl.fails = 1; sl.pause() != 150*time.Millisecond {
		t.Errorf("got %s", sl.pause())
	}
}

func TestStrayProcessesEndWithTheirWorker(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.start(shell(1, "sleep 601 & echo stray=$!; exec sleep 602"))
	w.until("output", w.said("stray="))
	stray := w.number("stray=")
	if _, ok := stat(stray); !ok {
		t.Fatal("the stray does not run")
	}
	w.kill("job.1")
	w.until("the end of the stray", func() bool { e, ok := stat(stray); return !ok || e.zombie })
}

// number finds KEY=N in the output of all workers.
func (w *world) number(key string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, lines := range w.lines {
		for _, line := range lines {
			if _, text, ok := strings.Cut(line, key); ok {
				n, _ := strconv.Atoi(strings.Fields(text)[0])
				return n
			}
		}
	}
	return 0
}

func TestAShellThatEndsFirstLeavesItsApplicationTheStopTimeout(t *testing.T) {
	t.Parallel()
	file := t.TempDir() + "/clean"
	w := newWorld(t, nil)
	inner := `trap 'i=0; while [ $i -lt 20 ]; do i=$((i+1)); sleep 0.01; done; echo done > ` + file + `; exit 0' TERM; echo in; while :; do sleep 0.05; done`
	w.start(shell(1, fmt.Sprintf("sh -c %q & wait", strings.ReplaceAll(inner, "$", `\$`))))
	w.until("the application", w.said("in"))
	if err := w.sup.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(file); err != nil {
		t.Errorf("the application could not end by itself: %v", err)
	}
}

func TestWhatIgnoresSIGTERMIsKilledWithAReason(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	spec := shell(1, "trap '' TERM; echo deaf; while :; do sleep 0.05; done")
	spec.Times.Stop = 100 * time.Millisecond
	w.start(spec)
	w.until("the trap", w.said("deaf"))
	if err := w.sup.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if e := w.await(Ended); !e.Planned || !strings.Contains(e.Exit.String(), "did not end within 100ms of SIGTERM") {
		t.Errorf("got %s", e.Exit)
	}
}

// late is a clock by which every pause is over, as after a stall of the machine.
type late struct{ System }

func (late) After(time.Duration) <-chan time.Time {
	over := make(chan time.Time)
	close(over)
	return over
}

func TestAStallDoesNotCloseTheBreaker(t *testing.T) {
	t.Parallel()
	s := &Supervisor{config: Config{Clock: late{}}, life: t.Context()}
	for range 50 { // each of two ways may be gone
		g := &generation{spec: Spec{}.withDefaults(), crashes: 5, open: true, trying: true}
		p := &process{gen: g, exited: make(chan struct{}), readyAt: time.Now(), since: time.Now()}
		close(p.exited)
		if s.survived(&slot{s: s}, p); !g.open || g.trying {
			t.Fatalf("an early death counts as a survival: open %v, trying %v", g.open, g.trying)
		}
	}
}
