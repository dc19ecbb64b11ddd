package fault

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync/atomic"
	"time"
)

// How a direction comes to rest besides nil, which is the end of the stream,
// and errors of the sockets.
var (
	errInterrupted = errors.New("interrupted")
	errCut         = errors.New("reply cut")
)

// chunkSize is how much is read at once. A read that fills it marks a bulk
// transfer, for which splicing pays.
const chunkSize = 32 << 10

// flow is one direction of a link. Its fields outlive the goroutine that moves
// the bytes, so that the next one goes on where it stopped.
type flow struct {
	src, dst net.Conn
	moved    *atomic.Int64
	record   *record // whose first bytes to keep; nil for replies

	buf      []byte
	held     []byte // read, not yet written; lies within buf
	pipe     *pipe  // nil until the first bulk transfer
	ended    bool   // src has reached its end
	finished bool   // and dst was told so
}

func newFlow(src, dst net.Conn, moved *atomic.Int64, r *record) flow {
	return flow{src: src, dst: dst, moved: moved, record: r}
}

// pass forwards everything until the end of the stream, an error or an
// interruption.
func (f *flow) pass(ctx context.Context) error {
	for {
		if err := f.flush(ctx); err != nil || f.finished {
			return err
		}
		bulk := len(f.held) == 0 && f.pipe != nil
		if bulk {
			if err := f.splice(ctx); err != nil {
				return err
			}
			continue
		}
		n, err := f.read(ctx)
		if err != nil {
			return err
		}
		if n == chunkSize && (f.record == nil || !f.record.wantsMore()) {
			f.pipe = newPipe(f.src, f.dst)
		}
	}
}

// slow forwards each chunk only after a delay.
func (f *flow) slow(ctx context.Context, delay time.Duration) error {
	if err := f.unpipe(); err != nil {
		return err
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	for {
		if len(f.held) == 0 && !f.ended {
			if _, err := f.read(ctx); err != nil {
				return err
			}
		}
		timer.Reset(delay)
		select {
		case <-ctx.Done():
			return errInterrupted
		case <-timer.C:
		}
		if err := f.flush(ctx); err != nil || f.finished {
			return err
		}
	}
}

// truncate forwards at most limit bytes of the next chunk, and never its last
// byte, and then reports errCut.
func (f *flow) truncate(ctx context.Context, limit int) error {
	if err := f.unpipe(); err != nil {
		return err
	}
	if len(f.held) == 0 && !f.ended {
		if _, err := f.read(ctx); err != nil {
			return err
		}
	}
	if len(f.held) == 0 {
		return f.flush(ctx) // the end of the stream, not a reply
	}
	f.held = f.held[:min(limit, len(f.held)-1)]
	if err := f.flush(ctx); err != nil {
		return err
	}
	return errCut
}

// read fills held with the next chunk. The end of the stream is no error.
func (f *flow) read(ctx context.Context) (int, error) {
	if ctx.Err() != nil {
		return 0, errInterrupted
	}
	if f.buf == nil {
		f.buf = make([]byte, chunkSize)
	}
	n, err := f.src.Read(f.buf)
	f.held = f.buf[:n]
	if f.record != nil {
		f.record.keep(f.held)
	}
	if errors.Is(err, io.EOF) {
		f.ended, err = true, nil
	}
	return n, rest(err)
}

// flush writes what is held and, after the end of the stream, says so to dst.
func (f *flow) flush(ctx context.Context) error {
	if len(f.held) > 0 {
		if ctx.Err() != nil {
			return errInterrupted
		}
		n, err := f.dst.Write(f.held)
		f.held = f.held[n:]
		f.moved.Add(int64(n))
		if err != nil {
			return rest(err)
		}
	}
	if f.pipe != nil {
		if err := f.drainPipe(ctx); err != nil {
			return err
		}
	}
	if f.ended && !f.finished {
		f.finished = true
		return f.closeWrite()
	}
	return nil
}

// closeWrite passes the end of the stream on. A connection that cannot be
// half-closed is closed.
func (f *flow) closeWrite() error {
	if half, ok := f.dst.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return f.dst.Close()
}

// rest turns a passed deadline, which only an interruption sets, into
// errInterrupted.
func rest(err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return errInterrupted
	}
	return err
}
