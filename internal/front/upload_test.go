package front_test

import (
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/front"
)

// stacks returns what all goroutines are doing.
func stacks() string {
	buf := make([]byte, 1<<20)
	return string(buf[:runtime.Stack(buf, true)])
}

// unfinished is the head of a request of which little is ever sent.
const unfinished = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n"

// TestAWorkerThatDiesDuringAnUploadIsNotTheClientsFault has a client that rests
// within its body, as one may, while the worker closes the connection.
func TestAWorkerThatDiesDuringAnUploadIsNotTheClientsFault(t *testing.T) {
	r := start(t, front.Options{})
	r.rawWorker("web.1", func(conn net.Conn, _ string) { _, _ = io.ReadFull(conn, make([]byte, 5)) })
	_, reader := r.dial(unfinished + "begin")
	reply, err := http.ReadResponse(reader, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	if code := reply.Header.Get("X-Front-Error"); reply.StatusCode != http.StatusBadGateway || code != "F13" {
		t.Errorf("got %d %s, want 502 F13", reply.StatusCode, code)
	}
}

// TestAnUploadThatIsStoppedStaysSo stops an upload between a write to the worker
// and the next read from the client, who then sends no more: the deadlines that
// go with those must not undo it. The clock, which the front reads just there,
// waits for the reply to be over.
func TestAnUploadThatIsStoppedStaysSo(t *testing.T) {
	const first, second = "begin", "again"
	var waits atomic.Bool
	here, over := make(chan struct{}, 100), make(chan struct{})
	r := start(t, front.Options{Deadlines: front.Deadlines{BodyGrace: time.Minute}, Now: func() time.Time {
		if waits.Load() {
			here <- struct{}{}
			<-over
		}
		return time.Now()
	}})
	reached := make(chan struct{})
	r.rawWorker("web.1", func(conn net.Conn, _ string) {
		_, _ = io.ReadFull(conn, make([]byte, len(first)))
		close(reached)
		_, _ = io.ReadFull(conn, make([]byte, len(second)))
		<-here
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 8192\r\n\r\n"+page)
		_, _ = io.Copy(io.Discard, conn)
	})
	conn, reader := r.dial(unfinished + first)
	<-reached
	until(t, "the front has read what there is", func() bool { return strings.Contains(stacks(), "(*clientBody).Read") })
	waits.Store(true)
	_, _ = io.WriteString(conn, second)
	reply, err := http.ReadResponse(reader, nil)
	if err == nil {
		_, err = io.ReadFull(reply.Body, make([]byte, len(page)))
	}
	if err != nil {
		t.Fatal(err)
	}
	until(t, "the upload is stopped", func() bool { return strings.Contains(stacks(), "(*upload).end") })
	waits.Store(false)
	close(over)
	until(t, "the worker is free", func() bool { return r.InFlight("web.1") == 0 })
}
