package fault

import (
	"bytes"
	"sync"
	"sync/atomic"
	"time"
)

// Bounds of what is kept.
const (
	maxConversations = 10_000
	maxFirstBytes    = 4 << 10
)

// Conversation is what is known of one connection.
type Conversation struct {
	Opened     time.Time
	Closed     time.Time // zero while open
	FirstBytes []byte    // the first bytes that the client sent, at most 4 KiB
	BytesUp    int64     // forwarded from the client to the service
	BytesDown  int64     // forwarded from the service to the client
}

// Stats counts over the life of a proxy.
type Stats struct {
	Accepted       int   // connections that clients opened
	Open           int   // of them, open now
	Unrecorded     int   // of them, beyond the 10,000 that Conversations keeps
	DialFailures   int   // connections reset because the service was not reached
	AcceptFailures int   // failed accepts, such as for want of descriptors
	BytesUp        int64 // from clients to the service
	BytesDown      int64 // from the service to clients
}

// record is a Conversation while it happens.
type record struct {
	opened   time.Time
	up, down atomic.Int64

	mu     sync.Mutex
	closed time.Time
	first  []byte
}

// book keeps the records.
type book struct {
	mu      sync.Mutex
	records []*record
	extra   []*record // open ones beyond the bound: counted, then let go
	stats   Stats     // Bytes only of extra records that have closed
}

func (b *book) open() *record {
	b.mu.Lock()
	defer b.mu.Unlock()
	r := &record{opened: time.Now()}
	b.stats.Accepted++
	b.stats.Open++
	if len(b.records) < maxConversations {
		b.records = append(b.records, r)
	} else {
		b.extra = append(b.extra, r)
		b.stats.Unrecorded++
	}
	return r
}

func (b *book) close(r *record) {
	r.mu.Lock()
	r.closed = time.Now()
	r.mu.Unlock()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.stats.Open--
	for i, e := range b.extra {
		if e == r {
			b.extra[i] = b.extra[len(b.extra)-1]
			b.extra = b.extra[:len(b.extra)-1]
			b.stats.BytesUp += r.up.Load()
			b.stats.BytesDown += r.down.Load()
			return
		}
	}
}

func (b *book) acceptFailed(error) {
	b.mu.Lock()
	b.stats.AcceptFailures++
	b.mu.Unlock()
}

func (b *book) dialFailed() {
	b.mu.Lock()
	b.stats.DialFailures++
	b.mu.Unlock()
}

// wantsMore tells whether the first bytes of the client are not complete yet.
// Only the goroutine that reads from the client adds to them.
func (r *record) wantsMore() bool { return len(r.first) < maxFirstBytes }

func (r *record) keep(b []byte) {
	if !r.wantsMore() {
		return
	}
	r.mu.Lock()
	r.first = append(r.first, b[:min(len(b), maxFirstBytes-len(r.first))]...)
	r.mu.Unlock()
}

func (r *record) conversation() Conversation {
	r.mu.Lock()
	defer r.mu.Unlock()
	return Conversation{
		Opened: r.opened, Closed: r.closed, FirstBytes: bytes.Clone(r.first),
		BytesUp: r.up.Load(), BytesDown: r.down.Load(),
	}
}

// Conversations returns the connections in the order in which they were
// accepted, at most the first 10,000.
func (p *Proxy) Conversations() []Conversation {
	p.book.mu.Lock()
	records := p.book.records
	p.book.mu.Unlock()
	out := make([]Conversation, len(records))
	for i, r := range records {
		out[i] = r.conversation()
	}
	return out
}

// Stats returns the counters.
func (p *Proxy) Stats() Stats {
	p.book.mu.Lock()
	defer p.book.mu.Unlock()
	s := p.book.stats
	for _, list := range [][]*record{p.book.records, p.book.extra} {
		for _, r := range list {
			s.BytesUp += r.up.Load()
			s.BytesDown += r.down.Load()
		}
	}
	return s
}
