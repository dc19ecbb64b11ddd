package socketfile_test

import (
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/roadworthy-dev/roadworthy/internal/socketfile"
)

// open listens on a path and leaves its file behind when it is closed.
func open(t *testing.T, path string) *net.UnixListener {
	t.Helper()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	t.Cleanup(func() { l.Close() })
	return l
}

func there(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

func TestOnlyTheSocketOfNobodyIsCleared(t *testing.T) {
	dir := t.TempDir()
	left, used, file := filepath.Join(dir, "left"), filepath.Join(dir, "used"), filepath.Join(dir, "file")
	open(t, left).Close()
	open(t, used)
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{left, used, file, filepath.Join(dir, "none")} {
		if err := socketfile.Clear(path); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
	if there(left) || !there(used) || !there(file) {
		t.Errorf("left %v, used %v, file %v; want only the last two", there(left), there(used), there(file))
	}
}

func TestOnlyOurOwnSocketIsRemoved(t *testing.T) {
	path := filepath.Join(t.TempDir(), "web.sock")
	ours := open(t, path)
	f := socketfile.Of(path)
	if err := os.Rename(path, path+".away"); err != nil { // its number is not free meanwhile
		t.Fatal(err)
	}
	open(t, path)
	f.Remove()
	if !there(path) {
		t.Error("the socket of another process was removed")
	}
	if err := os.Rename(path+".away", path); err != nil {
		t.Fatal(err)
	}
	f.Remove()
	ours.Close()
	if there(path) {
		t.Error("our own socket was left")
	}
	socketfile.Of(path).Remove() // of none
}
