package bench

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/manifest"
)

// What can be sent twice shares a connection; what changes something, and
// what asks for one, has a connection of its own.
func TestRequestsThatChangeSomethingHaveTheirOwnConnection(t *testing.T) {
	var opened atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer server.Close()
	c := newClient(func(ctx context.Context, _ string) (net.Conn, error) {
		opened.Add(1)
		return new(net.Dialer).DialContext(ctx, "tcp", server.Listener.Addr().String())
	}, []*Process{{Port: 80}})
	defer c.Close()
	for _, step := range []struct {
		request Request
		want    int32 // connections so far
	}{
		{Request{Method: http.MethodGet, Target: "/"}, 1},
		{Request{Method: http.MethodGet, Target: "/"}, 1},
		{Request{Method: http.MethodPost, Target: "/"}, 2},
		{Request{Method: http.MethodGet, Target: "/"}, 2},
		{Request{Method: http.MethodGet, Target: "/", Fresh: true}, 3},
		{Request{Method: http.MethodHead, Target: "/"}, 3},
	} {
		if reply := c.Do(t.Context(), step.request); reply.Err != "" || opened.Load() != step.want {
			t.Errorf("%s, fresh %t: error %q, %d connections, want %d", step.request.Method, step.request.Fresh, reply.Err, opened.Load(), step.want)
		}
	}
}

// A reply of 503 is asked for again, until it is another one or the time is over.
func TestARequestIsAskedUntilTheServerIsSettled(t *testing.T) {
	var asked atomic.Int32
	code := http.StatusOK
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if asked.Add(1) < 4 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		w.WriteHeader(code)
	}))
	defer server.Close()
	c := newClient(func(ctx context.Context, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", server.Listener.Addr().String())
	}, []*Process{{Port: 80}})
	defer c.Close()
	request := Request{Method: http.MethodGet, Target: "/status"}
	for _, code = range []int{http.StatusOK, http.StatusForbidden} {
		asked.Store(0)
		if reply := c.Settled(t.Context(), request); reply.Status != code || asked.Load() != 4 {
			t.Errorf("status %d after %d requests, want %d after 4", reply.Status, asked.Load(), code)
		}
	}
	asked.Store(-1 << 30) // it never is
	short, cancel := context.WithTimeout(t.Context(), 250*time.Millisecond)
	defer cancel()
	if reply := c.Settled(short, request); reply.OK() {
		t.Errorf("got %+v", reply)
	}
}

// A page is asked for again as the session asked for it.
func TestAPageIsRevisitedWithItsHeaders(t *testing.T) {
	var got string
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.URL.Path + " " + r.Header.Get("Authorization") }))
	defer server.Close()
	c := newClient(func(ctx context.Context, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", server.Listener.Addr().String())
	}, []*Process{{Port: 80}})
	defer c.Close()
	c.boot = &Boot{bench: &Bench{Manifest: &manifest.Manifest{Traffic: []manifest.Step{
		{Method: http.MethodPost, Path: "/notes", Headers: map[string]string{"Authorization": "of the post"}},
		{Method: http.MethodGet, Path: "/notes/$nonce", Headers: map[string]string{"Authorization": "Bearer $nonce"}},
	}}}}
	for target, want := range map[string]string{"/notes/n1": "/notes/n1 Bearer n1", "/notes": "/notes "} {
		if reply := c.Revisit(t.Context(), target, "n1"); reply.Err != "" || got != want {
			t.Errorf("%s: %q, %q; want %q", target, reply.Err, got, want)
		}
	}
}
