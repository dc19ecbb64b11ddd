package worker

import (
	"bufio"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestSharedSocketAndLimits(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	file, err := DupListener(l.(*net.TCPListener))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	w := newWorld(t, nil)
	mask := 0o027
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	spec := Spec{
		Name: "web", Command: []string{self}, Env: []string{"ROADWORTHY_TEST_ROLE=listen"}, Count: 2, Mode: ModeShared, Listener: file, Notify: true,
		Limits: Limits{Umask: &mask, NoFile: 77, NoNewPrivs: true}, Times: Times{Ready: patience, MinUptime: -1},
	}
	if os.Getuid() == 0 { // the test binary lies where others may not look
		spec.Command[0] = copyFor(t, self)
		spec.Limits.User = "nobody"
	}
	w.start(spec)
	var flags int
	if err := rawFD(file, func(fd int) { flags, _ = unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0) }); err != nil || flags&unix.O_NONBLOCK == 0 {
		t.Errorf("the listener is blocking now: %v", err)
	}
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	text, err := bufio.NewReader(conn).ReadString('\n')
	for _, want := range []string{"web.", "nofile=77", "privs=1", "umask=0027", "names=web"} {
		if err != nil || !strings.Contains(text, want) {
			t.Errorf("%s is not in %q: %v", want, text, err)
		}
	}
	if os.Getuid() == 0 && strings.Contains(text, "uid=0") {
		t.Errorf("it still is root: %q", text)
	}
	for _, s := range w.sup.Snapshot() {
		if s.Says != "it listens" {
			t.Errorf("got %+v", s)
		}
	}
	if err := w.sup.Reload(t.Context(), spec); err != nil {
		t.Fatal(err)
	}
	if len(w.trace) > 0 {
		t.Errorf("a shared worker was in the rotation: %v", w.trace)
	}
	l.Close()
}

// copyFor copies a program to where every user may run it.
func copyFor(t *testing.T, from string) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "rw-bin-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	to := dir + "/w"
	if out, err := exec.Command("cp", from, to).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return to
}

func TestUnixSocketMode(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	spec := python(t, 1)
	spec.Mode = ModeSocket
	spec.Command = []string{"python3", "-c", `
import os, socket
s = socket.socket(socket.AF_UNIX); s.bind("{socket}"); s.listen()
assert os.environ["SOCKET"] == "{socket}" and "PORT" not in os.environ
while True: s.accept()[0].sendall(b"hi")`}
	w.start(spec)
	if b, ok := w.look(); !ok || b.Network != "unix" || !strings.HasPrefix(b.Address, "/") {
		t.Errorf("got %+v", b)
	}
}

func TestReadyComesOnlyFromTheWorkersOwnProcesses(t *testing.T) {
	t.Parallel()
	need(t, "python3")
	w := newWorld(t, nil)
	send := `python3 -c 'import os,socket; socket.socket(socket.AF_UNIX,socket.SOCK_DGRAM).sendto(b"READY=1\nSTATUS=child", os.environ["NOTIFY_SOCKET"])'`
	spec := shell(1, `echo $NOTIFY_SOCKET; while [ ! -e "$GO" ]; do sleep 0.01; done; `+send+`; exec sleep 600`)
	flag := t.TempDir() + "/go"
	spec.Notify, spec.Env = true, append(spec.Env, "GO="+flag)
	started := make(chan error, 1)
	go func() { started <- w.sup.Start(t.Context(), spec) }()
	w.until("the socket", w.said("notify.sock"))
	path := w.tail(w.await(Started).Worker.ID, 1)[0]
	foreign, err := net.Dial("unixgram", path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := foreign.Write([]byte("READY=1\nSTATUS=foreign")); err != nil {
		t.Fatal(err)
	}
	// A second message that the kernel takes only behind the first proves that
	// the first was looked at: its queue is read in order.
	if err := os.WriteFile(flag, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := <-started; err != nil {
		t.Fatal(err)
	}
	got := w.sup.Snapshot()[0]
	if got.Says != "child" || got.State != Serving {
		t.Errorf("got %+v", got)
	}
	foreign.Close()
}

func TestAForeignMessageChangesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	spec := shell(1, "exec sleep 600")
	spec.Notify, spec.Times.Ready = true, time.Second
	done := make(chan error, 1)
	go func() { done <- w.sup.Start(t.Context(), spec) }()
	w.await(Started)
	w.sup.each(func(p *process) {
		conn, err := net.Dial("unixgram", p.dir+"/notify.sock")
		if err == nil {
			_, _ = conn.Write([]byte("READY=1"))
			conn.Close()
		}
	})
	if err := <-done; err == nil || !strings.Contains(err.Error(), "READY=1 on NOTIFY_SOCKET") {
		t.Errorf("got %v", err)
	}
}

func TestAMissingHeartbeatIsAHang(t *testing.T) {
	t.Parallel()
	need(t, "python3")
	w := newWorld(t, nil)
	spec := shell(1, "")
	spec.Command = []string{"python3", "-c", `
import os, socket, time
assert os.environ["WATCHDOG_USEC"] == "400000"
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.connect(os.environ["NOTIFY_SOCKET"])
s.send(b"READY=1")
for i in range(10): s.send(b"WATCHDOG=1"); time.sleep(0.1)
def silent_here(): time.sleep(600)
silent_here()`}
	spec.Notify, spec.Times.Watchdog = true, 400*time.Millisecond
	w.start(spec)
	e := w.await(HungWorker)
	if !strings.Contains(e.Why, "no WATCHDOG=1") || len(e.Dumps) != 1 || !strings.Contains(e.Dumps[0].Text, "silent_here") {
		t.Errorf("got %+v", e)
	}
	w.until("a successor", func() bool { return w.count(Ready) >= 2 })
}

func TestStoppingTakesAWorkerOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	spec := python(t, 1)
	spec.Command = []string{"python3", "-c", `
import os, socket
l = socket.create_server(("127.0.0.1", int(os.environ["PORT"])))
while True:
    c = l.accept()[0]
    if c.recv(10):
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b"STOPPING=1", os.environ["NOTIFY_SOCKET"])`}
	w.start(spec)
	b, _ := w.look()
	conn, err := net.Dial("tcp", b.Address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, _ = conn.Write([]byte("x"))
	w.until("out of the rotation", func() bool { _, ok := w.look(); return !ok })
	if got := w.sup.Snapshot()[0]; got.State != Stopping {
		t.Errorf("got %+v", got)
	}
	_ = syscall.Kill(b.PID, syscall.SIGTERM)
	w.until("a successor", func() bool { return w.count(Ready) == 2 })
}

// Whoever says that it ends, and does not, is neither alone for ever nor is its
// slot empty.
func TestStoppingForEverIsEnded(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	spec := python(t, 1)
	spec.Times.Drain, spec.Times.Stop = 300*time.Millisecond, 300*time.Millisecond
	spec.Command = []string{"python3", "-c", `
import os, signal, socket, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
l = socket.create_server(("127.0.0.1", int(os.environ["PORT"])))
while True:
    c = l.accept()[0]
    if c.recv(10):
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b"STOPPING=1", os.environ["NOTIFY_SOCKET"])
        time.sleep(600)`}
	w.start(spec)
	b, _ := w.look()
	conn, err := net.Dial("tcp", b.Address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	said := time.Now()
	_, _ = conn.Write([]byte("x"))
	w.until("a successor", func() bool { return w.count(Ready) == 2 })
	if took := time.Since(said); took < 600*time.Millisecond {
		t.Errorf("it had %s for its end", took)
	}
	if w.count(HungWorker) != 1 || syscall.Kill(b.PID, 0) == nil {
		t.Errorf("%d were told hung", w.count(HungWorker))
	}
}
