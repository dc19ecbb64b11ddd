package front_test

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/front"
	"github.com/roadworthy-dev/roadworthy/internal/front/pool"
)

func within(t *testing.T, limit time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	t.Cleanup(cancel)
	return ctx
}

func TestARequestIsRepeatedOnceAndOnlyWhenThatIsSafe(t *testing.T) {
	for name, c := range map[string]struct {
		method, field string
		status        int
	}{
		"GET": {"GET", "", 200}, "PUT with its body at hand": {"PUT", "", 200}, "DELETE": {"DELETE", "", 200},
		"POST": {"POST", "", 502}, "PATCH": {"PATCH", "", 502}, "POST with a key": {"POST", "Idempotency-Key", 200},
	} {
		t.Run(name, func(t *testing.T) {
			r := start(t, front.Options{})
			var deaths atomic.Int32
			r.rawWorker("web.1", func(net.Conn, string) { deaths.Add(1) })
			for i := range 3 { // until the broken one had its turn
				if i == 1 {
					r.worker("web.2", func(w http.ResponseWriter, q *http.Request) {
						body, _ := io.ReadAll(q.Body)
						fmt.Fprintf(w, "fine %s", body)
					})
				}
				if i == 0 {
					continue
				}
				fields := []string{}
				if c.field != "" {
					fields = append(fields, c.field, "k1")
				}
				before := deaths.Load()
				reply, body := r.do(c.method, "/", "data", fields...)
				want := c.status
				if deaths.Load() == before {
					want = 200 // it went to the other one at once
				}
				if reply.StatusCode != want || want == 200 && body != "fine data" {
					t.Errorf("got %d %q", reply.StatusCode, body)
				}
			}
			if deaths.Load() == 0 {
				t.Error("the broken worker was never asked")
			}
		})
	}
}

func TestARequestIsNotSentThreeTimes(t *testing.T) {
	r := start(t, front.Options{})
	var asked atomic.Int32
	for _, id := range []string{"web.1", "web.2", "web.3"} {
		r.rawWorker(id, func(net.Conn, string) { asked.Add(1) })
	}
	reply, _ := r.do("GET", "/", "")
	if reply.Header.Get("X-Front-Error") != "F13" || asked.Load() != 2 {
		t.Errorf("got %d, sent %d times", reply.StatusCode, asked.Load())
	}
}

// serveAsWorker is what a child of this test's binary does instead of testing.
func serveAsWorker() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return
	}
	fmt.Fprintf(os.Stderr, "LISTEN %s\n", l.Addr())
	_ = http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "ok") }))
}

func spawn(t *testing.T) (*exec.Cmd, string) {
	t.Helper()
	command := exec.Command(os.Args[0])
	command.Env = append(os.Environ(), "FRONT_TEST_WORKER=1", "GOMAXPROCS=1")
	out, err := command.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	address, ok := strings.CutPrefix(strings.TrimSpace(line), "LISTEN ")
	if err != nil || !ok {
		t.Fatalf("the worker said %q, %v", line, err)
	}
	return command, address
}

func TestKilledWorkersCostSafeRequestsNothing(t *testing.T) {
	r := start(t, front.Options{})
	workers := map[string]*exec.Cmd{}
	add := func(id string) {
		command, address := spawn(t)
		workers[id] = command
		r.add(id, address, 0)
	}
	for i := range 3 {
		add(fmt.Sprintf("web.%d", i))
	}
	t.Cleanup(func() {
		for _, command := range workers {
			_ = command.Process.Kill()
			_ = command.Wait()
		}
	})
	var group sync.WaitGroup
	var fine, failed atomic.Int64
	stop := make(chan struct{})
	for range 8 {
		group.Go(func() {
			web := &http.Client{Transport: &http.Transport{}, Timeout: 30 * time.Second}
			defer web.CloseIdleConnections()
			for {
				select {
				case <-stop:
					return
				default:
				}
				reply, err := web.Get("http://" + r.addr + "/")
				if err != nil {
					failed.Add(1)
					t.Log(err)
					continue
				}
				body, _ := io.ReadAll(reply.Body)
				reply.Body.Close()
				if reply.StatusCode != http.StatusOK {
					failed.Add(1)
					t.Logf("%d %s", reply.StatusCode, body)
				} else {
					fine.Add(1)
				}
			}
		})
	}
	for i := range 6 {
		seen := fine.Load()
		until(t, "traffic", func() bool { return fine.Load() > seen+100 })
		id := fmt.Sprintf("web.%d", i%3)
		_ = workers[id].Process.Kill()
		_ = workers[id].Wait()
		seen = fine.Load()
		until(t, "traffic without it", func() bool { return fine.Load() > seen+50 })
		r.Remove(id)
		add(id)
	}
	close(stop)
	group.Wait()
	if failed.Load() > 0 {
		t.Errorf("%d of %d failed", failed.Load(), failed.Load()+fine.Load())
	}
}

func TestRollingReloadLosesNothing(t *testing.T) {
	r := start(t, front.Options{})
	serve := func(w http.ResponseWriter, q *http.Request) {
		_, _ = io.Copy(io.Discard, q.Body)
		fmt.Fprint(w, "ok")
	}
	server := r.worker("gen.0", serve)
	var group sync.WaitGroup
	var fine, failed atomic.Int64
	stop := make(chan struct{})
	for i := range 8 {
		group.Go(func() {
			web := &http.Client{Transport: &http.Transport{DisableKeepAlives: i%2 == 0}, Timeout: 30 * time.Second}
			defer web.CloseIdleConnections()
			for {
				select {
				case <-stop:
					return
				default:
				}
				reply, err := web.Post("http://"+r.addr+"/", "text/plain", strings.NewReader("x"))
				if err != nil || reply.StatusCode != http.StatusOK {
					failed.Add(1)
				}
				if err == nil {
					_, _ = io.Copy(io.Discard, reply.Body)
					reply.Body.Close()
					fine.Add(1)
				}
			}
		})
	}
	for i := range 20 {
		seen := fine.Load()
		until(t, "traffic", func() bool { return fine.Load() > seen+20 })
		next := r.worker(fmt.Sprintf("gen.%d", i+1), serve)
		if err := r.Drain(within(t, 20*time.Second), fmt.Sprintf("gen.%d", i)); err != nil {
			t.Error(err)
		}
		server.Listener.Close()
		server.CloseClientConnections() // a worker that ends without ceremony
		server = next
	}
	close(stop)
	group.Wait()
	if failed.Load() > 0 {
		t.Errorf("%d of %d failed", failed.Load(), failed.Load()+fine.Load())
	}
}

// upgrade makes a worker that switches to a websocket, echoes frames as they
// are and tells how the connection ended.
func (r *rig) upgradeWorker(id string, ended chan<- []byte) {
	r.rawWorker(id, func(conn net.Conn, head string) {
		if !strings.Contains(head, "Upgrade: websocket\r\n") || !strings.Contains(head, "Connection: Upgrade\r\n") {
			_, _ = io.WriteString(conn, "HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\n\r\n")
			return
		}
		_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n")
		_, _ = conn.Write([]byte{0x81, 2, 'h', 'i'}) // speaks first
		var last []byte
		for reader := bufio.NewReader(conn); ; {
			frame := make([]byte, 6)
			if _, err := io.ReadFull(reader, frame); err != nil {
				break
			}
			frame = append(frame, make([]byte, frame[1]&0x7f)...)
			if _, err := io.ReadFull(reader, frame[6:]); err != nil {
				break
			}
			if last = append(last, frame[6:]...); frame[0]&0xf == 8 {
				break
			}
			_, _ = conn.Write(unmasked(frame))
		}
		ended <- last
	})
}

// unmasked turns one short frame of a client into a server's.
func unmasked(p []byte) []byte {
	n := int(p[1] & 0x7f)
	out := append([]byte{p[0], byte(n)}, p[6:6+n]...)
	for i := range n {
		out[2+i] ^= p[2+i%4]
	}
	return out
}

const upgradeRequest = "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\n\r\n"

func readFrame(t *testing.T, r *bufio.Reader) (opcode byte, payload []byte) {
	t.Helper()
	var head [2]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		t.Fatalf("read a frame: %v", err)
	}
	payload = make([]byte, head[1]&0x7f)
	if _, err := io.ReadFull(r, payload); err != nil {
		t.Fatalf("read a payload: %v", err)
	}
	return head[0] & 0xf, payload
}

func TestAWebsocketIsTunnelledAndClosedAtAMessagesEnd(t *testing.T) {
	r := start(t, front.Options{Pool: pool.Options{Spread: 10 * time.Millisecond}})
	ended := make(chan []byte, 1)
	r.upgradeWorker("web.1", ended)
	conn, reader := r.dial(upgradeRequest)
	if head := readHead(reader); !strings.HasPrefix(head, "HTTP/1.1 101") || !strings.Contains(head, "Sec-Websocket-Accept: x") {
		t.Fatalf("got %q", head)
	}
	if op, text := readFrame(t, reader); op != 1 || string(text) != "hi" {
		t.Fatalf("got %d %q", op, text)
	}
	_, _ = conn.Write([]byte{0x81, 0x83, 0, 0, 0, 0, 'a', 'b', 'c'})
	if op, text := readFrame(t, reader); op != 1 || string(text) != "abc" {
		t.Fatalf("got %d %q", op, text)
	}
	// Half a message is under way: the close frame must not come into it.
	_, _ = conn.Write([]byte{0x81, 0x83, 0, 0, 0, 0, 'd'})
	drained := make(chan error, 1)
	go func() { drained <- r.Drain(within(t, 20*time.Second), "web.1") }()
	if op, reason := readFrame(t, reader); op != 8 || binary.BigEndian.Uint16(reason) != 1001 {
		t.Fatalf("got %d %v", op, reason)
	}
	_, _ = conn.Write([]byte{'e', 'f'})
	_, _ = conn.Write([]byte{0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe9}) // the client's close
	last := <-ended
	if string(last) != "abcdef\x03\xe9" { // whole messages, then 1001
		t.Errorf("the worker got %q", last)
	}
	if err := <-drained; err != nil {
		t.Error(err)
	}
	if _, err := reader.ReadByte(); !errors.Is(err, io.EOF) {
		t.Errorf("after the close: %v", err)
	}
}

func TestWebsocketPolicies(t *testing.T) {
	r := start(t, front.Options{
		Pool: pool.Options{Spread: time.Millisecond},
		Routes: []front.Route{
			{Prefix: "/ws", Upgrade: true, Drain: front.DrainLinger, Linger: func() time.Duration { return 300 * time.Millisecond }},
			{Prefix: "/ws/cut", Upgrade: true, Drain: front.DrainCut}, {Prefix: "/ws/no"},
		},
	})
	ended := make(chan []byte, 3)
	r.upgradeWorker("web.1", ended)
	_, no := r.dial(strings.Replace(upgradeRequest, "/ws", "/ws/no", 1))
	if head := readHead(no); !strings.HasPrefix(head, "HTTP/1.1 426") {
		t.Errorf("not allowed: %q", head)
	}
	_, cut := r.dial(strings.Replace(upgradeRequest, "/ws", "/ws/cut", 1))
	_, linger := r.dial(upgradeRequest)
	for _, reader := range []*bufio.Reader{cut, linger} {
		readHead(reader)
		readFrame(t, reader)
	}
	begun := time.Now()
	drained := make(chan error, 1)
	go func() { drained <- r.Drain(within(t, 20*time.Second), "web.1") }()
	if _, err := cut.ReadByte(); err == nil {
		t.Error("cut: a byte came")
	}
	if op, _ := readFrame(t, linger); op != 8 || time.Since(begun) < 300*time.Millisecond {
		t.Errorf("linger: opcode %d after %s", op, time.Since(begun))
	}
	if err := <-drained; err != nil {
		t.Error(err)
	}
}

func TestAnEventStreamEndsAtAnEvent(t *testing.T) {
	r := start(t, front.Options{Pool: pool.Options{Spread: time.Millisecond}})
	rest := make(chan struct{})
	var gone sync.WaitGroup
	gone.Add(1)
	r.worker("web.1", func(w http.ResponseWriter, q *http.Request) {
		defer gone.Done()
		w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
		fmt.Fprint(w, "data: 1\n\ndata: ")
		w.(http.Flusher).Flush()
		<-rest
		fmt.Fprint(w, "2\n\ndata: 3\n\n")
		w.(http.Flusher).Flush()
		<-q.Context().Done()
	})
	_, reader := r.dial("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	reply, err := http.ReadResponse(reader, nil)
	if err != nil {
		t.Fatal(err)
	}
	begin := make([]byte, len("data: 1\n\ndata: "))
	if _, err := io.ReadFull(reply.Body, begin); err != nil {
		t.Fatal(err)
	}
	drained := make(chan error, 1)
	go func() { drained <- r.Drain(within(t, 20*time.Second), "web.1") }()
	until(t, "it drains", func() bool { return r.Snapshot()[0].Draining })
	time.Sleep(50 * time.Millisecond) // the drain has poked it in the midst of an event
	close(rest)
	text, err := io.ReadAll(reply.Body)
	if string(text) != "2\n\n" || err != nil {
		t.Errorf("got %q, %v: want the event's end and a clean end of the reply", text, err)
	}
	if err := <-drained; err != nil {
		t.Error(err)
	}
	gone.Wait()
}

func TestAnIdleEventStreamEndsAtOnce(t *testing.T) {
	r := start(t, front.Options{Pool: pool.Options{Spread: time.Millisecond}})
	r.worker("web.1", func(w http.ResponseWriter, q *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprint(w, "data: 1\r\n\r\n")
		w.(http.Flusher).Flush()
		<-q.Context().Done()
	})
	_, reader := r.dial("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	reply, err := http.ReadResponse(reader, nil)
	if err != nil {
		t.Fatal(err)
	}
	one := make([]byte, len("data: 1\r\n\r\n"))
	_, _ = io.ReadFull(reply.Body, one)
	begun := time.Now()
	if err := r.Drain(within(t, 20*time.Second), "web.1"); err != nil {
		t.Error(err)
	}
	if text, err := io.ReadAll(reply.Body); len(text) != 0 || err != nil {
		t.Errorf("got %q, %v", text, err)
	}
	if took := time.Since(begun); took > 2*time.Second {
		t.Errorf("it took %s", took)
	}
}

// A stream that begins while the front ends, on a connection that was kept, is
// ended as well.
func TestAStreamThatBeginsWhileTheFrontEndsIsEnded(t *testing.T) {
	r := start(t, front.Options{Pool: pool.Options{Spread: time.Millisecond}, Deadlines: front.Deadlines{Close: time.Second}})
	r.worker("web.1", func(w http.ResponseWriter, q *http.Request) {
		if q.URL.Path == "/" {
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprint(w, "data: 1\n\n")
		w.(http.Flusher).Flush()
		<-q.Context().Done()
	})
	conn, reader := r.dial("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	if _, err := http.ReadResponse(reader, nil); err != nil {
		t.Fatal(err)
	}
	begun, ended := time.Now(), make(chan error, 1)
	go func() { ended <- r.Shutdown(within(t, 20*time.Second)) }()
	until(t, "the listener is closed", func() bool {
		late, err := net.Dial("tcp", r.addr)
		if err == nil {
			late.Close()
		}
		return err != nil
	})
	time.Sleep(100 * time.Millisecond) // what was there is ended
	fmt.Fprint(conn, "GET /events HTTP/1.1\r\nHost: a\r\n\r\n")
	reply, err := http.ReadResponse(reader, nil)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(reply.Body); string(text) != "data: 1\n\n" || err != nil {
		t.Errorf("got %q, %v", text, err)
	}
	if err := <-ended; err != nil || time.Since(begun) > 10*time.Second {
		t.Errorf("after %s: %v", time.Since(begun), err)
	}
}

// lateListener hands out one more connection after it was closed, as one does
// whose kernel had more.
type lateListener struct {
	net.Listener
	closed chan struct{}
	last   chan net.Conn
}

func late(t *testing.T, conn net.Conn) *lateListener {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	l := &lateListener{listener, make(chan struct{}), make(chan net.Conn, 1)}
	l.last <- conn
	return l
}

func (l *lateListener) Accept() (net.Conn, error) {
	<-l.closed
	time.Sleep(100 * time.Millisecond)
	select {
	case conn := <-l.last:
		return conn, nil
	default:
		return nil, net.ErrClosed
	}
}

func (l *lateListener) Close() error {
	select {
	case <-l.closed:
	default:
		close(l.closed)
	}
	return nil
}

func TestWhatAListenerHandsOutLastIsServed(t *testing.T) {
	r := start(t, front.Options{})
	r.worker("web.1", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "ok") })
	near, far := net.Pipe()
	last := late(t, addressed{far})
	served := make(chan error, 1)
	go func() { served <- r.Serve(last) }()
	answered := make(chan error, 1)
	go func() {
		_, _ = io.WriteString(near, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		reply, err := http.ReadResponse(bufio.NewReader(near), nil)
		if err == nil {
			_, err = io.Copy(io.Discard, reply.Body)
		}
		answered <- err
	}()
	until(t, "it serves", func() bool {
		reply, err := http.Get("http://" + r.addr)
		if err == nil {
			reply.Body.Close()
		}
		return err == nil
	})
	if err := r.Shutdown(within(t, 20*time.Second)); err != nil {
		t.Error(err)
	}
	if err := <-answered; err != nil {
		t.Error(err)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
}

// addressed is a pipe that says where it comes from.
type addressed struct{ net.Conn }

func (addressed) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }

// A TCP peer that has reset its connection has no address any more, and is not
// a peer on a unix socket for that.
func TestAPeerWithoutAnAddressIsNotBelieved(t *testing.T) {
	near, far := net.Pipe()
	r := start(t, front.Options{})
	heard := make(chan string, 1)
	r.worker("web.1", func(_ http.ResponseWriter, q *http.Request) { heard <- q.Header.Get("X-Forwarded-For") })
	last := late(t, nameless{far})
	last.Close()
	served := make(chan error, 1)
	go func() { served <- r.Serve(last) }()
	go func() {
		_, _ = io.WriteString(near, "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 10.9.8.7\r\nConnection: close\r\n\r\n")
		_, _ = io.Copy(io.Discard, near)
	}()
	select {
	case got := <-heard:
		if strings.Contains(got, "10.9.8.7") {
			t.Errorf("the worker was told %q", got)
		}
	case <-time.After(20 * time.Second):
		t.Error("no request")
	}
	if err := r.Shutdown(within(t, 20*time.Second)); err != nil {
		t.Error(err)
	}
	near.Close()
	<-served
}

// nameless is a pipe whose far end is gone, as the package net sees a TCP
// connection that was reset before its descriptor was taken over.
type nameless struct{ net.Conn }

func (nameless) RemoteAddr() net.Addr { return nil }
func (nameless) LocalAddr() net.Addr  { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }
