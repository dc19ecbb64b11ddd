package scratch

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// counted is a build of a data folder that counts its calls.
type counted struct {
	data  string
	calls int
}

func (c *counted) build(context.Context) error {
	c.calls++
	if err := os.MkdirAll(filepath.Join(c.data, "a", "empty"), 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(c.data, "a", "nothing"), nil, 0o600); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(c.data, "file"), bytes.Repeat([]byte("data\x00"), 100_000), 0o600)
}

func (c *counted) check(t *testing.T) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(c.data, "file"))
	if err != nil || !bytes.Equal(content, bytes.Repeat([]byte("data\x00"), 100_000)) {
		t.Errorf("content differs: %d bytes, %v", len(content), err)
	}
	for name, mode := range map[string]fs.FileMode{"a": 0o700 | fs.ModeDir, "a/empty": 0o700 | fs.ModeDir, "a/nothing": 0o600} {
		info, err := os.Stat(filepath.Join(c.data, name))
		if err != nil || info.Mode() != mode {
			t.Errorf("%s: %v %v", name, info, err)
		}
	}
}

func started(context.Context) error { return nil }

// boot boots once into a fresh folder and returns how often it was built.
func boot(t *testing.T, s store, start func(context.Context) error) int {
	t.Helper()
	c := &counted{data: filepath.Join(t.TempDir(), "data")}
	if err := s.boot(t.Context(), "k", c.data, c.build, start); err != nil {
		t.Fatal(err)
	}
	c.check(t)
	return c.calls
}

func TestTemplateIsMadeOnce(t *testing.T) {
	s := store{dir: filepath.Join(t.TempDir(), "new", "cache")}
	for round, want := range []int{1, 0, 0} {
		if got := boot(t, s, started); got != want {
			t.Errorf("round %d: built %d times, want %d", round, got, want)
		}
	}
	if got := boot(t, store{}, started); got != 1 {
		t.Errorf("without cache: built %d times", got)
	}
}

func TestBrokenTemplateIsReplaced(t *testing.T) {
	damage := map[string]func(content []byte) []byte{
		"empty":       func([]byte) []byte { return nil },
		"truncated":   func(b []byte) []byte { return b[:len(b)/2] },
		"longer":      func(b []byte) []byte { return append(b, 0) },
		"flipped bit": func(b []byte) []byte { b[len(b)/2] ^= 1; return b },
		"header":      func(b []byte) []byte { b[3] ^= 1; return b },
		"other key":   func(b []byte) []byte { return append(header("other", b[headerSize:]), b[headerSize:]...) },
	}
	for what, change := range damage {
		t.Run(what, func(t *testing.T) {
			s := store{dir: t.TempDir()}
			boot(t, s, started)
			content, err := os.ReadFile(s.path("k"))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(s.path("k"), change(content), 0o600); err != nil {
				t.Fatal(err)
			}
			if got := boot(t, s, started); got != 1 {
				t.Errorf("built %d times, want 1", got)
			}
			if got := boot(t, s, started); got != 0 {
				t.Errorf("after the repair: built %d times, want 0", got)
			}
		})
	}
}

func TestForeignTemplateIsNotTaken(t *testing.T) {
	s := store{dir: t.TempDir()}
	boot(t, s, started)
	if err := os.Chmod(s.path("k"), 0o666); err != nil { // the point of the test
		t.Fatal(err)
	}
	if got := boot(t, s, started); got != 1 {
		t.Error("a template that everybody may write was taken")
	}
	target := s.path("k") + ".target"
	if err := errors.Join(os.Rename(s.path("k"), target), os.Symlink(target, s.path("k"))); err != nil {
		t.Fatal(err)
	}
	if got := boot(t, s, started); got != 1 {
		t.Error("a template behind a symbolic link was taken")
	}
}

func TestTemplateThatDoesNotStartIsReplacedOnce(t *testing.T) {
	s := store{dir: t.TempDir()}
	boot(t, s, started)
	failures := 1
	if got := boot(t, s, func(context.Context) error {
		failures--
		if failures >= 0 {
			return errors.New("does not start")
		}
		return nil
	}); got != 1 {
		t.Errorf("built %d times, want 1", got)
	}
	never := errors.New("never starts")
	c := &counted{data: filepath.Join(t.TempDir(), "data")}
	err := s.boot(t.Context(), "k", c.data, c.build, func(context.Context) error { return never })
	if !errors.Is(err, never) || c.calls != 1 {
		t.Errorf("got %v after %d builds", err, c.calls)
	}
}

func TestFailedBuildLeavesNoTemplate(t *testing.T) {
	s := store{dir: t.TempDir()}
	broken := errors.New("disk full")
	data := filepath.Join(t.TempDir(), "data")
	if err := s.boot(t.Context(), "k", data, func(context.Context) error { return broken }, started); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	if got := boot(t, s, started); got != 1 {
		t.Errorf("built %d times, want 1", got)
	}
}

func TestTemplateLockEndsWithContext(t *testing.T) {
	s := store{dir: t.TempDir()}
	unlock, err := s.lock(t.Context(), "k")
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.lock(ctx, "k"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// TestTwoProcessesShareATemplate starts with an empty cache, twice at once.
func TestTwoProcessesShareATemplate(t *testing.T) {
	o := options(t)
	o.Cache = filepath.Join(o.Dir, "cache")
	ctx := context30(t)
	var processes []*exec.Cmd
	var outputs []*bytes.Buffer
	for range 2 {
		cmd := helperCommand(ctx, "postgres,mariadb", o) // its standard input is empty, so it ends by itself
		var out bytes.Buffer
		cmd.Stdout = &out
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		processes, outputs = append(processes, cmd), append(outputs, &out)
	}
	for i, cmd := range processes {
		if err := cmd.Wait(); err != nil || !strings.Contains(outputs[i].String(), "ready") {
			t.Errorf("process %d: %v", i, err)
		}
	}
	entries, err := os.ReadDir(o.Cache)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if name := entry.Name(); !strings.HasSuffix(name, ".template") && !strings.HasSuffix(name, ".lock") {
			t.Errorf("%s is left in the cache", name)
		}
	}
	if found, _ := filepath.Glob(filepath.Join(o.Cache, "*.template")); len(found) != 2 {
		t.Errorf("expected one template for each kind, got %v", found)
	}
	if left, _ := os.ReadDir(o.Dir); len(left) != 1 {
		t.Errorf("folders are left: %v", left)
	}
}

// TestBrokenTemplateOfAServer replaces the content, not only the frame: a
// whole archive from which no server starts.
func TestBrokenTemplateOfAServer(t *testing.T) {
	for _, kind := range []Kind{Postgres, MariaDB} {
		t.Run(string(kind), func(t *testing.T) {
			o := options(t)
			o.Cache = t.TempDir()
			if err := mustStart(t, kind, o).Close(); err != nil {
				t.Fatal(err)
			}
			found, _ := filepath.Glob(filepath.Join(o.Cache, "*.template"))
			if len(found) != 1 {
				t.Fatalf("got %v", found)
			}
			key := strings.TrimSuffix(filepath.Base(found[0]), ".template")
			empty := t.TempDir()
			if err := os.WriteFile(filepath.Join(empty, "ibdata1"), []byte("garbage"), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := (store{dir: o.Cache}).save(key, empty); err != nil {
				t.Fatal(err)
			}
			if err := CheckQuery(context30(t), mustProvision(t, mustStart(t, kind, o)), nil); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestPackRefusesLinks(t *testing.T) {
	root := t.TempDir()
	if err := os.Symlink("/etc/passwd", filepath.Join(root, "link")); err != nil {
		t.Fatal(err)
	}
	if err := pack(&bytes.Buffer{}, root); err == nil {
		t.Error("a symbolic link was packed")
	}
}

func TestPostgresHoldsOneDatabaseOfItsOwn(t *testing.T) {
	d := mustProvision(t, mustStart(t, Postgres, options(t)))
	if got, err := query(t, d, "SELECT datname FROM pg_database WHERE datname <> current_database()"); err != nil || got != adminDatabase {
		t.Errorf("got %q %v", got, err)
	}
	if err := CheckQuery(context30(t), altered(d, d.User, d.Password, adminDatabase), nil); err == nil {
		t.Error("an application can stand in the way of copying " + adminDatabase)
	}
}

// FuzzUnpack: whatever the archive says, nothing appears outside of the folder.
func FuzzUnpack(f *testing.F) {
	for _, name := range []string{"a", "../outside", "/tmp/outside", "a/../../outside", ""} {
		for _, kind := range []byte{tar.TypeReg, tar.TypeDir, tar.TypeSymlink} {
			var b bytes.Buffer
			w := tar.NewWriter(&b)
			_ = w.WriteHeader(&tar.Header{Name: name, Typeflag: kind, Linkname: "..", Mode: 0o777, Size: 0})
			_ = w.Close()
			f.Add(b.Bytes())
		}
	}
	f.Fuzz(func(t *testing.T, archive []byte) {
		parent := t.TempDir()
		root := filepath.Join(parent, "root")
		if err := os.Mkdir(root, 0o700); err != nil {
			t.Fatal(err)
		}
		_ = unpack(archive, root, nil) // an error is a fine answer
		if entries, err := os.ReadDir(parent); err != nil || len(entries) != 1 {
			t.Fatalf("outside of the folder: %v %v", entries, err)
		}
		_ = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			if err == nil && entry.Type()&fs.ModeType&^fs.ModeDir != 0 {
				t.Fatalf("%s is neither a folder nor a regular file", path)
			}
			return nil
		})
	})
}

func TestSecretsAreOfTheirUserAlone(t *testing.T) {
	o := options(t)
	for _, kind := range []Kind{Postgres, MariaDB, Redis, HTTP, SQLite} {
		mustProvision(t, mustStart(t, kind, o))
	}
	entries, err := os.ReadDir(o.Dir)
	if err != nil || len(entries) < 5 {
		t.Fatal(entries, err)
	}
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil {
			t.Fatal(err)
		}
		owner := info.Sys().(*syscall.Stat_t).Uid
		if info.Mode().Perm() != 0o700 || int(owner) != os.Geteuid() && (o.Credential == nil || owner != o.Credential.Uid) {
			t.Errorf("%s: mode %v of user %d", entry.Name(), info.Mode(), owner)
		}
	}
}
