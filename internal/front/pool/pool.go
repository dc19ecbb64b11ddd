package pool

import (
	"container/list"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/front/upstream"
)

// Backend is a worker that serves requests. An ID names one start of one
// process; adding it again replaces the older one, which drains.
type Backend struct {
	ID      string // such as "web.1"
	Network string // "tcp" or "unix"
	Address string // such as "127.0.0.1:4101", or a socket's path
	Limit   int    // requests at the same time; 0 means no limit
}

// Options configures a pool. The zero value of a field means its default.
type Options struct {
	Upstream upstream.Limits
	Queue    int                   // requests that wait at most; 0 means 1,000, below 0 none
	Wait     time.Duration         // how long one waits for a full worker; 0 means 10 s
	Park     time.Duration         // how long one waits while there is no worker; 0 means 15 s
	Spread   time.Duration         // over which streams are ended on a drain; 0 means 2 s
	Now      func() time.Time      // nil means time.Now
	Random   func(n uint64) uint64 // a number below n, for the spread; nil means spread evenly
}

func (o Options) withDefaults() Options {
	if o.Queue == 0 {
		o.Queue = 1000
	}
	if o.Wait == 0 {
		o.Wait = 10 * time.Second
	}
	if o.Park == 0 {
		o.Park = 15 * time.Second
	}
	if o.Spread == 0 {
		o.Spread = 2 * time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// Errors of the pool.
var (
	ErrNoWorker  = errors.New("no worker is there")         // none came within Park
	ErrQueueFull = errors.New("the queue is full")          // Queue requests wait already
	ErrWaited    = errors.New("no worker was free in time") // all were full for Wait
	ErrUnknown   = errors.New("no such worker")
)

// Worker is one backend in the pool, with its counters.
type Worker struct {
	Backend
	client *upstream.Client

	// Counters, read by the metrics at any time.
	Requests [6]atomic.Uint64 // by status class: index 2 for 2xx; 0 when no status was sent
	Failures atomic.Uint64    // exchanges that failed on the worker's side
	shaky    atomic.Bool      // its last connect failed

	// Guarded by the pool.
	inflight int
	draining bool
	failed   int       // connects in a row that failed
	suspect  time.Time // passed over until then
	first    *Lease    // the oldest
	last     *Lease
}

// Client returns the connections to the worker.
func (w *Worker) Client() *upstream.Client { return w.client }

// Pool is safe for concurrent use.
type Pool struct {
	options Options

	mu      sync.Mutex
	workers []*Worker // in rotation and draining
	serial  uint64    // of the last lease
	turn    int       // where the search for the next worker begins
	waiting list.List // of *waiter
	gone    [6]uint64 // requests of workers that were removed
	changed chan struct{}
}

// New returns an empty pool. It runs nothing in the background.
func New(options Options) *Pool {
	return &Pool{options: options.withDefaults(), changed: make(chan struct{})}
}

// Add puts a backend in rotation. One that has left it, and serves its last
// requests still, comes back as it was.
func (p *Pool) Add(b Backend) error {
	if b.ID == "" || b.Address == "" || b.Network != "tcp" && b.Network != "unix" {
		return fmt.Errorf("add worker %q: network %q, address %q", b.ID, b.Network, b.Address)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, old := range p.workers {
		switch {
		case old.ID != b.ID:
		case old.draining && old.Backend == b:
			old.draining = false
			p.grant()
			p.wake()
			return nil
		default:
			old.draining = true
		}
	}
	p.workers = append(p.workers, &Worker{Backend: b, client: upstream.New(b.Network, b.Address, p.options.Upstream)})
	p.reap()
	p.grant()
	p.wake()
	return nil
}

// Remove forgets a worker at once. Requests that it serves run on to their end.
func (p *Pool) Remove(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	kept := p.workers[:0]
	for _, w := range p.workers {
		if w.ID == id {
			w.draining = true
			p.forget(w)
			continue
		}
		kept = append(kept, w)
	}
	clear(p.workers[len(kept):])
	p.workers = kept
	p.wake()
}

// reap forgets the draining workers that serve nothing any more.
func (p *Pool) reap() {
	kept := p.workers[:0]
	for _, w := range p.workers {
		if w.draining && w.inflight == 0 {
			p.forget(w)
			continue
		}
		kept = append(kept, w)
	}
	clear(p.workers[len(kept):])
	p.workers = kept
}

func (p *Pool) forget(w *Worker) {
	for i := range p.gone {
		p.gone[i] += w.Requests[i].Load()
	}
	w.client.Close()
}

// wake tells those that wait for a change of leases or workers.
func (p *Pool) wake() {
	close(p.changed)
	p.changed = make(chan struct{})
}

// State describes a worker at one moment.
type State struct {
	Backend
	InFlight int
	Idle     int // idle connections
	Draining bool
	Suspect  bool // its last connect failed
	Requests [6]uint64
	Failures uint64
}

// Snapshot returns the workers in the order in which they were added.
func (p *Pool) Snapshot() []State {
	p.mu.Lock()
	defer p.mu.Unlock()
	states := make([]State, 0, len(p.workers))
	for _, w := range p.workers {
		s := State{Backend: w.Backend, InFlight: w.inflight, Idle: w.client.Idle(), Draining: w.draining, Suspect: w.failed > 0, Failures: w.Failures.Load()}
		for i := range s.Requests {
			s.Requests[i] = w.Requests[i].Load()
		}
		states = append(states, s)
	}
	return states
}

// Gone returns the requests by status class of workers that were removed.
func (p *Pool) Gone() [6]uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.gone
}

// InFlight returns the requests that the worker serves now.
func (p *Pool) InFlight(id string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for _, w := range p.workers {
		if w.ID == id {
			n += w.inflight
		}
	}
	return n
}

// Waiting returns the requests in the queue.
func (p *Pool) Waiting() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.waiting.Len()
}

// Sweep closes idle connections that are of no use. Call it every second or so.
func (p *Pool) Sweep() {
	p.mu.Lock()
	workers := append([]*Worker(nil), p.workers...)
	p.mu.Unlock()
	now := p.options.Now()
	for _, w := range workers {
		w.client.Sweep(now)
	}
}

// Close forgets all workers.
func (p *Pool) Close() {
	for _, s := range p.Snapshot() {
		p.Remove(s.ID)
	}
}
