package front

import (
	"bytes"
	"time"
)

// boundary follows an event stream and knows where an event ends: at an empty
// line (HTML, section 9.2.5), with line ends of LF, CR LF or CR.
type boundary struct {
	on   bool
	some bool    // a byte was written
	tail [4]byte // the last bytes
}

func (b *boundary) note(chunk []byte) {
	if !b.on || len(chunk) == 0 {
		return
	}
	b.some = true
	if n := len(chunk); n >= len(b.tail) {
		copy(b.tail[:], chunk[n-len(b.tail):])
		return
	}
	keep := copy(b.tail[:], b.tail[len(chunk):])
	copy(b.tail[keep:], chunk)
}

// at reports whether the stream may end here.
func (b *boundary) at() bool { return !b.some || endsEvent(b.tail[:]) }

func endsEvent(s []byte) bool {
	return bytes.HasSuffix(s, []byte("\n\n")) || bytes.HasSuffix(s, []byte("\r\n\r\n")) || bytes.HasSuffix(s, []byte("\r\r"))
}

// upTo returns the chunk up to the end of the event under way, and whether it
// ends within the chunk.
func (b *boundary) upTo(chunk []byte) ([]byte, bool) {
	if b.at() {
		return nil, true
	}
	probe := *b
	for i := range chunk {
		probe.note(chunk[i : i+1])
		if probe.at() {
			return chunk[:i+1], true
		}
	}
	return chunk, false
}

// How a stream on a draining worker ends.
const (
	endNot  int32 = iota
	endSoon       // at the next boundary
	endCut        // at once
)

// registerEvents lets a drain end the stream.
func (x *exchange) registerEvents() {
	x.streamed = true
	policy := x.front.route(x.r.URL.Path)
	conn := x.conn
	x.front.pool.EndWith(&x.lease, policy.after, policy.Drain != DrainCut, func(cut bool) {
		if cut || policy.Drain == DrainCut {
			x.ending.Store(endCut)
			conn.Abort()
			return
		}
		x.ending.Store(endSoon)
		conn.SetReadDeadline(past) // wakes the reader, who looks for a boundary
	})
}

// after returns how long a stream is left alone on a drain.
func (r Route) after() time.Duration {
	if r.Drain == DrainLinger && r.Linger != nil {
		return r.Linger()
	}
	return 0
}

// past is a deadline that is over.
var past = time.Unix(1, 0)

// lastWait gives an ending stream its time to reach a boundary. It returns
// false when the time is over.
func (x *exchange) lastWait() bool {
	now := x.front.options.Now()
	if x.endBy.Equal(past) {
		x.endBy = now.Add(x.front.options.Deadlines.StreamClose)
	}
	return now.Before(x.endBy)
}
