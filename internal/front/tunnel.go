package front

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/front/upstream"
)

// wantsWebsocket reports whether the request asks for the one upgrade that is
// let through, on a route that allows it. All others lose their Upgrade field
// and are ordinary requests: an h2c tunnel would pass every rule by.
func (x *exchange) wantsWebsocket() bool {
	r := x.r
	upgrade := r.Header["Upgrade"]
	return len(upgrade) == 1 && strings.EqualFold(upgrade[0], "websocket") &&
		r.ProtoMajor == 1 && r.ProtoMinor == 1 && r.Method == http.MethodGet && r.ContentLength == 0 &&
		slices.Contains(listedFields(r.Header["Connection"]), "Upgrade") &&
		x.front.route(r.URL.Path).Upgrade
}

// tunnel is a websocket that was switched to. Each direction has one goroutine,
// which alone writes to its end.
type tunnel struct {
	client, worker net.Conn
	now            func() time.Time
	idle, grace    time.Duration
	ending         atomic.Bool
	bytes          atomic.Int64
}

// switched relays the 101 and then the bytes, until both sides are done.
func (x *exchange) switched(head upstream.Head, header http.Header) error {
	if !x.upgrade || !strings.EqualFold(head.Upgrade, "websocket") {
		return fmt.Errorf("%w: a switch of protocols that was not asked for", upstream.ErrMalformed)
	}
	client, buffered, err := x.control().Hijack()
	if err != nil {
		return fmt.Errorf("take the client's connection: %w", err)
	}
	x.unwatch() // from now on, the tunnel sees for itself
	x.status, x.wrote = http.StatusSwitchingProtocols, true
	worker, fromWorker := x.conn.Hijack()
	x.conn = nil
	defer client.Close()
	defer worker.Close()
	past := make([]byte, buffered.Reader.Buffered())
	if _, err := io.ReadFull(buffered, past); err != nil {
		return nil
	}
	d := x.front.options.Deadlines
	t := &tunnel{client: client, worker: worker, now: x.front.options.Now, idle: d.Idle, grace: d.StreamClose}
	_ = client.SetDeadline(time.Time{})
	_ = worker.SetDeadline(time.Time{})
	policy := x.front.route(x.r.URL.Path)
	x.front.metrics.tunnels.Add(1)
	defer x.front.metrics.tunnels.Add(-1)
	x.front.pool.EndWith(&x.lease, policy.after, policy.Drain != DrainCut, func(cut bool) {
		if cut || policy.Drain == DrainCut {
			x.ending.Store(endCut)
			t.cut()
			return
		}
		t.end()
	})
	t.run(x.switchingHead(header), fromWorker, past)
	x.front.metrics.tunnelled.Add(uint64(t.bytes.Load()))
	if x.ending.Load() == endCut {
		x.note(StreamCut, nil)
	}
	return nil
}

// switchingHead writes the 101 with the worker's fields.
func (x *exchange) switchingHead(header http.Header) []byte {
	out := []byte("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n")
	for name, values := range header {
		for _, value := range values {
			out = upstream.AppendField(out, name, value)
		}
	}
	return append(upstream.AppendField(out, "X-Request-Id", x.id), "\r\n"...)
}

// run copies both ways until both are over.
func (t *tunnel) run(head, fromWorker, fromClient []byte) {
	up := make(chan struct{})
	go func() {
		defer close(up)
		t.copy(t.worker, t.client, true, fromClient)
	}()
	if _, err := t.client.Write(head); err == nil {
		t.copy(t.client, t.worker, false, fromWorker)
	} else {
		t.cut()
	}
	<-up
}

// copy relays from src to dst. When one direction is over, the other gets a
// while to end too.
func (t *tunnel) copy(dst, src net.Conn, masked bool, first []byte) {
	var flow frames
	buf := make([]byte, 8<<10)
	chunk := first
	for {
		if len(chunk) > 0 || t.ending.Load() {
			if done := t.forward(dst, &flow, chunk, masked); done {
				break
			}
		}
		n, err := src.Read(buf)
		chunk = buf[:n]
		if err == nil || n > 0 {
			continue
		}
		if !t.ending.Load() {
			break
		}
		if flow.at() {
			continue // forward writes the close frame, also when src closed at ours
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			break
		}
		_ = src.SetReadDeadline(t.now().Add(t.grace))
		if n, err = src.Read(buf); err != nil {
			break
		}
		chunk = buf[:n]
	}
	if t.ending.Load() {
		t.discard(src, &flow)
	}
	t.over(dst)
}

// forward writes a chunk; of a tunnel that ends only up to the next end of a
// message, and then a close frame unless one has passed. It reports whether the
// direction is over.
func (t *tunnel) forward(dst net.Conn, flow *frames, chunk []byte, masked bool) bool {
	ends := false
	if t.ending.Load() {
		whole := chunk
		chunk, ends = flow.upToEnd(chunk)
		if ends && !flow.closed {
			defer func(rest []byte) { flow.pass(rest) }(whole[len(chunk):])
			chunk = append(slices.Clip(chunk), closeFrame(masked)...)
		}
	} else {
		flow.pass(chunk)
	}
	_ = dst.SetWriteDeadline(t.now().Add(t.idle))
	n, err := dst.Write(chunk)
	t.bytes.Add(int64(n))
	return err != nil || ends
}

// discard reads on after our close frame until the other's, so that closing
// does not reset the connection while our frame is still on its way.
func (t *tunnel) discard(src net.Conn, flow *frames) {
	_ = src.SetReadDeadline(t.now().Add(t.grace))
	buf := make([]byte, 1<<10)
	for !flow.closed || flow.left > 0 {
		n, err := src.Read(buf)
		if err != nil {
			return
		}
		flow.pass(buf[:n])
	}
}

// over tells dst that no more will come, and bounds the other direction.
func (t *tunnel) over(dst net.Conn) {
	if half, ok := dst.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite() // a peer that is gone needs no telling
	}
	if !t.ending.Load() {
		_ = dst.SetReadDeadline(t.now().Add(t.grace))
	}
}

// end begins the orderly end: both readers wake and look for the end of a
// message.
func (t *tunnel) end() {
	t.ending.Store(true)
	_ = t.client.SetReadDeadline(past)
	_ = t.worker.SetReadDeadline(past)
}

// cut ends the tunnel at once.
func (t *tunnel) cut() {
	_ = t.client.SetDeadline(past)
	_ = t.worker.SetDeadline(past)
}
