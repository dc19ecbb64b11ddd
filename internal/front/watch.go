package front

import (
	"context"
	"errors"
	"net"
	"os"
)

// peerKey is the key of the client's connection in a request's context.
type peerKey struct{}

// connContext lets requests find their connection. With TLS there is none to be
// found: of HTTP/2, one connection has many requests.
func (f *Front) connContext(ctx context.Context, conn net.Conn) context.Context {
	if c, ok := conn.(*clientConn); ok {
		return context.WithValue(ctx, peerKey{}, c)
	}
	return ctx
}

// watch aborts the exchange with the worker as soon as the client leaves. The
// context of a request tells that too, but to wait for it costs more than all
// else that an exchange does between its system calls; so a plain connection,
// on which net/http reads meanwhile, tells by itself.
func (x *exchange) watch() {
	if x.peer == nil {
		x.unbind = context.AfterFunc(x.r.Context(), x.conn.Aborter())
		return
	}
	x.peer.worker.Store(x.conn)
	if x.peer.gone.Load() {
		x.peer.leaves() // before there was a worker to be told
	}
}

// unwatch ends watch, and reports whether the client has left.
func (x *exchange) unwatch() bool {
	if x.peer == nil {
		return !x.unbind()
	}
	return x.peer.worker.Swap(nil) == nil
}

// left reports whether the client has left. An upload that is stopped looks the
// same to net/http.
func (x *exchange) left() bool {
	return !x.stopped && (x.r.Context().Err() != nil || x.peer != nil && x.peer.gone.Load())
}

// failed notes that a read of so many bytes failed: the client has left. But a
// read of one byte is how net/http waits for that, and it ends it by a deadline.
func (c *clientConn) failed(size int, err error) {
	if size > 1 || !errors.Is(err, os.ErrDeadlineExceeded) {
		c.leaves()
	}
}

func (c *clientConn) leaves() {
	c.gone.Store(true)
	if worker := c.worker.Swap(nil); worker != nil {
		worker.Abort()
	}
}
