package front_test

import (
	"io"
	"net"
	"strings"
	"testing"

	"github.com/roadworthy-dev/roadworthy/internal/front"
)

// plainReply is what the worker of the benchmark answers, in one write.
var plainReply = []byte("HTTP/1.1 200 OK\r\nServer: worker\r\nDate: Mon, 23 Nov 2026 12:00:00 GMT\r\nContent-Type: text/plain\r\nContent-Length: 100\r\nConnection: keep-alive\r\n\r\n" + strings.Repeat("x", 100))

// answerAll answers each read of a connection with the plain reply: requests
// come one at a time and in one piece.
func answerAll(conn net.Conn) {
	defer conn.Close()
	for buf := make([]byte, 4096); ; {
		if _, err := conn.Read(buf); err != nil {
			return
		}
		if _, err := conn.Write(plainReply); err != nil {
			return
		}
	}
}

// BenchmarkProxy sends small GETs over one kept connection. The client and the
// worker are as bare as they can be, so that what is counted is the front's.
func BenchmarkProxy(b *testing.B) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go answerAll(conn)
		}
	}()
	f, err := front.New(front.Options{Status: front.Status{Tokens: []string{"0123456789abcdef0123456789abcdef"}}})
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	if err := f.Add(front.Backend{ID: "web.1", Network: "tcp", Address: l.Addr().String()}); err != nil {
		b.Fatal(err)
	}
	entrance, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	go func() { _ = f.Serve(entrance) }()
	conn, err := net.Dial("tcp", entrance.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	buf := make([]byte, 4096)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n"); err != nil {
			b.Fatal(err)
		}
		for got := 0; ; {
			n, err := conn.Read(buf[got:])
			if err != nil {
				b.Fatal(err)
			}
			if got += n; strings.HasSuffix(string(buf[:got]), "xxxxxxxxxx") {
				break
			}
		}
	}
}
