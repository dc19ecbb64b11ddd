package front

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/roadworthy-dev/roadworthy/internal/front/upstream"
)

// listener bounds the number of connections on all listeners of a front.
type listener struct {
	net.Listener
	front *Front
}

// Accept returns the next connection for which there is a place; others are
// told so and closed, so that they do not wait in vain.
func (l *listener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err //nolint:wrapcheck // net/http looks at it
		}
		select {
		case l.front.places <- struct{}{}:
			l.front.metrics.accepted.Add(1)
			limitStall(conn, l.front.options.Deadlines.Idle)
			c := &clientConn{Conn: conn, front: l.front}
			l.front.rest.enter(c)
			return c, nil
		default:
			l.front.turnAway(conn)
		}
	}
}

// limitStall lets the kernel give a peer up that takes no data for so long; the
// writes of small replies need no deadline then.
func limitStall(conn net.Conn, limit time.Duration) {
	socket, ok := conn.(*net.TCPConn)
	if !ok {
		return
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) { // a kernel without it only waits longer
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(limit.Milliseconds()))
	})
}

func (f *Front) turnAway(conn net.Conn) {
	f.metrics.codes[TooMany.index()].Add(1)
	f.options.Log.LogAttrs(context.Background(), slog.LevelError, "connection refused", slog.String("code", string(TooMany)), slog.String("reason", TooMany.meaning().Short))
	text := string(TooMany) + " " + TooMany.meaning().Short + "\n"
	_ = conn.SetWriteDeadline(f.options.Now().Add(100 * time.Millisecond))
	_, _ = conn.Write([]byte("HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; charset=utf-8\r\nX-Front-Error: " + string(TooMany) +
		"\r\nRetry-After: 2\r\nConnection: close\r\nContent-Length: " + strconv.Itoa(len(text)) + "\r\n\r\n" + text)) // TLS clients see a failed handshake
	conn.Close()
}

// clientConn gives its place back when it closes, and rests when it is idle.
type clientConn struct {
	net.Conn
	front  *Front
	closed atomic.Bool
	ahead  []byte                        // was read while it rested
	idle   atomic.Uint32                 // the tick since which it waits for a request; 0 when it does not
	gone   atomic.Bool                   // the client has left
	worker atomic.Pointer[upstream.Conn] // to be told of that

	mu    sync.Mutex
	until time.Time // when it has waited for long enough
	waits bool      // reads, with nothing of a request so far
	asked bool      // to rest
	rests bool      // does so when net/http lets go
}

// Read reads what came while the connection rested, then the connection.
func (c *clientConn) Read(p []byte) (int, error) {
	switch {
	case len(c.ahead) > 0:
		n := copy(p, c.ahead)
		c.ahead = c.ahead[n:]
		return n, nil
	case len(p) == readBuffer && c.idle.Load() != 0:
		return c.readIdle(p)
	}
	n, err := c.Conn.Read(p)
	if err != nil {
		c.failed(len(p), err)
	}
	return n, err //nolint:wrapcheck // net/http looks at it
}

// Close closes the connection once, or lets it rest.
func (c *clientConn) Close() error {
	if c.closed.Swap(true) {
		return net.ErrClosed
	}
	c.mu.Lock()
	rests := c.rests
	c.mu.Unlock()
	if c.front.rest.leave(c, rests) {
		return nil
	}
	<-c.front.places
	return c.Conn.Close() //nolint:wrapcheck // net/http looks at it
}

// CloseWrite tells the client that no more will come.
func (c *clientConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite() //nolint:wrapcheck // a plain hand-through
	}
	return nil
}

// SyscallConn gives access to the socket.
func (c *clientConn) SyscallConn() (syscall.RawConn, error) {
	socket, ok := c.Conn.(syscall.Conn)
	if !ok {
		return nil, syscall.EINVAL
	}
	return socket.SyscallConn() //nolint:wrapcheck // a plain hand-through
}

// tooLargeHead is how net/http begins its own reply to a head over the limit.
// It tells no handler, but without TLS we see it pass, and give it our code.
const tooLargeHead = "HTTP/1.1 431 Request Header Fields Too Large\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n"

// Write replaces the one reply that net/http gives without asking us.
func (c *clientConn) Write(p []byte) (int, error) {
	if len(p) >= len(tooLargeHead) && p[9] == '4' && bytes.HasPrefix(p, []byte(tooLargeHead)) {
		f := c.front
		f.metrics.codes[HeaderTooLarge.index()].Add(1)
		f.options.Log.LogAttrs(context.Background(), slog.LevelInfo, "request failed", slog.String("code", string(HeaderTooLarge)), slog.String("reason", HeaderTooLarge.meaning().Short))
		_, err := c.Conn.Write([]byte(tooLargeHead[:len(tooLargeHead)-2] + "X-Front-Error: F21\r\n\r\n" + "F21 " + HeaderTooLarge.meaning().Short + "\n"))
		return len(p), err //nolint:wrapcheck // net/http looks at it
	}
	return c.Conn.Write(p) //nolint:wrapcheck // net/http looks at it
}
