package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

const (
	idleGrace  = 3 * time.Second // that a connection without a request may stay open while draining
	headerTime = 10 * time.Second
	idleTime   = 75 * time.Second // longer than the 60 s of usual proxies, so that they close first
)

// serve answers on a listener until the context ends, and then until nothing
// is left to answer.
//
// It does not begin with http.Server.Shutdown, which drops requests that a
// connection has just begun to send (golang/go#75591): it closes the listener
// alone, which hands out who waits in the kernel's backlog before it ends,
// answers with Connection: close, waits until the connections are gone, and
// shuts down what is idle then.
func (a *App) serve(ctx context.Context, listener net.Listener, handler http.Handler, stopping func()) error {
	open := &connections{states: map[net.Conn]http.ConnState{}}
	server := &http.Server{
		Handler: a.frame(handler), ReadHeaderTimeout: headerTime, IdleTimeout: idleTime, ConnState: open.note,
		ErrorLog: slog.NewLogLogger(a.Log.Handler(), slog.LevelWarn),
	}
	var ended error
	served := make(chan struct{})
	go func() { defer close(served); ended = server.Serve(listener) }()
	select {
	case <-served:
		_ = listener.Close() // net/http has closed it once; this closes what it has not taken
		return fmt.Errorf("serve: %w", errors.Join(ended, server.Close()))
	case <-ctx.Done():
	}
	a.checks.drain()
	close(a.stopping)
	stopping()
	if err := listener.Close(); err != nil {
		a.Log.Warn("some connections that waited may be lost", "error", err)
	}
	<-served // from here on every connection is known
	limit := time.NewTimer(a.DrainTimeout)
	defer limit.Stop()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !open.quiet(time.Now()) {
		select {
		case <-limit.C:
			busy := open.busy()
			a.Log.Warn("requests were cut at the end of the time to drain", "connections", busy)
			return errors.Join(fmt.Errorf("drain: %d connections were cut after %v", busy, a.DrainTimeout), server.Close())
		case <-tick.C:
		}
	}
	return server.Close()
}

// connections knows what each open connection does.
type connections struct {
	mu      sync.Mutex
	states  map[net.Conn]http.ConnState
	changed time.Time
}

// note is the server's ConnState hook.
func (c *connections) note(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.states[conn], c.changed = state, time.Now()
	if state == http.StateClosed || state == http.StateHijacked {
		delete(c.states, conn) // who hijacks a connection looks after it, see Stopping
	}
}

// quiet tells whether no connection is left, or none but idle ones for long.
func (c *connections) quiet(now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, state := range c.states {
		if state == http.StateActive || now.Sub(c.changed) < idleGrace {
			return false
		}
	}
	return true
}

// busy counts the connections that a request is on.
func (c *connections) busy() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for _, state := range c.states {
		if state == http.StateActive {
			n++
		}
	}
	return n
}
