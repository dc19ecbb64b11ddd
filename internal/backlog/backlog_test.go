package backlog

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"
)

// sockets listens on each network that there is.
func sockets(t *testing.T) map[string]net.Listener {
	t.Helper()
	list := map[string]net.Listener{}
	for network, address := range map[string]string{"tcp": "127.0.0.1:0", "unix": filepath.Join(t.TempDir(), "web.sock")} {
		listener, err := net.Listen(network, address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { listener.Close() })
		list[network] = listener
	}
	return list
}

// call connects and sends a line that nobody has asked for yet.
func call(t *testing.T, to net.Listener, line string) net.Conn {
	t.Helper()
	conn, err := net.Dial(to.Addr().Network(), to.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	fmt.Fprintln(conn, line)
	return conn
}

// echo answers everybody until the listener has ended.
func echo(l net.Listener) {
	var group sync.WaitGroup
	for {
		conn, err := l.Accept()
		if err != nil {
			break
		}
		group.Go(func() {
			defer conn.Close()
			if line, err := bufio.NewReader(conn).ReadString('\n'); err == nil {
				_, _ = io.WriteString(conn, line)
			}
		})
	}
	group.Wait()
}

// Who waits when the listener is closed is served, and everybody after that is
// refused, whether somebody is in Accept already or comes later.
func TestWhoWaitsIsServed(t *testing.T) {
	for _, early := range []bool{false, true} {
		for network, socket := range sockets(t) {
			listener := Serve(socket)
			var group sync.WaitGroup
			clients := make([]net.Conn, 100) // the least backlog of a kernel in use is 128
			for i := range clients {
				clients[i] = call(t, listener, fmt.Sprint(i))
				if early && i == len(clients)/2 {
					group.Go(func() { echo(listener) })
				}
			}
			if err := listener.Close(); err != nil {
				t.Errorf("%s: %v", network, err)
			}
			if !early {
				group.Go(func() { echo(listener) })
			}
			for i, client := range clients {
				_ = client.SetDeadline(time.Now().Add(20 * time.Second))
				if got, err := bufio.NewReader(client).ReadString('\n'); got != fmt.Sprintln(i) {
					t.Errorf("%s, early %v: client %d got %q, %v", network, early, i, got, err)
				}
			}
			group.Wait()
			if conn, err := net.Dial(network, socket.Addr().String()); err == nil {
				conn.Close()
				t.Errorf("%s: it is open still", network)
			}
		}
	}
}

// What nobody has taken by the second Close is closed, so that no client waits
// for ever.
func TestTheSecondCloseIsTheEnd(t *testing.T) {
	for network, socket := range sockets(t) {
		listener := Serve(socket)
		client := call(t, listener, "hello")
		for range 2 {
			_ = listener.Close() // the second tells that it is closed, as others do
		}
		if conn, err := listener.Accept(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("%s: got %v, %v", network, conn, err)
		}
		_ = client.SetDeadline(time.Now().Add(20 * time.Second))
		if n, err := client.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%s: read %d, %v", network, n, err)
		}
	}
}

// A client that has gone is not there to read a reply; its connection has no
// address, by which a front would take it for another one than it was.
func TestWhoHasGoneIsLeftOut(t *testing.T) {
	socket := sockets(t)["tcp"]
	gone := call(t, socket, "gone").(*net.TCPConn)
	stays := call(t, socket, "stays")
	_ = gone.SetLinger(0) // a reset
	gone.Close()
	var list []net.Conn
	for deadline := time.Now().Add(20 * time.Second); len(list) == 0 && time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		var err error
		if list, err = Drain(socket); err != nil {
			t.Fatal(err)
		}
	}
	if len(list) != 1 || list[0].RemoteAddr() == nil || list[0].RemoteAddr().String() != stays.LocalAddr().String() {
		t.Errorf("got %v", list)
	}
	for _, conn := range list {
		conn.Close()
	}
}

// One client that gave up, or a signal, does not end it; an error does, and is
// told with what was accepted before.
func TestItGoesOnToTheEnd(t *testing.T) {
	for name, c := range map[string]struct {
		script []error // nil for a connection
		count  int
		err    error
	}{
		"clients that gave up": {[]error{nil, syscall.ECONNABORTED, syscall.EINTR, nil, syscall.EAGAIN, nil}, 2, nil},
		"too many files":       {[]error{nil, syscall.EMFILE, nil}, 1, syscall.EMFILE},
		"nobody":               {[]error{syscall.EAGAIN}, 0, nil},
	} {
		socket := sockets(t)["tcp"]
		list, err := drain(func() (int, error) {
			next := c.script[0]
			if c.script = c.script[1:]; next != nil {
				return -1, next
			}
			return acceptOne(t, socket)
		})
		if len(list) != c.count || !errors.Is(err, c.err) {
			t.Errorf("%s: %d connections, %v", name, len(list), err)
		}
		if slices.ContainsFunc(list, func(conn net.Conn) bool { return conn.Close() != nil }) {
			t.Errorf("%s: a connection was not open", name)
		}
	}
}

// acceptOne returns the descriptor of a fresh connection.
func acceptOne(t *testing.T, socket net.Listener) (int, error) {
	t.Helper()
	call(t, socket, "")
	raw, err := socket.(syscall.Conn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	fd := -1
	for deadline := time.Now().Add(20 * time.Second); fd < 0 && time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		_ = raw.Control(func(listening uintptr) { fd, err = accept(int(listening)) })
	}
	return fd, err
}

// What is no socket has no backlog that one could see, and what is closed has
// none.
func TestWhatHasNoBacklog(t *testing.T) {
	socket := sockets(t)["tcp"]
	type covered struct{ net.Listener }
	if list, err := Drain(covered{socket}); len(list) != 0 || err != nil {
		t.Errorf("no socket: %v, %v", list, err)
	}
	if list, err := Drain(socket); len(list) != 0 || err != nil {
		t.Errorf("nobody waits: %v, %v", list, err)
	}
	socket.Close()
	if list, err := Drain(socket); len(list) != 0 || !errors.Is(err, net.ErrClosed) {
		t.Errorf("closed: %v, %v", list, err)
	}
}
