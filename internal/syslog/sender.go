package syslog

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"
)

const (
	batchBytes  = 64 << 10
	firstRetry  = 100 * time.Millisecond
	lastRetry   = 10 * time.Second
	lastReopen  = time.Second // of a daemon that accepts, then breaks off
	stableAfter = 5 * time.Second
	sendBuffer  = 256 << 10 // of a stream; the kernel doubles it
	windowBytes = 2*sendBuffer + batchBytes
)

// errClosed is what a closed sender answers.
var errClosed = errors.New("the syslog sender is closed")

// Stats counts what a sender did since it was made.
type Stats struct {
	Messages  uint64 // handed over
	Lines     uint64
	Bytes     uint64 // frames included
	Resent    uint64 // messages that a broken connection left unacknowledged
	LostLines uint64 // handed over, then known to be lost
	Cut       uint64 // messages longer than the limit
	Connects  uint64
	Failures  uint64 // of connecting and of sending
	Connected bool
	Failure   string // the last one; "" while it works
}

// Sender sends messages to one daemon. Its methods may be called by several
// goroutines at once; messages keep the order of the calls.
type Sender struct {
	opts   Options
	dialer dialer

	mu     sync.Mutex // held while sending
	enc    *encoder
	text   []byte // of one message
	link   *link
	fresh  batch // frames that are being handed over
	resend batch // frames that were handed over and may not have arrived
	window batch // frames that were handed over last
	delay  time.Duration
	next   time.Time // before which no connection is tried
	closed bool

	state sync.Mutex // of stats
	stats Stats
}

// New returns a sender; it connects when it first sends. It reads the files of
// a TLS configuration, and nothing else.
func New(opts Options) (*Sender, error) {
	opts.complete()
	if err := opts.check(); err != nil {
		return nil, err
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Random == nil {
		opts.Random = rand.Float64
	}
	d, err := newDialer(opts)
	if err != nil {
		return nil, fmt.Errorf("prepare syslog over %s: %w", opts.Network, err)
	}
	return &Sender{opts: opts, dialer: d, enc: newEncoder(opts)}, nil
}

// Send hands over messages in order and returns how many; where that is not all
// of them, the error says why, and the others may be given again. It waits for
// the connection, for the daemon and, after a failure, for the time of the next
// attempt, and gives up when ctx ends. Messages are not kept after it returns.
func (s *Sender) Send(ctx context.Context, messages []Message) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sent := 0
	for sent < len(messages) {
		if err := s.connect(ctx); err != nil {
			return sent, s.note(err)
		}
		var n int
		var err error
		if s.link.stream {
			n, err = s.sendStream(ctx, messages[sent:])
		} else {
			n, err = s.sendDatagrams(ctx, messages[sent:])
		}
		sent += n
		if err != nil {
			return sent, s.note(fmt.Errorf("send to syslog at %s: %w", s.opts.Address, err))
		}
	}
	return sent, s.note(nil)
}

// sendStream writes one batch of frames.
func (s *Sender) sendStream(ctx context.Context, messages []Message) (int, error) {
	s.fresh.reset()
	for i := range messages {
		s.frame(&s.fresh, &messages[i])
		if len(s.fresh.buf) >= batchBytes {
			break
		}
	}
	n, err := s.link.write(ctx, s.fresh.buf)
	done := s.fresh.whole(n)
	alive := ctx.Err() != nil && s.link.resumes()
	if alive && s.fresh.start(done) < n { // a frame was cut off: its rest goes first, later
		s.link.rest = append(s.link.rest[:0], s.fresh.buf[n:s.fresh.ends[done]]...)
		done++
	}
	s.handed(&s.fresh, done)
	s.window.add(&s.fresh, 0, done)
	if len(s.window.buf) > 2*windowBytes {
		s.window.keep(windowBytes)
	}
	if err != nil && !alive {
		s.lose() // what was written of the next frame dies with the connection
	}
	return done, err
}

// frame appends one message with its frame.
func (s *Sender) frame(b *batch, m *Message) {
	if s.enc.lf {
		b.buf = append(s.enc.append(b.buf, m), '\n')
	} else {
		s.text = s.enc.append(s.text[:0], m)
		b.buf = strconv.AppendInt(b.buf, int64(len(s.text)), 10)
		b.buf = append(append(b.buf, ' '), s.text...)
	}
	b.closes(m.lines())
}

// handed counts the first n frames.
func (s *Sender) handed(b *batch, n int) {
	s.state.Lock()
	defer s.state.Unlock()
	s.stats.Messages += uint64(n)
	for _, lines := range b.lines[:n] {
		s.stats.Lines += lines
	}
	s.stats.Bytes += uint64(b.start(n))
	s.stats.Cut = s.enc.cut
}

// connect makes sure that there is a connection, and sends first what an
// earlier one may have lost.
func (s *Sender) connect(ctx context.Context) error {
	if s.closed {
		return errClosed
	}
	if s.link != nil && s.link.ended() {
		s.lose()
	}
	if s.link == nil {
		if err := s.dial(ctx); err != nil {
			return err
		}
	}
	if len(s.resend.ends) == 0 {
		return nil
	}
	n, err := s.link.write(ctx, s.resend.buf)
	done := s.resend.whole(n) // a frame that was cut off dies with the connection
	s.window.add(&s.resend, 0, done)
	s.resend.drop(done)
	s.state.Lock()
	s.stats.Resent += uint64(done)
	s.state.Unlock()
	if err != nil {
		s.lose()
		return fmt.Errorf("send to syslog at %s again: %w", s.opts.Address, err)
	}
	return nil
}

func (s *Sender) dial(ctx context.Context) error {
	if err := s.pause(ctx); err != nil {
		return err
	}
	l, err := s.dialer.dial(ctx)
	if err != nil {
		s.backOff(lastRetry)
		return fmt.Errorf("connect to syslog at %s: %w", s.opts.Address, err)
	}
	s.link = l
	s.link.since = s.opts.Now()
	s.enc.lf = l.stream && s.opts.Framing == LineFeed
	s.state.Lock()
	defer s.state.Unlock()
	s.stats.Connects++
	s.stats.Connected = true
	return nil
}

// pause waits until the next attempt is due.
func (s *Sender) pause(ctx context.Context) error {
	wait := s.next.Sub(s.opts.Now())
	if wait <= 0 {
		return nil
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait to connect to syslog at %s: %w", s.opts.Address, ctx.Err())
	}
}

// backOff puts the next attempt off, longer each time, by half to all of the
// delay, so that many senders do not come at once.
func (s *Sender) backOff(most time.Duration) {
	s.delay = min(max(2*s.delay, firstRetry), most)
	s.next = s.opts.Now().Add(time.Duration(float64(s.delay) * (0.5 + s.opts.Random()/2)))
}

// lose gives up a connection and keeps what it had not got through: frames that
// the other side has not acknowledged are sent again on the next one.
func (s *Sender) lose() {
	l := s.link
	s.link = nil
	if l.stream {
		unacked := l.unacknowledged() + len(l.rest)
		if s.window.tail(unacked); unacked > 0 {
			s.window.add(&s.resend, 0, len(s.resend.ends))
			s.resend, s.window = s.window, s.resend
		}
		s.window.reset()
	}
	l.close()
	if s.opts.Now().Sub(l.since) < stableAfter {
		s.backOff(lastReopen)
	} else {
		s.delay, s.next = 0, time.Time{}
	}
	s.state.Lock()
	defer s.state.Unlock()
	s.stats.Connected = false
}

func (s *Sender) note(err error) error {
	s.state.Lock()
	defer s.state.Unlock()
	if err == nil {
		s.stats.Failure = ""
		return nil
	}
	s.stats.Failures++
	s.stats.Failure = err.Error()
	return err
}

// Stats returns a snapshot. It waits for nothing.
func (s *Sender) Stats() Stats {
	s.state.Lock()
	defer s.state.Unlock()
	return s.stats
}

// Close ends the connection. What was handed over still leaves the machine as
// long as the daemon takes it.
func (s *Sender) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	if s.link != nil {
		s.link.close()
		s.link = nil
	}
	return nil
}
