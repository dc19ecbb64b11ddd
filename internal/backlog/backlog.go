package backlog

import (
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"syscall"
)

// Drain accepts every connection that waits at a listener now, and returns
// those whose client is there still; the caller must close them. It waits for
// none: a listener that is no socket has none. The error, such as too many open
// files, says why some may be left; what was accepted before is returned with it.
func Drain(l net.Listener) ([]net.Conn, error) {
	socket, ok := l.(syscall.Conn)
	if !ok {
		return nil, nil
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return nil, fmt.Errorf("drain the backlog: %w", err)
	}
	var list []net.Conn
	var failed error
	err = raw.Control(func(fd uintptr) {
		list, failed = drain(func() (int, error) { return accept(int(fd)) })
	})
	if err != nil {
		return nil, fmt.Errorf("drain the backlog: %w", err)
	}
	return list, failed
}

// drain calls accept until it would have to wait. The bound of a backlog is a
// setting of the kernel (net.core.somaxconn), so that there is none here.
func drain(accept func() (int, error)) ([]net.Conn, error) {
	var list []net.Conn
	for {
		fd, err := accept()
		switch {
		case errors.Is(err, syscall.ECONNABORTED), errors.Is(err, syscall.EINTR): // of one client, and of nobody
			continue
		case errors.Is(err, syscall.EAGAIN):
			return list, nil
		case err != nil:
			return list, fmt.Errorf("drain the backlog: accept: %w", err)
		}
		conn, err := connection(fd)
		if err != nil {
			return list, fmt.Errorf("drain the backlog: %w", err)
		}
		if conn.RemoteAddr() == nil { // its client has reset it: nobody reads a reply
			conn.Close()
			continue
		}
		list = append(list, conn)
	}
}

// accept accepts without waiting, for a listener of the package net does not
// block. Nothing that is started meanwhile gets the descriptor.
func accept(fd int) (int, error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	accepted, _, err := syscall.Accept(fd)
	if err == nil {
		syscall.CloseOnExec(accepted)
	}
	return accepted, err //nolint:wrapcheck // drain looks at it
}

// connection makes a descriptor one of the package net, which duplicates it.
func connection(fd int) (net.Conn, error) {
	file := os.NewFile(uintptr(fd), "connection")
	defer file.Close()
	return net.FileConn(file) //nolint:wrapcheck // drain says what for
}

// Serve returns a listener that takes over another one, whose Close loses
// nobody who waits: Accept hands them out, and only then returns
// [net.ErrClosed]. Closed again it closes those whom nobody has taken. It is
// for a socket that no other process accepts from.
func Serve(l net.Listener) net.Listener { return &listener{Listener: l} }

type listener struct {
	net.Listener

	mu      sync.Mutex
	closed  bool
	waiting []net.Conn
}

// Accept returns the next connection.
func (l *listener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err == nil {
		return conn, nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.closed {
		return nil, err //nolint:wrapcheck // net/http looks at it
	}
	if len(l.waiting) == 0 {
		return nil, net.ErrClosed
	}
	conn, l.waiting = l.waiting[0], l.waiting[1:]
	return conn, nil
}

// Close accepts who waits, and closes the socket.
func (l *listener) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		for _, conn := range l.waiting {
			conn.Close()
		}
		l.waiting = nil
		return net.ErrClosed
	}
	l.closed = true
	list, err := Drain(l.Listener)
	l.waiting = list
	return errors.Join(err, l.Listener.Close())
}
