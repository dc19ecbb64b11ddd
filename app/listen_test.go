package app

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func listenAt(path string) (net.Listener, error) {
	a := &App{Standard: Standard{Listen: "unix:" + path}, options: Options{}.withDefaults()}
	return a.listen()
}

// A second start at the same path is refused while the first serves; what an
// earlier process left behind is in nobody's way; a socket that another process
// has put in place of ours is left to it.
func TestASocketBelongsToOneProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "app.sock")
	first, err := listenAt(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := listenAt(path); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("the second start: %v", err)
	}
	if conn, err := net.Dial("unix", path); err != nil {
		t.Errorf("the first is not reached any more: %v", err)
	} else {
		conn.Close()
	}

	if err := os.Remove(path); err != nil { // as a deploy does that asks nobody
		t.Fatal(err)
	}
	second, err := listenAt(path)
	if err != nil {
		t.Fatal(err)
	}
	first.Close()
	conn, err := net.Dial("unix", path)
	if err != nil {
		t.Fatalf("the end of the first took the path of the second: %v", err)
	}
	conn.Close()
	second.Close()
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the last leaves its socket: %v", err)
	}

	left, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	left.SetUnlinkOnClose(false)
	left.Close()
	third, err := listenAt(path)
	if err != nil {
		t.Fatalf("a socket that is left behind: %v", err)
	}
	third.Close()

	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := listenAt(path); err == nil {
		t.Error("a file is no socket")
	}
	abstract, err := listenAt("@" + path)
	if err != nil {
		t.Fatalf("an abstract socket: %v", err)
	}
	abstract.Close()
}

// Who waits at a socket of our own when it is closed is handed out after that.
func TestWhoWaitsAtAnOwnSocketIsHandedOut(t *testing.T) {
	given, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	for name, listen := range map[string]func() (net.Listener, error){
		"unix":  func() (net.Listener, error) { return listenAt(filepath.Join(t.TempDir(), "app.sock")) },
		"tcp":   (&App{Standard: Standard{Listen: "127.0.0.1:0"}, options: Options{}.withDefaults()}).listen,
		"given": (&App{options: Options{Listener: given}}).listen,
	} {
		listener, err := listen()
		if err != nil {
			t.Fatal(err)
		}
		client, err := net.Dial(listener.Addr().Network(), listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		listener.Close()
		if conn, err := listener.Accept(); err != nil {
			t.Errorf("%s: %v", name, err)
		} else {
			conn.Close()
		}
		client.Close()
	}
}
