package bench

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"
	"time"
)

// Line is one line that a process wrote.
type Line struct {
	At     time.Time
	Stream string // stdout or stderr
	Text   string // without the line feed; at most 64 KiB
}

const (
	maxLine    = 64 << 10 // bytes of one line that are kept
	maxCapture = 8 << 20  // bytes of one process that are kept; what comes later is counted
	lineCost   = 128      // bytes that a line takes beside its text: floods are often of short lines
)

// Capture keeps what a process writes. A process that floods it is read at
// full speed and loses nothing but our memory of it.
type Capture struct {
	useless func(line []byte) bool // what is not kept; nil for nothing

	mu      sync.Mutex
	lines   []Line
	kept    int
	dropped int
	changed chan struct{}
	readers sync.WaitGroup
}

func newCapture() *Capture { return &Capture{changed: make(chan struct{})} }

// read takes in a stream until it ends.
func (c *Capture) read(stream string, from io.ReadCloser) {
	c.readers.Go(func() {
		defer from.Close()
		reader := bufio.NewReaderSize(from, maxLine)
		for {
			text, err := reader.ReadSlice('\n')
			if len(text) > 0 {
				c.add(stream, text)
			}
			if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
				return
			}
		}
	})
}

func (c *Capture) add(stream string, text []byte) {
	if c.useless != nil && c.useless(text) {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	close(c.changed) // what is not kept breaks the quiet as well
	c.changed = make(chan struct{})
	if c.kept += len(text) + lineCost; c.kept > maxCapture {
		if c.dropped++; c.dropped == 1 {
			close(c.changed)
			c.changed = make(chan struct{})
		}
		return
	}
	line := strings.ToValidUTF8(string(bytes.TrimRight(text, "\r\n")), "\uFFFD")
	c.lines = append(c.lines, Line{At: time.Now(), Stream: stream, Text: line})
}

// Lines returns the lines so far.
func (c *Capture) Lines() []Line {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clip(c.lines)
}

// Dropped returns how many lines came after there was too much to keep.
func (c *Capture) Dropped() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.dropped
}

// Text returns all lines as one text.
func (c *Capture) Text() string {
	var text strings.Builder
	for _, line := range c.Lines() {
		text.WriteString(line.Text + "\n")
	}
	return text.String()
}

// Tail returns the last n lines.
func (c *Capture) Tail(n int) []string {
	lines := c.Lines()
	lines = lines[max(0, len(lines)-n):]
	tail := make([]string, len(lines))
	for i, line := range lines {
		tail[i] = line.Text
	}
	return tail
}

// Find waits until a line holds one of the needles, or ctx ends, or so much
// was written that nothing more is kept.
func (c *Capture) Find(ctx context.Context, needles ...string) (Line, bool) {
	for from := 0; ; {
		c.mu.Lock()
		lines, changed, full := c.lines, c.changed, c.dropped > 0
		c.mu.Unlock()
		for ; from < len(lines); from++ {
			for _, needle := range needles {
				if strings.Contains(lines[from].Text, needle) {
					return lines[from], true
				}
			}
		}
		if full {
			return Line{}, false
		}
		select {
		case <-ctx.Done():
			return Line{}, false
		case <-changed:
		}
	}
}

// Quiet waits until nothing was written for the given time, or ctx ends.
func (c *Capture) Quiet(ctx context.Context, quiet time.Duration) {
	timer := time.NewTimer(quiet)
	defer timer.Stop()
	for {
		c.mu.Lock()
		changed := c.changed
		c.mu.Unlock()
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
			return
		case <-changed:
			timer.Reset(quiet)
		}
	}
}
