package front_test

import (
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/front"
)

// passed is what became of one shape behind a proxy.
type passed struct {
	reached []string // the requests that the worker saw, in order
	replies string   // all that the client got
	cut     bool     // the connection ended with an error
}

// fire sends all shapes to a proxy, so many at a time, each on a connection of
// its own and followed by one more request, and returns what its worker saw.
func fire(t *testing.T, worker *recorder, shapes []shape, at int, dial func() (net.Conn, error)) []passed {
	t.Helper()
	all := make([]passed, len(shapes))
	places := make(chan struct{}, at)
	var group sync.WaitGroup
	for i, s := range shapes {
		places <- struct{}{}
		group.Go(func() {
			defer func() { <-places }()
			conn, err := dial()
			if err != nil {
				t.Errorf("%s: %v", s, err)
				return
			}
			defer conn.Close()
			_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
			number := fmt.Sprintf("%05d", i)
			_, _ = io.WriteString(conn, strings.ReplaceAll(s.raw+last, "#####", number)) // it may be refused halfway
			text, err := io.ReadAll(conn)
			all[i].replies, all[i].cut = string(text), err != nil
			if err != nil && strings.Contains(err.Error(), "timeout") {
				t.Errorf("%s: the connection is never ended; so far %q", s, text)
			}
		})
	}
	group.Wait()
	worker.mu.Lock()
	defer worker.mu.Unlock()
	for _, seen := range worker.seen {
		// A request that lost its number may have it in the target, or else belongs
		// to where its id was answered.
		var number int
		if _, err := fmt.Sscanf(seen.number+" "+strings.TrimPrefix(seen.what, "GET /"), "%05d", &number); err != nil {
			number = slices.IndexFunc(all, func(p passed) bool { return strings.Contains(p.replies, seen.id) })
		}
		if number < 0 || number >= len(all) {
			t.Errorf("the worker saw %s of case %q, and nobody was told of it", seen.what, seen.number)
			continue
		}
		all[number].reached = append(all[number].reached, seen.what)
	}
	return all
}

// agree checks that the worker saw just the requests that clients were answered.
func agree(t *testing.T, worker *recorder, shapes []shape, all []passed) {
	t.Helper()
	worker.mu.Lock()
	defer worker.mu.Unlock()
	for _, wrong := range worker.wrong {
		t.Errorf("the worker was sent %s", wrong)
	}
	times := map[string]int{}
	for _, seen := range worker.seen {
		times[seen.id]++
	}
	for i, p := range all {
		served := 0
		for reply := range strings.SplitSeq(p.replies, "\r\nX-Served: ") {
			id, _, _ := strings.Cut(reply, "\r\n")
			if times[id] > 0 {
				served++
				times[id]--
			}
		}
		// A reply may be lost where the connection was reset after it.
		if n := len(p.reached); served != n && (!p.cut || served > n) {
			t.Errorf("%s: %d requests reached the worker, %d of its replies the client: %q, %q", shapes[i], n, served, p.reached, p.replies)
		}
	}
}

// impatient are deadlines for clients that are known not to go on.
var impatient = front.Deadlines{Header: 300 * time.Millisecond, KeepAlive: 300 * time.Millisecond, BodyGrace: 300 * time.Millisecond, Continue: 50 * time.Millisecond}

// behindUs fires the shapes at a front of ours.
func behindUs(t *testing.T, shapes []shape, deadlines front.Deadlines, at int) []passed {
	t.Helper()
	worker := newRecorder(t, false)
	r := start(t, front.Options{Deadlines: deadlines, Limits: front.Limits{BodyRate: 1 << 20}})
	r.add("web.1", worker.listener.Addr().String(), 0)
	all := fire(t, worker, shapes, at, func() (net.Conn, error) { return net.Dial("tcp", r.addr) })
	until(t, "the front is done", func() bool { return r.InFlight("web.1") == 0 })
	agree(t, worker, shapes, all)
	return all
}

// TestSmuggling sends shapes on which parsers differ. A reader that forgives
// nothing must find behind the front exactly the requests that it answered,
// each with an id that the front gave it.
func TestSmuggling(t *testing.T) {
	t.Parallel()
	shapes := corpus(3000)
	begin := time.Now()
	all := behindUs(t, shapes, impatient, 128)
	reached, refused := 0, 0
	for _, p := range all {
		reached += len(p.reached)
		if len(p.reached) == 0 {
			refused++
		}
	}
	if reached < 500 || refused < 500 {
		t.Errorf("of %d shapes %d were refused, and %d requests came through: that is no test", len(shapes), refused, reached)
	}
	t.Logf("%d shapes in %v: %d refused, %d requests came through", len(shapes), time.Since(begin).Round(time.Millisecond), refused, reached)
}

// TestAfterAnAmbiguousLengthTheConnectionEnds asks for what RFC 9112 wants after
// a request that another proxy may have taken for a longer or shorter one.
func TestAfterAnAmbiguousLengthTheConnectionEnds(t *testing.T) {
	r := start(t, front.Options{Deadlines: impatient})
	worker := newRecorder(t, false)
	r.add("web.1", worker.listener.Addr().String(), 0)
	for name, head := range map[string]string{
		"length, then chunks": "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"chunks, then length": "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 99\r\n\r\n0\r\n\r\n",
		"chunks in HTTP/1.0":  "POST / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"on a route of ours":  "POST /live HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"HTTP/2 without TLS":  "PRI * HTTP/2.0\r\nHost: a\r\n\r\n",
	} {
		conn, reader := r.dial(head + strings.ReplaceAll(hidden, "#####", "00000"))
		text, err := io.ReadAll(reader)
		if n := strings.Count(string(text), "HTTP/1."); n != 1 || !strings.Contains(string(text), "\r\nConnection: close\r\n") {
			t.Errorf("%s: %d replies, then %v: %q", name, n, err, text)
		}
		conn.Close()
	}
}
