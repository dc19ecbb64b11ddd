package app

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"

	"github.com/roadworthy-dev/roadworthy/internal/backlog"
	"github.com/roadworthy-dev/roadworthy/internal/socketfile"
)

// firstHanded is the descriptor that a supervisor hands over first, see
// sd_listen_fds(3).
const firstHanded = 3

// listen takes the listener of the options, else the one that a supervisor
// hands over, else opens the address of the settings. Who waits at its end is
// handed out, but where it was handed over: there others accept from it then.
func (a *App) listen() (net.Listener, error) {
	if a.options.Listener != nil {
		return backlog.Serve(a.options.Listener), nil
	}
	if listener, err := handed(a.options.Environment, os.Getpid()); listener != nil || err != nil {
		return listener, err
	}
	listener, err := a.open()
	if err != nil {
		return nil, err
	}
	return backlog.Serve(listener), nil
}

// open opens the address of the settings.
func (a *App) open() (net.Listener, error) {
	address := a.Listen
	if path, unix := strings.CutPrefix(address, "unix:"); unix {
		return listenUnix(path)
	} else if address == "" {
		address = ":" + strconv.Itoa(a.Port)
	}
	listener, err := net.Listen("tcp", address) //nolint:noctx // it takes no time that a context could cut
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	return listener, nil
}

// unixListener removes its socket at the end, where it is still its own.
type unixListener struct {
	*net.UnixListener
	file *socketfile.File
}

func listenUnix(path string) (net.Listener, error) {
	if err := socketfile.Clear(path); err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	listener.SetUnlinkOnClose(false)
	return &unixListener{listener, socketfile.Of(path)}, nil
}

// Close is part of net.Listener.
func (l *unixListener) Close() error {
	l.file.Remove()
	return l.UnixListener.Close() //nolint:wrapcheck // as the package net says it
}

// handed returns the first listener of LISTEN_FDS, nil where there is none.
//
// The socket is shared with other workers, whose accept must never find it
// blocking: that is a mode of the socket, not of a descriptor. The package
// net duplicates a descriptor that it is given as an os.File, and takes the
// mode as it is from a File made of a plain descriptor, which this one is.
func handed(environment func(string) (string, bool), pid int) (net.Listener, error) {
	count, _ := environment("LISTEN_FDS")
	if count == "" {
		return nil, nil
	}
	if whose, set := environment("LISTEN_PID"); set && whose != strconv.Itoa(pid) {
		return nil, nil // meant for another process, which left its environment to us
	}
	n, err := strconv.Atoi(count)
	if err != nil || n < 0 {
		return nil, fmt.Errorf("take the socket over: LISTEN_FDS is %q, want a number", count)
	}
	if n == 0 {
		return nil, nil
	}
	return fromDescriptor(firstHanded)
}

func fromDescriptor(fd int) (net.Listener, error) {
	if err := syscall.SetNonblock(fd, true); err != nil {
		return nil, fmt.Errorf("take the socket over: descriptor %d: %w", fd, err)
	}
	file := os.NewFile(uintptr(fd), "listener")
	defer file.Close() // the package net has a duplicate
	listener, err := net.FileListener(file)
	if err != nil {
		return nil, fmt.Errorf("take the socket over: %w", err)
	}
	if unix, ok := listener.(*net.UnixListener); ok {
		unix.SetUnlinkOnClose(false) // the other workers still listen there
	}
	return listener, nil
}
