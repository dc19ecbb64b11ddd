package sandbox

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestSweepRemovesWhatNobodyOwns(t *testing.T) {
	parent := t.TempDir()
	make := func(name string) *Folder {
		f, err := NewFolder(parent, "rw-"+name)
		if err == nil {
			err = errors.Join(os.MkdirAll(filepath.Join(f.Path, "a/b"), 0o500), os.WriteFile(filepath.Join(f.Path, "z"), nil, 0o400))
		}
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	alive, dead, halfway := make("alive"), make("dead"), make("halfway")
	defer func() { _ = alive.Remove() }()
	old := time.Now().Add(-time.Hour)
	for _, err := range []error{
		dead.lock.Close(),                                    // the kernel does so when its process is killed
		halfway.lock.Close(), RemoveAll(halfway.Path + "/z"), // killed while it removed
		os.Mkdir(parent+"/rw-new", 0o700),
		os.Mkdir(parent+"/rw-empty", 0o700), os.WriteFile(parent+"/rw-empty/owner", nil, 0o600),
		os.Mkdir(parent+"/rw-old", 0o700), os.Chtimes(parent+"/rw-old", old, old),
		os.MkdirAll(parent+"/rw-kept/x", 0o700), os.Chtimes(parent+"/rw-kept", old, old), // not ours: no owner, not empty
		os.Mkdir(parent+"/other", 0o700),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	made := making(parent)
	Sweep(parent, "rw-")
	for _, name := range []string{"rw-new", "rw-empty"} {
		if _, err := os.Stat(filepath.Join(parent, name)); err != nil {
			t.Errorf("while a folder is being made: %v", err)
		}
	}
	made()
	Sweep(parent, "rw-")
	left := map[string]bool{}
	entries, err := os.ReadDir(parent)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		left[entry.Name()] = true
	}
	for name, want := range map[string]bool{
		filepath.Base(alive.Path): true, filepath.Base(dead.Path): false, filepath.Base(halfway.Path): false,
		"rw-new": false, "rw-empty": false, "rw-old": false, "rw-kept": true, "other": true,
	} {
		if left[name] != want {
			t.Errorf("%s is there: %t, want %t", name, left[name], want)
		}
	}
}
