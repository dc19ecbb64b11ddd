package front_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/front"
)

// serveKept answers one request after the other on a connection, bodies with a
// length read, and says in each reply which connection it was.
func serveKept(r *rig) {
	var conns atomic.Int64
	r.rawWorker("web.1", func(conn net.Conn, head string) {
		reply := fmt.Sprintf("HTTP/1.1 200 OK\r\nX-Conn: %d\r\nContent-Length: 2\r\n\r\nok", conns.Add(1))
		for ; head != ""; head = headOf(conn) {
			_, after, _ := strings.Cut(head, "\r\nContent-Length: ")
			text, _, _ := strings.Cut(after, "\r\n")
			length, _ := strconv.ParseInt(text, 10, 64)
			if _, err := io.CopyN(io.Discard, conn, length); err != nil {
				return
			}
			if _, err := io.WriteString(conn, reply); err != nil {
				return
			}
		}
	})
}

// TestADeadlineOfAnEarlierRequestIsOver has a request come over a kept
// connection after the time that one before it had for being written.
func TestADeadlineOfAnEarlierRequestIsOver(t *testing.T) {
	const patience = 300 * time.Millisecond
	large := strings.Repeat("x", 100<<10) // is streamed
	for name, c := range map[string]struct {
		deadlines front.Deadlines
		first     string
	}{
		"after a small body": {front.Deadlines{FirstByte: patience}, "small"},
		"after an upload":    {front.Deadlines{Idle: patience}, large},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := start(t, front.Options{Deadlines: c.deadlines})
			serveKept(r)
			r.do("POST", "/", c.first)
			begin := time.Now()
			until(t, "the deadline is over", func() bool { return time.Since(begin) > patience+patience/10 })
			reply, body := r.do("POST", "/", large)
			if reply.StatusCode != http.StatusOK || body != "ok" || reply.Header.Get("X-Conn") != "1" {
				t.Errorf("got %d %q on connection %q, want 200 on the first one", reply.StatusCode, body, reply.Header.Get("X-Conn"))
			}
		})
	}
}

// TestAnUnwrittenRequestIsSentAgain has a worker that closes its first
// connection before the front writes: the clock, which the front reads after it
// has connected, waits for that. On a unix socket such a write tells at once.
func TestAnUnwrittenRequestIsSentAgain(t *testing.T) {
	closed := make(chan struct{})
	var waits atomic.Bool
	r := start(t, front.Options{Now: func() time.Time {
		if waits.Load() {
			select {
			case <-closed:
			case <-time.After(300 * time.Millisecond): // it is not connected yet
			}
		}
		return time.Now()
	}})
	path := t.TempDir() + "/w.sock"
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(echo)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if conn, err := l.Accept(); err == nil {
			conn.Close()
			close(closed)
		}
		_ = server.Serve(l)
	}()
	t.Cleanup(func() { server.Close(); l.Close(); <-done })
	if err := r.Add(front.Backend{ID: "web.1", Network: "unix", Address: path}); err != nil {
		t.Fatal(err)
	}
	waits.Store(true)
	large := strings.Repeat("x", 100<<10) // is streamed
	if reply, body := r.do("POST", "/", large); reply.StatusCode != http.StatusOK || body != "POST / "+large {
		t.Errorf("got %d with %d bytes, want 200 with the body", reply.StatusCode, len(body))
	}
}

// TestAWorkerThatIsOwedABodyIsNotAskedAgain has a worker that refuses a request
// before it asks for its body, and keeps the connection: the next bytes on it
// would be the body (RFC 9110, section 10.1.1).
func TestAWorkerThatIsOwedABodyIsNotAskedAgain(t *testing.T) {
	r := start(t, front.Options{})
	var conns atomic.Int64
	r.rawWorker("web.1", func(conn net.Conn, head string) {
		reply := fmt.Sprintf("HTTP/1.1 403 Forbidden\r\nX-Conn: %d\r\nContent-Length: 0\r\n\r\n", conns.Add(1))
		for ; head != ""; head = headOf(conn) {
			if _, err := io.WriteString(conn, reply); err != nil {
				return
			}
		}
	})
	_, reader := r.dial("POST /first HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 20\r\n\r\n")
	if head := readHead(reader); !strings.HasPrefix(head, "HTTP/1.1 403") {
		t.Fatalf("got %q", head)
	}
	until(t, "the exchange ended", func() bool { return r.InFlight("web.1") == 0 })
	if reply, _ := r.do("POST", "/second", "x"); reply.Header.Get("X-Conn") != "2" {
		t.Errorf("got %d on connection %q, want a new one", reply.StatusCode, reply.Header.Get("X-Conn"))
	}
}

// TestAStrayBodyIsNoReply has a worker that writes a body behind a reply that
// has none, a moment later: it must not become the reply to the next request.
func TestAStrayBodyIsNoReply(t *testing.T) {
	for name, c := range map[string]struct{ method, head string }{
		"HEAD":               {"HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n"},
		"HEAD, not said":     {"HEAD", "HTTP/1.1 200 OK\r\n\r\n"},
		"304 with a length":  {"GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 40\r\n\r\n"},
		"204 without a word": {"GET", "HTTP/1.1 204 No Content\r\n\r\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := start(t, front.Options{})
			next, written := make(chan struct{}), make(chan struct{})
			var conns atomic.Int64
			r.rawWorker("web.1", func(conn net.Conn, _ string) {
				if conns.Add(1) > 1 {
					_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
					return
				}
				_, _ = io.WriteString(conn, c.head)
				<-next
				_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx") // what someone stored
				close(written)
				_, _ = io.Copy(io.Discard, conn)
			})
			r.do(c.method, "/first", "")
			until(t, "the exchange ended", func() bool { return r.InFlight("web.1") == 0 })
			close(next)
			<-written
			if reply, body := r.do("GET", "/second", ""); reply.StatusCode != http.StatusOK || body != "ok" {
				t.Errorf("got %d %q, want 200 ok", reply.StatusCode, body)
			}
		})
	}
}
