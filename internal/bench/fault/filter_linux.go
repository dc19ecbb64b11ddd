package fault

import (
	"fmt"
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// setSilent attaches to a TCP socket, or detaches from it, the classic BPF
// program "ret 0", which lets no packet in (socket(7), SO_ATTACH_FILTER; no
// privilege needed). Other sockets run no filter and are left alone: for them
// silence is that nobody accepts or reads.
func setSilent(socket any, silent bool) error {
	switch socket.(type) {
	case *net.TCPListener, *net.TCPConn:
	default:
		return nil
	}
	raw, err := socket.(syscall.Conn).SyscallConn()
	if err != nil {
		return fmt.Errorf("reach socket: %w", err)
	}
	var set error
	if err := raw.Control(func(fd uintptr) { set = filter(int(fd), silent) }); err != nil {
		return fmt.Errorf("reach socket: %w", err)
	}
	return set
}

func filter(fd int, silent bool) error {
	if !silent {
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DETACH_FILTER, 0); err != nil {
			return fmt.Errorf("detach socket filter: %w", err)
		}
		return nil
	}
	none := unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: 0}
	program := unix.SockFprog{Len: 1, Filter: &none}
	if err := unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &program); err != nil {
		return fmt.Errorf("attach socket filter: %w", err)
	}
	return nil
}

// multipath tells whether a listener's socket is one of Multipath TCP
// (RFC 8684), which takes no filter (EOPNOTSUPP).
func multipath(l net.Listener) bool {
	t, ok := l.(*net.TCPListener)
	if !ok {
		return false
	}
	raw, err := t.SyscallConn()
	if err != nil {
		return false
	}
	var protocol int
	err = raw.Control(func(fd uintptr) {
		protocol, _ = unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_PROTOCOL)
	})
	return err == nil && protocol == unix.IPPROTO_MPTCP
}

// pending tells whether a connection waits in the listener's accept queue.
func pending(l net.Listener) bool {
	sc, ok := l.(syscall.Conn)
	if !ok {
		return false
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return false
	}
	var ready bool
	err = raw.Control(func(fd uintptr) {
		polled := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		for {
			n, err := unix.Poll(polled, 0)
			if err == unix.EINTR {
				continue
			}
			ready = err == nil && n > 0
			return
		}
	})
	return err == nil && ready
}
