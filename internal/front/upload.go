package front

import (
	"errors"
	"net/http"
	"sync"
	"time"
)

// upload sends a request's body to the worker while the reply is read. A nil
// upload stands for a request without one.
type upload struct {
	body  *clientBody
	ahead chan struct{} // closed when the worker wants the body
	stop  chan struct{} // closed when it is not wanted any more
	done  chan struct{} // closed when it was sent, or failed
	once  sync.Once
	err   error // read after done
}

// errUnwanted means that the worker answered, or closed, without the body.
var errUnwanted = errors.New("the worker did not want the body")

// startUpload begins to send. With Expect: 100-continue it waits for the worker
// to ask, for a while: many workers never do. net/http tells the client to go
// ahead when the body is first read.
func (x *exchange) startUpload() *upload {
	u := &upload{body: x.clientBody(), ahead: make(chan struct{}), stop: make(chan struct{}), done: make(chan struct{})}
	u.body.stop = u.stop
	_ = x.control().EnableFullDuplex() // HTTP/2 always is
	conn, deadlines, now := x.conn, x.front.options.Deadlines, x.front.options.Now
	expect, length, request := x.expect, x.r.ContentLength, x.r
	conn.SetWriteDeadline(now().Add(deadlines.Idle))
	go func() {
		defer close(u.done)
		if expect && !u.wanted(deadlines.Continue) {
			u.err = errUnwanted
			return
		}
		u.err = conn.SendBody(u.body, length, func() http.Header { return endToEnd(request.Trailer) }, func() {
			moment := now()
			conn.SetWriteDeadline(moment.Add(deadlines.Idle))
			conn.SetReadDeadline(moment.Add(deadlines.FirstByte))
		})
		if u.err != nil {
			u.failed(conn.SetReadDeadline)
		}
	}()
	return u
}

// failed lets the reader of the reply know that the client is why none comes. A
// worker that closed its side may have answered, so that is left to the reader.
func (u *upload) failed(setReadDeadline func(time.Time)) {
	if u.body.err != nil {
		setReadDeadline(past)
	}
}

func (u *upload) wanted(patience time.Duration) bool {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-u.ahead:
	case <-timer.C:
	case <-u.stop:
		return false
	}
	return true
}

// goAhead notes that the worker asked for the body.
func (u *upload) goAhead() {
	if u != nil {
		u.once.Do(func() { close(u.ahead) })
	}
}

// unsent reports whether the body was not sent to its end, or not yet.
func (u *upload) unsent() bool {
	if u == nil {
		return false
	}
	select {
	case <-u.done:
		return u.err != nil
	default:
		return true
	}
}

// end stops what is left of the upload, waits for it and returns its error.
func (u *upload) end(x *exchange) error {
	select {
	case <-u.done:
	default:
		close(u.stop)
		if x.conn != nil {
			x.conn.SetWriteDeadline(past)
		}
		x.stopped = !x.left()
		_ = x.control().SetReadDeadline(past)
		<-u.done
	}
	x.bytesIn = u.body.got
	return u.err
}
