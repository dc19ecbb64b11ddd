package worker

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestReplaceStartsTheSuccessorFirst(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.start(python(t, 1))
	b, _ := w.look()
	stop := w.load(3)
	if err := w.sup.Replace(t.Context(), b.ID, "because"); err != nil {
		t.Fatal(err)
	}
	if _, failures := stop(); len(failures) > 0 {
		t.Errorf("failures: %v", failures)
	}
	if e := w.await(Replaced); e.Why != "because" || e.Worker.Generation != 1 || e.Worker.ID == b.ID {
		t.Errorf("got %+v", e)
	}
	if err := w.sup.Replace(t.Context(), b.ID, "again"); err == nil {
		t.Error("a process that is gone was replaced")
	}
}

func TestNoRequestInFlightIsCut(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.start(python(t, 1))
	b, _ := w.pick(0) // in flight
	done := make(chan error, 1)
	go func() { done <- w.sup.Replace(context.Background(), b.ID, "x") }()
	w.until("draining", func() bool {
		for _, s := range w.sup.Snapshot() {
			if s.ID == b.ID && s.State == Draining {
				return true
			}
		}
		return false
	})
	if _, err := get(&insecure, b); err != nil {
		t.Errorf("it does not serve while it drains: %v", err)
	}
	w.done(b)
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestRecyclingByRequestsAgeAndMemory(t *testing.T) {
	for name, c := range map[string]struct {
		recycle Recycle
		use     func(w *world)
		why     string
	}{
		"requests": {Recycle{Requests: 10}, func(w *world) { b, _ := w.look(); w.sup.Served(b.ID, 11) }, "it has served 11 requests"},
		"age":      {Recycle{Age: 1500 * time.Millisecond, Every: time.Hour}, func(*world) {}, "old"},
		"memory":   {Recycle{Soft: 4 << 20, Every: time.Hour}, func(*world) {}, "MB, more than 4 MB"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, nil)
			spec := python(t, 2)
			spec.Recycle = c.recycle
			w.start(spec)
			c.use(w)
			e := w.await(Replaced)
			if !strings.Contains(e.Why, c.why) {
				t.Errorf("got %q", e.Why)
			}
			if n := w.count(Replaced); n != 1 { // one at a time, and not again before Every
				t.Errorf("%d were replaced at once", n)
			}
		})
	}
}

func TestTheHardLimitKills(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	spec := python(t, 1)
	spec.Recycle = Recycle{Hard: 4 << 20}
	w.start(spec)
	e := w.await(Ended)
	if e.Planned || !strings.Contains(e.Exit.String(), "more than the hard limit of 4 MB") || w.count(OutOfMem) == 0 {
		t.Errorf("got %s", e.Exit)
	}
}

func TestProportionalMemoryIsBelowResident(t *testing.T) {
	all := processes()
	pss, rss := all.proportional(os.Getpid()), all.resident(os.Getpid())
	if pss < 1<<20 || pss > rss+rss/4 {
		t.Errorf("PSS %d, RSS %d", pss, rss)
	}
	if n, ok := Headroom(); !ok || n < 1<<20 {
		t.Errorf("headroom %d %v", n, ok)
	}
}

func TestTheReaperLeavesOtherChildrenAlone(t *testing.T) {
	r, err := NewReaper(true, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	w := newWorld(t, func(c *Config) { c.Reaper = r })
	w.start(shell(1, "while :; do (setsid sh -c 'exit 5' &) ; sleep 0.02; done")) // orphans without end
	crashing := newWorld(t, func(c *Config) { c.Reaper, c.KeepTrying = r, true })
	crashing.start(shell(4, "exit 9"))
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for code := range 15 {
				err := exec.Command("sh", "-c", "exit "+strconv.Itoa(code)).Run()
				if code > 0 {
					var exit *exec.ExitError
					if !errors.As(err, &exit) || exit.ExitCode() != code {
						t.Errorf("os/exec got %v, want exit code %d", err, code)
					}
				} else if err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	w.until("strays", func() bool { return r.Reaped() > 10 })
	crashing.until("crashes", func() bool { return crashing.count(Ended) > 40 })
	for _, e := range crashing.all() {
		if e.Kind == Ended && !e.Planned && e.Exit.Code != 9 {
			t.Errorf("the exit of a worker was lost: %s", e.Exit)
		}
	}
}

func TestACgroupReachesWhatHasLeftTheProcessGroup(t *testing.T) {
	t.Parallel()
	root := unified(t)
	dir := filepath.Join(root, "roadworthy-test-"+strconv.Itoa(os.Getpid()))
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Skipf("SKIPPED: no cgroup can be made: %v", err)
	}
	t.Cleanup(func() {
		for deadline := time.Now().Add(patience); os.Remove(dir) != nil && time.Now().Before(deadline); {
			<-time.After(10 * time.Millisecond)
		}
		if _, err := os.Stat(dir); err == nil {
			t.Errorf("%s is left", dir)
		}
	})
	c, err := OpenCgroup(dir)
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, func(config *Config) { config.Cgroup = c })
	w.start(shell(1, "setsid sh -c 'echo stray=$$; exec sleep 603' & exec sleep 604"))
	w.until("the stray", w.said("stray="))
	stray := w.number("stray=")
	w.kill("job.1")
	w.until("the end of the stray", func() bool { e, ok := stat(stray); return !ok || e.zombie })
}

func unified(t *testing.T) string {
	for _, dir := range []string{"/sys/fs/cgroup/unified", "/sys/fs/cgroup"} {
		if _, err := os.Stat(dir + "/cgroup.procs"); err == nil {
			return dir
		}
	}
	t.Skip("SKIPPED: there is no cgroup v2 here")
	return ""
}

// TestAnOOMKillIsNamed gives a worker a real memory limit in the v1 hierarchy.
func TestAnOOMKillIsNamed(t *testing.T) {
	t.Parallel()
	dir := "/sys/fs/cgroup/memory/roadworthy-test-" + strconv.Itoa(os.Getpid())
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Skipf("SKIPPED: no memory cgroup can be made: %v", err)
	}
	t.Cleanup(func() {
		for deadline := time.Now().Add(patience); os.Remove(dir) != nil && time.Now().Before(deadline); {
			<-time.After(10 * time.Millisecond)
		}
	})
	if err := os.WriteFile(dir+"/memory.limit_in_bytes", []byte("30000000"), 0o600); err != nil {
		t.Skipf("SKIPPED: %v", err)
	}
	w := newWorld(t, func(c *Config) {
		c.OOMKills = func() (int, bool) { return oomKillsIn(dir + "/memory.oom_control") }
	})
	spec := shell(1, "echo $$ > "+dir+"/cgroup.procs; exec python3 -c 'x = bytearray(200_000_000); print(len(x))'")
	spec.Times.Longest = time.Minute
	spec.Times.Backoff = time.Minute
	w.start(spec)
	e := w.await(OutOfMem)
	if !e.Exit.OOM || !strings.Contains(e.Exit.String(), "out of memory") {
		t.Errorf("got %s", e.Exit)
	}
}

// TestARequestThatMayBeRepeatedSurvivesKills is goal F3 in small.
func TestARequestThatMayBeRepeatedSurvivesKills(t *testing.T) {
	w := newWorld(t, nil)
	w.retry = true
	w.start(python(t, 3))
	stop := w.load(3)
	for n := range 6 {
		w.until("three", func() bool { return len(w.pids()) == 3 })
		w.kill("web." + strconv.Itoa(n%3+1))
		w.until("the restart", func() bool { return w.count(Ready) == 4+n })
	}
	total, failures := stop()
	if len(failures) > 0 || total < 50 {
		t.Errorf("%d of %d failed twice: %v", len(failures), total, failures)
	}
}
