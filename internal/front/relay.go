package front

import (
	"errors"
	"io"
	"net/http"
	"os"
	"slices"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/front/upstream"
)

// relay passes the final response on: its head, then its body as it comes.
func (x *exchange) relay(head upstream.Head) {
	header := x.w.Header()
	x.decorate(header)
	if _, ok := header["Content-Type"]; !ok {
		header["Content-Type"] = nil // net/http would guess one
	}
	x.status, x.wrote = head.Status, true
	if head.Stream {
		x.registerEvents()
	}
	x.w.WriteHeader(head.Status)
	x.dirty = head.Length < 0 || head.Stream
	x.conn.BeforeRead = x.block
	if x.r.ProtoMajor > 1 {
		x.boundWrite(x.front.options.Now().Add(x.front.options.Deadlines.Idle))
	}
	if err := x.copyBody(head); err != nil {
		x.broken(err)
		return
	}
	x.finishTrailer()
	if x.timed && x.r.ProtoMajor == 1 { // of HTTP/2, net/http has yet to write what it kept back
		_ = x.control().SetWriteDeadline(time.Time{})
	}
}

// boundWrite gives the client until the deadline to take what it is sent.
func (x *exchange) boundWrite(deadline time.Time) {
	x.timed = true
	_ = x.control().SetWriteDeadline(deadline)
}

// decorate adds what the front says in each reply.
func (x *exchange) decorate(header http.Header) {
	header["X-Request-Id"] = []string{x.id}
	if x.front.closing.Load() || endsConnection(x.r) || x.r.ProtoMajor == 1 && x.upload.unsent() {
		header["Connection"] = []string{"close"}
	}
}

// errClient means that the client does not take the reply.
var errClient = errors.New("write to the client")

func (x *exchange) copyBody(head upstream.Head) error {
	events := boundary{on: head.Stream}
	for {
		chunk, err := x.conn.Next()
		if err != nil {
			over, err := x.ends(&events, err)
			if over {
				return err
			}
			continue
		}
		last := false
		if x.ending.Load() == endSoon {
			chunk, last = events.upTo(chunk)
		}
		events.note(chunk)
		if _, err := x.w.Write(chunk); err != nil {
			return errors.Join(errClient, err)
		}
		x.bytesOut += int64(len(chunk))
		x.dirty = true
		if last {
			return nil
		}
	}
}

// ends says what an error from the worker means for the reply: whether it is
// over, and if so with which error. A stream that a drain woke goes on until it
// is at a boundary.
func (x *exchange) ends(events *boundary, err error) (bool, error) {
	if errors.Is(err, io.EOF) && !errors.Is(err, upstream.ErrCut) {
		return true, nil
	}
	if x.ending.Load() != endSoon || !errors.Is(err, os.ErrDeadlineExceeded) {
		return true, err
	}
	if events.at() {
		return true, nil
	}
	return !x.lastWait(), err
}

// onBlock runs before a read from the worker that may take a while: the client
// gets what there is, and both sides get their idle deadline. HTTP/2 needs one
// for what is written after the read, too: a window that the client does not
// open holds a write for ever, where the kernel gives a socket up. It strikes
// even while nothing is being written, so the worker's time comes on top.
func (x *exchange) onBlock() {
	idle := x.front.options.Deadlines.Idle
	deadline := x.front.options.Now().Add(idle)
	switch {
	case x.r.ProtoMajor > 1:
		x.boundWrite(deadline.Add(idle))
	case x.dirty:
		x.boundWrite(deadline)
	}
	if x.dirty {
		_ = x.control().Flush() // a client that is gone shows in the next write
		x.dirty = false
	}
	x.conn.SetReadDeadline(deadline)
	if x.ending.Load() != endNot {
		x.conn.SetReadDeadline(x.endBy) // in the past at first, as the poke may have come before the line above
	}
}

// finishTrailer passes trailer fields on. Those that were not announced need a
// head that went out as chunked.
func (x *exchange) finishTrailer() {
	trailer := x.conn.Trailer()
	if len(trailer) == 0 {
		return
	}
	header := x.w.Header()
	announced := listedFields(header["Trailer"])
	_ = x.control().Flush()
	for name, values := range trailer {
		if !slices.Contains(announced, name) {
			name = http.TrailerPrefix + name
		}
		header[name] = values
	}
}

// broken ends a reply that began and cannot be completed.
func (x *exchange) broken(err error) {
	x.cut = true
	switch {
	case errors.Is(err, errClient) && errors.Is(err, os.ErrDeadlineExceeded):
		x.note(ClientStalled, err)
	case errors.Is(err, errClient), x.left():
		x.note(ClientClosed, err)
	case x.ending.Load() != endNot:
		x.note(StreamCut, err)
	case errors.Is(err, os.ErrDeadlineExceeded):
		x.note(ResponseIdle, err)
	case errors.Is(err, upstream.ErrMalformed):
		x.note(BadResponse, err)
	default:
		x.note(ResponseCut, err)
	}
}
