package worker

import (
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"
)

// build compiles a fixture.
func build(t *testing.T, folder string) string {
	t.Helper()
	need(t, "go")
	binary := t.TempDir() + "/fixture"
	if out, err := exec.Command("go", "build", "-o", binary, "./testdata/"+folder).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return binary
}

// TestReloadLosesNothingInAnyLanguage is goal F1 in small: servers that know
// nothing of us and die on SIGTERM at once.
func TestReloadLosesNothingInAnyLanguage(t *testing.T) {
	for language, command := range map[string][]string{
		"python": {"python3", "server.py"},
		"node":   {"node", "server.js"},
		"ruby":   {"ruby", "server.rb"},
		"php":    {"php", "-S", "127.0.0.1:{port}", "-t", ".", "server.php"},
		"go":     {"go"},
		"sh":     {"sh", "-c", "python3 server.py"}, // a shell that does not pass signals on
	} {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			need(t, command[0])
			if language == "go" {
				command = []string{build(t, "servergo")}
			}
			spec := python(t, 2)
			spec.Command, spec.Times.MinUptime = command, -1
			w := newWorld(t, func(c *Config) { c.Ready = healthy })
			w.start(spec)
			stop := w.load(3)
			for range 2 {
				if err := w.sup.Reload(t.Context(), spec); err != nil {
					t.Error(err)
				}
			}
			total, failures := stop()
			t.Logf("%d requests over 4 swaps", total)
			if len(failures) > 0 || total < 10 {
				t.Errorf("%d of %d failed: %v", len(failures), total, slices.Compact(failures))
			}
		})
	}
}

// BenchmarkReload measures goal P12: four workers that start at once.
func BenchmarkReload(b *testing.B) {
	binary := b.TempDir() + "/fixture"
	if out, err := exec.Command("go", "build", "-o", binary, "./testdata/servergo").CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	spec := Spec{Name: "web", Command: []string{binary}, Count: 4, Times: Times{MinUptime: -1}}
	s, done := bare(b)
	defer done()
	if err := s.Start(b.Context(), spec); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if err := s.Reload(b.Context(), spec); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkMemory measures goal P7: the master's memory for one more worker.
func BenchmarkMemory(b *testing.B) {
	s, done := bare(b)
	defer done()
	spec := Spec{Name: "job", Command: []string{"/bin/sleep", "600"}, Count: 1, Mode: ModeNone, Surge: 8, Times: Times{MinUptime: -1}}
	if err := s.Start(b.Context(), spec); err != nil {
		b.Fatal(err)
	}
	before, _ := pssOf(os.Getpid())
	const more = 60
	spec.Count += more
	if err := s.Reload(b.Context(), spec); err != nil {
		b.Fatal(err)
	}
	after, _ := pssOf(os.Getpid())
	for b.Loop() {
		s.Snapshot() // one reading of the process table
	}
	b.ReportMetric(float64(after-before)/more/1024, "KiB/worker")
}

func bare(b *testing.B) (*Supervisor, func()) {
	b.Helper()
	run, err := os.MkdirTemp("", "rw-bench-")
	if err != nil {
		b.Fatal(err)
	}
	s, err := New(Config{RunDir: run, Output: func(_ Source, o, e *os.File) {
		for _, f := range []*os.File{o, e} {
			go func() {
				defer f.Close()
				buffer := make([]byte, 4096)
				for {
					if _, err := f.Read(buffer); err != nil {
						return
					}
				}
			}()
		}
	}})
	if err != nil {
		b.Fatal(err)
	}
	return s, func() {
		if err := s.Stop(b.Context()); err != nil && b.Context().Err() == nil {
			b.Error(err)
		}
		os.RemoveAll(run)
		<-time.After(50 * time.Millisecond) // the readers see the end of their pipes
	}
}
