package front_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/roadworthy-dev/roadworthy/internal/front"
	"github.com/roadworthy-dev/roadworthy/internal/front/pool"
)

func TestMain(m *testing.M) {
	if os.Getenv("FRONT_TEST_WORKER") != "" {
		serveAsWorker()
		return
	}
	if task := os.Getenv("FRONT_TEST_CLIENTS"); task != "" {
		holdConnections(task)
		return
	}
	goleak.VerifyTestMain(m)
}

// lockedBuffer keeps the log.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// rig is a front on a port of its own.
type rig struct {
	*front.Front
	t    *testing.T
	addr string
	log  *lockedBuffer
}

func start(t *testing.T, options front.Options) *rig {
	t.Helper()
	log := &lockedBuffer{}
	options.Log = slog.New(slog.NewJSONHandler(log, nil))
	f, err := front.New(options)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- f.Serve(l) }()
	t.Cleanup(func() {
		f.Close()
		if err := <-served; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	return &rig{f, t, l.Addr().String(), log}
}

// worker adds a worker that serves with the handler.
func (r *rig) worker(id string, handler http.HandlerFunc) *httptest.Server {
	r.t.Helper()
	s := httptest.NewServer(handler)
	r.t.Cleanup(s.Close)
	r.add(id, s.Listener.Addr().String(), 0)
	return s
}

func (r *rig) add(id, address string, limit int) {
	r.t.Helper()
	if err := r.Add(front.Backend{ID: id, Network: "tcp", Address: address, Limit: limit}); err != nil {
		r.t.Fatal(err)
	}
}

// rawWorker adds a worker that answers each connection with serve.
func (r *rig) rawWorker(id string, serve func(conn net.Conn, head string)) net.Listener {
	r.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		r.t.Fatal(err)
	}
	var group sync.WaitGroup
	over := make(chan struct{}) // ends what waits on a kept connection
	group.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			served := make(chan struct{})
			group.Go(func() {
				select {
				case <-over:
				case <-served:
				}
				conn.Close()
			})
			group.Go(func() {
				defer close(served)
				_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
				serve(conn, headOf(conn))
			})
		}
	})
	r.t.Cleanup(func() { close(over); l.Close(); group.Wait() })
	r.add(id, l.Addr().String(), 0)
	return l
}

// headOf reads a head and not a byte more.
func headOf(conn net.Conn) string {
	var head strings.Builder
	for one := make([]byte, 1); !strings.HasSuffix(head.String(), "\r\n\r\n"); {
		if _, err := conn.Read(one); err != nil {
			break
		}
		head.Write(one)
	}
	return head.String()
}

func readHead(r *bufio.Reader) string {
	var head strings.Builder
	for {
		line, err := r.ReadString('\n')
		head.WriteString(line)
		if err != nil || line == "\r\n" {
			return head.String()
		}
	}
}

// client is a client without keep-alive that follows nothing.
func client() *http.Client {
	return &http.Client{
		Timeout:       40 * time.Second,
		Transport:     &http.Transport{DisableKeepAlives: true, DisableCompression: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func (r *rig) do(method, path, body string, fields ...string) (*http.Response, string) {
	r.t.Helper()
	request, err := http.NewRequest(method, "http://"+r.addr+path, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	for i := 0; i < len(fields); i += 2 {
		request.Header.Add(fields[i], fields[i+1])
	}
	reply, err := client().Do(request)
	if err != nil {
		r.t.Fatal(err)
	}
	defer reply.Body.Close()
	text, err := io.ReadAll(reply.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return reply, string(text)
}

// dial sends raw bytes to the front.
func (r *rig) dial(raw string) (net.Conn, *bufio.Reader) {
	r.t.Helper()
	conn, err := net.Dial("tcp", r.addr)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(40 * time.Second))
	if _, err := io.WriteString(conn, raw); err != nil {
		r.t.Fatal(err)
	}
	return conn, bufio.NewReader(conn)
}

func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not in time: %s", what)
		}
	}
}

func TestARequestGoesToAWorkerAndBack(t *testing.T) {
	r := start(t, front.Options{})
	r.worker("web.1", func(w http.ResponseWriter, q *http.Request) {
		body, _ := io.ReadAll(q.Body)
		w.Header().Set("X-Seen", fmt.Sprintf("%s %s %s %s", q.Method, q.RequestURI, q.Host, body))
		w.Header().Set("Connection", "X-Drop")
		w.Header().Set("X-Drop", "1")
		w.WriteHeader(http.StatusTeapot)
		fmt.Fprint(w, "tea")
	})
	for range 3 { // the second time over a kept connection
		reply, body := r.do("PUT", "/a%2Fb//c;d?x=%zz&y;z", "milk", "Connection", "X-Gone", "X-Gone", "1")
		if reply.StatusCode != http.StatusTeapot || body != "tea" || reply.Header.Get("X-Drop") != "" {
			t.Errorf("got %d %q %v", reply.StatusCode, body, reply.Header)
		}
		if want := "PUT /a%2Fb//c;d?x=%zz&y;z " + r.addr + " milk"; reply.Header.Get("X-Seen") != want {
			t.Errorf("the worker saw %q, want %q", reply.Header.Get("X-Seen"), want)
		}
		if reply.Header.Get("Content-Type") == "" || len(reply.Header.Get("X-Request-Id")) != 32 {
			t.Errorf("fields: %v", reply.Header)
		}
	}
}

func TestWhatTheFrontSaysOfARequestCannotBeForged(t *testing.T) {
	for _, trusted := range []bool{false, true} {
		options := front.Options{}
		if trusted {
			options.Trusted = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
		}
		r := start(t, options)
		var seen http.Header
		r.worker("web.1", func(_ http.ResponseWriter, q *http.Request) { seen = q.Header })
		r.do("GET", "/", "", "X-Forwarded-For", "6.6.6.6", "X-Forwarded-Proto", "https", "X-Forwarded-Host", "evil", "X_Forwarded_For", "7.7.7.7",
			"X-Request-Id", "given-by-client", "X-Real-Ip", "6.6.6.6", "Forwarded", "for=6.6.6.6", "Proxy", "http://evil", "X-Request-Start", "t=1", "Te", "trailers", "X-Kept", "yes")
		want := map[string]string{"X-Forwarded-For": "127.0.0.1", "X-Forwarded-Proto": "http", "X-Forwarded-Host": r.addr, "X-Real-Ip": "", "Forwarded": "", "Proxy": "", "X_forwarded_for": "", "Te": "", "X-Kept": "yes"}
		if trusted {
			want = map[string]string{"X-Forwarded-For": "6.6.6.6, 127.0.0.1", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil", "X-Real-Ip": "6.6.6.6", "X-Request-Id": "given-by-client", "X_forwarded_for": "", "Proxy": ""}
		}
		for name, value := range want {
			if got := strings.Join(seen[name], "|"); got != value {
				t.Errorf("trusted %v: %s is %q, want %q", trusted, name, got, value)
			}
		}
		if !trusted && (len(seen.Get("X-Request-Id")) != 32 || len(seen["X-Request-Id"]) != 1) {
			t.Errorf("request id %q", seen["X-Request-Id"])
		}
		var ms int64
		if _, err := fmt.Sscanf(seen.Get("X-Request-Start"), "t=%d", &ms); err != nil || time.Since(time.UnixMilli(ms)).Abs() > time.Minute {
			t.Errorf("request start %q", seen["X-Request-Start"])
		}
	}
}

func TestRawShapes(t *testing.T) {
	r := start(t, front.Options{})
	r.worker("web.1", func(w http.ResponseWriter, q *http.Request) {
		body, err := io.ReadAll(q.Body)
		if err != nil {
			return
		}
		if q.URL.Path == "/trailer" {
			w.Header().Set("Trailer", "X-Sum")
			fmt.Fprintf(w, "%s", body)
			w.Header().Set("X-Sum", q.Trailer.Get("X-In"))
			return
		}
		if q.URL.Path == "/hints" {
			w.Header().Set("Link", "</a.css>")
			w.WriteHeader(http.StatusEarlyHints)
		}
		fmt.Fprintf(w, "%s %s %d %s", q.RequestURI, q.Host, q.ContentLength, body)
	})
	for name, c := range map[string]struct{ send, want string }{
		"absolute target":   {"GET http://b.example/x?y HTTP/1.1\r\nHost: b.example\r\nConnection: close\r\n\r\n", "/x?y b.example 0 "},
		"absolute, no path": {"GET http://b.example HTTP/1.1\r\nHost: b.example\r\nConnection: close\r\n\r\n", "/ b.example 0 "},
		"asterisk":          {"OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "HTTP/1.1 200 OK"},
		"HTTP/1.0":          {"GET /old HTTP/1.0\r\n\r\n", "/old  0 "},
		"chunked":           {"POST /c HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n", "/c a -1 abcde"},
		"trailer":           {"POST /trailer HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTE: trailers\r\nTransfer-Encoding: chunked\r\nTrailer: X-In\r\n\r\n2\r\nab\r\n0\r\nX-In: 42\r\n\r\n", "X-Sum: 42"},
		"empty POST":        {"POST /e HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", "/e a 0 "},
		"early hints":       {"GET /hints HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n"},
		"CONNECT":           {"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n", "F23"},
		"h2c is no upgrade": {"GET /h2c HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n", "HTTP/1.1 200 OK"},
		"head too large":    {"GET / HTTP/1.1\r\nHost: a\r\nX-A: " + strings.Repeat("a", 80<<10) + "\r\n\r\n", "F21"},
	} {
		t.Run(name, func(t *testing.T) {
			conn, reader := r.dial(c.send)
			defer conn.Close()
			got, _ := io.ReadAll(reader) // a reset after the reply is fine
			if !strings.Contains(string(got), c.want) {
				t.Errorf("got %q, want %q in it", got, c.want)
			}
		})
	}
}

func TestExpectContinueIsTheWorkersToDecide(t *testing.T) {
	r := start(t, front.Options{})
	r.worker("web.1", func(w http.ResponseWriter, q *http.Request) {
		if q.URL.Path == "/no" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		body, _ := io.ReadAll(q.Body)
		fmt.Fprintf(w, "got %s", body)
	})
	conn, reader := r.dial("POST /yes HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
	if head := readHead(reader); !strings.HasPrefix(head, "HTTP/1.1 100") {
		t.Fatalf("got %q", head)
	}
	_, _ = io.WriteString(conn, "ab")
	if head := readHead(reader); !strings.HasPrefix(head, "HTTP/1.1 200") {
		t.Errorf("got %q", head)
	}
	_, reader = r.dial("POST /no HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
	if head := readHead(reader); !strings.HasPrefix(head, "HTTP/1.1 403") || !strings.Contains(head, "Connection: close") {
		t.Errorf("got %q", head)
	}
}

func TestAReplyIsNotBuffered(t *testing.T) {
	r := start(t, front.Options{})
	next := make(chan struct{})
	r.worker("web.1", func(w http.ResponseWriter, _ *http.Request) {
		for range 3 {
			fmt.Fprint(w, "part")
			w.(http.Flusher).Flush()
			<-next
		}
	})
	_, reader := r.dial("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	readHead(reader)
	for range 3 { // each part is read before the next one is written
		line, err := reader.ReadString('\n')
		if err != nil || strings.TrimSpace(line) != "4" {
			t.Fatalf("%q %v", line, err)
		}
		if line, err = reader.ReadString('\n'); line != "part\r\n" {
			t.Fatalf("%q %v", line, err)
		}
		next <- struct{}{}
	}
}

func TestAnEarlyReplyComesThroughWhileTheBodyIsSent(t *testing.T) {
	r := start(t, front.Options{})
	r.rawWorker("web.1", func(conn net.Conn, _ string) {
		_, _ = io.WriteString(conn, "HTTP/1.1 413 Too Much\r\nContent-Length: 3\r\n\r\nbig")
		_, _ = io.Copy(io.Discard, conn)
	})
	conn, reader := r.dial("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nbegin")
	reply, err := http.ReadResponse(reader, nil)
	if err != nil || reply.StatusCode != http.StatusRequestEntityTooLarge || !reply.Close {
		t.Fatalf("%+v %v", reply, err)
	}
	body, err := io.ReadAll(reply.Body)
	if string(body) != "big" || err != nil {
		t.Errorf("%q %v", body, err)
	}
	conn.Close()
	until(t, "the exchange ended", func() bool { return r.InFlight("web.1") == 0 })
}

func TestAClientThatLeavesEndsTheWorkersRequest(t *testing.T) {
	r := start(t, front.Options{})
	left := make(chan struct{})
	r.worker("web.1", func(_ http.ResponseWriter, q *http.Request) {
		<-q.Context().Done()
		close(left)
	})
	conn, _ := r.dial("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	until(t, "it arrived", func() bool { return r.InFlight("web.1") == 1 })
	conn.Close()
	select {
	case <-left:
	case <-time.After(20 * time.Second):
		t.Fatal("the worker was not told")
	}
	until(t, "the record", func() bool { return strings.Contains(r.log.String(), `"F30"`) })
}

func TestCodes(t *testing.T) {
	hold := make(chan struct{})
	t.Cleanup(func() { close(hold) })
	say := func(text string) func(net.Conn, string) {
		return func(conn net.Conn, _ string) { _, _ = io.WriteString(conn, text) }
	}
	for name, c := range map[string]struct {
		code    string
		status  int
		options front.Options
		serve   func(net.Conn, string)
		method  string
		body    string
	}{
		"no worker":   {code: "F10", status: 503, options: front.Options{Pool: pool.Options{Park: 50 * time.Millisecond}}},
		"first byte":  {code: "F12", status: 504, options: front.Options{Deadlines: front.Deadlines{FirstByte: 80 * time.Millisecond}}, serve: func(conn net.Conn, _ string) { _, _ = io.Copy(io.Discard, conn) }},
		"closed":      {code: "F13", status: 502, serve: func(net.Conn, string) {}, method: "POST", body: "x"},
		"malformed":   {code: "F15", status: 502, serve: say("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab")},
		"101 unasked": {code: "F15", status: 502, serve: say("HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\n\r\n")},
		"too large":   {code: "F20", status: 413, options: front.Options{Limits: front.Limits{Body: 4}}, serve: say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), method: "POST", body: "12345"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := start(t, c.options)
			if c.serve != nil {
				r.rawWorker("web.1", c.serve)
			}
			method := c.method
			if method == "" {
				method = "GET"
			}
			reply, body := r.do(method, "/secret?token=abc", c.body, "Cookie", "hidden", "Authorization", "Bearer hidden")
			if reply.StatusCode != c.status || reply.Header.Get("X-Front-Error") != c.code || !strings.HasPrefix(body, c.code+" ") {
				t.Errorf("got %d %v %q", reply.StatusCode, reply.Header, body)
			}
			if (reply.Header.Get("Retry-After") != "") != (c.status == 503) {
				t.Errorf("Retry-After %q", reply.Header.Get("Retry-After"))
			}
			until(t, "the record", func() bool { return strings.Contains(r.log.String(), `"code":"`+c.code+`"`) })
			log := r.log.String()
			if strings.Contains(log, "hidden") || strings.Contains(log, "token=abc") || !strings.Contains(log, reply.Header.Get("X-Request-Id")) {
				t.Errorf("log %s", log)
			}
		})
	}
}

func TestARefusedConnectionIsCoded(t *testing.T) {
	r := start(t, front.Options{Pool: pool.Options{Park: 200 * time.Millisecond}})
	l, _ := net.Listen("tcp", "127.0.0.1:0")
	r.add("web.1", l.Addr().String(), 0)
	l.Close()
	reply, _ := r.do("GET", "/", "")
	if code := reply.Header.Get("X-Front-Error"); code != "F14" && code != "F10" {
		t.Errorf("got %d %q", reply.StatusCode, code)
	}
}

func TestABrokenReplyIsSeenAsBroken(t *testing.T) {
	for name, c := range map[string]struct{ reply, code string }{
		"length":    {"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart", "F18"},
		"chunked":   {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n", "F18"},
		"malformed": {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\nzz\r\n", "F15"},
	} {
		t.Run(name, func(t *testing.T) {
			r := start(t, front.Options{})
			r.rawWorker("web.1", func(conn net.Conn, _ string) { _, _ = io.WriteString(conn, c.reply) })
			_, reader := r.dial("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
			reply, err := http.ReadResponse(reader, nil)
			if err == nil {
				_, err = io.ReadAll(reply.Body)
				reply.Body.Close()
			}
			if !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("the client saw %v", err)
			}
			until(t, "the record", func() bool { return strings.Contains(r.log.String(), `"code":"`+c.code+`"`) })
		})
	}
}

func TestAStalledReplyIsCut(t *testing.T) {
	r := start(t, front.Options{Deadlines: front.Deadlines{Idle: 100 * time.Millisecond}})
	r.rawWorker("web.1", func(conn net.Conn, _ string) {
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart")
		_, _ = io.Copy(io.Discard, conn)
	})
	_, reader := r.dial("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	if got, _ := io.ReadAll(reader); !strings.HasSuffix(string(got), "part") {
		t.Errorf("%q", got)
	}
	until(t, "the record", func() bool { return strings.Contains(r.log.String(), `"F17"`) })
}

func TestASlowBodyIsRefusedAndHoldsNoWorker(t *testing.T) {
	r := start(t, front.Options{Deadlines: front.Deadlines{BodyGrace: 200 * time.Millisecond}})
	r.worker("web.1", func(http.ResponseWriter, *http.Request) { t.Error("a worker was bothered") })
	_, reader := r.dial("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nab")
	reply, err := http.ReadResponse(reader, nil)
	if err != nil || reply.StatusCode != http.StatusRequestTimeout || reply.Header.Get("X-Front-Error") != "F22" {
		t.Errorf("%v %v", reply, err)
	}
}

func TestTooLargeChunkedBody(t *testing.T) {
	r := start(t, front.Options{Limits: front.Limits{Body: 10}})
	r.worker("web.1", func(_ http.ResponseWriter, q *http.Request) { _, _ = io.Copy(io.Discard, q.Body) })
	_, reader := r.dial("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n12345678\r\n8\r\n12345678\r\n0\r\n\r\n")
	reply, err := http.ReadResponse(reader, nil)
	if err != nil || reply.Header.Get("X-Front-Error") != "F20" {
		t.Errorf("%v %v", reply, err)
	}
}

func TestShutdownLosesNoRequest(t *testing.T) {
	r := start(t, front.Options{Deadlines: front.Deadlines{Close: 20 * time.Second}})
	r.worker("web.1", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "ok") })
	var group sync.WaitGroup
	stop := make(chan struct{})
	var failed, fine int
	var mu sync.Mutex
	for range 8 {
		group.Go(func() {
			conn, err := net.Dial("tcp", r.addr)
			if err != nil {
				return
			}
			defer conn.Close()
			reader := bufio.NewReader(conn)
			for {
				_, err := io.WriteString(conn, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx")
				var reply *http.Response
				if err == nil {
					reply, err = http.ReadResponse(reader, nil)
				}
				if err == nil {
					_, err = io.Copy(io.Discard, reply.Body)
				}
				mu.Lock()
				if err != nil || reply.StatusCode != http.StatusOK {
					failed++
				} else {
					fine++
				}
				mu.Unlock()
				if err != nil || reply.Close {
					return
				}
				select {
				case <-stop:
					return
				default:
				}
			}
		})
	}
	until(t, "traffic", func() bool { mu.Lock(); defer mu.Unlock(); return fine > 200 })
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := r.Shutdown(ctx); err != nil {
		t.Error(err)
	}
	close(stop)
	group.Wait()
	if failed > 0 {
		t.Errorf("%d of %d requests failed", failed, failed+fine)
	}
}

func TestAWorkerOnAUnixSocket(t *testing.T) {
	r := start(t, front.Options{})
	path := t.TempDir() + "/w.sock"
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "unix") })}
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(l) }()
	t.Cleanup(func() { server.Close(); <-done })
	if err := r.Add(front.Backend{ID: "web.1", Network: "unix", Address: path}); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, body := r.do("GET", "/", ""); body != "unix" {
			t.Errorf("got %q", body)
		}
	}
}
