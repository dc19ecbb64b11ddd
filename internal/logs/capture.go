package logs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"
)

// Stream bounds and defaults, in bytes and records.
const (
	smallBuffer = 4 << 10  // of a stream that is quiet
	largeBuffer = 64 << 10 // of a stream that is busy
	defaultLine = 1 << 20
	minLine     = 1 << 10
	batchSize   = 256
	quiet       = 300 * time.Millisecond // after it a stream keeps little memory
	secondLook  = 20 * time.Millisecond
	shortRead   = 2 << 10
	lingering   = time.Millisecond
)

// Group is one record's worth of lines.
type Group struct {
	Text     []byte // the line itself, or lines joined by newlines; carriage returns stay
	Lines    int    // at least 1
	Language string // of a stack trace; "" for an ordinary line
}

// Grouping joins the lines of the stack traces of one stream, and hands groups
// to the function that it was made with.
//
// Add takes one line without its newline; it may hold it back, and must copy
// what it keeps. Each line comes out again in exactly one group, and groups
// leave in the order of their first lines. The Text of a group need be valid
// only during the call, and should be the slice that Add was given where the
// group is that line alone. Flush ends what has been silent for long enough, or
// everything by force; Deadline says when it next has something to do.
type Grouping interface {
	Add(line []byte, now time.Time)
	Flush(now time.Time, force bool)
	Deadline() (at time.Time, ok bool)
}

// Pipe is the read end of a process's stream; an [os.File] and a [net.Conn] are.
type Pipe interface {
	io.Reader
	SetReadDeadline(t time.Time) error
}

// CaptureOptions are the settings of a capture; the zero value is usable.
type CaptureOptions struct {
	MaxLine    int              // bytes; 1 MiB by default, 1 KiB at least; a longer line comes in parts
	RequestIDs bool             // look for request ids in the text
	Head       []byte           // of the first line, from the [Capture.Rest] of an earlier capture
	Now        func() time.Time // time.Now by default
	Pause      func(time.Duration)

	// Grouping makes the grouping of this stream; nil makes each line a record.
	Grouping func(emit func(Group)) Grouping
}

// Capture reads one stream and publishes its records.
type Capture struct {
	pipe   Pipe
	source *Source
	to     Publisher
	opts   CaptureOptions

	grouping Grouping // nil: each line is a record

	buf     []byte // what was read and not yet published
	scanned int    // bytes of buf that hold no newline
	filled  bool   // by the last read, to the end
	part    uint32 // of the line that is being published in parts
	level   slog.Level
	found   bool

	now     time.Time
	line    []byte    // that was given to the grouping
	records []Record  // not yet published
	extra   []byte    // text of groups that is not in buf
	times   []arrival // of the lines that the grouping has, in order
	last    time.Time
}

// arrival is when some lines were read.
type arrival struct {
	at    time.Time
	lines int
}

// NewCapture returns a capture; Run makes it read.
func NewCapture(pipe Pipe, source Source, to Publisher, opts CaptureOptions) *Capture {
	if opts.MaxLine == 0 {
		opts.MaxLine = defaultLine
	}
	opts.MaxLine = max(opts.MaxLine, minLine)
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Pause == nil {
		opts.Pause = time.Sleep
	}
	c := &Capture{pipe: pipe, source: &source, to: to, opts: opts}
	if opts.Grouping != nil {
		c.grouping = opts.Grouping(c.group)
	}
	c.buf = append(make([]byte, 0, max(smallBuffer, 2*len(opts.Head))), opts.Head...)
	return c
}

// Run reads until the stream ends, which is no error, or ctx does. All that was
// read is published when it returns, except, where ctx ended, an unfinished
// line: see [Capture.Rest].
func (c *Capture) Run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { _ = c.pipe.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	idle := false
	for {
		n, err := c.read(ctx, idle)
		c.now = c.opts.Now().UTC().Truncate(time.Microsecond)
		idle = false
		if n > 0 {
			c.buf = c.buf[:len(c.buf)+n]
			c.filled = len(c.buf) == cap(c.buf)
			c.scan()
			c.publish()
			c.linger(n)
		}
		switch {
		case err == nil:
		case ctx.Err() != nil:
			c.flush()
			return ctx.Err()
		case errors.Is(err, os.ErrDeadlineExceeded):
			idle = c.rest()
		case errors.Is(err, io.EOF), errors.Is(err, os.ErrClosed):
			c.end()
			return nil
		default:
			c.end()
			return fmt.Errorf("read %s of %s: %w", c.source.Stream, c.source.Name(), err)
		}
	}
}

// Rest returns the unfinished line that a cancelled Run left, for the capture
// that continues with the same stream.
func (c *Capture) Rest() []byte { return c.buf }

// read waits for bytes. Where lines may be held back it waits for the idle time
// only, and looks once more before it gives up: a busy machine must not tear a
// trace whose rest stands in the pipe already.
func (c *Capture) read(ctx context.Context, idle bool) (int, error) {
	c.grow()
	free := c.buf[len(c.buf):cap(c.buf)]
	if idle {
		_ = c.pipe.SetReadDeadline(time.Time{})
		if ctx.Err() != nil { // it may have ended before the deadline was lifted
			return 0, ctx.Err()
		}
		return c.pipe.Read(free)
	}
	for _, wait := range [...]time.Duration{c.patience(), secondLook} {
		_ = c.pipe.SetReadDeadline(time.Now().Add(wait))
		if ctx.Err() != nil {
			return 0, ctx.Err()
		}
		n, err := c.pipe.Read(free)
		if n > 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			return n, err
		}
	}
	return 0, os.ErrDeadlineExceeded
}

// patience is how long to wait for more before a held group is over.
func (c *Capture) patience() time.Duration {
	if c.grouping == nil {
		return quiet
	}
	due, ok := c.grouping.Deadline()
	if !ok {
		return quiet
	}
	return max(due.Sub(c.opts.Now()), time.Millisecond)
}

// grow makes room to read into: more where the last read found more than there
// was room for, or where a long line fills it all.
func (c *Capture) grow() {
	full := len(c.buf) == cap(c.buf)
	if !full && (!c.filled || cap(c.buf) >= largeBuffer) {
		return
	}
	size := max(4*cap(c.buf), smallBuffer)
	if size > largeBuffer {
		size = max(largeBuffer, min(size, c.opts.MaxLine+largeBuffer))
	}
	bigger := make([]byte, len(c.buf), max(size, len(c.buf)+smallBuffer))
	copy(bigger, c.buf)
	c.buf = bigger
}

// linger waits a moment where a process writes line by line, so that the next
// read finds several: the pipe holds what comes meanwhile.
func (c *Capture) linger(n int) {
	if n < shortRead && c.now.Sub(c.last) < 2*lingering {
		c.opts.Pause(lingering)
	}
	c.last = c.now
}

// rest is for a stream that went quiet: what is over leaves, little is kept. It
// reports whether nothing is held back.
func (c *Capture) rest() bool {
	c.line = nil
	if c.grouping != nil {
		c.grouping.Flush(c.now, false)
	}
	c.publish()
	if len(c.buf) == 0 && cap(c.buf) > smallBuffer {
		c.buf = make([]byte, 0, smallBuffer)
	}
	c.records, c.extra = nil, nil
	if c.grouping == nil {
		return true
	}
	_, held := c.grouping.Deadline()
	return !held
}

// end publishes what is left when the stream ends.
func (c *Capture) end() {
	c.now = c.opts.Now().UTC().Truncate(time.Microsecond)
	c.scan()
	switch {
	case c.part > 0:
		c.addPart(c.buf, true, 1)
	case len(c.buf) > 0:
		c.add(c.buf)
		c.drain()
		if last := len(c.records) - 1; last >= 0 {
			c.records[last].Open = true
		}
	}
	c.drain()
	c.publish()
	c.buf = c.buf[:0]
}

func (c *Capture) flush() {
	c.drain()
	c.publish()
}

// drain makes the grouping let go of what it holds.
func (c *Capture) drain() {
	if len(c.times) > 0 {
		c.line = nil
		c.grouping.Flush(c.now, true)
		c.times = c.times[:0]
	}
}

func (c *Capture) publish() {
	if len(c.records) > 0 {
		c.to.Publish(c.records)
		c.records = c.records[:0]
	}
	if cap(c.extra) > defaultLine {
		c.extra = nil
	}
	c.extra = c.extra[:0]
}
