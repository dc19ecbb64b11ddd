package bench

import (
	"fmt"
	"net"
	"syscall"
)

// The sizes of a collector's sockets. A loopback connection holds megabytes;
// one of these holds about as much as a stalled collector behind an ordinary
// network, so that its silence is felt after some hundred kilobytes.
const (
	narrowSegment = 1448     // bytes: what fits in an Ethernet frame
	narrowBuffer  = 16 << 10 // bytes asked of the kernel, which doubles them
)

// narrow makes every connection that the listener accepts from now on hold
// little: its receive buffer is small, and the segments that it announces keep
// the peer's send buffer small, which the kernel sizes by them.
func narrow(listener net.Listener, err error) (net.Listener, error) {
	if err != nil {
		return nil, err
	}
	raw, err := listener.(*net.TCPListener).SyscallConn()
	if err != nil {
		return nil, fmt.Errorf("narrow a listener: %w", err)
	}
	var failed error
	err = raw.Control(func(fd uintptr) {
		if failed = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_MAXSEG, narrowSegment); failed == nil {
			failed = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, narrowBuffer)
		}
	})
	if err == nil {
		err = failed
	}
	if err != nil {
		_ = listener.Close() // of no use
		return nil, fmt.Errorf("narrow a listener: %w", err)
	}
	return listener, nil
}
