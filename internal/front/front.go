package front

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/front/pool"
)

// Backend is a worker that serves requests.
type Backend = pool.Backend

// Front serves HTTP on listeners and relays it to workers. It is safe for
// concurrent use.
type Front struct {
	options    Options
	park       time.Duration
	pool       *pool.Pool
	metrics    *metrics
	guard      *guard
	server     *http.Server
	places     chan struct{} // one for each connection
	spare      sync.Pool     // of *exchange
	rest       *rest
	lastStatus atomic.Pointer[sentStatus]
	ticks      atomic.Uint32 // of tend; never 0

	closing   atomic.Bool
	mu        sync.Mutex
	listeners []net.Listener
	serving   sync.WaitGroup
	accepting sync.WaitGroup // loops of Accept
	stop      chan struct{}
	stopped   sync.Once
}

// New returns a front without workers or listeners. It starts one goroutine,
// which Shutdown or Close ends. The error wraps ErrToken or says which route
// cannot be.
func New(options Options) (*Front, error) {
	options, err := options.check()
	if err != nil {
		return nil, fmt.Errorf("configure the front: %w", err)
	}
	f := &Front{
		options: options, park: options.Pool.Park, pool: pool.New(options.Pool), metrics: newMetrics(),
		guard:  newGuard(options.Status.Tokens),
		places: make(chan struct{}, options.Limits.Connections), stop: make(chan struct{}),
	}
	if f.park == 0 {
		f.park = 15 * time.Second
	}
	f.rest = newRest(f)
	f.ticks.Store(1)
	f.spare.New = func() any { return newExchange(f) }
	f.server = &http.Server{
		Handler:           f,
		ReadHeaderTimeout: options.Deadlines.Header,
		IdleTimeout:       options.Deadlines.KeepAlive,
		MaxHeaderBytes:    options.Limits.Header,
		ConnState:         f.connState,
		ConnContext:       f.connContext,
		ErrorLog:          log.New(io.Discard, "", 0), // what matters has a code and a record of its own
	}
	f.serving.Go(f.tend)
	return f, nil
}

// Add puts a worker in rotation.
func (f *Front) Add(b Backend) error { return f.pool.Add(b) }

// Drain takes the worker out of rotation, ends its streams by their policy and
// waits until it serves nothing. When ctx ends first, its streams are cut.
func (f *Front) Drain(ctx context.Context, id string) error { return f.pool.Drain(ctx, id) }

// Remove forgets a worker at once.
func (f *Front) Remove(id string) { f.pool.Remove(id) }

// InFlight returns the requests that the worker serves now.
func (f *Front) InFlight(id string) int { return f.pool.InFlight(id) }

// Snapshot describes the workers.
func (f *Front) Snapshot() []pool.State { return f.pool.Snapshot() }

// tend does what has to be done every now and then.
func (f *Front) tend() {
	ticker := time.NewTicker(500 * time.Millisecond)
	defer ticker.Stop()
	for {
		select {
		case <-f.stop:
			return
		case <-ticker.C:
			f.pool.Sweep()
			f.reportSlow()
			f.rest.tick(f.tickOn())
		}
	}
}

// tickOn counts a tick and returns it.
func (f *Front) tickOn() uint32 {
	now := f.ticks.Add(1)
	if now == 0 {
		now = f.ticks.Add(1)
	}
	return now
}

// connState notes that a connection waits for its next request. Of TLS, net/http
// shows what is above our connection: it cannot rest.
func (f *Front) connState(conn net.Conn, state http.ConnState) {
	if c, ok := conn.(*clientConn); ok && state == http.StateIdle {
		c.waiting(f.ticks.Load())
	}
}

func (f *Front) reportSlow() {
	if f.options.Deadlines.Request <= 0 || f.options.OnSlow == nil {
		return
	}
	f.pool.Slow(f.options.Deadlines.Request, func(id string, l *pool.Lease, oldest bool) func() {
		slow, ok := l.Info.(*exchange)
		if !ok {
			return func() {}
		}
		slow.hung.Store(oldest)
		request := Slow{slow.id, slow.r.Method, slow.r.URL.Path, slow.start}
		return func() { f.options.OnSlow(id, request) }
	})
}

// Serve accepts connections from a plain listener until Shutdown, and then
// returns nil. The listener may be inherited; the front closes it.
func (f *Front) Serve(l net.Listener) error { return f.serve(l, f.server.Serve) }

func (f *Front) serve(l net.Listener, serve func(net.Listener) error) error {
	f.mu.Lock()
	if f.closing.Load() {
		f.mu.Unlock()
		l.Close()
		return nil
	}
	f.listeners = append(f.listeners, l)
	f.accepting.Add(1)
	f.mu.Unlock()
	defer f.accepting.Done()
	err := serve(&listener{Listener: l, front: f})
	if err == nil || f.closing.Load() && (errors.Is(err, net.ErrClosed) || errors.Is(err, http.ErrServerClosed)) {
		return nil
	}
	return fmt.Errorf("serve %s: %w", l.Addr(), err)
}

// Shutdown ends the front without losing a request: it closes the listeners
// only, answers "Connection: close", ends streams by their policy, and waits
// until the connections are gone. http.Server.Shutdown alone would close
// connections on which a request is just arriving. Idle connections are closed
// after Deadlines.Close; requests under way have until ctx ends.
func (f *Front) Shutdown(ctx context.Context) error {
	f.mu.Lock()
	f.closing.Store(true)
	for _, l := range f.listeners {
		l.Close()
	}
	f.mu.Unlock()
	streams := make(chan error, 1)
	go func() { streams <- f.pool.EndStreams(ctx) }()
	f.accepting.Wait() // a listener hands out what waited for it before it ends
	f.awaitConnections(ctx)
	f.rest.end()
	err := <-streams
	if err == nil {
		err = f.pool.EndStreams(ctx) // what has begun since, on connections that were kept or came last
	}
	err = errors.Join(err, f.server.Shutdown(ctx))
	f.Close()
	if err != nil {
		return fmt.Errorf("shut the front down: %w", err)
	}
	return nil
}

// awaitConnections waits until no connection is left, or until its cap.
func (f *Front) awaitConnections(ctx context.Context) {
	limit := time.NewTimer(f.options.Deadlines.Close)
	defer limit.Stop()
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	for len(f.places) > 0 {
		select {
		case <-look.C:
		case <-limit.C:
			return
		case <-ctx.Done():
			return
		}
	}
}

// Close ends the front at once: connections are cut.
func (f *Front) Close() {
	f.mu.Lock()
	f.closing.Store(true)
	for _, l := range f.listeners {
		l.Close()
	}
	f.mu.Unlock()
	f.stopped.Do(func() { close(f.stop) })
	f.rest.end()
	_ = f.server.Close() // the listeners are ours, and closed already
	f.serving.Wait()
	f.rest.group.Wait()
	f.pool.Close()
}

// ServeHTTP serves one request: our own routes first, then a worker.
func (f *Front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if endsConnection(r) {
		w.Header()["Connection"] = []string{"close"} // for our own routes; see decorate
	}
	if f.own(w, r) {
		return
	}
	x, ok := f.spare.Get().(*exchange)
	if !ok {
		return
	}
	x.begin(w, r)
	f.metrics.inflight.Add(1)
	x.run()
	f.metrics.inflight.Add(-1)
	f.account(x)
	cut := x.cut
	x.w, x.r, x.rc, x.peer, x.unbind = nil, nil, nil, nil, nil
	if cap(x.scratch) > maxKeptHead {
		x.scratch = nil
	}
	f.spare.Put(x)
	if cut {
		panic(http.ErrAbortHandler) // cuts the connection, or resets the HTTP/2 stream
	}
}
