package syslogsink

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"time"
)

// Bounds of what is kept.
const (
	maxFrames = 100_000
	maxBytes  = 64 << 20
)

// Frame is one message as it arrived.
type Frame struct {
	Received  time.Time
	Transport string // Unix, UDP or TCP
	Raw       []byte // without the framing of a stream; at most 64 KiB
	Truncated bool   // it was longer than Raw
	Parsed    Parsed
}

// book is the record of a sink.
type book struct {
	mu         sync.Mutex
	frames     []Frame
	bytes      int
	unrecorded int
	changed    chan struct{} // closed and replaced when a frame arrives
	closed     bool
}

func (b *book) add(f Frame) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return
	}
	if len(b.frames) < maxFrames && b.bytes+len(f.Raw) <= maxBytes {
		b.frames = append(b.frames, f)
		b.bytes += len(f.Raw)
	} else {
		b.unrecorded++
	}
	close(b.changed)
	b.changed = make(chan struct{})
}

func (b *book) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	close(b.changed)
}

// Frames returns the frames in the order of their arrival. The slice shares
// its memory with the record and must not be changed.
func (s *Sink) Frames() []Frame {
	s.book.mu.Lock()
	defer s.book.mu.Unlock()
	return slices.Clip(s.book.frames) // appending elsewhere cannot reach the record
}

// Unrecorded returns how many frames came after the record was full: it keeps
// 100,000, and at most 64 MiB.
func (s *Sink) Unrecorded() int {
	s.book.mu.Lock()
	defer s.book.mu.Unlock()
	return s.book.unrecorded
}

// Wait waits until enough says yes to the frames that have arrived, and
// returns whether it did before the context or the sink ended.
func (s *Sink) Wait(ctx context.Context, enough func([]Frame) bool) bool {
	for {
		s.book.mu.Lock()
		frames, changed, closed := slices.Clip(s.book.frames), s.book.changed, s.book.closed
		s.book.mu.Unlock()
		if enough(frames) {
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

// SelfTest is the positive control of one transport: it sends a frame with a
// random nonce over a connection of dial, sees it arrive by that transport and
// parse, and takes it out of the record. The sink must be in mode Accept, and
// dial should reach it the way the application will. On a stream the frame
// ends with LF.
func (s *Sink) SelfTest(ctx context.Context, transport string, dial func(ctx context.Context) (net.Conn, error)) error {
	if m := s.Mode(); m != Accept {
		return fmt.Errorf("syslog sink self-test over %s: the mode is %s", transport, m)
	}
	c, err := dial(ctx)
	if err != nil {
		return fmt.Errorf("syslog sink self-test over %s: connect: %w", transport, err)
	}
	defer c.Close()
	nonce := rand.Text()
	if _, err := fmt.Fprintf(c, "<14>1 - control control - - - %s\n", nonce); err != nil {
		return fmt.Errorf("syslog sink self-test over %s: send: %w", transport, err)
	}
	mine := func(f Frame) bool { return strings.Contains(f.Parsed.Message, nonce) }
	good := func(f Frame) bool { return mine(f) && f.Transport == transport && f.Parsed.Format == RFC5424 }
	if !s.Wait(ctx, func(all []Frame) bool { return slices.ContainsFunc(all, good) }) {
		return errors.Join(fmt.Errorf("syslog sink self-test over %s: the frame did not arrive", transport), ctx.Err())
	}
	s.book.mu.Lock()
	s.book.frames = slices.DeleteFunc(slices.Clone(s.book.frames), mine)
	s.book.mu.Unlock()
	return nil
}
