package upstream

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
)

// AppendStart appends the request line and the Host field. The target must be
// free of spaces and control characters; see ValidTarget.
func AppendStart(dst []byte, method, target, host string) []byte {
	dst = append(dst, method...)
	dst = append(dst, ' ')
	dst = append(dst, target...)
	dst = append(dst, " HTTP/1.1\r\nHost: "...)
	dst = append(dst, host...)
	return append(dst, "\r\n"...)
}

// AppendField appends one field.
func AppendField(dst []byte, name, value string) []byte {
	dst = append(dst, name...)
	dst = append(dst, ": "...)
	dst = append(dst, value...)
	return append(dst, "\r\n"...)
}

// AppendLength appends the field that frames the request's body: a length, or
// chunked for a length below 0.
func AppendLength(dst []byte, length int64) []byte {
	if length < 0 {
		return append(dst, "Transfer-Encoding: chunked\r\n"...)
	}
	dst = append(dst, "Content-Length: "...)
	dst = strconv.AppendInt(dst, length, 10)
	return append(dst, "\r\n"...)
}

// ValidTarget reports whether a request target can be written as it is: it is
// not empty and has no space or control character. HTTP/2 lets spaces through.
func ValidTarget(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] == 0x7f {
			return false
		}
	}
	return s != ""
}

// ErrSource means that a request's body could not be read from where it comes
// from; the cause is wrapped beside it.
var ErrSource = errors.New("read the request's body")

// chunkFront is the room for a chunk's size line: eight digits and CR LF.
const chunkFront = 10

// SendBody streams a body: exactly length bytes, or chunks when length is below
// 0, followed by the fields that trailer returns. After each piece it calls
// progress. It may run beside the reading of the response.
func (c *Conn) SendBody(src io.Reader, length int64, trailer func() http.Header, progress func()) (err error) {
	defer func() { c.unsent = err != nil }()
	buf := buffers.get()
	defer buffers.put(buf)
	room := buf[chunkFront : len(buf)-2]
	for length != 0 {
		part := room
		if length > 0 && int64(len(part)) > length {
			part = part[:length]
		}
		n, readErr := src.Read(part)
		if n > 0 {
			if _, err := c.plain.Write(piece(buf, n, length < 0)); err != nil {
				return fmt.Errorf("send the body: %w", err)
			}
			if length > 0 {
				length -= int64(n)
			}
			progress()
		}
		if errors.Is(readErr, io.EOF) {
			break
		}
		if readErr != nil {
			return fmt.Errorf("%w: %w", ErrSource, readErr)
		}
	}
	if length > 0 {
		return fmt.Errorf("%w: %w", ErrSource, io.ErrUnexpectedEOF)
	}
	if length == 0 {
		return nil
	}
	return c.sendEnd(trailer())
}

// piece frames n bytes that lie in buf after the room for the size line.
func piece(buf []byte, n int, chunk bool) []byte {
	if !chunk {
		return buf[chunkFront : chunkFront+n]
	}
	const digits = "0123456789abcdef"
	start, rest := chunkFront-2, n
	buf[start], buf[start+1] = '\r', '\n'
	for rest > 0 {
		start--
		buf[start] = digits[rest&15]
		rest >>= 4
	}
	end := chunkFront + n
	buf[end], buf[end+1] = '\r', '\n'
	return buf[start : end+2]
}

func (c *Conn) sendEnd(trailer http.Header) error {
	end := []byte("0\r\n")
	for name, values := range trailer {
		for _, value := range values {
			end = AppendField(end, name, value)
		}
	}
	if _, err := c.plain.Write(append(end, "\r\n"...)); err != nil {
		return fmt.Errorf("send the end of the body: %w", err)
	}
	return nil
}
