package front

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/front/pool"
	"github.com/roadworthy-dev/roadworthy/internal/front/upstream"
)

// exchange is one request on its way. It is reused for later requests.
type exchange struct {
	front *Front
	w     http.ResponseWriter
	r     *http.Request
	peer  *clientConn // nil with TLS
	rc    *http.ResponseController
	start time.Time
	end   time.Time // of a whole exchange; zero for others

	id, target, client string   // client is the peer's address without a port
	trusted            bool     // the peer is a trusted proxy
	upgrade            bool     // a websocket is asked for, and allowed
	expect             bool     // the client waits for 100 Continue
	stream             bool     // the body is sent while it comes
	body               []byte   // the body, when it was read before
	scratch, head      []byte   // memory that is kept for later requests
	random             [16]byte // of the id

	lease  pool.Lease
	worker *pool.Worker // the last one tried
	conn   *upstream.Conn
	upload *upload
	block  func() // x.onBlock, made once
	unbind func() bool

	status            int
	wrote             bool // the reply's head went out
	dirty             bool // written since the last flush
	timed             bool // a write deadline is set
	bytesIn, bytesOut int64
	code              Code
	cause             error
	cut               bool // the reply is broken: the connection must show it
	consumed          bool // the worker closed the connection after it had read the request
	streamed          bool // an event stream, which a drain may end
	stopped           bool // the upload was, while the client was there
	hung              atomic.Bool
	ending            atomic.Int32
	endBy             time.Time
}

func newExchange(f *Front) *exchange {
	x := &exchange{front: f, head: make([]byte, 0, 2048)}
	x.block, x.lease.Info = x.onBlock, x
	return x
}

// begin makes the exchange ready for a request.
func (x *exchange) begin(w http.ResponseWriter, r *http.Request) {
	f := x.front
	x.w, x.r, x.rc, x.start, x.end = w, r, nil, f.options.Now(), time.Time{}
	x.peer, _ = r.Context().Value(peerKey{}).(*clientConn)
	x.client, x.trusted = f.trusts(r)
	x.id = x.requestID()
	x.upgrade, x.stream, x.body = false, false, nil
	x.expect = len(r.Header["Expect"]) > 0 && strings.EqualFold(r.Header["Expect"][0], "100-continue")
	x.worker, x.conn, x.upload = nil, nil, nil
	x.status, x.wrote, x.dirty, x.timed, x.bytesIn, x.bytesOut = 0, false, false, false, 0, 0
	x.code, x.cause, x.cut, x.consumed = "", nil, false, false
	x.ending.Store(endNot)
	x.streamed, x.stopped = false, false
	x.hung.Store(false)
	x.endBy = past
}

func (x *exchange) control() *http.ResponseController {
	if x.rc == nil {
		x.rc = http.NewResponseController(x.w)
	}
	return x.rc
}

// run serves the request, or fails with a code.
func (x *exchange) run() {
	var ok bool
	if x.target, ok = target(x.r); !ok {
		x.fail(BadRequest, nil)
		return
	}
	x.upgrade = x.wantsWebsocket()
	if err := x.takeBody(); err != nil {
		x.failWith(err)
		return
	}
	var except *pool.Worker
	for resent := false; ; {
		err := x.attempt(except, resent)
		switch {
		case err == nil:
			return
		case x.mayConnectAgain(err):
			except = nil // the one that refused is passed over for a moment anyway
		case !resent && x.mayResend(err):
			resent, except = true, nil
			if x.front.pool.Others(x.worker) {
				except = x.worker
			}
		default:
			x.failWith(err)
			return
		}
		x.front.metrics.retries.Add(1)
		x.bytesIn = int64(len(x.body))
	}
}

// mayConnectAgain reports whether the worker saw nothing and there is time to
// find another one. A sole worker that is being replaced refuses for a while.
func (x *exchange) mayConnectAgain(err error) bool {
	return errors.Is(err, upstream.ErrConnect) && !x.left() &&
		x.front.options.Now().Sub(x.start) < x.front.park
}

// errUnwritten means that the worker closed before it was sent a byte.
var errUnwritten = errors.New("the request was not written")

// mayResend reports whether the request may be sent once more: not a byte of a
// response came, and it was never written, or repeating it is safe. A body that
// was streamed is gone, but it is begun only after the head was written. What
// hung one worker must not hang the next.
func (x *exchange) mayResend(err error) bool {
	if x.wrote || x.hung.Load() || x.left() {
		return false
	}
	if errors.Is(err, errUnwritten) {
		return true
	}
	return errors.Is(err, upstream.ErrNoReply) && x.repeatable() && !x.gaveUp()
}

// gaveUp reports whether the worker read the request and then closed the
// connection although it lives: its handler failed, and would fail again. What
// it logged or mailed of that would be told twice.
func (x *exchange) gaveUp() bool {
	if !x.consumed {
		return false
	}
	conn, err := x.worker.Client().Fresh(x.r.Context())
	if err != nil {
		return false // it died, and the request with it
	}
	conn.Close()
	return true
}

// repeatable reports whether sending the request twice does no more than
// sending it once (RFC 9110, section 9.2.2), or the client said so.
func (x *exchange) repeatable() bool {
	if x.stream {
		return false
	}
	switch x.r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPut, http.MethodDelete, http.MethodOptions, http.MethodTrace:
		return true
	}
	return len(x.r.Header["Idempotency-Key"]) > 0
}

// attempt sends the request to one worker and relays the reply. It returns an
// error only when nothing of a reply has gone to the client.
func (x *exchange) attempt(except *pool.Worker, fresh bool) error {
	f, ctx := x.front, x.r.Context()
	if err := f.pool.Acquire(ctx, &x.lease, except); err != nil {
		return err
	}
	x.worker = x.lease.Worker()
	defer f.pool.Release(&x.lease)
	conn, err := x.connect(ctx, fresh)
	if err != nil {
		f.pool.Refused(x.worker)
		return err
	}
	x.conn = conn
	x.watch()
	err = x.converse()
	aborted := x.unwatch()
	if x.conn == nil { // a tunnel took it
		return nil
	}
	x.conn = nil
	x.consumed = errors.Is(err, io.EOF) && conn.Consumed()
	// A drain may still poke a stream's connection, and a worker that is owed a
	// body would take the next request for it.
	if err != nil || aborted || x.streamed || x.upload.unsent() {
		conn.Close()
		return err
	}
	x.end = f.options.Now()
	conn.Release(x.end)
	return nil
}

func (x *exchange) connect(ctx context.Context, fresh bool) (*upstream.Conn, error) {
	if fresh {
		return x.worker.Client().Fresh(ctx)
	}
	return x.worker.Client().Get(ctx, x.start, x.repeatable())
}

// converse sends the request over x.conn and relays what comes back.
func (x *exchange) converse() error {
	now := x.lease.Since()
	if !x.conn.Reused() { // to connect may have taken a while
		now = x.front.options.Now()
	}
	x.conn.Await(now, x.front.options.Deadlines.FirstByte)
	if err := x.send(); err != nil {
		return err
	}
	err := x.receive()
	if x.upload != nil {
		sent := x.upload.end(x)
		if err != nil && errors.Is(sent, upstream.ErrSource) && !errors.Is(sent, errUnwanted) {
			return sent // the worker's silence is only the consequence
		}
	}
	return err
}

// send writes the head and the body that is at hand, and starts the upload of
// one that is not.
func (x *exchange) send() error {
	x.head = x.appendHead(x.head[:0])
	x.head = append(x.head, x.body...)
	n, err := x.conn.Send(x.head)
	if cap(x.head) > maxKeptHead {
		x.head = make([]byte, 0, 2048)
	}
	if err != nil && n == 0 {
		return errors.Join(errUnwritten, upstream.ErrNoReply, err)
	}
	// After a part was written, the worker may have answered before it closed.
	if err == nil && x.stream {
		x.upload = x.startUpload()
	}
	return nil
}

// maxKeptHead is the most memory for heads that an exchange keeps, in bytes.
const maxKeptHead = 128 << 10

// receive reads heads up to the final one and relays it with its body.
func (x *exchange) receive() error {
	header := x.w.Header()
	for range maxInformational {
		head, err := x.conn.ReadHead(x.r.Method, header)
		if err != nil {
			clear(header)
			return err
		}
		x.front.pool.Answered(x.worker)
		switch {
		case head.Status == http.StatusSwitchingProtocols:
			return x.switched(head, header)
		case head.Status >= http.StatusOK:
			x.relay(head)
			return nil
		case head.Status == http.StatusContinue:
			x.upload.goAhead()
		case x.r.ProtoAtLeast(1, 1):
			x.w.WriteHeader(head.Status)
		}
		clear(header)
	}
	return errors.Join(upstream.ErrMalformed, errors.New("too many informational responses"))
}

// maxInformational bounds the 1xx responses before the final one.
const maxInformational = 16
