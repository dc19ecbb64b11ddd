package upstream

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// bufferSize is what one read takes at most, in bytes.
const bufferSize = 16 << 10

// Errors that the front tells apart. ErrNoReply and ErrCut wrap the cause.
var (
	// ErrMalformed means that the worker's bytes are not an HTTP/1 response, or
	// one that could be read in two ways.
	ErrMalformed = errors.New("malformed response")
	// ErrNoReply means that the connection ended before a byte of the response.
	ErrNoReply = errors.New("no response")
	// ErrCut means that the connection ended within the response.
	ErrCut = errors.New("response cut short")
)

// Conn is one connection to a worker, in use for one exchange. It is for one
// goroutine, except that SendBody may run beside the reading methods and the
// Set…Deadline methods and Abort may be called from anywhere.
type Conn struct {
	client *Client
	plain  net.Conn
	raw    syscall.RawConn
	poll   [1]unix.PollFd
	probe  func(fd uintptr)
	quiet  bool
	since  time.Time   // idle since
	until  time.Time   // the deadline that Await set
	moved  atomic.Bool // a deadline is not what Await set
	over   atomic.Bool // by Abort
	abort  func()      // c.Abort, made once

	buf    []byte // held while in use, pooled while idle
	r, w   int    // unread bytes are buf[r:w]
	got    bool   // a byte of the response has come
	reused bool
	keep   bool // the framing allows another exchange
	done   bool // the response ended where it said
	bare   bool // the response had no body by its kind
	unsent bool // a request body was not sent to its end

	// BeforeRead, when set, is called before a read that may block, so that what
	// was relayed so far can be flushed.
	BeforeRead func()
	body       body
	trailer    http.Header
}

// pool holds read buffers between exchanges.
type pool struct{ p sync.Pool }

func (p *pool) get() []byte {
	if b, ok := p.p.Get().(*[bufferSize]byte); ok {
		return b[:]
	}
	return make([]byte, bufferSize)
}

func (p *pool) put(b []byte) {
	if len(b) == bufferSize {
		p.p.Put((*[bufferSize]byte)(b))
	}
}

// buffers is shared by all clients: a cache, not state.
var buffers pool

func newConn(client *Client, plain net.Conn) (*Conn, error) {
	c := &Conn{client: client, plain: plain}
	socket, ok := plain.(syscall.Conn)
	if !ok {
		return nil, fmt.Errorf("%T is no socket", plain)
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return nil, fmt.Errorf("reach the socket: %w", err)
	}
	c.raw, c.abort = raw, c.Abort
	c.probe = func(fd uintptr) {
		c.poll[0] = unix.PollFd{Fd: int32(fd), Events: unix.POLLIN}
		n, err := unix.Poll(c.poll[:], 0)
		c.quiet = n == 0 && err == nil
	}
	return c, nil
}

// silent reports whether an idle connection is open and has nothing to read: a
// worker that closed it, died or spoke out of turn makes it readable.
func (c *Conn) silent() bool {
	c.quiet = false
	return c.raw.Control(c.probe) == nil && c.quiet
}

func (c *Conn) begin(reused bool) {
	c.buf, c.r, c.w = buffers.get(), 0, 0
	c.got, c.keep, c.done, c.unsent, c.reused = false, false, false, false, reused
	c.body, c.trailer = body{}, nil
}

// Reused reports whether the connection carried an exchange before this one.
func (c *Conn) Reused() bool { return c.reused }

// Got reports whether a byte of the response has come.
func (c *Conn) Got() bool { return c.got }

// Consumed reports, once a read met the end of the connection, whether the
// worker had read all that it was sent. A socket that is closed with bytes
// unread, or gets some after it was closed, answers with a reset, which the
// kernel has noted by then; one that was read to the end is half closed only.
func (c *Conn) Consumed() bool {
	consumed := false
	err := c.raw.Control(func(fd uintptr) {
		info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
		// On a unix socket the end itself tells: a reset is another error.
		consumed = err != nil || info.State == tcpCloseWait && info.Unacked == 0
	})
	return err == nil && consumed
}

// tcpCloseWait is TCP_CLOSE_WAIT of include/net/tcp_states.h.
const tcpCloseWait = 8

// Send writes the bytes of a head, and of a body that is at hand. It returns
// how many were written.
func (c *Conn) Send(p []byte) (int, error) {
	n, err := c.plain.Write(p)
	if err != nil {
		c.unsent = true
		return n, fmt.Errorf("send the request: %w", err)
	}
	return n, nil
}

// Await gives the request and its response patience from now on, or up to a
// thirtieth more: the deadline of a busy connection need not be set for each
// request. Call it before the request is sent.
func (c *Conn) Await(now time.Time, patience time.Duration) {
	slack := patience / 30
	if left := c.until.Sub(now); c.moved.Swap(false) || left < patience || left > patience+slack {
		c.until = now.Add(patience + slack)
		_ = c.plain.SetDeadline(c.until)
		c.stayEnded()
	}
}

// SetReadDeadline bounds the reads under way and to come.
func (c *Conn) SetReadDeadline(t time.Time) {
	c.moved.Store(true)
	_ = c.plain.SetReadDeadline(t)
	c.stayEnded()
}

// Aborter returns Abort as a function.
func (c *Conn) Aborter() func() { return c.abort }

// SetWriteDeadline bounds the writes under way and to come.
func (c *Conn) SetWriteDeadline(t time.Time) {
	c.moved.Store(true)
	_ = c.plain.SetWriteDeadline(t)
	c.stayEnded()
}

// Abort ends the exchange from outside: reads and writes under way fail, and
// the connection will not be reused.
func (c *Conn) Abort() {
	c.over.Store(true)
	_ = c.plain.SetDeadline(time.Unix(1, 0))
}

// stayEnded takes a deadline back that was set beside Abort.
func (c *Conn) stayEnded() {
	if c.over.Load() {
		_ = c.plain.SetDeadline(time.Unix(1, 0))
	}
}

// Release ends the exchange. The connection is kept for another one when the
// framing allows it, and closed otherwise.
func (c *Conn) Release(now time.Time) {
	whole := c.keep && c.done && !c.unsent && c.r == c.w
	buffers.put(c.buf)
	c.buf, c.BeforeRead, c.trailer = nil, nil, nil
	c.since = now
	if !whole || !c.client.keep(c) {
		c.plain.Close()
	}
}

// Close ends the exchange and the connection.
func (c *Conn) Close() {
	if c.buf != nil {
		buffers.put(c.buf)
		c.buf = nil
	}
	c.plain.Close()
}

// Hijack gives the connection away, with the bytes that were read too far. The
// exchange is over.
func (c *Conn) Hijack() (net.Conn, []byte) {
	rest := append([]byte(nil), c.buf[c.r:c.w]...)
	buffers.put(c.buf)
	c.buf, c.BeforeRead = nil, nil
	return c.plain, rest
}

// fill reads once more. It makes room first, up to limit bytes of unread data.
func (c *Conn) fill(limit int) error {
	if c.r == c.w {
		c.r, c.w = 0, 0
	}
	if c.w == len(c.buf) {
		if err := c.makeRoom(limit); err != nil {
			return err
		}
	}
	if c.BeforeRead != nil {
		c.BeforeRead()
	}
	n, err := c.plain.Read(c.buf[c.w:])
	c.w += n
	if n > 0 {
		c.got = true
		return nil
	}
	return c.ended(err)
}

func (c *Conn) makeRoom(limit int) error {
	if c.r > 0 {
		c.w = copy(c.buf, c.buf[c.r:c.w])
		c.r = 0
		return nil
	}
	if len(c.buf) >= limit {
		return fmt.Errorf("%w: more than %d bytes of head", ErrMalformed, limit)
	}
	grown := make([]byte, min(2*len(c.buf), limit))
	copy(grown, c.buf[:c.w])
	buffers.put(c.buf)
	c.buf = grown
	return nil
}

// ended names the end of the connection. Deadlines keep their own error.
func (c *Conn) ended(err error) error {
	var timeout net.Error
	switch {
	case errors.As(err, &timeout) && timeout.Timeout():
		return fmt.Errorf("wait for the worker: %w", err)
	case !c.got:
		return fmt.Errorf("%w: %w", ErrNoReply, err)
	case errors.Is(err, io.EOF):
		return io.EOF
	}
	return fmt.Errorf("%w: %w", ErrCut, err)
}
