package front

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// rest holds connections that wait for a request longer than a moment.
//
// net/http keeps two buffers and a grown stack for each connection, 15 KiB in
// all. Therefore a plain connection that is idle is taken from it, as if it had
// ended, and waits here on a small goroutine. With the first bytes of a request
// it goes back to net/http, as if it were new.
//
// Nothing is lost on the way: net/http lets go only of a connection of which it
// has no byte unread, which the room in its buffer tells (see readIdle).
type rest struct {
	front *Front
	serve sync.Once
	woken chan net.Conn
	over  chan struct{} // closed with the lock held
	group sync.WaitGroup

	mu     sync.Mutex
	closed bool
	known  map[*clientConn]struct{} // with net/http
	asleep map[*sleeper]struct{}
}

func newRest(f *Front) *rest {
	return &rest{front: f, woken: make(chan net.Conn), over: make(chan struct{}), known: map[*clientConn]struct{}{}, asleep: map[*sleeper]struct{}{}}
}

// ticksToRest is how many ticks of tend a connection is idle before it rests:
// half a second each, the first one not a whole one.
const ticksToRest = 3

// readBuffer is the size of net/http's buffer for reading a connection. Where
// that should change, no connection rests, and a test fails.
const readBuffer = 4 << 10

func (r *rest) enter(c *clientConn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.known[c] = struct{}{}
}

// leave forgets a connection, and says whether it goes to rest.
func (r *rest) leave(c *clientConn, rests bool) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.known, c)
	if !rests || r.closed {
		return false
	}
	s := &sleeper{Conn: c.Conn, rest: r, until: c.until}
	r.asleep[s] = struct{}{}
	r.serve.Do(func() { r.group.Go(func() { _ = r.front.server.Serve(r) }) }) // ends with the server
	r.group.Go(s.sleep)
	return true
}

// tick asks connections that have been idle for long enough to rest.
func (r *rest) tick(now uint32) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for c := range r.known {
		if since := c.idle.Load(); since != 0 && now-since >= ticksToRest {
			c.askToRest()
		}
	}
}

// Accept returns the next connection that was woken by a request.
func (r *rest) Accept() (net.Conn, error) {
	select {
	case conn := <-r.woken:
		return conn, nil
	case <-r.over:
		return nil, net.ErrClosed
	}
}

// Addr is what net/http tells its handlers, of which ours asks nothing.
func (r *rest) Addr() net.Addr { return &net.UnixAddr{Name: "rest", Net: "unix"} }

// Close is for net/http.
func (r *rest) Close() error {
	r.end()
	return nil
}

// end closes all that rests.
func (r *rest) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return
	}
	r.closed = true
	close(r.over)
	for s := range r.asleep {
		_ = s.Close() // wakes it
	}
}

// sleeper is a connection that rests.
type sleeper struct {
	net.Conn
	rest  *rest
	until time.Time // when it has waited for long enough
	first [2]byte
}

// sleep waits for the first bytes of a request, or for the end.
func (s *sleeper) sleep() {
	n, err := s.wait()
	r := s.rest
	r.mu.Lock()
	delete(r.asleep, s)
	c := &clientConn{Conn: s.Conn, front: r.front, ahead: s.first[:n]}
	if err == nil && !r.closed {
		r.known[c] = struct{}{}
	}
	r.mu.Unlock()
	if err == nil {
		select {
		case r.woken <- c:
			return
		case <-r.over:
		}
	}
	_ = c.Close() // gives its place back
}

// wait passes over an empty line, which some clients send after a body. The
// order of the deadlines is net/http's before it waits; a listener may know by it.
func (s *sleeper) wait() (n int, err error) {
	_ = s.SetWriteDeadline(time.Time{})
	_ = s.SetReadDeadline(s.until)
	n, err = s.Read(s.first[:])
	if string(s.first[:n]) == "\r\n" {
		n = 0
	}
	return n, err //nolint:wrapcheck // any error ends it
}

// askToRest wakes the read of a connection that waits for a request.
func (c *clientConn) askToRest() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.waits && !c.asked {
		c.asked = true
		_ = c.Conn.SetReadDeadline(past)
	}
}

// readIdle reads the first bytes of a request, and gives the connection up when
// it is asked to rest instead.
func (c *clientConn) readIdle(p []byte) (int, error) {
	c.mu.Lock()
	c.waits = !c.until.IsZero()
	c.mu.Unlock()
	n, err := c.Conn.Read(p)
	c.idle.Store(0)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waits = false
	if !c.asked {
		return n, err //nolint:wrapcheck // net/http looks at it
	}
	c.asked = false
	if n > 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
		_ = c.Conn.SetReadDeadline(c.until) // too late: it is a request now
		return n, err                       //nolint:wrapcheck // net/http looks at it
	}
	c.rests = true
	return 0, io.EOF
}

// SetReadDeadline follows net/http: after a reply it sets the deadline for the
// next request, and another one as soon as it has the first bytes of that, be it
// from its buffer. Only between the two does the connection wait.
func (c *clientConn) SetReadDeadline(t time.Time) error {
	if c.idle.Load() != 0 {
		c.mu.Lock()
		if c.until.IsZero() {
			c.until = t
		} else {
			c.idle.Store(0)
		}
		c.mu.Unlock()
	}
	return c.Conn.SetReadDeadline(t) //nolint:wrapcheck // net/http looks at it
}

// waiting notes that net/http has replied, and will wait.
func (c *clientConn) waiting(now uint32) {
	c.mu.Lock()
	c.until = time.Time{}
	c.mu.Unlock()
	c.idle.Store(now)
}
