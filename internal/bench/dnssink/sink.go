// Package dnssink is a name server that knows only what it is told and records
// every question: whatever an application wants to reach by name shows here.
//
// The invariant: a question is in the record before its answer leaves, and
// once [Sink.Set] or [Sink.Remove] has returned no answer is given from the
// zone of before. A name that is not in the zone does not exist (NXDOMAIN). No
// answer may be cached: every TTL is zero, that of denials included (RFC 2308,
// section 5).
//
// It speaks DNS (RFC 1035) over UDP and TCP, tolerates EDNS (RFC 6891), and
// answers A and AAAA; a known name has no other records. It never listens on
// its own: it is handed sockets. It must not forward a question to anybody.
// [Sink.SelfTest] shows that it works before anything is concluded from its
// silence. Read next: answer.go.
package dnssink

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"
)

// maxQueries bounds the record; maxConns bounds the open TCP connections.
const (
	maxQueries = 100_000
	maxConns   = 256
)

// Transports that questions come by.
const (
	UDP = "udp"
	TCP = "tcp"
)

// Query is one question.
type Query struct {
	Received  time.Time
	Name      string // lower case, without the closing dot
	Type      string // such as "A", "AAAA", "SRV"; a number when it has no name here
	Transport string // UDP or TCP
	Known     bool   // the name was in the zone
}

// Options adjust a sink; the zero value is good.
type Options struct {
	Now func() time.Time // default time.Now
}

// Sink is a name server. Its methods may be called from several goroutines.
type Sink struct {
	now     func() time.Time
	running sync.WaitGroup

	mu         sync.Mutex
	zone       map[string][]netip.Addr
	queries    []Query
	unrecorded int
	changed    chan struct{} // closed and replaced when a question arrives
	sockets    map[io.Closer]struct{}
	conns      int
	closed     bool
}

// New makes a sink with an empty zone.
func New(o Options) *Sink {
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Sink{
		now: o.Now, zone: map[string][]netip.Addr{},
		changed: make(chan struct{}), sockets: map[io.Closer]struct{}{},
	}
}

// Set gives a name its addresses, in place of any that it had. Without
// addresses the name exists and has no records.
func (s *Sink) Set(name string, addresses ...netip.Addr) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.zone[canonical(name)] = slices.Clone(addresses)
}

// Remove takes a name out of the zone.
func (s *Sink) Remove(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.zone, canonical(name))
}

// canonical is the form in which names are compared (RFC 4343).
func canonical(name string) string { return strings.ToLower(strings.TrimSuffix(name, ".")) }

// ServePacket answers questions that come by pc, in the background, until
// Close, which also closes pc.
func (s *Sink) ServePacket(pc net.PacketConn) { s.own(pc, func() { s.receive(pc) }) }

// Serve answers questions that come by connections of l, in the background,
// until Close, which also closes l.
func (s *Sink) Serve(l net.Listener) { s.own(l, func() { s.accept(l) }) }

// own runs a goroutine for a socket and closes the socket after it, or at
// once if the sink is closed.
func (s *Sink) own(c io.Closer, run func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		_ = c.Close() // what Close would have done
		return
	}
	s.sockets[c] = struct{}{}
	s.running.Go(func() {
		run()
		s.mu.Lock()
		delete(s.sockets, c)
		s.mu.Unlock()
		_ = c.Close() // closed already, mostly
	})
}

// Close closes every socket and waits for all goroutines.
func (s *Sink) Close() error {
	s.mu.Lock()
	if !s.closed {
		s.closed = true
		close(s.changed)
	}
	for c := range s.sockets {
		_ = c.Close() // one that its owner closed already is as good
	}
	s.mu.Unlock()
	s.running.Wait()
	return nil
}

// again tells whether to go on after a failure of a socket: not when it is
// closed, and after a short wait otherwise.
func (s *Sink) again(err error) bool {
	if errors.Is(err, net.ErrClosed) || errors.Is(err, io.EOF) {
		return false
	}
	time.Sleep(10 * time.Millisecond)
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.closed
}

func (s *Sink) receive(pc net.PacketConn) {
	buf := make([]byte, 64<<10)
	for {
		n, from, err := pc.ReadFrom(buf)
		if err != nil {
			if !s.again(err) {
				return
			}
			continue
		}
		if reply := s.answer(buf[:n], UDP); reply != nil {
			_, _ = pc.WriteTo(reply, from) // whoever asked and went needs no answer
		}
	}
}

func (s *Sink) accept(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			if !s.again(err) {
				return
			}
			continue
		}
		s.mu.Lock()
		full := s.conns >= maxConns
		if !full {
			s.conns++
		}
		s.mu.Unlock()
		if full {
			_ = c.Close() // the client asks again
			continue
		}
		s.own(c, func() {
			s.converse(c)
			s.mu.Lock()
			s.conns--
			s.mu.Unlock()
		})
	}
}

// converse answers the questions of one connection. Each message follows its
// length (RFC 1035, section 4.2.2).
func (s *Sink) converse(c net.Conn) {
	for {
		var size [2]byte
		if _, err := io.ReadFull(c, size[:]); err != nil {
			return
		}
		query := make([]byte, binary.BigEndian.Uint16(size[:]))
		if _, err := io.ReadFull(c, query); err != nil {
			return
		}
		reply := s.answer(query, TCP)
		if reply == nil {
			return
		}
		framed := binary.BigEndian.AppendUint16(nil, uint16(len(reply)))
		if _, err := c.Write(append(framed, reply...)); err != nil {
			return
		}
	}
}

// look records a question and returns what the zone says, in one step.
func (s *Sink) look(q Query) (addresses []netip.Addr, known bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	addresses, known = s.zone[q.Name]
	q.Received, q.Known = s.now(), known
	if len(s.queries) < maxQueries {
		s.queries = append(s.queries, q)
	} else {
		s.unrecorded++
	}
	if !s.closed {
		close(s.changed)
		s.changed = make(chan struct{})
	}
	return addresses, known
}

// Queries returns the questions in the order of their arrival. The slice
// shares its memory with the record and must not be changed.
func (s *Sink) Queries() []Query {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clip(s.queries)
}

// Unrecorded returns how many questions came after the 100,000 that are kept.
func (s *Sink) Unrecorded() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.unrecorded
}

// Wait waits until enough says yes to the questions so far, and returns
// whether it did before the context or the sink ended.
func (s *Sink) Wait(ctx context.Context, enough func([]Query) bool) bool {
	for {
		s.mu.Lock()
		queries, changed, closed := slices.Clip(s.queries), s.changed, s.closed
		s.mu.Unlock()
		if enough(queries) {
			return true
		}
		if closed {
			return false
		}
		select {
		case <-ctx.Done():
			return false
		case <-changed:
		}
	}
}

// String is a line for people.
func (q Query) String() string {
	return fmt.Sprintf("%s %s by %s", q.Type, q.Name, q.Transport)
}
