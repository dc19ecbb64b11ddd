package front_test

import (
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/front"
)

// dribble writes a byte every 20 ms, for as long as the connection takes them.
func dribble(t *testing.T, conn net.Conn, endless string) {
	t.Helper()
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			case <-time.After(20 * time.Millisecond):
			}
			if _, err := io.WriteString(conn, endless[i%len(endless):][:1]); err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() { close(stop); <-done })
}

// ended reads a connection to its end, which has to come in time.
func ended(t *testing.T, reader io.Reader) string {
	t.Helper()
	text, err := io.ReadAll(reader)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the connection is kept: %q", text)
	}
	return string(text)
}

// TestSlowClientsAreCut lists the ways to hold a connection with next to
// nothing. Each has its deadline, and none holds the worker for longer.
func TestSlowClientsAreCut(t *testing.T) {
	const half = 500 * time.Millisecond
	large := "POST /large HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n"
	for name, c := range map[string]struct {
		deadlines   front.Deadlines
		send, after string // at once, and then byte by byte
		code        string // in the log, "" for none
		rests       bool   // before what comes after
	}{
		"nothing is sent":                  {deadlines: front.Deadlines{Header: half}},
		"a request line in dribbles":       {deadlines: front.Deadlines{Header: half}, after: "GET /" + strings.Repeat("a", 1000)},
		"a head in dribbles":               {deadlines: front.Deadlines{Header: half}, send: "GET / HTTP/1.1\r\nHost: a\r\n", after: "X-A: b\r\n"},
		"the second head in dribbles":      {deadlines: front.Deadlines{Header: half}, send: ask, after: "GET /" + strings.Repeat("a", 1000)},
		"a head in dribbles after a rest":  {deadlines: front.Deadlines{Header: half}, send: ask, after: "GET /" + strings.Repeat("a", 1000), rests: true},
		"a small body in dribbles":         {deadlines: front.Deadlines{BodyGrace: half}, send: "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n", after: "x", code: "F22"},
		"a large body in dribbles":         {deadlines: front.Deadlines{BodyGrace: half}, send: large, after: "x", code: "F22"},
		"chunks in dribbles":               {deadlines: front.Deadlines{BodyGrace: half}, send: "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", after: "1\r\nx\r\n", code: "F22"},
		"an extension in dribbles":         {deadlines: front.Deadlines{BodyGrace: half}, send: "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;", after: "x", code: "F22"},
		"a trailer in dribbles":            {deadlines: front.Deadlines{BodyGrace: half}, send: "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", after: "X-A: b\r\n", code: "F22"},
		"a body that a route does not ask": {deadlines: front.Deadlines{BodyGrace: half}, send: strings.Replace(large, "/large", "/deny", 1), after: "x"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.deadlines.KeepAlive = 20 * time.Second
			r := start(t, front.Options{Deadlines: c.deadlines})
			r.worker("web.1", func(w http.ResponseWriter, q *http.Request) {
				if q.URL.Path == "/deny" {
					w.WriteHeader(http.StatusForbidden)
					return
				}
				echo(w, q)
			})
			conn, reader := r.dial(c.send)
			if c.rests {
				until(t, "it rests", func() bool { r.Tick(); return r.Resting() == 1 })
			}
			if c.after != "" {
				dribble(t, conn, c.after)
			}
			text := ended(t, reader) // of a reply, what a reset leaves
			until(t, "the worker is free", func() bool { return r.InFlight("web.1") == 0 })
			if c.code != "" {
				until(t, "the record", func() bool { return strings.Contains(r.log.String(), `"code":"`+c.code+`"`) })
			} else if strings.Contains(text, "X-Front-Error") {
				t.Errorf("got %q", text)
			}
		})
	}
}

func TestASilentHandshakeIsCut(t *testing.T) {
	r := start(t, front.Options{Deadlines: front.Deadlines{Header: 300 * time.Millisecond}})
	certificates, err := front.LoadCertificates(time.Now, certify(t, t.TempDir(), 1))
	if err != nil {
		t.Fatal(err)
	}
	address := serveTLS(t, r, certificates.Config())
	for _, begun := range []string{"", "\x16\x03\x01\x02\x00\x01\x00"} {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
		_, _ = io.WriteString(conn, begun)
		ended(t, conn)
	}
}

// TestAReplyThatIsNotReadIsCut has a client that takes nothing, and one that
// takes next to nothing.
func TestAReplyThatIsNotReadIsCut(t *testing.T) {
	for name, reads := range map[string]bool{"nothing": false, "a byte now and then": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := start(t, front.Options{Deadlines: front.Deadlines{Idle: 500 * time.Millisecond}})
			r.worker("web.1", func(w http.ResponseWriter, _ *http.Request) {
				for piece := make([]byte, 64<<10); ; {
					if _, err := w.Write(piece); err != nil {
						return
					}
				}
			})
			conn, err := net.Dial("tcp", r.addr)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			_ = conn.(*net.TCPConn).SetReadBuffer(4 << 10)
			_, _ = io.WriteString(conn, ask)
			until(t, "the worker works", func() bool { return r.InFlight("web.1") == 1 })
			stop, done := make(chan struct{}), make(chan struct{})
			go func() {
				defer close(done)
				for one := make([]byte, 1); reads; {
					select {
					case <-stop:
						return
					case <-time.After(20 * time.Millisecond):
						_, _ = conn.Read(one)
					}
				}
			}()
			until(t, "the worker is free", func() bool { return r.InFlight("web.1") == 0 })
			close(stop)
			<-done
			until(t, "the record", func() bool { return strings.Contains(r.log.String(), `"code":"F31"`) })
		})
	}
}
