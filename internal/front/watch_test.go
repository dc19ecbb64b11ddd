package front_test

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/front"
)

// TestWhoeverLeavesEndsTheWorkersRequest has clients leave at each stage of a
// request, on connections of each kind.
func TestWhoeverLeavesEndsTheWorkersRequest(t *testing.T) {
	for name, c := range map[string]struct {
		send  string
		tls   bool
		reset bool
		reads bool // the reply has begun
	}{
		"before the reply":           {send: ask},
		"by a reset":                 {send: ask, reset: true},
		"within the reply":           {send: "GET /begin HTTP/1.1\r\nHost: a\r\n\r\n", reads: true},
		"within the body":            {send: "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nab"},
		"after a body in chunks":     {send: "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n"},
		"after a small body":         {send: "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab"},
		"before the reply, with TLS": {send: ask, tls: true},
		"within the reply, with TLS": {send: "GET /begin HTTP/1.1\r\nHost: a\r\n\r\n", tls: true, reads: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := start(t, front.Options{})
			left := make(chan time.Time, 1)
			var arrived atomic.Bool
			r.worker("web.1", func(w http.ResponseWriter, q *http.Request) {
				arrived.Store(true)
				if q.URL.Path == "/begin" {
					w.WriteHeader(http.StatusOK)
					_ = http.NewResponseController(w).Flush()
				}
				if _, err := io.Copy(io.Discard, q.Body); err != nil {
					left <- time.Now()
					return
				}
				select {
				case <-q.Context().Done():
				case <-time.After(8 * time.Second):
				}
				left <- time.Now()
			})
			conn, reader := r.dial("")
			if c.tls {
				certificates, err := front.LoadCertificates(time.Now, certify(t, t.TempDir(), 1))
				if err != nil {
					t.Fatal(err)
				}
				secure, err := tls.Dial("tcp", serveTLS(t, r, certificates.Config()), &tls.Config{InsecureSkipVerify: true})
				if err != nil {
					t.Fatal(err)
				}
				conn.Close()
				conn, reader = secure, bufio.NewReader(secure)
			}
			_, _ = io.WriteString(conn, c.send)
			until(t, "it arrived", arrived.Load)
			if c.reads {
				readHead(reader)
			}
			if plain, ok := conn.(*net.TCPConn); ok && c.reset {
				_ = plain.SetLinger(0)
			}
			begin := time.Now()
			conn.Close()
			if took := (<-left).Sub(begin); took > 5*time.Second {
				t.Errorf("the worker was told after %v", took)
			}
			until(t, "the record", func() bool { return strings.Contains(r.log.String(), `"code":"F30"`) })
		})
	}
}
