package pool

import (
	"container/list"
	"context"
	"fmt"
	"time"
)

// suspicion is how long a worker is passed over after its first failed connect;
// it doubles with each further one, up to 16 times this.
const suspicion = 100 * time.Millisecond

// Lease is one request's place on a worker. The zero value is ready for
// Acquire; a released one can be used again.
type Lease struct {
	// Info is the caller's; it stays over Release.
	Info any

	worker *Worker
	since  time.Time
	slow   bool   // was reported
	serial uint64 // of this use of the lease
	older  *Lease // on the same worker
	newer  *Lease
	end    func(cut bool)
	after  func() time.Duration
	spread bool
	ending bool
}

// Worker returns the worker that the lease is on.
func (l *Lease) Worker() *Worker { return l.worker }

// Since returns when the lease was granted.
func (l *Lease) Since() time.Time { return l.since }

// waiter is a request in the queue.
type waiter struct {
	lease  *Lease
	except *Worker
	ready  chan struct{} // closed when the lease was granted
}

// Acquire waits for a place on a worker other than except, which may be nil.
// It returns ErrNoWorker, ErrQueueFull, ErrWaited or the context's error.
func (p *Pool) Acquire(ctx context.Context, l *Lease, except *Worker) error {
	now := p.options.Now()
	p.mu.Lock()
	if p.waiting.Len() == 0 {
		if w := p.choose(except, now); w != nil {
			p.lend(l, w, now)
			p.mu.Unlock()
			return nil
		}
	}
	if p.waiting.Len() >= p.options.Queue {
		p.mu.Unlock()
		return ErrQueueFull
	}
	wait := &waiter{lease: l, except: except, ready: make(chan struct{})}
	place := p.waiting.PushBack(wait)
	p.mu.Unlock()
	return p.await(ctx, wait, place, now)
}

// await stands in the queue. It looks up now and then, since a worker that was
// passed over becomes eligible without an event.
func (p *Pool) await(ctx context.Context, wait *waiter, place *list.Element, start time.Time) error {
	tick := time.NewTicker(min(suspicion, p.options.Wait, p.options.Park))
	defer tick.Stop()
	for {
		var err error
		select {
		case <-wait.ready:
			return nil
		case <-ctx.Done():
			err = fmt.Errorf("wait for a worker: %w", context.Cause(ctx))
		case <-tick.C:
			err = p.overdue(wait, start)
		}
		if err == nil {
			continue
		}
		p.mu.Lock()
		select {
		case <-wait.ready: // it was granted in the meantime: give it back
			p.mu.Unlock()
			if ctx.Err() != nil {
				p.Release(wait.lease)
				return err
			}
			return nil
		default:
		}
		p.waiting.Remove(place)
		p.mu.Unlock()
		return err
	}
}

// overdue grants what can be granted, and says whether the waiter's time is up.
func (p *Pool) overdue(wait *waiter, start time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.grant()
	waited := p.options.Now().Sub(start)
	if p.someone(wait.except) {
		if waited >= p.options.Wait {
			return ErrWaited
		}
		return nil
	}
	if waited >= p.options.Park {
		return ErrNoWorker
	}
	return nil
}

// someone reports whether a worker is there that answers, be it full.
func (p *Pool) someone(except *Worker) bool {
	now := p.options.Now()
	for _, w := range p.workers {
		if w != except && !w.draining && !now.Before(w.suspect) {
			return true
		}
	}
	return false
}

// choose returns the worker with the fewest requests in flight, in turn on a
// tie; nil when all are full, draining or under suspicion.
func (p *Pool) choose(except *Worker, now time.Time) *Worker {
	var best *Worker
	at := 0
	for i := range p.workers {
		j := (p.turn + i) % len(p.workers)
		w := p.workers[j]
		if w.draining || w == except || w.Limit > 0 && w.inflight >= w.Limit || w.failed > 0 && now.Before(w.suspect) {
			continue
		}
		if best == nil || w.inflight < best.inflight {
			best, at = w, j
		}
	}
	if best != nil {
		p.turn = at + 1
	}
	return best
}

func (p *Pool) lend(l *Lease, w *Worker, now time.Time) {
	w.inflight++
	p.serial++
	l.worker, l.since, l.serial, l.older = w, now, p.serial, w.last
	if w.last == nil {
		w.first = l
	} else {
		w.last.newer = l
	}
	w.last = l
}

// grant hands free places to those who wait, the first one first. One that may
// not go to the only free worker lets the others pass.
func (p *Pool) grant() {
	now := p.options.Now()
	for place := p.waiting.Front(); place != nil; {
		next := place.Next()
		wait, ok := place.Value.(*waiter)
		if !ok {
			return
		}
		if w := p.choose(wait.except, now); w != nil {
			p.waiting.Remove(place)
			p.lend(wait.lease, w, now)
			close(wait.ready)
		} else if wait.except == nil {
			return
		}
		place = next
	}
}

// Release gives the place back.
func (p *Pool) Release(l *Lease) {
	p.mu.Lock()
	w := l.worker
	if l.older == nil {
		w.first = l.newer
	} else {
		l.older.newer = l.newer
	}
	if l.newer == nil {
		w.last = l.older
	} else {
		l.newer.older = l.older
	}
	w.inflight--
	*l = Lease{Info: l.Info}
	if p.waiting.Len() > 0 {
		p.grant()
	}
	if w.draining {
		p.reap()
		p.wake()
	}
	p.mu.Unlock()
}

// Refused notes that no connection could be made to the worker.
func (p *Pool) Refused(w *Worker) {
	p.mu.Lock()
	defer p.mu.Unlock()
	w.suspect = p.options.Now().Add(suspicion << min(w.failed, 4))
	w.failed++
	w.shaky.Store(true)
}

// Answered notes that the worker speaks. It costs a lock only after a refusal.
func (p *Pool) Answered(w *Worker) {
	if !w.shaky.Load() {
		return
	}
	w.shaky.Store(false)
	p.mu.Lock()
	defer p.mu.Unlock()
	w.failed, w.suspect = 0, time.Time{}
}

// Others reports whether a worker other than this one is in rotation.
func (p *Pool) Others(than *Worker) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, w := range p.workers {
		if w != than && !w.draining && w.failed == 0 {
			return true
		}
	}
	return false
}

// Slow calls describe once for each lease that is older than limit, with the
// worker's ID, and then the functions that it returned. The pool is locked
// while it describes, so that the request cannot end meanwhile, and not locked
// while those run. Streams are not slow. Of each worker, the oldest is the one
// to blame: the others may have waited for it.
func (p *Pool) Slow(limit time.Duration, describe func(id string, l *Lease, oldest bool) func()) {
	var reports []func()
	now := p.options.Now()
	p.mu.Lock()
	for _, w := range p.workers {
		oldest := true
		for l := w.first; l != nil && now.Sub(l.since) >= limit; l = l.newer {
			if !l.slow && l.end == nil {
				l.slow = true
				reports = append(reports, describe(w.ID, l, oldest))
			}
			oldest = oldest && l.end != nil
		}
	}
	p.mu.Unlock()
	for _, report := range reports {
		report()
	}
}
