package fault

import (
	"errors"
	"fmt"
	"net"
	"time"
)

// deadliner is what an acceptor needs to be stopped without closing.
type deadliner interface{ SetDeadline(time.Time) error }

// longAgo is a deadline that has passed: it interrupts a blocked call.
var longAgo = time.Unix(1, 0)

// maxQueue bounds what drain takes, against clients that connect without end.
// It is the usual net.core.somaxconn, so that nothing older stays behind.
const maxQueue = 4096

// entry is the listening side: a listener that comes and goes, its filter and
// the goroutine that accepts. Only the holder of Proxy.changing calls it.
type entry struct {
	listen  func() (net.Listener, error)
	l       net.Listener // nil while closed
	silent  bool         // the filter is attached
	stop    chan struct{}
	stopped chan struct{} // nil while no goroutine accepts
}

// set brings the listener into the wanted state. Nobody accepts meanwhile.
func (e *entry) set(d door) error {
	if d == doorClosed {
		return e.close()
	}
	if e.l == nil {
		if err := e.open(); err != nil {
			return err
		}
	}
	if want := d == doorSilent; want != e.silent {
		if err := setSilent(e.l, want); err != nil {
			return fmt.Errorf("filter listener: %w", err)
		}
		e.silent = want
	}
	return nil
}

func (e *entry) open() error {
	l, err := e.listen()
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	switch l := l.(type) {
	case *net.TCPListener:
		if multipath(l) {
			return errors.Join(ErrMultipath, l.Close())
		}
	case *net.UnixListener:
		l.SetUnlinkOnClose(false)
	default: // a wrapper would hide the socket, and silence would be a lie
		return errors.Join(fmt.Errorf("listen: %T is no TCP or unix listener", l), l.Close())
	}
	e.l, e.silent = l, false
	return nil
}

func (e *entry) close() error {
	if e.l == nil {
		return nil
	}
	err := e.l.Close()
	e.l = nil
	if err != nil {
		return fmt.Errorf("close listener: %w", err)
	}
	return nil
}

// start accepts in a goroutine until halt. Failures such as EMFILE are
// reported and tried again: a proxy that stops accepting would be a fault
// that nobody asked for.
func (e *entry) start(welcome func(net.Conn), failed func(error)) {
	l := e.l
	stop, stopped := make(chan struct{}), make(chan struct{})
	e.stop, e.stopped = stop, stopped
	go func() {
		defer close(stopped)
		for {
			c, err := l.Accept()
			if err == nil {
				welcome(c)
				continue
			}
			select {
			case <-stop:
				return
			default:
			}
			failed(err)
			select {
			case <-stop:
				return
			case <-time.After(10 * time.Millisecond):
			}
		}
	}()
}

// halt stops the accepting goroutine and waits for it. The listener stays.
func (e *entry) halt() {
	if e.stopped == nil {
		return
	}
	close(e.stop)
	d := e.l.(deadliner)
	_ = d.SetDeadline(longAgo) // fails only if closed, and then Accept has ended too
	<-e.stopped
	e.stopped = nil
	_ = d.SetDeadline(time.Time{})
}

// drain accepts what the kernel has queued: for their clients those
// connections exist already.
func (e *entry) drain() []net.Conn {
	var conns []net.Conn
	if e.l == nil {
		return nil
	}
	d := e.l.(deadliner)
	for len(conns) < maxQueue && pending(e.l) {
		// The deadline is for a connection that vanishes from the queue
		// between the poll and the accept.
		_ = d.SetDeadline(time.Now().Add(time.Second))
		c, err := e.l.Accept()
		if err != nil {
			break
		}
		conns = append(conns, c)
	}
	_ = d.SetDeadline(time.Time{})
	return conns
}
