package front_test

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/front"
)

const ask = "GET /ask HTTP/1.1\r\nHost: a\r\n\r\n"

// echo answers with the request line and the body.
func echo(w http.ResponseWriter, q *http.Request) {
	body, _ := io.ReadAll(q.Body)
	w.Header().Set("Content-Length", fmt.Sprint(len(q.Method)+len(q.RequestURI)+len(body)+2))
	fmt.Fprintf(w, "%s %s %s", q.Method, q.RequestURI, body)
}

// hear reads a reply and returns its body.
func hear(t *testing.T, reader *bufio.Reader) string {
	t.Helper()
	reply, err := http.ReadResponse(reader, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	body, err := io.ReadAll(reply.Body)
	if err != nil || reply.StatusCode != http.StatusOK {
		t.Fatalf("%d %q %v", reply.StatusCode, body, err)
	}
	return string(body)
}

func TestARestingConnectionGoesOn(t *testing.T) {
	r := start(t, front.Options{})
	r.worker("web.1", echo)
	post := "POST /post HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n"
	for name, c := range map[string]struct {
		before string // sent with the first request, after which it rests
		pieces []string
		want   []string
	}{
		"a request":                {pieces: []string{ask}, want: []string{"GET /ask "}},
		"byte by byte":             {pieces: strings.Split(ask, ""), want: []string{"GET /ask "}},
		"two requests":             {pieces: []string{ask + ask}, want: []string{"GET /ask ", "GET /ask "}},
		"a body later":             {pieces: []string{post, "bo", "dy"}, want: []string{"POST /post body"}},
		"an empty line first":      {pieces: []string{"\r\n", ask}, want: []string{"GET /ask "}},
		"a body in the first, too": {before: post + "body", pieces: []string{ask}, want: []string{"POST /post body", "GET /ask "}},
	} {
		t.Run(name, func(t *testing.T) {
			conn, reader := r.dial(ask + c.before)
			defer conn.Close()
			hear(t, reader)
			if c.before != "" {
				if got := hear(t, reader); got != c.want[0] {
					t.Errorf("got %q, want %q", got, c.want[0])
				}
				c.want = c.want[1:]
			}
			for range 2 { // what has rested can rest again
				until(t, "it rests", func() bool { r.Tick(); return r.Resting() == 1 })
				for _, piece := range c.pieces {
					_, _ = io.WriteString(conn, piece)
					time.Sleep(5 * time.Millisecond) // so that it comes as a piece; but any time will do
				}
				for _, want := range c.want {
					if got := hear(t, reader); got != want {
						t.Errorf("got %q, want %q", got, want)
					}
				}
			}
			conn.Close()
			until(t, "it is gone", func() bool { return r.Resting() == 0 })
		})
	}
}

// TestBytesThatWereReadKeepAConnectionAwake sends the first bytes of a request
// at once: net/http has them in its buffer, and they must not get lost.
func TestBytesThatWereReadKeepAConnectionAwake(t *testing.T) {
	r := start(t, front.Options{})
	r.worker("web.1", echo)
	for cut := 1; cut <= 4; cut++ {
		conn, reader := r.dial(ask + ask[:cut])
		hear(t, reader)
		for range 20 {
			r.Tick()
			time.Sleep(2 * time.Millisecond) // whatever would rest does so
		}
		if n := r.Resting(); n != 0 {
			t.Errorf("with %d bytes of a request read, it rests", cut)
		}
		_, _ = io.WriteString(conn, ask[cut:])
		if got := hear(t, reader); got != "GET /ask " {
			t.Errorf("after %d bytes, got %q", cut, got)
		}
		conn.Close()
	}
}

// TestRequestsAtTheMomentOfRest has requests and rest come at the same time.
func TestRequestsAtTheMomentOfRest(t *testing.T) {
	r := start(t, front.Options{})
	r.worker("web.1", echo)
	stop := make(chan struct{})
	var clients, ticks sync.WaitGroup
	rested := 0
	ticks.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				r.Tick()
				rested += r.Resting()
			}
		}
	})
	for i := range 16 {
		clients.Go(func() {
			random := rand.New(rand.NewPCG(1, uint64(i)))
			conn, err := net.Dial("tcp", r.addr)
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			_ = conn.SetDeadline(time.Now().Add(time.Minute))
			reader := bufio.NewReader(conn)
			for n := range 100 {
				request := fmt.Sprintf("POST /%d HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab", n)
				cut := random.IntN(len(request))
				_, _ = io.WriteString(conn, request[:cut])
				time.Sleep(time.Duration(random.IntN(500)) * time.Microsecond)
				_, _ = io.WriteString(conn, request[cut:])
				reply, err := http.ReadResponse(reader, nil)
				if err != nil {
					t.Errorf("client %d, request %d: %v", i, n, err)
					return
				}
				body, err := io.ReadAll(reply.Body)
				reply.Body.Close()
				if want := fmt.Sprintf("POST /%d ab", n); err != nil || string(body) != want {
					t.Errorf("client %d: got %q, %v, want %q", i, body, err, want)
				}
				time.Sleep(time.Duration(random.IntN(500)) * time.Microsecond)
			}
		})
	}
	clients.Wait()
	close(stop)
	ticks.Wait()
	if rested == 0 {
		t.Error("nothing rested: that is no test")
	}
}

func TestIdleConnectionsEndAtTheirDeadline(t *testing.T) {
	for name, ticking := range map[string]bool{"awake": false, "at rest": true} {
		t.Run(name, func(t *testing.T) {
			r := start(t, front.Options{Deadlines: front.Deadlines{KeepAlive: 400 * time.Millisecond}})
			r.worker("web.1", echo)
			conn, reader := r.dial(ask)
			hear(t, reader)
			begin := time.Now()
			if ticking {
				until(t, "it rests", func() bool { r.Tick(); return r.Resting() == 1 })
			}
			_ = conn.SetReadDeadline(time.Now().Add(20 * time.Second))
			if _, err := reader.ReadByte(); !errors.Is(err, io.EOF) || time.Since(begin) < 300*time.Millisecond {
				t.Errorf("after %v: %v", time.Since(begin), err)
			}
		})
	}
}

func TestWhatRestsIsClosedAtTheEnd(t *testing.T) {
	for name, end := range map[string]func(*rig) error{
		"close":    func(r *rig) error { r.Close(); return nil },
		"shutdown": func(r *rig) error { return r.Shutdown(within(r.t, 20*time.Second)) },
	} {
		t.Run(name, func(t *testing.T) {
			r := start(t, front.Options{Deadlines: front.Deadlines{Close: 50 * time.Millisecond}})
			r.worker("web.1", echo)
			_, reader := r.dial(ask)
			hear(t, reader)
			until(t, "it rests", func() bool { r.Tick(); return r.Resting() == 1 })
			if err := end(r); err != nil {
				t.Error(err)
			}
			if _, err := reader.ReadByte(); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("it is open: %v", err)
			}
		})
	}
}

// TestARequestWakesWhileTheFrontShutsDown: as long as the listeners alone are
// closed, what comes on a resting connection is served.
func TestARequestWakesWhileTheFrontShutsDown(t *testing.T) {
	r := start(t, front.Options{Deadlines: front.Deadlines{Close: 20 * time.Second}})
	r.worker("web.1", echo)
	conn, reader := r.dial(ask)
	hear(t, reader)
	until(t, "it rests", func() bool { r.Tick(); return r.Resting() == 1 })
	done := make(chan error, 1)
	go func() { done <- r.Shutdown(within(t, 20*time.Second)) }()
	until(t, "the listener is closed", func() bool {
		other, err := net.Dial("tcp", r.addr)
		if err == nil {
			other.Close()
		}
		return err != nil
	})
	_, _ = io.WriteString(conn, ask)
	if got := hear(t, reader); got != "GET /ask " {
		t.Errorf("got %q", got)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestConnectionsWithTLSStayAwake(t *testing.T) {
	r := start(t, front.Options{})
	r.worker("web.1", echo)
	certificates, err := front.LoadCertificates(time.Now, certify(t, t.TempDir(), 1))
	if err != nil {
		t.Fatal(err)
	}
	address := serveTLS(t, r, certificates.Config())
	conn, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	reader := bufio.NewReader(conn)
	for range 2 {
		_, _ = io.WriteString(conn, ask)
		hear(t, reader)
		for range 20 {
			r.Tick()
			time.Sleep(time.Millisecond) // whatever would rest does so
		}
	}
	if r.Resting() != 0 {
		t.Error("it rests")
	}
}
