package runner_test

import (
	"errors"
	"os"
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
