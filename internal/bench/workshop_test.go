package bench

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/bench/sandbox"
	"github.com/roadworthy-dev/roadworthy/internal/manifest"
)

// workshop makes one of a folder with a text and a build step, in a sandbox
// or as the host that forbids them would.
func workshop(t *testing.T, plain bool) *Workshop {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string]string{"note": "first\n", "sub/run": "#!/bin/sh\necho ran\n"} {
		if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	m := &manifest.Manifest{Build: manifest.Build{Run: []string{"cat note > built"}}}
	b, err := New(Options{Manifest: m, Root: t.TempDir(), Dir: t.TempDir(), Source: Source{Dir: dir, Dirty: true}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	w, err := b.Workshop(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if w.Plain && !plain {
		w.Close()
		t.Skip("SKIPPED: the host forbids sandboxes")
	}
	if plain {
		w.Plain, w.Inside = true, w.Dir
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
		if _, err := os.Lstat(filepath.Dir(w.Dir)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the folder is left: %v", err)
		}
	})
	if err := w.Build(t.Context()); err != nil {
		t.Fatal(err)
	}
	return w
}

// TestWorkshopWithAContext: what lies above is there for build and tests, and
// paths are still those of the application's folder.
func TestWorkshopWithAContext(t *testing.T) {
	repo := t.TempDir()
	for name, content := range map[string]string{"lib/note": "common\n", "apps/web/note": "own\n"} {
		if err := errors.Join(os.MkdirAll(filepath.Join(repo, filepath.Dir(name)), 0o755), os.WriteFile(filepath.Join(repo, name), []byte(content), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := exec.CommandContext(t.Context(), "git", "-C", repo, "init", "-q").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	m := &manifest.Manifest{Build: manifest.Build{Run: []string{"cat ../../lib/note note > built"}, Context: "../.."}}
	b, err := New(Options{Manifest: m, Root: t.TempDir(), Dir: t.TempDir(), Source: Source{Dir: filepath.Join(repo, "apps/web"), Dirty: true}})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	w, err := b.Workshop(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if err := w.Build(t.Context()); err != nil {
		t.Fatal(err)
	}
	c := copyOf(t, w)
	defer c.Close()
	var out bytes.Buffer
	err = errors.Join(c.Write(t.Context(), "note", []byte("changed\n")), c.Run(t.Context(), "cat built ../../lib/note note; pwd", &out))
	built, readErr := c.Read(t.Context(), "built", 100)
	if err := errors.Join(err, readErr); err != nil {
		t.Fatal(err)
	}
	if want := "common\nown\ncommon\nchanged\n" + w.Inside + "\n"; out.String() != want || string(built) != "common\nown\n" {
		t.Errorf("got %q and %q, want %q", &out, built, want)
	}
}

func both(t *testing.T, test func(t *testing.T, w *Workshop)) {
	for name, plain := range map[string]bool{"sandbox": false, "plain": true} {
		t.Run(name, func(t *testing.T) { test(t, workshop(t, plain)) })
	}
}

func copyOf(t *testing.T, w *Workshop) *Copy {
	t.Helper()
	c, err := w.Copy(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestCopiesLeaveTheWorkshopAsItIs(t *testing.T) {
	both(t, func(t *testing.T, w *Workshop) {
		for range 2 { // the second shows that the first left nothing
			c := copyOf(t, w)
			var out bytes.Buffer
			if err := c.Write(t.Context(), "sub/run", []byte("#!/bin/sh\necho changed\n")); err != nil {
				t.Fatal(err)
			}
			err := c.Run(t.Context(), "pwd; cat note built; sub/run; echo more >> note; rm built; echo new > sub/made; ls sub >&2", &out)
			want := w.Inside + "\nfirst\nfirst\nchanged\nmade\nrun\n"
			if err != nil || out.String() != want {
				t.Errorf("%v: %q, want %q", err, out.String(), want)
			}
			if note, err := c.Read(t.Context(), "note", 100); err != nil || string(note) != "first\nmore\n" {
				t.Errorf("%q %v", note, err)
			}
			if err := c.Close(); err != nil {
				t.Fatal(err)
			}
		}
		for name, want := range map[string]string{"note": "first\n", "built": "first\n", "sub/run": "#!/bin/sh\necho ran\n"} {
			if got, err := os.ReadFile(filepath.Join(w.Dir, name)); err != nil || string(got) != want {
				t.Errorf("%s is %q, %v", name, got, err)
			}
		}
		if _, err := os.Lstat(filepath.Join(w.Dir, "sub/made")); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("sub/made is left: %v", err)
		}
	})
}

func TestCopiesReadWhatIsThere(t *testing.T) {
	both(t, func(t *testing.T, w *Workshop) {
		c := copyOf(t, w)
		defer c.Close()
		if err := c.Run(t.Context(), "mkfifo pipe; ln -s note link; head -c 5000 /dev/zero > large", io.Discard); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"none", "sub", "pipe", "sub/none"} {
			if data, err := c.Read(t.Context(), name, 10); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s: %q %v", name, data, err)
			}
		}
		if data, err := c.Read(t.Context(), "link", 10); err != nil || string(data) != "first\n" {
			t.Errorf("link: %q %v", data, err)
		}
		if data, err := c.Read(t.Context(), "large", 4000); err != nil || len(data) != 4001 {
			t.Errorf("large: %d bytes, %v", len(data), err)
		}
		for _, name := range []string{"../note", "/etc/passwd"} {
			if _, err := c.Read(t.Context(), name, 10); err == nil {
				t.Errorf("%s was read", name)
			}
			if err := c.Write(t.Context(), name, nil); err == nil {
				t.Errorf("%s was written", name)
			}
		}
	})
}

func TestCommandsEnd(t *testing.T) {
	both(t, func(t *testing.T, w *Workshop) {
		c := copyOf(t, w)
		defer c.Close()
		var exit interface{ ExitCode() int }
		if err := c.Run(t.Context(), "exit 7", io.Discard); !errors.As(err, &exit) || exit.ExitCode() != 7 {
			t.Errorf("exit 7: %v", err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		if err := c.Run(ctx, "sleep 60", io.Discard); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("sleep 60: %v", err)
		}
		started := time.Now()
		var out bytes.Buffer
		if err := c.Run(t.Context(), "sleep 60 & echo begun", &out); err != nil || out.String() != "begun\n" {
			t.Errorf("a process in the background: %v %q", err, out.String())
		}
		if took := time.Since(started); took > 30*time.Second {
			t.Errorf("it waited %s for the background", took)
		}
		out.Reset()
		if err := c.Run(t.Context(), "echo again; echo $CI; echo ${SECRET_OF_THE_HOST-none}", &out); err != nil || out.String() != "again\ntrue\nnone\n" {
			t.Errorf("the copy cannot be used again: %v %q", err, out.String())
		}
	})
}

// Long lines of both streams must not be cut into each other.
func TestLinesStayWhole(t *testing.T) {
	dir := t.TempDir()
	if err := Able(t.Context()); errors.Is(err, sandbox.ErrForbidden) {
		t.Skip("SKIPPED: the host forbids sandboxes")
	}
	var out bytes.Buffer
	command := `i=0; while [ $i -lt 400 ]; do echo "out $i out"; echo "err $i err" >&2; i=$((i+1)); done; echo kept > file`
	if err := Confined(t.Context(), dir, []string{"PATH=" + os.Getenv("PATH")}, command, &out); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 800 || lines[0] != "out 0 out" || lines[1] != "err 0 err" || lines[799] != "err 399 err" {
		t.Errorf("%d lines: %q … %q", len(lines), lines[0], lines[len(lines)-1])
	}
	if kept, err := os.ReadFile(filepath.Join(dir, "file")); err != nil || string(kept) != "kept\n" {
		t.Errorf("%q %v", kept, err)
	}
}
