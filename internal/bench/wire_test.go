package bench

import (
	"bufio"
	"io"
	"net"
	"testing"
	"time"
)

// TestReceiveOpenEnd: where no length and no chunks delimit a body, its end
// tells nothing of whether it is whole.
func TestReceiveOpenEnd(t *testing.T) {
	for name, test := range map[string]struct {
		raw    string
		open   bool
		cutOff bool // as such, and where 10 bytes are usual
		short  bool // where 10 bytes are usual
	}{
		"HTTP/1.0, empty":     {"HTTP/1.0 200 OK\r\n\r\n", true, false, true},
		"HTTP/1.0, a part":    {"HTTP/1.0 200 OK\r\n\r\n1234", true, false, true},
		"HTTP/1.0, whole":     {"HTTP/1.0 200 OK\r\n\r\n1234567890", true, false, false},
		"HTTP/1.0, half":      {"HTTP/1.0 200 OK\r\n\r\n12345", true, false, false},
		"HTTP/1.1, no length": {"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", true, false, true},
		"a length, empty":     {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", false, false, false},
		"a length, cut":       {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n1234", false, true, true},
		"chunks, short":       {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n1\r\n0\r\n\r\n", false, false, false},
		"chunks, cut":         {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n1", false, true, true},
		"no content":          {"HTTP/1.1 204 No Content\r\n\r\n", false, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			here, there := net.Pipe()
			done := make(chan struct{})
			go func() {
				defer close(done)
				defer there.Close()
				_, _ = io.WriteString(there, test.raw)
			}()
			w := &Wire{conn: here, in: bufio.NewReader(here)}
			defer w.Close()
			reply := w.Receive("GET", time.Now().Add(10*time.Second))
			<-done
			if reply.Open != test.open || reply.CutOff() != test.cutOff || reply.Against(10).CutOff() != test.short || reply.Against(0).CutOff() != test.cutOff {
				t.Errorf("got %+v, and %+v where 10 bytes are usual", reply, reply.Against(10))
			}
		})
	}
}
