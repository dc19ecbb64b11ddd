package worker

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"testing"
)

// needsShim is a worker that runs only where the shim for Ruby is there.
const needsShim = `test -s "${RUBYOPT#-r}" || exit 9; echo "$$ runs."; exec sleep 600`

// The folder of temporary files is cleaned of what is old, even while it is used.
func TestWhatWasCleanedAwayIsThereForTheNextWorker(t *testing.T) {
	t.Parallel()
	for what, part := range map[string]string{"shims": "shims", "a shim": "shims/ruby/dump.rb", "all": ""} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, nil)
			w.start(shell(1, needsShim))
			w.until("a worker", w.said(" runs."))
			before := w.pids()["job.1"]
			if err := os.RemoveAll(filepath.Join(w.sup.config.RunDir, part)); err != nil {
				t.Fatal(err)
			}
			w.kill("job.1")
			w.until("a successor", func() bool {
				now := w.pids()["job.1"]
				return now != 0 && now != before && w.said(strconv.Itoa(now)+" runs.")()
			})
			info, err := os.Stat(w.sup.config.RunDir)
			if err != nil || info.Mode().Perm()&0o011 != 0o011 {
				t.Errorf("the folder is for the master alone: %v %v", info, err)
			}
			if n := w.count(Failed); n != 0 {
				t.Errorf("%d starts failed", n)
			}
		})
	}
}

// A folder of that name that somebody else may write to is not trusted.
func TestAFolderThatOthersMayWriteToIsNotUsed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.start(shell(1, needsShim))
	w.until("a worker", w.said(" runs."))
	run := w.sup.config.RunDir
	if err := os.RemoveAll(run); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(run, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(run, 0o777); err != nil {
		t.Fatal(err)
	}
	w.kill("job.1")
	if err := w.await(Failed).Err; !errors.Is(err, fs.ErrPermission) || w.count(Started) != 1 {
		t.Errorf("%d workers were started; got %v", w.count(Started), err)
	}
}
