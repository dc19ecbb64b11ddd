// Package socketfile keeps the file of a unix socket from getting in somebody's
// way: neither one that a killed process left behind, nor the removal of one
// that another process has made since.
//
// The invariant: what is removed is a socket, and either nobody listens there
// or it is our own. Read next: its callers, internal/runner/run.go and
// app/listen.go.
package socketfile

import (
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
)

// Clear removes the socket that an earlier process left behind, and nothing
// else: where a process listens, it is not refused. Where there is nothing to
// remove it does nothing, and listening will tell what is wrong.
func Clear(path string) error {
	conn, err := net.Dial("unix", path) //nolint:noctx // it takes no time that a context could cut
	if err == nil {
		conn.Close()
	}
	info, missing := os.Lstat(path)
	if !errors.Is(err, syscall.ECONNREFUSED) || missing != nil || info.Mode().Type() != os.ModeSocket {
		return nil //nolint:nilerr // there is nothing to remove
	}
	if err := os.Remove(path); err != nil {
		return fmt.Errorf("remove the socket of a process that has ended: %w", err)
	}
	return nil
}

// File is the file of a socket that is listened on. The nil File is that of a
// socket without one, such as an abstract one.
type File struct {
	path string
	made os.FileInfo
}

// Of returns the file of a socket that this process listens on.
func Of(path string) *File {
	made, err := os.Lstat(path)
	if err != nil || made.Mode().Type() != os.ModeSocket {
		return nil
	}
	return &File{path, made}
}

// Remove removes the file where it is still that of our socket: the package net
// would remove the one of a process that has come after it. It is called before
// the socket is closed, since the number of its file can be given to another
// one then.
func (f *File) Remove() {
	if f == nil {
		return
	}
	if now, err := os.Lstat(f.path); err == nil && os.SameFile(f.made, now) {
		_ = os.Remove(f.path) // what stays is in nobody's way: see Clear
	}
}
