//go:build !linux

package fault

import (
	"context"
	"errors"
	"net"
)

// pipe does not exist here: bulk transfers go through memory.
type pipe struct{}

func newPipe(net.Conn, net.Conn) *pipe { return nil }

func (f *flow) splice(context.Context) error    { return errors.ErrUnsupported }
func (f *flow) drainPipe(context.Context) error { return errors.ErrUnsupported }
func (f *flow) unpipe() error                   { return nil }
func (f *flow) release()                        {}
