package worker

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestReloadLosesNoRequest(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.start(python(t, 2, "VERSION=one"))
	before := w.pids()
	stop := w.load(4)
	for range 3 {
		if err := w.sup.Reload(t.Context(), python(t, 2, "VERSION=two")); err != nil {
			t.Fatal(err)
		}
	}
	total, failures := stop()
	t.Logf("%d requests, 6 workers replaced", total)
	if len(failures) > 0 || total < 20 {
		t.Errorf("%d of %d requests failed: %v", len(failures), total, slices.Compact(failures))
	}
	after := w.pids()
	if len(after) != 2 || after["web.1"] == before["web.1"] || after["web.2"] == before["web.2"] {
		t.Errorf("before %v, after %v", before, after)
	}
	for _, s := range w.sup.Snapshot() {
		if s.Generation != 4 || s.Restarts != 0 {
			t.Errorf("got %+v", s)
		}
	}
}

func TestABadDeployLeavesTheOldGenerationAlone(t *testing.T) {
	for name, c := range map[string]struct {
		extra  []string
		change func(s *Spec)
		want   []string
	}{
		"import error": {extra: []string{"BEHAVE=import"}, want: []string{"no_such_module_roadworthy", "exit code 1", "become ready"}},
		"exits":        {extra: []string{"BEHAVE=exit"}, want: []string{"exit code 3", "waited for tcp 127.0.0.1:"}},
		"never opens its port": {
			extra: []string{"BEHAVE=silent"}, change: func(s *Spec) { s.Times.Ready = 3 * time.Second },
			want: []string{"connection refused", "I never open a port", "within 3s"},
		},
		"crashes after it was ready": {
			extra: []string{"BEHAVE=crash", "AFTER=0.2"}, change: func(s *Spec) { s.Times.MinUptime = patience },
			want: []string{"exit code 7", "stay up"},
		},
		"ready, then 500s": {
			extra: []string{"BEHAVE=sick"}, change: func(s *Spec) { s.Times.MinUptime = patience },
			want: []string{"stay healthy", "it answers 500"},
		},
		"no such program": {change: func(s *Spec) { s.Command = []string{"no-such-program-roadworthy"} }, want: []string{"no-such-program-roadworthy"}},
		"no such folder":  {change: func(s *Spec) { s.Dir += "/no-such" }, want: []string{"no-such"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(c *Config) { c.Health = healthy })
			w.start(python(t, 2))
			before := w.pids()
			stop := w.load(2)
			bad := python(t, 2, c.extra...)
			if c.change != nil {
				c.change(&bad)
			}
			err := w.sup.Reload(t.Context(), bad)
			total, failures := stop()
			if err == nil || len(failures) > 0 {
				t.Fatalf("reload: %v; %d of %d requests failed: %v", err, len(failures), total, failures)
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q is not in: %v", want, err)
				}
			}
			after := w.pids()
			if len(after) != 2 || after["web.1"] != before["web.1"] || after["web.2"] != before["web.2"] {
				t.Errorf("before %v, after %v", before, after)
			}
			if n := len(w.sup.Snapshot()); n != 2 {
				t.Errorf("%d processes are left", n)
			}
			if e := w.await(Aborted); e.Worker.Generation != 2 || e.Err == nil {
				t.Errorf("got %+v", e)
			}
		})
	}
}

func TestALateFailureBringsTheOldGenerationBack(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w := newWorld(t, func(c *Config) {
		c.Ready = func(ctx context.Context, b Backend) error {
			if b.Generation == 2 && b.Worker == "web.2" {
				return errors.New("not this one")
			}
			return Dial(ctx, b)
		}
	})
	w.start(python(t, 2, "VERSION=one"))
	second := w.pids()["web.2"]
	stop := w.load(2)
	bad := python(t, 2, "VERSION=two", "X="+dir)
	bad.Times.Ready = 2 * time.Second
	err := w.sup.Reload(t.Context(), bad)
	if _, failures := stop(); err == nil || len(failures) > 0 {
		t.Fatalf("reload: %v, failures %v", err, failures)
	}
	for _, s := range w.sup.Snapshot() {
		if s.Generation != 1 || s.Worker == "web.2" && s.PID != second {
			t.Errorf("got %+v", s)
		}
	}
	if w.count(Promoted) != 1 {
		t.Error("the bad generation was promoted")
	}
}

func TestACrashRestartsTheCodeOfItsGeneration(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	source, err := os.ReadFile("testdata/server.py")
	if err != nil {
		t.Fatal(err)
	}
	for _, release := range []string{"one", "two"} {
		if err := os.Mkdir(filepath.Join(root, release), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, release, "server.py"), source, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	current := filepath.Join(root, "current")
	if err := os.Symlink("one", current); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, nil)
	spec := python(t, 1)
	spec.Dir, spec.Command = current, []string{"python3", filepath.Join(current, "server.py")}
	w.start(spec)
	if err := os.Remove(current); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("two", current); err != nil {
		t.Fatal(err)
	}
	folder := func() string {
		var text string
		w.until("an answer", func() bool {
			b, ok := w.pick(0)
			if !ok {
				return false
			}
			defer w.done(b)
			text, err = get(&insecure, b)
			return err == nil
		})
		return text
	}
	w.kill("web.1")
	w.until("a restart", func() bool { return w.count(Ready) == 2 })
	if got := folder(); !strings.Contains(got, "/one ") {
		t.Errorf("after a crash it runs in %s", got)
	}
	if err := w.sup.Reload(t.Context(), spec); err != nil {
		t.Fatal(err)
	}
	if got := folder(); !strings.Contains(got, "/two ") {
		t.Errorf("after a reload it runs in %s", got)
	}
}

func TestStopFirstParksAndComesBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *Config) {
		c.Headroom = func() (int64, bool) { return 1 << 20, true }
		c.Health = healthy
	})
	w.start(python(t, 1))
	if err := w.sup.Reload(t.Context(), python(t, 1, "VERSION=two")); err != nil {
		t.Fatal(err)
	}
	bad := python(t, 1, "BEHAVE=exit")
	if err := w.sup.Reload(t.Context(), bad); err == nil {
		t.Fatal("a bad deploy was promoted")
	}
	sick := python(t, 1, "BEHAVE=sick")
	sick.Times.MinUptime = patience
	if err := w.sup.Reload(t.Context(), sick); err == nil {
		t.Fatal("a sick deploy was promoted")
	}
	w.mu.Lock()
	got := strings.Join(w.trace, ", ")
	w.mu.Unlock()
	once := "park true, drain, add web.1, park false"
	if want := "add web.1, " + once + ", " + once + ", " + once; !strings.HasPrefix(got, want) {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if list := w.sup.Snapshot(); len(list) != 1 || list[0].Generation != 2 || list[0].State != Serving {
		t.Errorf("got %+v", list)
	}
}

func TestReloadChangesTheCount(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.start(shell(1, "exec sleep 600"))
	for _, count := range []int{4, 2, 3} {
		spec := shell(count, "exec sleep 600")
		spec.Surge = 2
		if err := w.sup.Reload(t.Context(), spec); err != nil {
			t.Fatal(err)
		}
		if got := w.sup.Snapshot(); len(got) != count {
			t.Errorf("want %d workers, got %+v", count, got)
		}
	}
}
