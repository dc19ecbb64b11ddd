package fault

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// link is one connection of a client and its counterpart to the service. It
// is either at rest, or two goroutines move its bytes; interrupt and wait bring
// it to rest, apply starts it again.
type link struct {
	proxy  *Proxy
	client net.Conn
	record *record

	// Touched only at rest, by the holder of Proxy.changing or by the
	// goroutine that accepted.
	mangled bool // was frozen: it must not be given back as if it were whole
	dropped bool // the filter is attached
	up      flow
	down    flow

	mu       sync.Mutex // guards the three below against interrupt
	upstream net.Conn   // nil until dialled
	cancel   context.CancelFunc
	done     chan struct{} // nil if nothing was ever started

	over  atomic.Bool // an end or an error was seen: close at rest
	abort atomic.Bool // close with RST
	gone  atomic.Bool // closed
}

// apply puts a link that is at rest under a fate.
func (l *link) apply(f fate) error {
	if l.gone.Load() {
		return nil
	}
	if drop := f == fateDrop; drop != l.dropped {
		if err := setSilent(l.client, drop); err != nil {
			return err
		}
		l.dropped = drop
	}
	if f.frozen() {
		l.mangled = true
		return nil
	}
	if f == fateReset || l.mangled {
		l.teardown(true)
		return nil
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	l.mu.Lock()
	l.cancel, l.done = cancel, done
	l.mu.Unlock()
	go l.run(ctx, f, done)
	return nil
}

// interrupt makes the link's goroutines return soon. What was read and not yet
// written stays in its flow.
func (l *link) interrupt() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cancel != nil {
		l.cancel() // first: whoever dials or starts later sees it
	}
	_ = l.client.SetDeadline(longAgo) // fails only if closed, then nothing blocks
	if l.upstream != nil {
		_ = l.upstream.SetDeadline(longAgo)
	}
}

// wait waits until the link is at rest and lifts the interruption.
func (l *link) wait() {
	l.mu.Lock()
	done := l.done
	l.mu.Unlock()
	if done != nil {
		<-done
	}
	_ = l.client.SetDeadline(time.Time{})
	if l.upstream != nil {
		_ = l.upstream.SetDeadline(time.Time{})
	}
}

// run moves bytes until the link is interrupted or over.
func (l *link) run(ctx context.Context, f fate, done chan struct{}) {
	defer close(done)
	if l.upstream == nil && !l.connect(ctx) {
		return
	}
	upDone := make(chan struct{})
	go func() {
		defer close(upDone)
		l.settle(l.up.pass(ctx))
	}()
	switch f {
	case fateSlow:
		l.settle(l.down.slow(ctx, l.proxy.cfg.SlowDelay))
	case fateTruncate:
		l.settle(l.down.truncate(ctx, l.proxy.cfg.TruncateAfter))
	default:
		l.settle(l.down.pass(ctx))
	}
	<-upDone
	if l.over.Load() || l.up.finished && l.down.finished {
		l.teardown(l.abort.Load())
	}
}

// settle looks at how one direction came to rest. A broken direction ends the
// other too; an ended one does not, since half-closed connections are lawful.
func (l *link) settle(err error) {
	switch {
	case err == nil, errors.Is(err, errInterrupted):
		return
	case errors.Is(err, errCut):
	default:
		l.abort.Store(true)
	}
	l.over.Store(true)
	l.interrupt()
}

// connect dials the service. A client whose service cannot be reached is
// reset: it must not take the proxy's accept for the service's.
func (l *link) connect(ctx context.Context) bool {
	c, err := l.proxy.cfg.Dial(ctx)
	if err != nil {
		if ctx.Err() == nil {
			l.proxy.book.dialFailed()
			l.teardown(true)
		}
		return false
	}
	l.mu.Lock()
	l.upstream = c
	l.mu.Unlock()
	l.up = newFlow(l.client, c, &l.record.up, l.record)
	l.down = newFlow(c, l.client, &l.record.down, nil)
	return true
}

// teardown closes both sides, with RST where asked and where TCP allows it.
func (l *link) teardown(reset bool) {
	if l.gone.Swap(true) {
		return
	}
	for _, c := range []net.Conn{l.client, l.upstream} {
		if c == nil {
			continue
		}
		if t, ok := c.(*net.TCPConn); ok && reset {
			_ = t.SetLinger(0) // fails only if closed
		}
		_ = c.Close() // there is nobody to tell
	}
	l.up.release()
	l.down.release()
	l.proxy.book.close(l.record)
	l.proxy.forget(l)
}
