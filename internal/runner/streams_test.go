package runner_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"
)

// socket is the client's end of a websocket.
type socket struct {
	conn net.Conn
	in   *bufio.Reader
}

// dialSocket opens one (RFC 6455, section 4.1).
func dialSocket(t *testing.T, url string) *socket {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	fmt.Fprint(conn, "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
	s := &socket{conn, bufio.NewReader(conn)}
	reply, err := http.ReadResponse(s.in, nil)
	if err != nil || reply.StatusCode != http.StatusSwitchingProtocols || reply.Header.Get("Sec-WebSocket-Accept") != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" {
		t.Fatalf("got %+v, %v", reply, err)
	}
	return s
}

// send writes one frame with a mask of zeros.
func (s *socket) send(opcode byte, text []byte) error {
	_, err := s.conn.Write(append([]byte{0x80 | opcode, 0x80 | byte(len(text)), 0, 0, 0, 0}, text...))
	return err
}

func (s *socket) receive() (opcode byte, text []byte, err error) {
	var head [2]byte
	if _, err := io.ReadFull(s.in, head[:]); err != nil {
		return 0, nil, err
	}
	text = make([]byte, head[1]&0x7f)
	_, err = io.ReadFull(s.in, text)
	return head[0] & 0xf, text, err
}

// chat sends messages, one after the other, until the socket ends; it gives
// the number of echoes and the code of the close frame, 0 where none came.
func (s *socket) chat() (echoes int, code uint16, err error) {
	for {
		want := fmt.Sprintf("message %d", echoes)
		if err := s.send(1, []byte(want)); err != nil {
			return echoes, 0, nil //nolint:nilerr // the end, which is what is waited for
		}
		opcode, text, err := s.receive()
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
			return echoes, 0, nil
		case err != nil:
			return echoes, 0, err
		case opcode == 8:
			return echoes, binary.BigEndian.Uint16(text), s.send(8, text)
		case !bytes.HasSuffix(text, []byte(" "+want)):
			return echoes, 0, fmt.Errorf("the echo of %q is %q", want, text)
		}
		echoes++
		time.Sleep(20 * time.Millisecond) // a chat, not a flood
	}
}

// F9: websockets and event streams survive a reload, or end in an orderly way,
// as the policy says.
func TestStreamsHeedTheirPolicyInAReload(t *testing.T) {
	const drain, linger = 5 * time.Second, 2500 * time.Millisecond
	const latest = time.Second // after the reload is through
	for policy, c := range map[string]struct {
		code        uint16
		clean       bool          // the event stream ends behind an event
		least       time.Duration // after the reload has begun
		application string        // what it sees
	}{
		"close":  {1001, true, 0, "websocket closed with 1001"},
		"linger": {1001, true, linger, "websocket closed with 1001"},
		"cut":    {0, false, 0, ""}, // its worker may end before it sees that
	} {
		t.Run(policy, func(t *testing.T) {
			r := start(t, []string{"python3", "streams.py"}, map[string]string{"streams": policy, "workers": "1", "times.drain": drain.String()})
			old := fmt.Sprint(r.status().Workers[0].PID)
			ws := dialSocket(t, r.url)
			events, err := http.Get(r.url + "/events")
			if err != nil {
				t.Fatal(err)
			}
			defer events.Body.Close()
			type end struct {
				after       time.Duration
				echoes      int
				code        uint16
				err         error
				text        []byte
				streamAfter time.Duration
				streamErr   error
			}
			var e end
			reloaded := time.Now()
			over := make(chan struct{}, 2)
			go func() { e.echoes, e.code, e.err = ws.chat(); e.after = time.Since(reloaded); over <- struct{}{} }()
			go func() {
				e.text, e.streamErr = io.ReadAll(events.Body)
				e.streamAfter = time.Since(reloaded)
				over <- struct{}{}
			}()
			if err := r.reload(); err != nil {
				t.Error(err)
			}
			took := time.Since(reloaded)
			<-over
			<-over
			if e.err != nil || e.code != c.code || e.after < c.least || e.after > took+latest || e.echoes == 0 {
				t.Errorf("the websocket ended with %d after %s and %d echoes, %v; want %d", e.code, e.after, e.echoes, e.err, c.code)
			}
			clean := e.streamErr == nil && bytes.HasSuffix(e.text, []byte("\n\n"))
			if clean != c.clean || e.streamAfter < c.least || e.streamAfter > took+latest || !bytes.Contains(e.text, []byte("data: "+old)) {
				t.Errorf("the event stream ended after %s, %v: …%q; want a clean end: %v", e.streamAfter, e.streamErr, e.text[max(0, len(e.text)-40):], c.clean)
			}
			r.await("the application's word", func() bool { return strings.Contains(r.log(), c.application) })
			again := dialSocket(t, r.url)
			if err := again.send(1, []byte("again")); err != nil {
				t.Fatal(err)
			}
			if _, text, err := again.receive(); err != nil || strings.HasPrefix(string(text), old+" ") || !strings.HasSuffix(string(text), " again") {
				t.Errorf("after the reload: %q, %v", text, err)
			}
			t.Logf("reload %s; websocket ended with %d after %s and %d echoes, event stream after %s", took.Round(time.Millisecond), e.code, e.after.Round(time.Millisecond), e.echoes, e.streamAfter.Round(time.Millisecond))
		})
	}
}
