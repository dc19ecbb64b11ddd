package front_test

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/roadworthy-dev/roadworthy/internal/front"
)

// overTLS serves with TLS and returns the address.
func overTLS(t *testing.T, r *rig) string {
	t.Helper()
	certificates, err := front.LoadCertificates(time.Now, certify(t, t.TempDir(), 1))
	if err != nil {
		t.Fatal(err)
	}
	return serveTLS(t, r, certificates.Config())
}

// askWithoutWindow asks by HTTP/2 for a reply of which it takes not a byte.
func askWithoutWindow(t *testing.T, address string) {
	t.Helper()
	conn, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
	if err != nil {
		t.Fatal(err)
	}
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	for _, field := range [][2]string{{":method", "GET"}, {":scheme", "https"}, {":authority", "a"}, {":path", "/"}} {
		if err := encoder.WriteField(hpack.HeaderField{Name: field[0], Value: field[1]}); err != nil {
			t.Fatal(err)
		}
	}
	_, err = io.WriteString(conn, http2.ClientPreface)
	framer := http2.NewFramer(conn, conn)
	for _, write := range []func() error{
		func() error { return framer.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0}) },
		func() error {
			return framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block.Bytes(), EndStream: true, EndHeaders: true})
		},
	} {
		if err == nil {
			err = write()
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = io.Copy(io.Discard, conn) // the front's frames, so that only the window is in its way
	}()
	t.Cleanup(func() { conn.Close(); <-done })
}

// page is larger than what net/http keeps back of a reply by HTTP/2, and fits
// into one read.
var page = strings.Repeat("x", 8<<10)

// TestAClientWithoutAWindowHoldsNoWorker: of HTTP/2, the window is the client's
// to open, and no socket's buffer stands in for it.
func TestAClientWithoutAWindowHoldsNoWorker(t *testing.T) {
	head := fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", len(page))
	for name, pieces := range map[string][]string{"a page in one piece": {head + page}, "a page after its head": {head, page}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := start(t, front.Options{Deadlines: front.Deadlines{Idle: 500 * time.Millisecond}})
			r.rawWorker("web.1", func(conn net.Conn, _ string) {
				inPieces(conn, pieces, 50*time.Millisecond)
				_, _ = io.Copy(io.Discard, conn)
			})
			askWithoutWindow(t, overTLS(t, r))
			until(t, "the record", func() bool { return strings.Contains(r.log.String(), `"code":"F31"`) })
			until(t, "the worker is free", func() bool { return r.InFlight("web.1") == 0 })
		})
	}
}

// inPieces writes with so long a pause before each piece but the first.
func inPieces(conn net.Conn, pieces []string, pause time.Duration) {
	for i, piece := range pieces {
		if i > 0 {
			<-time.After(pause)
		}
		if _, err := io.WriteString(conn, piece); err != nil {
			return
		}
	}
}

// TestAReplyMayTakeLongerThanAClientMay has a worker that takes three pauses,
// which together are longer than the idle deadline.
func TestAReplyMayTakeLongerThanAClientMay(t *testing.T) {
	r := start(t, front.Options{Deadlines: front.Deadlines{Idle: time.Second}})
	r.rawWorker("web.1", func(conn net.Conn, _ string) {
		head := fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", 3*len(page))
		inPieces(conn, []string{head, page, page, page}, 400*time.Millisecond)
	})
	web := &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	defer web.CloseIdleConnections()
	reply, err := web.Get("https://" + overTLS(t, r) + "/")
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	if body, err := io.ReadAll(reply.Body); err != nil || len(body) != 3*len(page) || reply.ProtoMajor != 2 {
		t.Errorf("got %d bytes of %d by %s: %v", len(body), 3*len(page), reply.Proto, err)
	}
}
