package fault

import (
	"net"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// mustLieUnread checks on TCP whether the kernel at the other end has
// acknowledged what was sent: in a black hole it has not (SIOCOUTQ of tcp(7)),
// in a hanging process's buffer it has.
func mustLieUnread(t testing.TB, c net.Conn, unacknowledged bool) {
	t.Helper()
	tcp, ok := c.(*net.TCPConn)
	if !ok {
		return
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	queued := func() (n int) {
		if err := raw.Control(func(fd uintptr) { n, err = unix.IoctlGetInt(int(fd), syscall.TIOCOUTQ) }); err != nil {
			t.Fatal(err)
		}
		return n
	}
	if unacknowledged {
		if queued() == 0 {
			t.Fatal("the kernel acknowledged bytes inside a black hole")
		}
		return
	}
	waitFor(t, func() bool { return queued() == 0 })
}
