// Package fault holds the proxy that stands between an application and one of
// its backing services, and makes that service fail in a chosen way.
//
// The invariant: when [Proxy.Set] has returned, every connection, new, pooled
// or still in the kernel's accept queue, is under the new mode, and the proxy
// forwards no further byte under the old one. It holds because a mode is
// nothing but the set of goroutines that move bytes: Set stops all of them,
// waits, changes the sockets, and starts those that the new mode wants. What a
// goroutine had read but not yet written stays with its connection, so that
// going from Pass to Slow and back loses nothing. Bytes that the kernel had
// taken before Set was called count as passed.
//
// A connection that was frozen, blackholed or cut is never given back to the
// client as if it were whole: the next mode that moves bytes resets it.
//
// Silence is made in the kernel. On TCP a classic BPF filter that accepts no
// packet is attached to the socket, so SYNs and data are not even
// acknowledged. Unix stream sockets run no filter, and there silence is
// emulated: nobody accepts or reads, so a connect succeeds while the backlog
// has room and then blocks, and nothing is ever answered. A reset on a unix
// socket is seen as end of file, or as ECONNRESET if the client had sent
// something that was not read. There is no mode for a name that does not
// resolve: use package dnssink, together with Reset for pooled connections.
//
// The room opens no listener: it is handed a function, since listeners live in
// another network namespace. It must not know any protocol. Read next: mode.go,
// then link.go.
package fault

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Defaults of [Config].
const (
	DefaultSlowDelay     = 500 * time.Millisecond
	DefaultTruncateAfter = 7
)

// Config says where a proxy listens and what it forwards to.
type Config struct {
	// Listen opens the listener, at the same address each time: Refuse closes
	// it and the next mode calls Listen again. The listener must be a
	// *net.TCPListener or a *net.UnixListener, and not of Multipath TCP, as
	// net.Listen makes them by default: use a net.ListenConfig with
	// SetMultipathTCP(false). On a unix path Listen must
	// remove the stale file first: Refuse leaves it, so that clients get
	// ECONNREFUSED as from a crashed daemon.
	Listen func() (net.Listener, error)
	// Dial opens a connection to the real service. It must heed its context.
	Dial func(ctx context.Context) (net.Conn, error)
	// SlowDelay is the delay of each chunk sent by the service under Slow;
	// zero means DefaultSlowDelay.
	SlowDelay time.Duration
	// TruncateAfter is how many bytes of a reply pass under Truncate; zero
	// means DefaultTruncateAfter.
	TruncateAfter int
}

// ErrClosed is returned by Set after Close.
var ErrClosed = errors.New("fault proxy is closed")

// ErrMultipath is returned when Config.Listen hands over a listener of
// Multipath TCP, which the kernel cannot silence.
var ErrMultipath = errors.New("listener speaks multipath TCP: make it with net.ListenConfig.SetMultipathTCP(false)")

// Proxy is a fault proxy. Its methods may be called from several goroutines.
type Proxy struct {
	cfg      Config
	changing sync.Mutex // held by New, Set and Close: one change at a time
	closed   bool
	entry    entry
	mode     atomic.Int32
	book     book

	mu    sync.Mutex // guards links
	links map[*link]struct{}
}

// New opens the listener and starts a proxy in mode Pass.
func New(cfg Config) (*Proxy, error) {
	if cfg.Listen == nil || cfg.Dial == nil {
		return nil, errors.New("start fault proxy: Listen and Dial are required")
	}
	if cfg.SlowDelay <= 0 {
		cfg.SlowDelay = DefaultSlowDelay
	}
	if cfg.TruncateAfter <= 0 {
		cfg.TruncateAfter = DefaultTruncateAfter
	}
	p := &Proxy{cfg: cfg, links: map[*link]struct{}{}}
	p.entry.listen = cfg.Listen
	if err := p.Set(Pass); err != nil {
		return nil, err
	}
	return p, nil
}

// Mode returns the current mode.
func (p *Proxy) Mode() Mode { return Mode(p.mode.Load()) }

// Set changes the mode; see the package comment for what holds when it
// returns. On an error (the listener cannot be opened again, the kernel
// refuses the filter) every connection is reset and the proxy refuses new
// ones, so that a broken proxy never looks like a healthy service.
func (p *Proxy) Set(m Mode) error {
	if m < Pass || m > Truncate {
		return fmt.Errorf("set fault mode: no such mode %d", int(m))
	}
	p.changing.Lock()
	defer p.changing.Unlock()
	if p.closed {
		return ErrClosed
	}
	if err := p.change(m); err != nil {
		return errors.Join(fmt.Errorf("set fault mode %s: %w", m, err), p.change(Refuse))
	}
	return nil
}

// change stops everything, moves the sockets to the new mode and starts what
// it wants. The order matters: the door is set before the accept queue is
// emptied, so that no connection slips in between.
func (p *Proxy) change(m Mode) error {
	old, next := p.Mode().plan(), m.plan()
	p.entry.halt()
	if err := p.entry.set(next.door); err != nil {
		return err
	}
	for _, c := range p.entry.drain() {
		l := p.adopt(c)
		l.mangled = old.door == doorSilent // it waited unanswered in the queue
	}
	links := p.snapshot()
	for _, l := range links {
		l.interrupt()
	}
	for _, l := range links {
		l.wait()
	}
	p.mode.Store(int32(m))
	for _, l := range links {
		if err := l.apply(next.existing); err != nil {
			return err
		}
	}
	if next.door == doorOpen {
		p.entry.start(func(c net.Conn) { p.welcome(c, next.fresh) }, p.book.acceptFailed)
	}
	return nil
}

// welcome puts a connection that was just accepted under the current mode. A
// fate that cannot be applied to it ends in a reset.
func (p *Proxy) welcome(c net.Conn, f fate) {
	l := p.adopt(c)
	if err := l.apply(f); err != nil {
		l.teardown(true)
	}
}

// Addr returns the address of the listener, or nil while there is none.
func (p *Proxy) Addr() net.Addr {
	p.changing.Lock()
	defer p.changing.Unlock()
	if p.entry.l == nil {
		return nil
	}
	return p.entry.l.Addr()
}

// Close closes the listener, resets every connection and waits for all
// goroutines. A second call does nothing.
func (p *Proxy) Close() error {
	p.changing.Lock()
	defer p.changing.Unlock()
	if p.closed {
		return nil
	}
	p.closed = true
	return p.change(Refuse)
}

func (p *Proxy) adopt(c net.Conn) *link {
	l := &link{proxy: p, client: c, record: p.book.open()}
	p.mu.Lock()
	p.links[l] = struct{}{}
	p.mu.Unlock()
	return l
}

func (p *Proxy) forget(l *link) {
	p.mu.Lock()
	delete(p.links, l)
	p.mu.Unlock()
}

func (p *Proxy) snapshot() []*link {
	p.mu.Lock()
	defer p.mu.Unlock()
	links := make([]*link, 0, len(p.links))
	for l := range p.links {
		links = append(links, l)
	}
	return links
}
