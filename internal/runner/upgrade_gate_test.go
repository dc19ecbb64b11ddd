package runner

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// A gate that freezes and thaws all the time loses no request, and no
// connection either.
func TestAGateThatFreezesLosesNothing(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := newGate(listener, time.Minute, true, nil)
	server := &http.Server{
		IdleTimeout: keepAlive, ReadHeaderTimeout: 10 * time.Second, ErrorLog: log.New(io.Discard, "", 0),
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err == nil {
				_, _ = w.Write(body)
			}
		}),
	}
	var serving, clients sync.WaitGroup
	serving.Go(func() { _ = server.Serve(g) })
	const many, rounds = 8, 300
	var sent, failed atomic.Int64
	stop := make(chan struct{})
	text := strings.Repeat("x", 9000) // comes in several reads
	for range many {
		clients.Go(func() {
			conn, err := net.Dial("tcp", listener.Addr().String())
			if err != nil {
				failed.Add(1)
				return
			}
			defer conn.Close()
			in := bufio.NewReader(conn)
			for {
				select {
				case <-stop:
					return
				default:
				}
				sent.Add(1)
				if err := postOn(conn, in, text); err != nil {
					failed.Add(1)
					t.Log(err)
					return
				}
			}
		})
	}
	for range many { // whose first request comes in two parts
		clients.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				sent.Add(1)
				if err := halting(listener.Addr().String()); err != nil {
					failed.Add(1)
					t.Log(err)
				}
			}
		})
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for range rounds {
		g.freeze()
		if err := g.empty(ctx); err != nil {
			n, _ := g.opened()
			t.Fatalf("%d connections stay: %v", n, err)
		}
		g.thaw()
		time.Sleep(time.Millisecond)
	}
	close(stop)
	clients.Wait()
	_ = server.Close()
	_ = g.Close()
	serving.Wait()
	if failed.Load() > 0 {
		t.Errorf("%d of %d requests failed", failed.Load(), sent.Load())
	}
	t.Logf("%d requests, %d rounds", sent.Load(), rounds)
}

// slowListener hands a connection out long after the kernel did, as a program
// does that gets no processor.
type slowListener struct {
	net.Listener
	took chan struct{}
}

func (l *slowListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err == nil {
		close(l.took)
		time.Sleep(50 * time.Millisecond)
	}
	return conn, err
}

func (l *slowListener) SetDeadline(t time.Time) error {
	return l.Listener.(*net.TCPListener).SetDeadline(t)
}

// A connection that the kernel has handed out when the gate freezes is kept, be
// it known to the gate by then or not.
func TestAConnectionThatIsBeingAcceptedIsKept(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	slow := &slowListener{listener, make(chan struct{})}
	g := newGate(slow, time.Minute, true, nil)
	accepts := make(chan net.Conn, 1)
	go func() {
		accepted, err := g.Accept()
		if err != nil {
			t.Errorf("Accept: %v", err)
		}
		accepts <- accepted
	}()
	conn, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	<-slow.took
	g.freeze()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := g.empty(ctx); err != nil {
		t.Fatal(err)
	}
	g.mu.Lock()
	if len(g.kept) != 1 {
		t.Errorf("%d connections are kept, want 1", len(g.kept))
	}
	g.mu.Unlock()
	_ = g.Close()
	if accepted := <-accepts; accepted != nil { // it is served before the end
		accepted.Close()
	}
	if _, err := g.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Accept of a closed gate: %v", err)
	}
}

// A connection that the kernel has handed out when the gate closes is served.
func TestAConnectionThatIsBeingAcceptedIsServedAtTheEnd(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	slow := &slowListener{listener, make(chan struct{})}
	g := newGate(slow, time.Minute, true, nil)
	server := &http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})}
	served := make(chan error, 1)
	go func() { served <- server.Serve(g) }()
	conn, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	<-slow.took
	_ = g.Close()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n"); err != nil {
		t.Error(err)
	}
	if reply, err := http.ReadResponse(bufio.NewReader(conn), nil); err != nil {
		t.Error(err)
	} else {
		reply.Body.Close()
	}
	if err := <-served; !errors.Is(err, net.ErrClosed) {
		t.Errorf("Serve of a closed gate: %v", err)
	}
	_ = server.Close()
}

// Connections that wait in the kernel's backlog when the gate closes are handed
// out: their clients have sent requests.
func TestTheBacklogIsServedAtTheEnd(t *testing.T) {
	for network, address := range map[string]string{"tcp": "127.0.0.1:0", "unix": filepath.Join(t.TempDir(), "web.sock")} {
		listener, err := net.Listen(network, address)
		if err != nil {
			t.Fatal(err)
		}
		g := newGate(listener, time.Minute, true, nil)
		const many = 20
		clients := make([]net.Conn, many)
		for i := range clients {
			if clients[i], err = net.Dial(network, listener.Addr().String()); err != nil {
				t.Fatal(err)
			}
			defer clients[i].Close()
			fmt.Fprintf(clients[i], "%d\n", i)
		}
		if err := g.Close(); err != nil {
			t.Fatal(err)
		}
		var group sync.WaitGroup
		for {
			conn, err := g.Accept()
			if err != nil {
				break
			}
			group.Go(func() {
				defer conn.Close()
				_, _ = io.CopyN(conn, conn, 2)
			})
		}
		for i, client := range clients {
			_ = client.SetDeadline(time.Now().Add(10 * time.Second))
			if _, err := bufio.NewReader(client).ReadByte(); err != nil {
				t.Errorf("%s, connection %d: %v", network, i, err)
			}
		}
		group.Wait()
	}
}

// A client that has reset its connection is not there to be answered, and has
// no address that could be told from a unix socket's.
func TestAConnectionThatWasResetIsNotHandedOut(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := newGate(listener, time.Minute, true, nil)
	client, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(client, "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 10.9.8.7\r\n\r\n")
	_ = client.(*net.TCPConn).SetLinger(0)
	client.Close()
	if err := g.Close(); err != nil {
		t.Fatal(err)
	}
	if conn, err := g.Accept(); err == nil {
		t.Errorf("a connection from %v was handed out", conn.RemoteAddr())
		conn.Close()
	}
}

// What a gate keeps that nobody serves any more is closed.
func TestAGateThatIsCutKeepsNothing(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	near, far := net.Pipe()
	g := newGate(listener, time.Minute, true, []net.Conn{near})
	for range 2 {
		if err := g.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
	g.cut()
	if _, err := far.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("it is open still: %v", err)
	}
	if _, err := g.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Accept of a closed gate: %v", err)
	}
}

// postOn sends one request on a connection that stays open.
func postOn(conn net.Conn, in *bufio.Reader, text string) error {
	_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
	if _, err := fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: test\r\nContent-Length: %d\r\n\r\n%s", len(text), text); err != nil {
		return err
	}
	reply, err := http.ReadResponse(in, nil)
	if err != nil {
		return err
	}
	defer reply.Body.Close()
	body, err := io.ReadAll(reply.Body)
	if err == nil && string(body) != text {
		err = fmt.Errorf("%d bytes came back", len(body))
	}
	return err
}

// halting sends one request on a connection of its own, in two parts.
func halting(address string) error {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
	for _, part := range []string{"GET / HTTP/1.1\r\nHo", "st: test\r\nConnection: close\r\n\r\n"} {
		if _, err := io.WriteString(conn, part); err != nil {
			return err
		}
		time.Sleep(200 * time.Microsecond)
	}
	reply, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return err
	}
	return reply.Body.Close()
}

// hasty is a connection that is woken for an upgrade just as bytes come in.
type hasty struct {
	net.Conn
	passage *passage
	until   time.Time
}

func (h *hasty) Read(p []byte) (int, error) {
	h.passage.wake()
	return copy(p, "GET"), nil
}

func (h *hasty) SetReadDeadline(t time.Time) error {
	h.until = t
	return nil
}

func TestAConnectionThatIsWokenTooLateKeepsItsDeadline(t *testing.T) {
	h := &hasty{}
	h.passage = &passage{Conn: h, gate: newGate(nil, 0, true, nil), fresh: true}
	h.passage.waits.Store(true)
	until := time.Now().Add(time.Minute)
	_ = h.passage.SetReadDeadline(until)
	if n, err := h.passage.Read(make([]byte, 10)); n != 3 || err != nil {
		t.Fatal(n, err)
	}
	if !h.until.Equal(until) {
		t.Errorf("the deadline is %s, want %s", h.until, until)
	}
	if h.passage.waits.Load() || h.passage.leaving() {
		t.Error("a connection with a request counts as one that waits")
	}
}

func TestAConnectionThatWasServedBeforeMayWaitOn(t *testing.T) {
	h := &hasty{}
	h.passage = &passage{Conn: h, gate: newGate(nil, 0, true, nil), fresh: true, patient: true}
	h.passage.waits.Store(true)
	_ = h.passage.SetReadDeadline(time.Now().Add(10 * time.Second))
	if left := time.Until(h.until); left < keepAlive-lateness {
		t.Errorf("it may wait for %s", left)
	}
	_, _ = h.passage.Read(make([]byte, 10))
	if left := time.Until(h.until); left > 10*time.Second {
		t.Errorf("the head of its request may take %s", left)
	}
}
