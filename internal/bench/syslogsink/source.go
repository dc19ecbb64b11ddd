package syslogsink

import (
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"
)

const (
	maxFrameBytes = 64 << 10
	socketBuffer  = 4 << 20 // asked of the kernel, so that bursts survive
)

// longAgo is a deadline that has passed: it interrupts a blocked call.
var longAgo = time.Unix(1, 0)

type deadliner interface{ SetDeadline(time.Time) error }

// source is one socket that frames come by: a datagram socket, or a listener
// and its connections. The holder of Sink.changing starts and halts it.
type source struct {
	transport    string
	listenPacket func() (net.PacketConn, error) // one of these two
	listenStream func() (net.Listener, error)
	arrive       func(transport string, raw []byte, truncated bool)

	packet   net.PacketConn
	listener net.Listener
	running  sync.WaitGroup
	stop     chan struct{}

	mu      sync.Mutex // guards the two below
	conns   map[*stream]struct{}
	reading bool // connections get a reader
}

// stream is one connection; its framer outlives its reader.
type stream struct {
	net.Conn
	framer framer
}

// start brings a halted source into a mode.
func (s *source) start(m Mode) error {
	if m == Dead {
		s.shut()
		return nil
	}
	if err := s.open(); err != nil {
		return err
	}
	s.stop = make(chan struct{})
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reading = m == Accept
	if s.listener != nil {
		s.running.Go(s.accept)
	}
	if !s.reading {
		return nil
	}
	if s.packet != nil {
		s.running.Go(s.receive)
	}
	for c := range s.conns {
		s.running.Go(func() { s.read(c) })
	}
	return nil
}

// halt stops all goroutines of the source and waits for them. Sockets stay
// open, and frames that are not complete stay with their connections.
func (s *source) halt() {
	if s.stop == nil {
		return
	}
	close(s.stop)
	s.deadline(longAgo)
	s.running.Wait()
	s.stop = nil
	s.deadline(time.Time{})
}

// deadline sets the deadline of every socket. It fails only on closed ones,
// which block nobody.
func (s *source) deadline(t time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reading = false // connections that are accepted from now on get no reader
	if s.packet != nil {
		_ = s.packet.SetDeadline(t)
	}
	if s.listener != nil {
		_ = s.listener.(deadliner).SetDeadline(t)
	}
	for c := range s.conns {
		_ = c.SetDeadline(t)
	}
}

func (s *source) open() error {
	switch {
	case s.listenPacket != nil && s.packet == nil:
		pc, err := s.listenPacket()
		if err != nil {
			return fmt.Errorf("listen: %w", err)
		}
		if b, ok := pc.(interface{ SetReadBuffer(int) error }); ok {
			_ = b.SetReadBuffer(socketBuffer) // the kernel gives what it allows
		}
		s.packet = pc
	case s.listenStream != nil && s.listener == nil:
		l, err := s.listenStream()
		if err != nil {
			return fmt.Errorf("listen: %w", err)
		}
		if _, ok := l.(deadliner); !ok {
			return errors.Join(fmt.Errorf("listen: %T has no SetDeadline", l), l.Close())
		}
		if u, ok := l.(*net.UnixListener); ok {
			u.SetUnlinkOnClose(false) // a dead collector leaves its file: ECONNREFUSED
		}
		s.listener = l
	}
	return nil
}

// shut closes everything. Errors of closing say nothing about frames.
func (s *source) shut() {
	if s.packet != nil {
		_ = s.packet.Close()
		s.packet = nil
	}
	if s.listener != nil {
		_ = s.listener.Close()
		s.listener = nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		_ = c.Close()
	}
	clear(s.conns)
}

// pause waits a little after a failure of a socket; it returns false when the
// source is halted.
func (s *source) pause(err error) bool {
	if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, net.ErrClosed) {
		return false
	}
	select {
	case <-s.stop:
		return false
	case <-time.After(10 * time.Millisecond):
		return true
	}
}

// accept takes connections in until halted.
func (s *source) accept() {
	for {
		c, err := s.listener.Accept()
		if err != nil {
			if !s.pause(err) {
				return
			}
			continue
		}
		conn := &stream{Conn: c}
		s.mu.Lock()
		s.conns[conn] = struct{}{}
		if s.reading {
			s.running.Go(func() { s.read(conn) })
		}
		s.mu.Unlock()
	}
}

// receive takes datagrams until halted; each is a frame.
func (s *source) receive() {
	buf := make([]byte, maxFrameBytes+1)
	for {
		n, _, err := s.packet.ReadFrom(buf)
		if err != nil {
			if !s.pause(err) {
				return
			}
			continue
		}
		s.arrive(s.transport, append([]byte(nil), buf[:min(n, maxFrameBytes)]...), n > maxFrameBytes)
	}
}

// read takes frames of one connection until halted or until it ends.
func (s *source) read(c *stream) {
	buf := make([]byte, 32<<10)
	emit := func(raw []byte, truncated bool) { s.arrive(s.transport, raw, truncated) }
	for {
		n, err := c.Read(buf)
		c.framer.feed(buf[:n], emit)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return
		}
		if err != nil {
			c.framer.end(emit)
			_ = c.Close() // the sender has ended already
			s.mu.Lock()
			delete(s.conns, c)
			s.mu.Unlock()
			return
		}
	}
}
