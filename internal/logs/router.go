package logs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// Sink takes records to where they are read.
//
// Write is called by one goroutine at a time, with records in order, and may
// wait; ctx ends when the router gives up on it. It returns how many of the
// records it took. Where it returns an error, it gets the others again after a
// pause. Records and their text are valid until it returns.
type Sink interface {
	Write(ctx context.Context, records []Record) (int, error)
}

// Func is a sink that is a function.
type Func func(ctx context.Context, records []Record) (int, error)

// Write calls f.
func (f Func) Write(ctx context.Context, records []Record) (int, error) { return f(ctx, records) }

// Outlet is a sink with its ring.
type Outlet struct {
	Name   string
	Sink   Sink
	Level  slog.Level    // the threshold; records below it are left out
	Traces bool          // stack traces alone; all other records are left out
	Policy Policy        // DropOldest by default
	Bytes  int           // memory of the ring; 8 MiB by default, 256 KiB at least, beside one record of any size
	Age    time.Duration // what is older is dropped; 0 keeps it
	Stall  time.Duration // how long the sink may take nothing before BlockWhileFlowing drops; 250 ms by default
}

const defaultStall = 250 * time.Millisecond

func (o *Outlet) stall() time.Duration {
	if o.Stall <= 0 {
		return defaultStall
	}
	return o.Stall
}

// waits reports whether Publish may wait for this outlet.
func (o *Outlet) waits() bool { return o.Policy == Block || o.Policy == BlockWhileFlowing }

const (
	firstPause = 50 * time.Millisecond
	lastPause  = 2 * time.Second
	closeGrace = time.Second
)

// Clock is the time that a router works by.
type Clock interface {
	Now() time.Time
	After(d time.Duration) <-chan time.Time
}

// WallClock is the clock of the machine.
type WallClock struct{}

// Now returns the time.
func (WallClock) Now() time.Time { return time.Now() }

// After returns a channel that gets the time after d.
func (WallClock) After(d time.Duration) <-chan time.Time { return time.After(d) }

// Router gives each record to all its outlets. Its methods may be called by
// several goroutines at once.
type Router struct {
	clock   Clock
	outlets []*outlet
	rings   []*ring // in the order in which they get records
	cancel  context.CancelFunc
	running sync.WaitGroup
	tally   tally
}

// NewRouter starts one goroutine for each outlet; [Router.Close] ends them.
func NewRouter(clock Clock, outlets ...Outlet) *Router {
	ctx, cancel := context.WithCancel(context.Background())
	r := &Router{clock: clock, cancel: cancel}
	for _, o := range outlets {
		w := &outlet{
			name: o.Name, sink: o.Sink, clock: clock, ring: newRing(o, clock), gone: make(chan struct{}),
			source: &Source{Type: "roadworthy", Stream: Own}, portion: chunkRecords,
		}
		r.outlets = append(r.outlets, w)
		if o.waits() {
			r.rings = append(r.rings, w.ring)
		} else {
			r.rings = slices.Insert(r.rings, 0, w.ring) // it is not to wait for the others
		}
		r.running.Go(func() { w.run(ctx) })
	}
	return r
}

// Publish copies records into the ring of each outlet. It waits for nothing but
// an outlet whose policy is [Block] or [BlockWhileFlowing].
func (r *Router) Publish(records []Record) {
	r.tally.count(records)
	for _, ring := range r.rings {
		ring.push(records)
	}
}

// SetLevel changes the threshold of an outlet, and reports whether there is one
// of that name.
func (r *Router) SetLevel(name string, level slog.Level) bool {
	for _, o := range r.outlets {
		if o.name == name {
			o.ring.level.Store(int64(level))
			return true
		}
	}
	return false
}

// Hurry lets nobody wait any more for outlets whose policy is
// [BlockWhileFlowing], those included that wait already: what comes has a
// quarter of the ring beyond its limit, and then the oldest goes. It is for
// when something else waits for the publishers. Without on, all is as before.
func (r *Router) Hurry(on bool) {
	for _, ring := range r.rings {
		ring.hurry(on)
	}
}

// Flush waits until what was published before is written or dropped, or until
// ctx ends; the error names the outlets that are behind.
func (r *Router) Flush(ctx context.Context) error {
	var errs []error
	for _, o := range r.outlets {
		if err := o.ring.wait(ctx); err != nil {
			errs = append(errs, fmt.Errorf("flush the logs to %s: %w", o.name, err))
		}
	}
	return errors.Join(errs...)
}

// Close takes no more records, flushes until ctx ends, counts the rest as
// dropped and ends the goroutines. The error names the outlets that were behind
// and those whose sink did not return within a second of its context's end.
func (r *Router) Close(ctx context.Context) error {
	for _, o := range r.outlets {
		o.ring.close()
	}
	errs := []error{r.Flush(ctx)}
	r.cancel()
	late := r.clock.After(closeGrace)
	for _, o := range r.outlets {
		o.ring.abandon()
		select {
		case <-o.gone:
		case <-late:
			errs = append(errs, fmt.Errorf("close the logs: the sink %s does not return", o.name))
			late = r.clock.After(0)
		}
	}
	return errors.Join(errs...)
}
