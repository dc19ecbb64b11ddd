package runner

import (
	"context"
	"errors"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/roadworthy-dev/roadworthy/internal/backlog"
)

// keepAlive is how long the front waits for the next request on a connection.
// The gate knows by it that a connection waits: see [passage].
const keepAlive = 75 * time.Second

// lateness is how much later than it was computed a deadline may be set.
const lateness = 5 * time.Second

// gate is the listener of the front. It can be frozen: it accepts nothing more,
// which the kernel's backlog holds meanwhile, and takes the connections that
// wait for a request away from the server, without a byte lost, so that another
// image of the program can go on with them.
type gate struct {
	net.Listener
	stall time.Duration // after which the kernel gives up a peer that takes nothing
	plain bool          // HTTP without TLS: a connection that waits has no state

	frozen    atomic.Bool // changed under mu
	mu        sync.Mutex
	closed    bool
	accepting bool // a connection may be in the hands of Accept
	open      map[*passage]bool
	kept      []net.Conn        // to be served next
	waited    map[net.Conn]bool // of these, the ones that were served before
	change    chan struct{}     // closed whenever something of these changes
}

func newGate(l net.Listener, stall time.Duration, plain bool, kept []net.Conn) *gate {
	g := &gate{Listener: l, stall: stall, plain: plain, open: map[*passage]bool{}, kept: kept, waited: map[net.Conn]bool{}, change: make(chan struct{})}
	for _, c := range kept {
		g.waited[c] = true
	}
	return g
}

// changed wakes those who wait. The lock is held.
func (g *gate) changed() {
	close(g.change)
	g.change = make(chan struct{})
}

// Accept returns the next connection, those that were kept first.
func (g *gate) Accept() (net.Conn, error) {
	for {
		conn, changed, err := g.next()
		switch {
		case conn != nil || err != nil:
			return conn, err
		case changed != nil:
			<-changed
			continue
		}
		accepted, err := g.Listener.Accept()
		g.took(accepted, err)
		if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, net.ErrClosed) {
			continue // frozen or closed, or there is one that was kept
		}
		if err != nil {
			return nil, err //nolint:wrapcheck // net/http looks at it
		}
	}
}

// took ends an Accept of the listener.
func (g *gate) took(accepted net.Conn, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	defer g.changed()
	g.accepting = false
	g.closed = g.closed || errors.Is(err, net.ErrClosed)
	if err == nil {
		g.limit(accepted)
		g.kept = append(g.kept, accepted)
	}
}

// next is the connection that was kept for longest, which a closed gate hands
// out before its end; where the gate is frozen, what to wait for; neither where
// one has to be accepted.
func (g *gate) next() (net.Conn, <-chan struct{}, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.frozen.Load() && !g.closed:
		return nil, g.change, nil
	case len(g.kept) > 0:
		c := &passage{Conn: g.kept[0], gate: g, fresh: true, patient: g.waited[g.kept[0]]}
		delete(g.waited, c.Conn)
		c.waits.Store(g.plain)
		g.kept = g.kept[1:]
		g.open[c] = true
		return c, nil, nil
	case g.closed:
		return nil, nil, net.ErrClosed
	}
	g.deadline(time.Time{})
	g.accepting = true
	return nil, nil, nil
}

func (g *gate) deadline(t time.Time) {
	if l, ok := g.Listener.(interface{ SetDeadline(t time.Time) error }); ok {
		_ = l.SetDeadline(t) // fails where it is closed, which Accept tells
	}
}

// limit lets the kernel give up a peer that takes no data for so long.
func (g *gate) limit(conn net.Conn) {
	if socket, ok := conn.(*net.TCPConn); ok {
		_ = control(socket, func(fd int) error {
			return unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(g.stall.Milliseconds()))
		})
	}
}

// control runs a function with the descriptor of a socket, which stays as it is.
func control(c syscall.Conn, use func(fd int) error) error {
	raw, err := c.SyscallConn()
	if err != nil {
		return err //nolint:wrapcheck // the caller says what for
	}
	var failed error
	if err := raw.Control(func(fd uintptr) { failed = use(int(fd)) }); err != nil {
		return err //nolint:wrapcheck // the caller says what for
	}
	return failed
}

// Close ends the gate; what is open stays so, and what is kept is handed out,
// and so is what waits in the kernel's backlog, which a close would reset. The
// front closes it, and so does net/http after it.
func (g *gate) Close() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return nil
	}
	g.closed = true
	waiting, err := backlog.Drain(g.Listener)
	for _, conn := range waiting {
		g.limit(conn)
		g.kept = append(g.kept, conn)
	}
	g.changed()
	return errors.Join(err, g.Listener.Close())
}

// cut closes what is kept, where nobody serves it any more.
func (g *gate) cut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, c := range g.kept {
		c.Close()
	}
	g.kept = nil
}

// freeze stops accepting, and takes each connection as soon as it waits.
func (g *gate) freeze() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.frozen.Store(true)
	g.deadline(long)
	for c := range g.open {
		c.wake()
	}
}

// long is a moment that is over.
var long = time.Unix(1, 0)

// thaw takes freeze back.
func (g *gate) thaw() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.frozen.Store(false)
	g.changed()
}

// opened is how many connections are with the server.
func (g *gate) opened() (int, <-chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.open), g.change
}

// settled tells whether all connections are kept: the server has none, and the
// kernel has handed none out that stands nowhere yet.
func (g *gate) settled() (bool, <-chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.open) == 0 && !g.accepting, g.change
}

// empty waits until the server has no connection any more.
func (g *gate) empty(ctx context.Context) error {
	for {
		ok, changed := g.settled()
		if ok {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// leave takes a connection back from the server.
func (g *gate) leave(c *passage) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.open, c)
	defer g.changed()
	if !c.leaving() || g.closed {
		return c.Conn.Close() //nolint:wrapcheck // a plain hand-through
	}
	_ = c.Conn.SetReadDeadline(time.Time{})
	g.kept, g.waited[c.Conn] = append(g.kept, c.Conn), true
	if !g.frozen.Load() {
		g.deadline(long) // so that Accept looks
	}
	return nil
}

// passage is a connection that passed the gate.
//
// It waits for a request as long as nothing was read of its first one, and
// after a reply. Of the latter net/http tells no listener, but it lifts the
// write deadline, sets the read deadline to the idle timeout and reads, in this
// order and at no other time. Where that should change, connections count as
// busy: an upgrade then waits for them in vain and is given up, and a test
// fails. http.Server.ConnState would tell of the idleness in clearer words, but
// of the next request only when its head was read: what came of it in the same
// piece as the one before, and what is being read, must be followed here anyway.
type passage struct {
	net.Conn
	gate *gate

	waits  atomic.Bool
	lifted atomic.Bool // the write deadline was, just before
	ahead  atomic.Bool // a byte of the next request was read during the last one
	gone   atomic.Bool

	mu      sync.Mutex
	fresh   bool // nothing was ever read
	patient bool // for its next request it has the time of a connection that was served before
	woken   bool
	until   time.Time     // the read deadline
	head    time.Duration // for the head of the first request, where patient
	leaves  bool          // the server was told to let it go
}

// wake ends a read that waits for a request.
func (c *passage) wake() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.waits.Load() {
		c.woken = true
		_ = c.Conn.SetReadDeadline(long)
	}
}

// leaving tells whether the server was told to let the connection go.
func (c *passage) leaving() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.leaves
}

// Read reads, unless the gate is frozen and nothing of a request was read yet.
func (c *passage) Read(p []byte) (int, error) {
	waited := c.waits.Load()
	if waited && c.gate.frozen.Load() {
		c.mu.Lock()
		c.leaves = true
		c.mu.Unlock()
		return 0, os.ErrDeadlineExceeded
	}
	n, err := c.Conn.Read(p)
	if n > 0 {
		c.ahead.Store(len(p) == 1) // so does net/http while a request is being answered
	}
	if !waited {
		return n, err //nolint:wrapcheck // net/http looks at it
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case n > 0:
		c.waits.Store(false)
		c.fresh = false
		if c.patient && c.head > 0 {
			c.patient, c.woken = false, true
			c.until = time.Now().Add(c.head)
		}
		if c.woken { // too late: it is a request now
			c.woken = false
			_ = c.Conn.SetReadDeadline(c.until)
		}
	case errors.Is(err, os.ErrDeadlineExceeded) && c.gate.frozen.Load():
		c.leaves = true
	}
	return n, err //nolint:wrapcheck // net/http looks at it
}

// Write writes.
func (c *passage) Write(p []byte) (int, error) {
	c.lifted.Store(false)
	return c.Conn.Write(p) //nolint:wrapcheck // net/http looks at it
}

// SetWriteDeadline hands on.
func (c *passage) SetWriteDeadline(t time.Time) error {
	if c.gone.Load() {
		return net.ErrClosed
	}
	c.lifted.Store(t.IsZero())
	return c.Conn.SetWriteDeadline(t) //nolint:wrapcheck // a plain hand-through
}

// SetReadDeadline hands on, and finds out whether the connection waits.
func (c *passage) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gone.Load() {
		return net.ErrClosed // another passage has it now
	}
	left := time.Until(t)
	if c.fresh && c.patient && !t.IsZero() {
		c.head, t = left, time.Now().Add(keepAlive)
	}
	if c.until = t; !c.fresh {
		c.waits.Store(c.lifted.Swap(false) && c.gate.plain && !c.ahead.Load() && left <= keepAlive && left > keepAlive-lateness)
	}
	return c.Conn.SetReadDeadline(t) //nolint:wrapcheck // a plain hand-through
}

// Close closes the connection, or gives it back to the gate.
func (c *passage) Close() error {
	if c.gone.Swap(true) {
		return net.ErrClosed
	}
	return c.gate.leave(c)
}

// CloseWrite tells the client that no more will come.
func (c *passage) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite() //nolint:wrapcheck // a plain hand-through
	}
	return nil
}

// SyscallConn gives access to the socket.
func (c *passage) SyscallConn() (syscall.RawConn, error) {
	socket, ok := c.Conn.(syscall.Conn)
	if !ok {
		return nil, syscall.EINVAL
	}
	return socket.SyscallConn() //nolint:wrapcheck // a plain hand-through
}
