package front

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"
)

// Errors of a request's body.
var (
	errTooLarge = errors.New("the body is over the limit")
	errSlow     = errors.New("the body came below the minimal rate")
	errBody     = errors.New("the body is malformed or ended early")
)

// clientBody reads a request's body under a size limit and a minimal rate.
type clientBody struct {
	src     io.Reader
	control *http.ResponseController
	now     func() time.Time
	start   time.Time
	grace   time.Duration
	rate    int64 // bytes per second
	left    int64 // before the limit; below 0 means no limit
	got     int64
	stop    chan struct{} // closed when it is not wanted any more; nil where it always is
	err     error
}

func (x *exchange) clientBody() *clientBody {
	limits := x.front.options.Limits
	b := &clientBody{
		src: x.r.Body, control: x.control(), now: x.front.options.Now, start: x.front.options.Now(),
		grace: x.front.options.Deadlines.BodyGrace, rate: limits.BodyRate, left: limits.Body,
	}
	return b
}

// Read is slow when, after the grace, fewer bytes have come than the rate asks
// for: the deadline moves with each byte, so that one timer is enough.
func (b *clientBody) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	allowed := b.grace + time.Duration(float64(b.got)/float64(b.rate)*float64(time.Second))
	deadline := b.start.Add(allowed)
	_ = b.control.SetReadDeadline(deadline) // not every writer has one, such as a test's
	if b.stopped() {                        // meanwhile: the line above must not undo it
		_ = b.control.SetReadDeadline(past)
	}
	n, err := b.src.Read(p)
	b.got += int64(n)
	if b.left >= 0 {
		if b.left -= int64(n); b.left < 0 {
			b.err = errTooLarge
			return 0, b.err
		}
	}
	if err != nil {
		b.err = b.name(err, deadline)
	}
	return n, b.err
}

func (b *clientBody) stopped() bool {
	select {
	case <-b.stop:
		return true
	default:
		return false
	}
}

// name tells a slow client from a broken body. Within a trailer net/http has an
// error of its own for both, but then the deadline is over.
func (b *clientBody) name(err error, deadline time.Time) error {
	switch {
	case errors.Is(err, io.EOF):
		// What waits for the client to leave must not run into our deadline.
		_ = b.control.SetReadDeadline(time.Time{})
		return io.EOF
	case b.stopped():
		return errUnwanted
	case errors.Is(err, os.ErrDeadlineExceeded), !b.now().Before(deadline):
		return fmt.Errorf("%w: %w", errSlow, err)
	}
	return fmt.Errorf("%w: %w", errBody, err)
}

// takeBody decides how the request's body goes to the worker: small ones are
// read now, so that they can be repeated and a slow client holds no worker.
func (x *exchange) takeBody() error {
	r := x.r
	if r.Body == nil || r.Body == http.NoBody || r.ContentLength == 0 {
		return nil
	}
	limits := x.front.options.Limits
	if limits.Body >= 0 && r.ContentLength > limits.Body {
		return errTooLarge
	}
	if r.ContentLength < 0 || r.ContentLength > int64(limits.Buffer) || x.expect {
		x.stream = true
		return nil
	}
	x.body = x.room(int(r.ContentLength))
	_, err := io.ReadFull(x.clientBody(), x.body)
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		err = fmt.Errorf("%w: %w", errBody, io.ErrUnexpectedEOF)
	}
	if err != nil {
		return err
	}
	x.bytesIn = r.ContentLength
	// net/http notices a client that leaves only once it saw the body's end.
	var end [1]byte
	if _, err := r.Body.Read(end[:]); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: %w", errBody, err)
	}
	_ = x.control().SetReadDeadline(time.Time{})
	return nil
}

// room returns n bytes that live as long as the exchange.
func (x *exchange) room(n int) []byte {
	if cap(x.scratch) < n {
		x.scratch = make([]byte, n)
	}
	return x.scratch[:n]
}
