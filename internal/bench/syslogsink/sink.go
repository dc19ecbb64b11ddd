// Package syslogsink is a syslog collector that keeps what it gets: it records
// each frame that arrives at a local socket, over UDP or over TCP, and stalls
// or dies on demand.
//
// The invariant: what is in the record arrived, byte for byte as in Raw, and
// by the transport that it names; once [Sink.Set] has returned nothing more is
// read under the old mode. Parsing comes after and never changes or drops a
// frame: one that is not syslog at all is kept with Format "".
//
// It never listens on its own: it is handed functions that do, since its
// sockets live in another network namespace and since a dead collector must be
// able to rise again. It must not judge whether a frame is good enough.
// [Sink.SelfTest] shows that a transport works before anything is concluded
// from its silence. Read next: source.go, then framer.go and parse.go.
package syslogsink

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// Mode is how the collector behaves.
type Mode int

// The modes.
const (
	// Accept reads everything.
	Accept Mode = iota
	// Stall accepts connections and reads nothing; datagrams wait in the
	// kernel, which drops them over UDP and blocks the sender on a unix
	// socket. What waited is read when the mode is Accept again.
	Stall
	// Dead has no sockets at all: senders get ECONNREFUSED, open connections
	// are closed.
	Dead
)

// String returns the mode's name.
func (m Mode) String() string {
	switch m {
	case Accept:
		return "accept"
	case Stall:
		return "stall"
	case Dead:
		return "dead"
	}
	return fmt.Sprintf("mode(%d)", int(m))
}

// Transports that frames come by.
const (
	Unix = "unix" // a unix socket, datagram or stream
	UDP  = "udp"  // RFC 5426
	TCP  = "tcp"  // RFC 6587
)

// ErrClosed is returned after Close.
var ErrClosed = errors.New("syslog sink is closed")

// Sink is a syslog collector. Its methods may be called from several
// goroutines.
type Sink struct {
	now      func() time.Time
	changing sync.Mutex // held by Add, Set and Close; guards the three below
	mode     Mode
	closed   bool
	sources  []*source
	book     book
}

// Options adjust a sink; the zero value is good.
type Options struct {
	Now func() time.Time // default time.Now
}

// New makes a sink in mode Accept, without sockets.
func New(o Options) *Sink {
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Sink{now: o.Now}
	s.book.changed = make(chan struct{})
	return s
}

// AddPacket opens a datagram socket, for [UDP] or for [Unix], and serves it
// until Close. Listen is called again, for the same address, when the sink
// leaves mode Dead; on a unix path it must remove the stale file first.
func (s *Sink) AddPacket(transport string, listen func() (net.PacketConn, error)) error {
	return s.add(&source{transport: transport, listenPacket: listen})
}

// AddStream opens a listener, for [TCP] or for [Unix], and serves it until
// Close. Listen is as for AddPacket; the listener must have SetDeadline.
func (s *Sink) AddStream(transport string, listen func() (net.Listener, error)) error {
	return s.add(&source{transport: transport, listenStream: listen})
}

func (s *Sink) add(src *source) error {
	s.changing.Lock()
	defer s.changing.Unlock()
	if s.closed {
		return ErrClosed
	}
	src.arrive = s.arrive
	src.conns = map[*stream]struct{}{}
	if err := src.start(s.mode); err != nil {
		return fmt.Errorf("serve syslog over %s: %w", src.transport, err)
	}
	s.sources = append(s.sources, src)
	return nil
}

// Set changes the mode of all transports. An error says that a socket could
// not be opened again; its transport is then dead and the others are not.
func (s *Sink) Set(m Mode) error {
	if m < Accept || m > Dead {
		return fmt.Errorf("set syslog mode: no such mode %d", int(m))
	}
	s.changing.Lock()
	defer s.changing.Unlock()
	if s.closed {
		return ErrClosed
	}
	return s.change(m)
}

func (s *Sink) change(m Mode) error {
	s.mode = m
	for _, src := range s.sources {
		src.halt()
	}
	var failed error
	for _, src := range s.sources {
		if err := src.start(m); err != nil {
			failed = errors.Join(failed, fmt.Errorf("set syslog mode %s over %s: %w", m, src.transport, err))
		}
	}
	return failed
}

// Mode returns the current mode.
func (s *Sink) Mode() Mode {
	s.changing.Lock()
	defer s.changing.Unlock()
	return s.mode
}

// Close closes every socket and waits for all goroutines. A second call does
// nothing.
func (s *Sink) Close() error {
	s.changing.Lock()
	defer s.changing.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	err := s.change(Dead)
	s.book.close()
	return err
}

func (s *Sink) arrive(transport string, raw []byte, truncated bool) {
	s.book.add(Frame{
		Received: s.now(), Transport: transport, Raw: raw, Truncated: truncated, Parsed: Parse(raw),
	})
}
