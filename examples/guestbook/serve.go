package main

import (
	"context"
	"net"
	"net/http"
	"sync"
	"time"
)

// Serve answers on a listener until the context ends, and then until nothing
// is left to answer. It does not call http.Server.Shutdown, which drops what a
// connection has just begun to send (golang/go#75591): it closes the listener,
// answers with Connection: close, and waits.
func Serve(ctx context.Context, server *http.Server, listener net.Listener, draining func()) error {
	open := &connections{states: map[net.Conn]http.ConnState{}}
	server.ConnState = open.note
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	draining()
	listener.Close()
	<-served // from here on every connection is known
	for limit := time.Now().Add(25 * time.Second); time.Now().Before(limit) && !open.quiet(time.Second); {
		time.Sleep(10 * time.Millisecond)
	}
	return server.Close()
}

// connections knows what each open connection does.
type connections struct {
	mu      sync.Mutex
	states  map[net.Conn]http.ConnState
	changed time.Time
}

func (c *connections) note(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.states[conn], c.changed = state, time.Now()
	if state == http.StateClosed || state == http.StateHijacked {
		delete(c.states, conn)
	}
}

// quiet tells whether every connection is closed, or all have been idle for so long.
func (c *connections) quiet(long time.Duration) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, state := range c.states {
		if state == http.StateActive || time.Since(c.changed) < long {
			return false
		}
	}
	return true
}
