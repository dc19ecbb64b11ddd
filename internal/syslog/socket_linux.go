package syslog

import (
	"errors"
	"net"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// setUserTimeout bounds how long TCP waits for an acknowledgement (RFC 5482).
// Without it a vanished host is noticed after a quarter of an hour.
func setUserTimeout(conn *net.TCPConn, timeout time.Duration) {
	control(conn, func(fd int) {
		_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(timeout.Milliseconds()))
	})
}

// unacknowledged returns how many bytes at the end of what was written the
// other side has not acknowledged. TLS makes a little more of them, so that a
// message may come twice. On a unix socket, which counts memory, it is 0.
func (l *link) unacknowledged() int {
	n := 0
	if conn, ok := l.raw.(*net.TCPConn); ok {
		control(conn, func(fd int) { n, _ = unix.IoctlGetInt(fd, unix.SIOCOUTQ) })
	}
	return n
}

func control(conn syscall.Conn, do func(fd int)) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) { do(int(fd)) })
}

func isWrongType(err error) bool { return errors.Is(err, syscall.EPROTOTYPE) }
