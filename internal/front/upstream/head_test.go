package upstream

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

// answer returns a connection to a server that sends raw and then closes or,
// with hold, keeps the connection open until the test ends.
func answer(t *testing.T, raw string, hold bool) *Conn {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	over := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, raw)
		if hold {
			<-over
		}
	}()
	client := New("tcp", l.Addr().String(), Limits{})
	conn, err := client.Get(context.Background(), time.Now(), false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { close(over); conn.Close(); client.Close(); l.Close(); <-done })
	conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	return conn
}

func exchange(conn *Conn, method string) (Head, http.Header, string, error) {
	header := http.Header{}
	for {
		head, err := conn.ReadHead(method, header)
		if err != nil {
			return head, header, "", err
		}
		if head.Status >= 200 {
			var body strings.Builder
			for {
				p, err := conn.Next()
				body.Write(p)
				if errors.Is(err, io.EOF) && !errors.Is(err, ErrCut) {
					return head, header, body.String(), nil
				}
				if err != nil {
					return head, header, body.String(), err
				}
			}
		}
		clear(header)
	}
}

// malformed lists responses that must be refused, most of them shapes with
// which responses are smuggled.
var malformed = map[string]string{
	"length and chunked":      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	"chunked and length":      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
	"two lengths":             "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc",
	"same length twice":       "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nab",
	"list of lengths":         "HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nab",
	"signed length":           "HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nab",
	"negative length":         "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nab",
	"hex length":              "HTTP/1.1 200 OK\r\nContent-Length: 0x2\r\n\r\nab",
	"huge length":             "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nab",
	"empty length":            "HTTP/1.1 200 OK\r\nContent-Length: \r\n\r\nab",
	"obsolete fold":           "HTTP/1.1 200 OK\r\nX-A: b\r\n c\r\n\r\n",
	"fold with a tab":         "HTTP/1.1 200 OK\r\nX-A: b\r\n\tc\r\n\r\n",
	"fold first":              "HTTP/1.1 200 OK\r\n X-A: b\r\n\r\n",
	"bare LF in head":         "HTTP/1.1 200 OK\nContent-Length: 2\n\nab",
	"bare LF once":            "HTTP/1.1 200 OK\r\nX-A: b\nX-B: c\r\n\r\n",
	"bare CR":                 "HTTP/1.1 200 OK\r\nX-A: b\rX-B: c\r\n\r\n",
	"CR CR LF":                "HTTP/1.1 200 OK\r\nX-A: b\r\r\n\r\n",
	"NUL":                     "HTTP/1.1 200 OK\r\nX-A: b\x00\r\n\r\n",
	"space before colon":      "HTTP/1.1 200 OK\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
	"no colon":                "HTTP/1.1 200 OK\r\nX-A\r\n\r\n",
	"no name":                 "HTTP/1.1 200 OK\r\n: b\r\n\r\n",
	"unknown coding":          "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
	"chunked not last":        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
	"two codings":             "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
	"coding twice":            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	"coding with a tab":       "HTTP/1.1 200 OK\r\nTransfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
	"coding in 1.0":           "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	"version 2":               "HTTP/2.0 200 OK\r\n\r\n",
	"version 1.2":             "HTTP/1.2 200 OK\r\n\r\n",
	"no version":              "200 OK\r\n\r\n",
	"short status":            "HTTP/1.1 20 OK\r\n\r\n",
	"long status":             "HTTP/1.1 2000 OK\r\n\r\n",
	"status 99":               "HTTP/1.1 099 OK\r\n\r\n",
	"status 600":              "HTTP/1.1 600 OK\r\n\r\n",
	"tab in status line":      "HTTP/1.1\t200 OK\r\n\r\n",
	"leading empty line":      "\r\nHTTP/1.1 200 OK\r\n\r\n",
	"TLS":                     "\x15\x03\x01\x00\x02\x02\x0a",
	"chunk without size":      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\nab\r\n0\r\n\r\n",
	"chunk size 0x":           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0x2\r\nab\r\n0\r\n\r\n",
	"chunk size signed":       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n+2\r\nab\r\n0\r\n\r\n",
	"chunk size with spaces":  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2 \r\nab\r\n0\r\n\r\n",
	"chunk size huge":         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nab\r\n0\r\n\r\n",
	"chunk size with LF":      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\nab\r\n0\r\n\r\n",
	"chunk ext with CR":       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;a\rb\r\nab\r\n0\r\n\r\n",
	"chunk ext junk":          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;\x00\r\nab\r\n0\r\n\r\n",
	"chunk end missing":       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabXX0\r\n\r\n",
	"chunk longer than said":  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n",
	"chunk end with LF":       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\n0\r\n\r\n",
	"trailer without colon":   "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nfoo\r\n\r\n",
	"trailer folded":          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-A: b\r\n c\r\n\r\n",
	"head of more than 64 KB": "HTTP/1.1 200 OK\r\nX-A: " + strings.Repeat("a", 70<<10) + "\r\n\r\n",
}

func TestMalformedResponsesAreRefusedAtOnce(t *testing.T) {
	for name, raw := range malformed {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn := answer(t, raw, true) // held open: no end of the connection helps
			if head, _, body, err := exchange(conn, "GET"); !errors.Is(err, ErrMalformed) {
				t.Errorf("got %+v, body %q, error %v", head, body, err)
			}
		})
	}
}

func TestWellFormedResponses(t *testing.T) {
	for name, c := range map[string]struct {
		raw, method, body string
		status            int
		reusable          bool
	}{
		"length":          {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab", "GET", "ab", 200, true},
		"no length":       {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "GET", "", 200, true},
		"chunked":         {"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n2\r\nab\r\n0a;x=y\r\n0123456789\r\n0\r\n\r\n", "GET", "ab0123456789", 200, true},
		"trailers":        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\nX-Sum: 7\r\nContent-Length: 9\r\n\r\n", "GET", "ab", 200, true},
		"HEAD":            {"HTTP/1.1 200 OK\r\nContent-Length: 200\r\n\r\n", "HEAD", "", 200, false},
		"HEAD, no length": {"HTTP/1.1 200 OK\r\n\r\n", "HEAD", "", 200, false},
		"204":             {"HTTP/1.1 204 No Content\r\n\r\n", "GET", "", 204, true},
		"204, length 0":   {"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", "GET", "", 204, true},
		"204, chunked":    {"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n", "GET", "", 204, false},
		"304":             {"HTTP/1.1 304 Not Modified\r\n\r\n", "GET", "", 304, true},
		"304 with length": {"HTTP/1.1 304 Not Modified\r\nContent-Length: 200\r\n\r\n", "GET", "", 304, false},
		"1xx first":       {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 1\r\n\r\nx", "POST", "x", 201, true},
		"close":           {"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nab", "GET", "ab", 200, false},
		"too much":        {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabHTTP/1.1 200 OK\r\n\r\n", "GET", "ab", 200, false},
		"body after HEAD": {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab", "HEAD", "", 200, false},
		"HTTP/1.0":        {"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nab", "GET", "ab", 200, false},
		"no reason":       {"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nab", "GET", "ab", 200, true},
		"large head":      {"HTTP/1.1 200 OK\r\nX-A: " + strings.Repeat("a", 40<<10) + "\r\nContent-Length: 2\r\n\r\nab", "GET", "ab", 200, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn := answer(t, c.raw, true)
			head, header, body, err := exchange(conn, c.method)
			if err != nil || head.Status != c.status || body != c.body {
				t.Fatalf("got %d %q, error %v", head.Status, body, err)
			}
			if header.Get("Connection") != "" || header.Get("Transfer-Encoding") != "" {
				t.Errorf("fields of the connection went through: %v", header)
			}
			if name == "trailers" && (conn.Trailer().Get("X-Sum") != "7" || len(conn.Trailer()) != 1) {
				t.Errorf("trailer %v", conn.Trailer())
			}
			client := conn.client
			conn.Release(time.Now())
			if got := client.Idle() == 1; got != c.reusable {
				t.Errorf("kept for reuse: %v, want %v", got, c.reusable)
			}
		})
	}
}

func TestACloseDelimitedBodyEndsWithTheConnection(t *testing.T) {
	conn := answer(t, "HTTP/1.1 200 OK\r\n\r\nall of it", false)
	if _, _, body, err := exchange(conn, "GET"); err != nil || body != "all of it" {
		t.Errorf("got %q, error %v", body, err)
	}
}

func TestAnEndWithinTheResponseIsNoEnd(t *testing.T) {
	for raw, want := range map[string]error{
		"":                    ErrNoReply,
		"HTTP/1.1 200":        ErrCut,
		"HTTP/1.1 200 OK\r\n": ErrCut,
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab":                            ErrCut,
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab":              ErrCut,
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n":          ErrCut,
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\nX: y": ErrCut,
	} {
		conn := answer(t, raw, false)
		if _, _, body, err := exchange(conn, "GET"); !errors.Is(err, want) {
			t.Errorf("%q: got %q, error %v, want %v", raw, body, err, want)
		}
	}
}

func TestFieldsListedInConnectionAreDropped(t *testing.T) {
	header := http.Header{}
	_, err := parseHead("HTTP/1.1 200 OK\r\nX-Secret: 1\r\nConnection: X-secret, keep-alive\r\nKeep-Alive: 5\r\nX-A: 1\r\nX-A: 2\r\n\r\n", header)
	if err != nil || header.Get("X-Secret") != "" || header.Get("Keep-Alive") != "" || len(header["X-A"]) != 2 {
		t.Errorf("%v, error %v", header, err)
	}
}

func TestAConnectionThatTheWorkerClosedIsNotReused(t *testing.T) {
	conn := answer(t, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab", false)
	client := conn.client
	if _, _, _, err := exchange(conn, "GET"); err != nil {
		t.Fatal(err)
	}
	conn.Release(time.Now())
	if client.Idle() != 1 {
		t.Fatal("it was not kept")
	}
	deadline := time.Now().Add(10 * time.Second)
	for conn.silent() && time.Now().Before(deadline) {
		time.Sleep(time.Millisecond)
	}
	if conn.silent() {
		t.Error("the end was not seen")
	}
	client.Sweep(time.Now())
	if client.Idle() != 0 {
		t.Error("it was not swept")
	}
}

// FuzzResponse feeds bytes to our parser and to net/http's. What we accept,
// net/http must accept with the same status and the same body: then nothing
// that we relay can be read in two ways by it.
func FuzzResponse(f *testing.F) {
	for _, raw := range malformed {
		f.Add(raw)
	}
	f.Add("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab")
	f.Add("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\nX: y\r\n\r\n")
	f.Add("HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 204 X\r\n\r\n")
	f.Fuzz(func(t *testing.T, raw string) {
		client := New("tcp", "unused", Limits{})
		conn := &Conn{client: client, plain: &textConn{strings.NewReader(raw)}}
		conn.begin(false)
		head, header, body, err := exchange(conn, "GET")
		if err != nil {
			return
		}
		reader := bufio.NewReader(strings.NewReader(raw))
		request, _ := http.NewRequest(http.MethodGet, "http://a/", nil)
		var reply *http.Response
		for {
			reply, err = http.ReadResponse(reader, request)
			if err != nil {
				t.Fatalf("we accept %q, net/http says %v", raw, err)
			}
			if reply.StatusCode >= 200 || reply.StatusCode == http.StatusSwitchingProtocols {
				break
			}
		}
		theirs, err := io.ReadAll(reply.Body)
		if err != nil || string(theirs) != body || reply.StatusCode != head.Status {
			t.Fatalf("%q: we read %d %q, net/http %d %q (%v)", raw, head.Status, body, reply.StatusCode, theirs, err)
		}
		for name := range header {
			if strings.ContainsAny(header.Get(name), "\r\n\x00") {
				t.Fatalf("%q: field %q has a control character", raw, name)
			}
		}
	})
}

type textConn struct{ *strings.Reader }

func (textConn) Close() error                     { return nil }
func (textConn) Write(p []byte) (int, error)      { return len(p), nil }
func (textConn) LocalAddr() net.Addr              { return nil }
func (textConn) RemoteAddr() net.Addr             { return nil }
func (textConn) SetDeadline(time.Time) error      { return nil }
func (textConn) SetReadDeadline(time.Time) error  { return nil }
func (textConn) SetWriteDeadline(time.Time) error { return nil }

func TestAnAbortedConnectionStaysSo(t *testing.T) {
	for name, set := range map[string]func(*Conn, time.Time){
		"read": (*Conn).SetReadDeadline, "write": (*Conn).SetWriteDeadline,
		"await": func(c *Conn, t time.Time) { c.Await(time.Now(), time.Until(t)) },
	} {
		conn := answer(t, "HTTP/1.1 200 OK\r\n", true)
		conn.Abort()
		set(conn, time.Now().Add(time.Minute))
		begin := time.Now()
		if _, _, _, err := exchange(conn, "GET"); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(begin) > 10*time.Second {
			t.Errorf("%s: %v after %v", name, err, time.Since(begin))
		}
	}
}
