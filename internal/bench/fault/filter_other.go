//go:build !linux

package fault

import (
	"errors"
	"net"
)

// setSilent cannot be done here: silence in the kernel needs SO_ATTACH_FILTER
// of Linux.
func setSilent(socket any, silent bool) error {
	switch socket.(type) {
	case *net.TCPListener, *net.TCPConn:
		if silent {
			return errors.ErrUnsupported
		}
	}
	return nil
}

// multipath says no: Go offers Multipath TCP on Linux alone.
func multipath(net.Listener) bool { return false }

// pending says no: the accept queue is not looked into on this system.
func pending(net.Listener) bool { return false }
