package runner_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// What cleans temporary files of old ones passes over the folder of a run, from
// its start and after an upgrade.
func TestTheFolderOfARunIsLocked(t *testing.T) {
	t.Parallel()
	p := launch(t, "", []string{"python3", "app.py"}, nil, nil, nil)
	p.ready(2)
	locked := func(when string) {
		t.Helper()
		found, _ := filepath.Glob(filepath.Join(p.folder, "tmp", "roadworthy-master-*"))
		if len(found) != 1 {
			t.Fatalf("%s there are %q", when, found)
		}
		folder, err := os.Open(found[0])
		if err != nil {
			t.Fatal(err)
		}
		defer folder.Close()
		if err := syscall.Flock(int(folder.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); !errors.Is(err, syscall.EWOULDBLOCK) {
			t.Errorf("%s it is not locked: %v", when, err)
		}
	}
	locked("after the start")
	if out, err := p.order("upgrade"); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	p.ready(2)
	locked("after an upgrade")
}

// In another container a master has no process id here, and lives.
func TestAFolderInUseIsLeftAlone(t *testing.T) {
	t.Parallel()
	var held, left string
	p := launch(t, "", []string{"python3", "app.py"}, nil, nil, func(cmd *exec.Cmd) {
		tmp := filepath.Join(filepath.Dir(cmd.Path), "tmp")
		held, left = filepath.Join(tmp, "roadworthy-master-4194999-1"), filepath.Join(tmp, "roadworthy-master-4194999-2")
		for _, folder := range []string{held, left} {
			if err := os.Mkdir(folder, 0o711); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(folder, "master"), []byte("4194999 1"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		folder, err := os.Open(held)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { folder.Close() })
		if err := syscall.Flock(int(folder.Fd()), syscall.LOCK_SH); err != nil {
			t.Fatal(err)
		}
	})
	p.ready(2)
	if _, err := os.Stat(held); err != nil {
		t.Errorf("a folder that is in use: %v", err)
	}
	if _, err := os.Stat(left); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a folder that nobody uses: %v", err)
	}
}
