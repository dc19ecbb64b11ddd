package runner

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"log"
	"net"
	"net/http"
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
	var dials, sent, failed atomic.Int64
	stop := make(chan struct{})
	text := strings.Repeat("x", 9000) // comes in several reads
	for range many {
		clients.Go(func() {
			transport := &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
				dials.Add(1)
				return (&net.Dialer{}).DialContext(ctx, network, address)
			}}
			defer transport.CloseIdleConnections()
			client := http.Client{Transport: transport, Timeout: 30 * time.Second}
			for {
				select {
				case <-stop:
					return
				default:
				}
				reply, err := client.Post("http://"+listener.Addr().String(), "text/plain", strings.NewReader(text))
				sent.Add(1)
				if err != nil {
					failed.Add(1)
					t.Log(err)
					continue
				}
				body, err := io.ReadAll(reply.Body)
				reply.Body.Close()
				if err != nil || !bytes.Equal(body, []byte(text)) {
					failed.Add(1)
					t.Log(err, len(body))
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
	if failed.Load() > 0 || dials.Load() != many {
		t.Errorf("%d of %d requests failed, %d connections for %d clients", failed.Load(), sent.Load(), dials.Load(), many)
	}
	t.Logf("%d requests, %d rounds", sent.Load(), rounds)
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
