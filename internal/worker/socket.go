package worker

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// DupListener duplicates the raw descriptor of a listener, for Spec.Listener.
// It does not touch O_NONBLOCK, which all duplicates share: with
// net.TCPListener.File followed by an exec every other owner of the socket
// would sit in a blocking accept (golang/go#29277).
func DupListener(l syscall.Conn) (*os.File, error) {
	raw, err := l.SyscallConn()
	if err != nil {
		return nil, fmt.Errorf("reach the listener: %w", err)
	}
	return dup(raw, "listener")
}

// dup duplicates a descriptor with close-on-exec.
func dup(raw syscall.RawConn, name string) (*os.File, error) {
	fd, failed := -1, error(nil)
	if err := raw.Control(func(own uintptr) {
		fd, failed = unix.FcntlInt(own, unix.F_DUPFD_CLOEXEC, 0)
	}); err != nil {
		return nil, fmt.Errorf("reach the %s: %w", name, err)
	}
	if failed != nil {
		return nil, fmt.Errorf("duplicate the %s: %w", name, failed)
	}
	return os.NewFile(uintptr(fd), name), nil
}

// rawFD runs a function with the descriptor of a file, without the change to
// blocking mode that os.File.Fd may bring.
func rawFD(f *os.File, use func(fd int)) error {
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	return raw.Control(func(fd uintptr) { use(int(fd)) })
}

// Ports hands out loopback ports below the range that the kernel takes for
// outgoing connections, so that between the choice and the worker's bind no
// client of anybody gets the port. A port is not given twice in a row of
// thousands.
type Ports struct {
	mu    sync.Mutex
	first int
	count int
	next  int
}

// NewPorts returns a source of free ports.
func NewPorts() *Ports {
	low := 32768
	if text, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range"); err == nil {
		if fields := strings.Fields(string(text)); len(fields) == 2 {
			if n, err := strconv.Atoi(fields[0]); err == nil {
				low = n
			}
		}
	}
	p := &Ports{first: 10240, count: low - 10240}
	if p.count < 1000 { // the kernel's range covers almost all
		p.first, p.count = 1024, 64000
	}
	p.next = rand.IntN(p.count) //nolint:gosec // spreads several masters over the range; nothing secret
	return p
}

// Next returns a port of 127.0.0.1 on which nobody listens now.
func (p *Ports) Next() (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var config net.ListenConfig
	for range min(p.count, 2000) {
		port := p.first + p.next
		p.next = (p.next + 1) % p.count
		l, err := config.Listen(context.Background(), "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err != nil {
			continue
		}
		if err := l.Close(); err != nil {
			return 0, fmt.Errorf("give back port %d: %w", port, err)
		}
		return port, nil
	}
	return 0, fmt.Errorf("no free port from %d to %d", p.first, p.first+p.count)
}

// Dial is the default readiness check: it succeeds when the backend accepts a
// connection within two seconds.
func Dial(ctx context.Context, b Backend) error {
	d := net.Dialer{Timeout: 2 * time.Second}
	conn, err := d.DialContext(ctx, b.Network, b.Address)
	if err != nil {
		return err
	}
	return conn.Close()
}
