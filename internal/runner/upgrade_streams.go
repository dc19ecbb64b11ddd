package runner

import (
	"context"
	"os"
	"sync"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/logs"
)

// endOfOutput is how long to wait for the last lines of workers that ended.
const endOfOutput = 2 * time.Second

// stream is the output of one process that is being read.
type stream struct {
	process string // id of the worker's process
	kind    logs.Stream
	pipe    *os.File
	open    func(head []byte) *logs.Capture

	stop   context.CancelFunc
	done   chan struct{}
	paused bool   // set by pause
	rest   []byte // the unfinished line, once done
}

func (s *stream) key() string { return s.process + " " + s.kind.String() }

// streams are all that are being read. Reading can pause, and go on here or in
// another image of this program, without a byte lost or told twice.
type streams struct {
	mu     sync.Mutex
	list   map[string]*stream
	heads  map[string][]byte // unfinished lines that another image left
	paused bool              // what comes now is not read either
}

// read reads a stream to its end, with the head that another image left.
func (m *master) read(s *stream) {
	m.streams.mu.Lock()
	defer m.streams.mu.Unlock()
	if m.streams.list == nil {
		m.streams.list = map[string]*stream{}
	}
	m.streams.list[s.key()] = s
	s.rest = m.streams.heads[s.key()]
	delete(m.streams.heads, s.key())
	if s.paused = m.streams.paused; !s.paused {
		m.readOn(s)
	}
}

// readOn begins behind the rest. The lock is held.
func (m *master) readOn(s *stream) {
	capture := s.open(s.rest)
	ctx, cancel := context.WithCancel(m.reading)
	done := make(chan struct{})
	s.rest, s.stop, s.done = nil, cancel, done
	m.captures.Go(func() {
		defer close(done)
		defer cancel()
		err := capture.Run(ctx)
		if err != nil && ctx.Err() == nil {
			m.log.Error("the output of a worker cannot be read", "worker", nameOf(s.process), "error", err)
		}
		m.streams.mu.Lock()
		defer m.streams.mu.Unlock()
		s.rest = capture.Rest()
		if s.paused = ctx.Err() != nil && m.reading.Err() == nil && err != nil; !s.paused {
			s.pipe.Close()
			delete(m.streams.list, s.key())
		}
	})
}

// pause ends the reading of the processes that are handed over, when what has
// ended was read to its end, and returns the unfinished lines.
func (s *streams) pause(handed func(process string) bool) map[string][]byte {
	s.mu.Lock()
	s.paused = true
	var ending, going []*stream
	for _, one := range s.list {
		if one.paused {
			continue
		}
		if handed(one.process) {
			going = append(going, one)
		} else {
			ending = append(ending, one)
		}
	}
	s.mu.Unlock()
	over := time.NewTimer(endOfOutput)
	defer over.Stop()
	for _, one := range ending {
		select {
		case <-one.done:
		case <-over.C: // a grandchild holds it open
			over.Reset(0)
		}
	}
	heads := map[string][]byte{}
	for _, one := range append(going, ending...) {
		one.stop()
		<-one.done
		if len(one.rest) > 0 {
			heads[one.key()] = one.rest
		}
	}
	return heads
}

// resume goes on with what pause ended.
func (m *master) resume() {
	m.streams.mu.Lock()
	defer m.streams.mu.Unlock()
	m.streams.paused = false
	for _, one := range m.streams.list {
		if one.paused {
			one.paused = false
			m.readOn(one)
		}
	}
}
