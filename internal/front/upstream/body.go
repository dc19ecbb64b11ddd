package upstream

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// maxTrailer bounds the trailer section and a chunk's size line, in bytes.
const maxTrailer = 8 << 10

type mode byte

const (
	empty   mode = iota // no body
	sized               // left bytes to come
	chunked             // left bytes of the chunk, then a size line
	toEnd               // until the connection ends
)

type step byte

const (
	atSize step = iota // a size line comes next
	inData             // data, then CR LF
)

type body struct {
	mode mode
	step step
	left int64
}

// frame chooses how the body ends (RFC 9112, section 6.3). A worker may write
// one where none may be, which would be the next reply. After HEAD, or when the
// head announces it, it may come later than any look, so the connection ends.
func (c *Conn) frame(method string, h *Head) {
	c.body = body{}
	informational := h.Status < 200
	c.done, c.bare = false, false
	stray := false
	switch {
	case informational:
		h.Length = 0
		return
	case method == http.MethodHead || h.Status == http.StatusNoContent || h.Status == http.StatusNotModified:
		stray = method == http.MethodHead || h.chunked || h.sized && h.Length > 0
		c.done, c.bare = true, true
		h.Length = 0
	case h.chunked:
		c.body.mode = chunked
	case h.sized:
		c.body.mode, c.body.left, c.done = sized, h.Length, h.Length == 0
	default:
		c.body.mode, h.Close = toEnd, true
	}
	c.keep = !h.Close && !stray
}

// Buffered returns how many bytes were read and not handed out yet.
func (c *Conn) Buffered() int { return c.w - c.r }

// Trailer returns the trailer fields, once Next has returned io.EOF.
func (c *Conn) Trailer() http.Header { return c.trailer }

// Next returns the next bytes of the body, at least one. They are valid until
// the next call. It returns io.EOF where the framing ends, and an error that
// wraps ErrCut when the connection ended earlier.
func (c *Conn) Next() ([]byte, error) {
	switch c.body.mode {
	case sized:
		return c.nextSized()
	case chunked:
		return c.nextChunk()
	case toEnd:
		if c.r == c.w {
			if err := c.fill(bufferSize); err != nil {
				c.done = errors.Is(err, io.EOF)
				return nil, err
			}
		}
		return c.take(int64(c.w - c.r)), nil
	}
	return nil, io.EOF
}

// take hands out n unread bytes.
func (c *Conn) take(n int64) []byte {
	out := c.buf[c.r : c.r+int(n)]
	c.r += int(n)
	return out
}

func (c *Conn) nextSized() ([]byte, error) {
	if c.body.left == 0 {
		c.done = true
		return nil, io.EOF
	}
	if err := c.need(); err != nil {
		return nil, err
	}
	n := min(c.body.left, int64(c.w-c.r))
	c.body.left -= n
	c.done = c.body.left == 0
	return c.take(n), nil
}

// need makes sure that there is an unread byte.
func (c *Conn) need() error {
	if c.r < c.w {
		return nil
	}
	return c.within(c.fill(bufferSize))
}

// within turns an end of the connection inside a body into ErrCut.
func (c *Conn) within(err error) error {
	if errors.Is(err, io.EOF) && !errors.Is(err, ErrCut) {
		return fmt.Errorf("%w: end within the body", ErrCut)
	}
	return err
}

func (c *Conn) nextChunk() ([]byte, error) {
	if c.done {
		return nil, io.EOF
	}
	if c.body.step == inData && c.body.left == 0 {
		line, err := c.line()
		if err != nil {
			return nil, err
		}
		if len(line) != 0 {
			return nil, fmt.Errorf("%w: bytes after a chunk", ErrMalformed)
		}
		c.body.step = atSize
	}
	if c.body.step == atSize {
		line, err := c.line()
		if err != nil {
			return nil, err
		}
		if c.body.left, err = chunkSize(line); err != nil {
			return nil, err
		}
		if c.body.left == 0 {
			return nil, c.readTrailer()
		}
		c.body.step = inData
	}
	if err := c.need(); err != nil {
		return nil, err
	}
	n := min(c.body.left, int64(c.w-c.r))
	c.body.left -= n
	return c.take(n), nil
}

// line returns the next line without its CR LF. It refuses other CR and LF.
func (c *Conn) line() ([]byte, error) {
	for {
		unread := c.buf[c.r:c.w]
		if i := bytes.IndexByte(unread, '\n'); i >= 0 {
			c.r += i + 1
			if i == 0 || bytes.IndexByte(unread[:i], '\r') != i-1 {
				return nil, fmt.Errorf("%w: a bare CR or LF between chunks", ErrMalformed)
			}
			return unread[:i-1], nil
		}
		if len(unread) >= maxTrailer {
			return nil, fmt.Errorf("%w: a line of more than %d bytes between chunks", ErrMalformed, maxTrailer)
		}
		if err := c.within(c.fill(bufferSize)); err != nil {
			return nil, err
		}
	}
}

// chunkSize parses a size line (RFC 9112, section 7.1). Extensions of tokens
// are passed over; anything else after the number is refused.
func chunkSize(line []byte) (int64, error) {
	size, i := int64(0), 0
	for ; i < len(line); i++ {
		digit := hexDigit(line[i])
		if digit < 0 {
			break
		}
		size = size<<4 | int64(digit)
	}
	if i == 0 || i > 15 {
		return 0, fmt.Errorf("%w: a chunk size", ErrMalformed)
	}
	if i < len(line) && line[i] != ';' {
		return 0, fmt.Errorf("%w: bytes after a chunk size", ErrMalformed)
	}
	for _, b := range line[i:] {
		if !isToken(b) && b != ';' && b != '=' {
			return 0, fmt.Errorf("%w: a chunk extension", ErrMalformed)
		}
	}
	return size, nil
}

func hexDigit(b byte) int {
	switch {
	case '0' <= b && b <= '9':
		return int(b - '0')
	case 'a' <= b && b <= 'f':
		return int(b-'a') + 10
	case 'A' <= b && b <= 'F':
		return int(b-'A') + 10
	}
	return -1
}

// readTrailer reads the fields after the last chunk and returns io.EOF. Fields
// that would frame or route a message are dropped (RFC 9110, section 6.5.1).
func (c *Conn) readTrailer() error {
	for total := 0; ; {
		line, err := c.line()
		if err != nil {
			return err
		}
		if len(line) == 0 {
			c.done = true
			return io.EOF
		}
		if total += len(line); total > maxTrailer {
			return fmt.Errorf("%w: more than %d bytes of trailer", ErrMalformed, maxTrailer)
		}
		name, value, err := cutField(string(line))
		if err != nil {
			return err
		}
		if HopByHop(name) || name == "Content-Length" || name == "Host" || name == "Content-Encoding" || name == "Set-Cookie" {
			continue
		}
		if c.trailer == nil {
			c.trailer = http.Header{}
		}
		c.trailer[name] = append(c.trailer[name], value)
	}
}
