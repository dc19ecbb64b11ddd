package bench

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Wire is one connection to a process on which requests are written by hand,
// so that it is known what was written when, and whether a reply was whole.
// It is for one goroutine.
type Wire struct {
	Local   string    // our end, "IP:port"
	Opened  time.Time // when the kernel had answered
	Written time.Time // when the last request was written in full; zero where it was not
	Closing bool      // the last reply said that the connection ends with it

	conn net.Conn
	in   *bufio.Reader
}

// maxWire bounds what is read from one connection: headers have no other end.
const maxWire = 64 << 20

// Wire opens a connection. A refused one is an error that wraps
// syscall.ECONNREFUSED.
func (p *Process) Wire(ctx context.Context) (*Wire, error) {
	conn, err := p.boot.Dial(ctx, strconv.Itoa(p.Port))
	if err != nil {
		return nil, err
	}
	return &Wire{Local: conn.LocalAddr().String(), Opened: time.Now(), conn: conn, in: bufio.NewReader(io.LimitReader(conn, maxWire))}, nil
}

// Encode writes a request as HTTP/1.1 does (RFC 9112), with a length of body
// that may be more than the body holds.
func (r Request) Encode(port, length int) []byte {
	var out bytes.Buffer
	target := r.Target
	if target == "" {
		target = "/"
	}
	fmt.Fprintf(&out, "%s %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\n", r.Method, target, port)
	for name, value := range r.Header {
		fmt.Fprintf(&out, "%s: %s\r\n", name, value)
	}
	if r.Type != "" {
		fmt.Fprintf(&out, "Content-Type: %s\r\n", r.Type)
	}
	if length > 0 || r.Method != http.MethodGet && r.Method != http.MethodHead {
		fmt.Fprintf(&out, "Content-Length: %d\r\n", length)
	}
	if r.Fresh {
		out.WriteString("Connection: close\r\n")
	}
	out.WriteString("\r\n")
	out.Write(r.Body)
	return out.Bytes()
}

// Send writes a whole request.
func (w *Wire) Send(p *Process, request Request) error {
	request = p.boot.forwarded(request, p.Port)
	if err := w.Write(request.Encode(p.Port, len(request.Body))); err != nil {
		return err
	}
	w.Written = time.Now()
	return nil
}

// Write writes raw bytes within five seconds.
func (w *Wire) Write(raw []byte) error {
	_ = w.conn.SetWriteDeadline(time.Now().Add(5 * time.Second))
	_, err := w.conn.Write(raw)
	return err
}

// Receive reads one reply to a request of a method, until a deadline.
func (w *Wire) Receive(method string, until time.Time) (reply Reply) {
	reply = Reply{Method: method, Started: w.Written}
	defer func() { reply.Duration = time.Since(reply.Started) }()
	_ = w.conn.SetReadDeadline(until)
	if _, err := w.in.Peek(1); err != nil {
		reply.Err = nothingCame + plainWire(err)
		return reply
	}
	res, err := http.ReadResponse(w.in, &http.Request{Method: method})
	if err != nil {
		reply.Err = cutOff + plainWire(err)
		return reply
	}
	defer res.Body.Close()
	w.Closing = res.Close
	reply.Open = res.ContentLength < 0 && len(res.TransferEncoding) == 0
	body, err := io.ReadAll(io.LimitReader(res.Body, maxBody))
	reply.Status, reply.Header, reply.Body = res.StatusCode, res.Header, strings.ToValidUTF8(string(body), "\uFFFD")
	if err != nil {
		reply.Err = cutOff + plainWire(err)
	}
	return reply
}

// How replies on a wire end before they are whole.
const (
	nothingCame = "no byte of a reply: "
	cutOff      = "the reply was cut off: "
)

// CutOff reports whether a reply had begun and did not come in full. It speaks
// of replies of a [Wire].
func (r Reply) CutOff() bool { return strings.HasPrefix(r.Err, cutOff) }

// Against takes a reply as cut off where the end of the connection alone ended
// its body and it is less than half as long as usual.
func (r Reply) Against(usual int) Reply {
	if r.Err == "" && r.Open && 2*len(r.Body) < usual {
		r.Err = cutOff + fmt.Sprintf("%d of about %d bytes", len(r.Body), usual)
	}
	return r
}

// plainWire drops the addresses that differ from run to run.
func plainWire(err error) string {
	text := err.Error()
	if i := strings.LastIndex(text, ": "); i >= 0 {
		text = text[i+2:]
	}
	return text
}

// Close closes the connection.
func (w *Wire) Close() { _ = w.conn.Close() }
