package upstream

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// Limits bounds a client. The zero value means the defaults.
type Limits struct {
	MaxIdle int           // idle connections kept; 0 means 128
	IdleFor time.Duration // how long one is kept idle; 0 means 55 s
	Connect time.Duration // how long a connect may take; 0 means 5 s
	Head    int           // largest response head in bytes; 0 means 64 KiB
}

func (l Limits) withDefaults() Limits {
	if l.MaxIdle == 0 {
		l.MaxIdle = 128
	}
	if l.IdleFor == 0 {
		l.IdleFor = 55 * time.Second
	}
	if l.Connect == 0 {
		l.Connect = 5 * time.Second
	}
	if l.Head == 0 {
		l.Head = 64 << 10
	}
	return l
}

// ErrConnect means that no connection to the worker could be made, so that the
// worker has seen nothing of the request.
var ErrConnect = errors.New("connect to the worker")

// Client opens, keeps and reuses the connections to one worker. It is safe for
// concurrent use.
type Client struct {
	network, address string
	limits           Limits
	dialer           net.Dialer

	mu     sync.Mutex
	idle   []*Conn // the last one released is the first one reused
	closed bool
}

// New returns a client for the address on the network "tcp" or "unix". It
// connects when the first request comes.
func New(network, address string, limits Limits) *Client {
	limits = limits.withDefaults()
	return &Client{
		network: network, address: address, limits: limits,
		dialer: net.Dialer{Timeout: limits.Connect, KeepAlive: -1},
	}
}

// young is how long an idle connection is reused without a look, if the caller
// can repeat the request.
const young = time.Second

// Get returns an idle connection that the worker has not closed, or a new one.
// With repeatable, one that was used a moment ago is not looked at first, which
// saves a system call; but after a reply without a body it is, as a worker may
// have sent one. An error wraps ErrConnect.
func (c *Client) Get(ctx context.Context, now time.Time, repeatable bool) (*Conn, error) {
	for {
		conn := c.pop()
		if conn == nil {
			return c.connect(ctx)
		}
		idle := now.Sub(conn.since)
		if idle < c.limits.IdleFor && (repeatable && idle < young && !conn.bare || conn.silent()) {
			conn.begin(true)
			return conn, nil
		}
		conn.Close()
	}
}

// Fresh returns a new connection.
func (c *Client) Fresh(ctx context.Context) (*Conn, error) { return c.connect(ctx) }

func (c *Client) pop() *Conn {
	c.mu.Lock()
	defer c.mu.Unlock()
	last := len(c.idle) - 1
	if last < 0 {
		return nil
	}
	conn := c.idle[last]
	c.idle[last] = nil
	c.idle = c.idle[:last]
	return conn
}

func (c *Client) connect(ctx context.Context) (*Conn, error) {
	plain, err := c.dialer.DialContext(ctx, c.network, c.address)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConnect, err)
	}
	conn, err := newConn(c, plain)
	if err != nil {
		plain.Close()
		return nil, fmt.Errorf("%w: %w", ErrConnect, err)
	}
	conn.begin(false)
	return conn, nil
}

// keep puts a connection back, or says that there is no room for it.
func (c *Client) keep(conn *Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed || len(c.idle) >= c.limits.MaxIdle {
		return false
	}
	c.idle = append(c.idle, conn)
	return true
}

// Idle returns the number of idle connections.
func (c *Client) Idle() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.idle)
}

// Sweep closes idle connections that are too old or that the worker has closed.
func (c *Client) Sweep(now time.Time) {
	c.mu.Lock()
	kept, gone := c.idle[:0], []*Conn(nil)
	for _, conn := range c.idle {
		if now.Sub(conn.since) < c.limits.IdleFor && conn.silent() {
			kept = append(kept, conn)
		} else {
			gone = append(gone, conn)
		}
	}
	clear(c.idle[len(kept):])
	c.idle = kept
	c.mu.Unlock()
	for _, conn := range gone {
		conn.Close()
	}
}

// Close closes the idle connections; those in use close when they are released.
func (c *Client) Close() {
	c.mu.Lock()
	idle := c.idle
	c.idle, c.closed = nil, true
	c.mu.Unlock()
	for _, conn := range idle {
		conn.Close()
	}
}
