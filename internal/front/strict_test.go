package front_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// strictRequest is what a strict reader makes of the bytes that a worker gets.
type strictRequest struct {
	method, target, body string
	fields               map[string][]string // by name in lower case
}

// errPartial means that the connection ended within a request, which therefore
// never was one.
var errPartial = errors.New("the connection ended within a request")

// strictReader parses requests as RFC 9112 writes them down and not a bit more
// generously: whatever any parser could take in another way is an error. It
// shares no code with net/http, of which the front is made.
type strictReader struct {
	r         *bufio.Reader
	forgiving bool // of control characters in values
}

// line returns a line without its CR LF. It holds no other CR, LF or NUL.
func (s strictReader) line() (string, error) {
	text, err := s.r.ReadString('\n')
	if err != nil {
		return text, fmt.Errorf("%w: %w", errPartial, err)
	}
	text, ok := strings.CutSuffix(text, "\r\n")
	if !ok || strings.ContainsAny(text, "\r\n\x00") {
		return text, fmt.Errorf("the line %q", text)
	}
	return text, nil
}

// next returns the next request; io.EOF where there is none.
func (s strictReader) next() (strictRequest, error) {
	if _, err := s.r.Peek(1); err != nil {
		return strictRequest{}, io.EOF
	}
	line, err := s.line()
	if err != nil {
		return strictRequest{}, err
	}
	parts := strings.Split(line, " ")
	if len(parts) != 3 || !isToken(parts[0]) || !visible(parts[1]) || parts[2] != "HTTP/1.1" {
		return strictRequest{}, fmt.Errorf("the request line %q", line)
	}
	q := strictRequest{method: parts[0], target: parts[1]}
	if q.fields, err = s.fields(); err != nil {
		return q, err
	}
	q.body, err = s.body(q.fields)
	return q, err
}

// fields reads field lines up to the empty line.
func (s strictReader) fields() (map[string][]string, error) {
	fields := map[string][]string{}
	for {
		line, err := s.line()
		if err != nil || line == "" {
			return fields, err
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok || !isToken(name) || !s.forgiving && !plainValue(value) {
			return fields, fmt.Errorf("the field %q", line)
		}
		name = strings.ToLower(name)
		fields[name] = append(fields[name], strings.Trim(value, " \t"))
	}
}

// body reads what the fields announce, in the one way that all readers agree on.
func (s strictReader) body(fields map[string][]string) (string, error) {
	lengths, codings := fields["content-length"], fields["transfer-encoding"]
	switch {
	case len(fields["host"]) != 1:
		return "", fmt.Errorf("%d fields Host", len(fields["host"]))
	case len(lengths)+len(codings) > 1:
		return "", fmt.Errorf("the lengths %q and the codings %q", lengths, codings)
	case len(codings) == 1:
		if codings[0] != "chunked" {
			return "", fmt.Errorf("the coding %q", codings[0])
		}
		return s.chunks()
	case len(lengths) == 1:
		n, err := strconv.ParseUint(lengths[0], 10, 31)
		if err != nil || strconv.FormatUint(n, 10) != lengths[0] {
			return "", fmt.Errorf("the length %q", lengths[0])
		}
		return s.exactly(int(n))
	}
	return "", nil
}

func (s strictReader) exactly(n int) (string, error) {
	p := make([]byte, n)
	if _, err := io.ReadFull(s.r, p); err != nil {
		return "", fmt.Errorf("%w: %w", errPartial, err)
	}
	return string(p), nil
}

// chunks reads a chunked body without extensions, and a trailer that says
// nothing of framing, routing or who asks.
func (s strictReader) chunks() (string, error) {
	var all strings.Builder
	for {
		line, err := s.line()
		if err != nil {
			return "", err
		}
		n, err := strconv.ParseUint(line, 16, 31)
		if err != nil || strconv.FormatUint(n, 16) != line {
			return "", fmt.Errorf("the chunk size %q", line)
		}
		if n == 0 {
			break
		}
		part, err := s.exactly(int(n) + 2)
		if err != nil {
			return "", err
		}
		if !strings.HasSuffix(part, "\r\n") {
			return "", fmt.Errorf("the chunk %q", part)
		}
		all.WriteString(part[:n])
	}
	trailer, err := s.fields()
	for name := range trailer {
		switch plain := strings.ReplaceAll(name, "_", "-"); {
		case plain == "content-length", plain == "transfer-encoding", plain == "host", plain == "connection", strings.HasPrefix(plain, "x-forwarded-"), plain == "x-request-id":
			return "", fmt.Errorf("the trailer field %q", name)
		}
	}
	return all.String(), err
}

func isToken(s string) bool {
	for i := range len(s) {
		if b := s[i]; b <= ' ' || b >= 0x7f || strings.IndexByte(`"(),/:;<=>?@[\]{}`, b) >= 0 {
			return false
		}
	}
	return s != ""
}

func visible(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] == 0x7f {
			return false
		}
	}
	return s != ""
}

func plainValue(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' && s[i] != '\t' || s[i] == 0x7f {
			return false
		}
	}
	return true
}

// sighting is a request that a recorder was sent.
type sighting struct {
	id, number string // its X-Request-Id and X-Case
	what       string // method, target and body
}

// recorder is a worker that keeps what it is sent and answers each request with
// its number in the order of arrival. Every request that a proxy lets through
// has an id of the proxy's own; one that was smuggled has none.
type recorder struct {
	listener  net.Listener
	forgiving bool // of control characters in values, which nginx lets through
	group     sync.WaitGroup

	mu    sync.Mutex
	conns map[net.Conn]bool
	seen  []sighting
	wrong []string // what no strict reader takes for one request
}

func newRecorder(t *testing.T, forgiving bool) *recorder {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &recorder{listener: l, forgiving: forgiving, conns: map[net.Conn]bool{}}
	t.Cleanup(r.close)
	r.group.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			r.mu.Lock()
			r.conns[conn] = true
			r.mu.Unlock()
			r.group.Go(func() { r.serve(conn) })
		}
	})
	return r
}

func (r *recorder) serve(conn net.Conn) {
	defer conn.Close()
	var raw strings.Builder
	reader := strictReader{bufio.NewReader(io.TeeReader(conn, &raw)), r.forgiving}
	for {
		q, err := reader.next()
		if errors.Is(err, io.EOF) || errors.Is(err, errPartial) {
			return
		}
		ids := q.fields["x-request-id"]
		if err == nil && len(ids) != 1 {
			err = fmt.Errorf("%d request ids", len(ids))
		}
		r.mu.Lock()
		if err != nil {
			r.wrong = append(r.wrong, fmt.Sprintf("%v, of %q", err, raw.String()))
			r.mu.Unlock()
			return
		}
		number := strings.Join(q.fields["x-case"], "+")
		r.seen = append(r.seen, sighting{ids[0], number, fmt.Sprintf("%s %s %q", q.method, q.target, q.body)})
		r.mu.Unlock()
		raw.Reset()
		if _, err := fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Served: %s\r\n\r\n", ids[0]); err != nil {
			return
		}
	}
}

// close ends the recorder and waits until it has seen all there is.
func (r *recorder) close() {
	r.listener.Close()
	r.mu.Lock()
	for conn := range r.conns {
		conn.Close()
	}
	r.mu.Unlock()
	r.group.Wait()
}
