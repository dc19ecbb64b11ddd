package logs

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Policy says what happens when a ring is full.
type Policy uint8

// The policies. Block lets a slow sink slow the application for as long as it
// likes. BlockWhileFlowing does so while the sink takes something now and then,
// as a file or a pipe would; a sink that takes nothing for the [Outlet.Stall]
// has stalled, and until it takes something again nobody waits for it: the
// oldest goes, as with DropOldest. The runtime's own records never wait for it.
const (
	DropOldest Policy = iota
	DropNew
	Block
	BlockWhileFlowing
)

// Loss counts what did not reach a sink.
type Loss struct {
	Records uint64
	Lines   uint64 // newlines; the parts of one long line count as one
	Bytes   uint64 // of text
}

func (l *Loss) add(other Loss) {
	l.Records += other.Records
	l.Lines += other.Lines
	l.Bytes += other.Bytes
}

func weigh(records []Record) Loss {
	w := Loss{Records: uint64(len(records))}
	for i := range records {
		w.Lines += uint64(records[i].Lines)
		w.Bytes += uint64(len(records[i].Text))
	}
	return w
}

// Bytes of memory of a ring.
const (
	minRing     = 256 << 10
	defaultRing = 8 << 20
)

// ring holds the records that one sink has yet to take, in order. Its memory is
// bounded; what does not fit is counted where it is missing.
type ring struct {
	policy Policy
	limit  int // bytes of memory
	age    time.Duration
	traces bool // takes nothing else
	level  atomic.Int64
	wake   chan struct{} // holds one token when there may be work

	mu       sync.Mutex
	gate     gate
	head     *chunk
	tail     *chunk
	spares   []*chunk
	flight   *chunk // that the sink has
	taken    int    // records of flight
	cost     int    // bytes of memory, flight included
	lost     Loss   // behind the tail
	flushing int    // callers of wait
	hurried  bool
	closed   bool
	accepted uint64 // records
	settled  uint64 // records that were accepted, then written or dropped
	written  Loss
	dropped  Loss
	filtered uint64
}

func newRing(o Outlet, clock Clock) *ring {
	limit := o.Bytes
	if limit == 0 {
		limit = defaultRing
	}
	r := &ring{policy: o.Policy, limit: max(limit, minRing), age: o.Age, traces: o.Traces, wake: make(chan struct{}, 1)}
	r.level.Store(int64(o.Level))
	r.gate = gate{lock: &r.mu, clock: clock, stall: o.stall()}
	return r
}

// push copies the records that pass the threshold.
func (r *ring) push(records []Record) {
	threshold := slog.Level(r.level.Load())
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range records {
		if records[i].Level < threshold || r.traces && records[i].Language == "" {
			r.filtered++
			continue
		}
		r.put(&records[i])
	}
	if r.tail != nil || r.lost.Records > 0 {
		r.signal()
	}
}

func (r *ring) put(record *Record) {
	fits := r.tail != nil && r.lost.Records == 0 && r.tail.fits(len(record.Text)) // a loss is reported where it happened
	if r.closed || !fits && !r.open(record) {
		w := weigh([]Record{*record})
		r.dropped.add(w)
		r.lost.add(w)
		return
	}
	r.accepted++
	r.tail.add(record)
}

// open appends a chunk for a record, where the policy finds room for one.
func (r *ring) open(record *Record) bool {
	r.expire(record.Time)
	cost := max(len(record.Text), chunkText) + chunkRecords*perRecord
	for r.cost > 0 && r.cost+cost > r.limitFor(record) {
		switch {
		case r.closed, r.policy == DropNew:
			return false
		case r.policy == Block:
			r.signal()
			r.gate.wait(nil, nil)
		case r.patient(record) && !r.gate.stalled:
			r.signal()
			r.gate.waitFlowing()
		case r.head != nil:
			r.dropHead()
		default: // the sink has all there is
			return r.link(record)
		}
	}
	return r.link(record)
}

// patient reports whether a record can wait for a sink that flows.
func (r *ring) patient(record *Record) bool {
	return r.policy == BlockWhileFlowing && record.Source.Stream != Own && !r.hurried
}

// limitFor is beyond the limit for what cannot wait while others do: else it
// would push out lines for which there will be room.
func (r *ring) limitFor(record *Record) int {
	if r.policy == BlockWhileFlowing && !r.patient(record) {
		return r.limit + r.limit/4
	}
	return r.limit
}

// hurry lets nobody wait for a sink that flows, or lets them wait again.
func (r *ring) hurry(on bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.hurried = on
	r.gate.open()
}

func (r *ring) link(record *Record) bool {
	var c *chunk
	if last := len(r.spares) - 1; last >= 0 && len(record.Text) <= chunkText {
		c, r.spares[last] = r.spares[last], nil
		r.spares = r.spares[:last]
	} else {
		c = newChunk(len(record.Text))
	}
	c.lost, r.lost = r.lost, Loss{}
	r.cost += c.cost
	if r.tail == nil {
		r.head = c
	} else {
		r.tail.next = c
	}
	r.tail = c
	return true
}

// signal wakes the sink's goroutine, now or when it next waits.
func (r *ring) signal() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// expire drops what is older than the ring's age.
func (r *ring) expire(now time.Time) {
	for r.age > 0 && r.head != nil {
		newest := r.head.records[len(r.head.records)-1].Time
		if now.Sub(newest) <= r.age {
			return
		}
		r.dropHead()
	}
}

// dropHead drops the oldest chunk, and keeps the count where it is missing.
func (r *ring) dropHead() {
	c := r.unlink()
	w := weigh(c.records)
	r.dropped.add(w)
	r.settled += w.Records
	w.add(c.lost)
	if r.head != nil {
		w.add(r.head.lost)
		r.head.lost = w
	} else {
		w.add(r.lost)
		r.lost = w
	}
	r.recycle(c)
	r.gate.open()
}

func (r *ring) unlink() *chunk {
	c := r.head
	r.head, c.next = c.next, nil
	if r.head == nil {
		r.tail = nil
	}
	return c
}

func (r *ring) recycle(c *chunk) {
	r.cost -= c.cost
	if cap(c.text) == chunkText && r.cost+(len(r.spares)+1)*chunkCost <= r.limit {
		c.lost, c.text, c.records = Loss{}, c.text[:0], c.records[:0]
		r.spares = append(r.spares, c)
	}
}

// idleSpares is how many chunks an empty ring keeps: a busy one fills one while
// the sink has the other.
const idleSpares = 2

// take hands out the oldest chunk: what was lost before it, and its records.
// Both are empty where there is nothing to do.
func (r *ring) take(now time.Time) (lost Loss, records []Record) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.flight == nil {
		r.expire(now)
		switch {
		case r.head != nil:
			r.flight, r.taken = r.unlink(), 0
		case r.lost.Records > 0:
			r.flight, r.taken = &chunk{lost: r.lost}, 0
			r.lost = Loss{}
		default:
			r.spares = slices.Delete(r.spares, min(len(r.spares), idleSpares), len(r.spares))
			return Loss{}, nil
		}
	}
	return r.flight.lost, r.flight.records[r.taken:]
}

// told says that the loss before the chunk in flight has been reported.
func (r *ring) told() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.flight != nil {
		r.flight.lost = Loss{}
	}
}

// done says that n records of the chunk in flight are written. The rest stays
// in flight, and is out of reach of the policy.
func (r *ring) done(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	rest := r.flight.records[r.taken:]
	n = min(n, len(rest))
	r.written.add(weigh(rest[:n]))
	r.settled += uint64(n)
	r.taken += n
	if n > 0 {
		r.gate.flows()
	}
	if n == len(rest) {
		r.recycle(r.flight)
		r.flight = nil
	}
	if r.flushing > 0 || r.head == nil || r.cost <= r.limit-r.limit/4 { // so that who waits has something to do
		r.gate.open()
	}
}

// wait waits until all that was accepted so far is written or dropped.
func (r *ring) wait(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.flushing++
	defer func() { r.flushing-- }()
	for target := r.accepted; r.settled < target; {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		r.gate.wait(nil, ctx.Done())
	}
	return nil
}

// close refuses what comes from now on.
func (r *ring) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	r.gate.open()
}

// abandon counts all that is left as dropped.
func (r *ring) abandon() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.flight != nil {
		w := weigh(r.flight.records[r.taken:])
		r.dropped.add(w)
		r.settled += w.Records
		r.taken = len(r.flight.records)
	}
	for r.head != nil {
		r.dropHead()
	}
	r.gate.open()
}
