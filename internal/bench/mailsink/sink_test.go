package mailsink

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	netsmtp "net/smtp"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newSink(t *testing.T) (*Sink, string) {
	t.Helper()
	s, err := New(Options{Hosts: []string{"127.0.0.1"}})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.Serve(l)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s, l.Addr().String()
}

func client(t *testing.T, addr string) *smtp.Client {
	t.Helper()
	c, err := smtp.Dial(addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func deliver(c *smtp.Client, subject string, to ...string) error {
	return c.SendMail("app@example.test", to, strings.NewReader("Subject: "+subject+"\r\n\r\nbody of "+subject+"\r\n"))
}

func TestAcceptRecordsTheEnvelope(t *testing.T) {
	s, addr := newSink(t)
	if err := deliver(client(t, addr), "hello", "a@example.test", "b@example.test"); err != nil {
		t.Fatal(err)
	}
	got := s.Messages()
	if len(got) != 1 {
		t.Fatalf("%d mails", len(got))
	}
	m := got[0]
	if m.From != "app@example.test" || !slices.Equal(m.To, []string{"a@example.test", "b@example.test"}) ||
		m.Subject() != "hello" || !strings.Contains(m.Text(), "body of hello") || m.TLS || m.User != "" ||
		m.Truncated || time.Since(m.Received) > time.Minute {
		t.Fatalf("%+v", m)
	}
	if s.Connections() != 1 {
		t.Fatalf("%d connections", s.Connections())
	}
}

func TestStartTLSAndAuthentication(t *testing.T) {
	s, addr := newSink(t)
	trust := x509.NewCertPool()
	if !trust.AppendCertsFromPEM(s.Certificate()) {
		t.Fatal("the certificate is not PEM")
	}
	for _, auth := range []sasl.Client{sasl.NewPlainClient("", "alice", "x"), sasl.NewLoginClient("alice", "y")} {
		c, err := smtp.DialStartTLS(addr, &tls.Config{RootCAs: trust, ServerName: "127.0.0.1"})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if err := c.Auth(auth); err != nil {
			t.Fatal(err)
		}
		if err := deliver(c, "secret", "a@example.test"); err != nil {
			t.Fatal(err)
		}
	}
	for _, m := range s.Messages() {
		if !m.TLS || m.User != "alice" {
			t.Errorf("%+v", m)
		}
	}
	if len(s.Messages()) != 2 {
		t.Errorf("%d mails", len(s.Messages()))
	}
}

func TestStandardLibraryClient(t *testing.T) {
	s, addr := newSink(t)
	auth := netsmtp.PlainAuth("", "bob", "x", "127.0.0.1")
	c, err := netsmtp.Dial(addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Auth(auth); err != nil { // allowed without TLS on localhost
		t.Fatal(err)
	}
	if err := errors.Join(c.Mail("x@example.test"), c.Rcpt("y@example.test")); err != nil {
		t.Fatal(err)
	}
	w, err := c.Data()
	if err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("x", 5000) // beyond RFC 5321's line limit, and kept
	fmt.Fprintf(w, "Subject: x\r\n\r\n%s\r\n", long)
	if err := errors.Join(w.Close(), c.Quit()); err != nil {
		t.Fatal(err)
	}
	if m := s.Messages()[0]; m.User != "bob" || !strings.Contains(m.Text(), long) {
		t.Fatalf("%+v", m)
	}
}

func TestRefusals(t *testing.T) {
	for mode, code := range map[Mode]int{RefuseRcpt: 451, Reject: 550} {
		t.Run(mode.String(), func(t *testing.T) {
			s, addr := newSink(t)
			c := client(t, addr) // connected before the switch, as a pool is
			if err := c.Hello("app"); err != nil {
				t.Fatal(err)
			}
			s.Set(mode)
			err := deliver(c, "hello", "a@example.test")
			var reply *smtp.SMTPError
			if !errors.As(err, &reply) || reply.Code != code {
				t.Fatalf("got %v", err)
			}
			if len(s.Messages()) != 0 || s.Stats().Refused != 1 {
				t.Fatalf("%+v", s.Stats())
			}
			s.Set(Accept)
			if err := errors.Join(c.Reset(), deliver(c, "again", "a@example.test")); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestSwitchWhileAMailIsOnItsWay(t *testing.T) {
	s, addr := newSink(t)
	c := client(t, addr)
	if err := errors.Join(c.Mail("a@example.test", nil), c.Rcpt("b@example.test", nil)); err != nil {
		t.Fatal(err)
	}
	w, err := c.Data()
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(w, "Subject: x\r\n\r\nhalf")
	s.Set(Reject)
	if err := w.Close(); err == nil || len(s.Messages()) != 0 {
		t.Fatalf("a mail was accepted under the old mode: %v", err)
	}
}

func TestStallAfterData(t *testing.T) {
	s, addr := newSink(t)
	s.Set(StallData)
	answered := make(chan error, 1)
	c := client(t, addr)
	go func() { answered <- deliver(c, "hello", "a@example.test") }()
	waitFor(t, func() bool { return s.Stats().Unanswered == 1 })
	select {
	case err := <-answered:
		t.Fatalf("answered: %v", err)
	case <-time.After(50 * time.Millisecond): // silence has no other sign
	}
	s.Set(Accept)
	if err := <-answered; err == nil || len(s.Messages()) != 0 {
		t.Fatalf("a stalled mail counted as sent: %v", err)
	}
	if err := deliver(client(t, addr), "again", "a@example.test"); err != nil {
		t.Fatal(err)
	}
}

func TestStallAtGreetingAndDrop(t *testing.T) {
	s, addr := newSink(t)
	old := client(t, addr)
	if err := old.Hello("app"); err != nil {
		t.Fatal(err)
	}
	s.Set(StallGreeting)
	if err := old.Noop(); err == nil {
		t.Fatal("a connection from before the stall still answers")
	}
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("want silence, got %v", err)
	}
	waitFor(t, func() bool { return s.Connections() == 2 })
	s.Set(Drop)
	mustEnd(t, c)
	if fresh, err := net.Dial("tcp", addr); err == nil {
		defer fresh.Close()
		mustEnd(t, fresh)
	} else if !errors.Is(err, syscall.ECONNRESET) { // the reset may overtake the connect
		t.Fatal(err)
	}
	s.Set(Accept)
	if err := deliver(client(t, addr), "again", "a@example.test"); err != nil {
		t.Fatal(err)
	}
}

func mustEnd(t *testing.T, c net.Conn) {
	t.Helper()
	c.SetReadDeadline(time.Now().Add(5 * time.Second))
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, io.EOF) && !errors.Is(err, syscall.ECONNRESET) {
		t.Fatalf("want a closed connection, got %v", err)
	}
}

func waitFor(t *testing.T, done func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("did not happen within 10 s")
		}
	}
}

func TestWait(t *testing.T) {
	s, addr := newSink(t)
	var senders sync.WaitGroup
	for i := range 5 {
		senders.Go(func() {
			if err := deliver(client(t, addr), fmt.Sprint(i), "a@example.test"); err != nil {
				t.Error(err)
			}
		})
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if !s.Wait(ctx, func(all []Message) bool { return len(all) == 5 }) {
		t.Fatal("five mails did not arrive")
	}
	senders.Wait()
	cancel()
	if s.Wait(ctx, func(all []Message) bool { return len(all) == 6 }) {
		t.Fatal("a sixth mail was seen")
	}
}

func TestBounds(t *testing.T) {
	s, addr := newSink(t)
	c := client(t, addr)
	body := "Subject: big\r\n\r\n" + strings.Repeat(strings.Repeat("x", 70)+"\r\n", 20_000)
	if err := c.SendMail("a@example.test", []string{"b@example.test"}, strings.NewReader(body)); err != nil {
		t.Fatal(err)
	}
	if m := s.Messages()[0]; len(m.Data) != maxDataBytes || !m.Truncated {
		t.Fatalf("%d bytes, truncated %v", len(m.Data), m.Truncated)
	}
	s.mu.Lock()
	s.messages = make([]Message, maxMessages)
	s.mu.Unlock()
	if err := deliver(c, "one more", "b@example.test"); err != nil {
		t.Fatal(err)
	}
	if st := s.Stats(); len(s.Messages()) != maxMessages || st.Unrecorded != 1 || st.Accepted != maxMessages+1 {
		t.Fatalf("%+v", st)
	}
}

func TestSelfTest(t *testing.T) {
	s, addr := newSink(t)
	dial := func(ctx context.Context) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", addr)
	}
	if err := s.SelfTest(t.Context(), dial); err != nil {
		t.Fatal(err)
	}
	if n := len(s.Messages()); n != 0 {
		t.Fatalf("%d mails are left", n)
	}
	elsewhere, otherAddr := newSink(t)
	_ = elsewhere
	if err := s.SelfTest(shortly(t), func(ctx context.Context) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", otherAddr)
	}); err == nil {
		t.Fatal("a mail that went elsewhere passed")
	}
	s.Set(Reject)
	if err := s.SelfTest(t.Context(), dial); err == nil {
		t.Fatal("a rejecting sink passed")
	}
}

func shortly(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	t.Cleanup(cancel)
	return ctx
}

func TestPythonLogsByMail(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("python3 is not installed")
	}
	s, addr := newSink(t)
	host, port, _ := net.SplitHostPort(addr)
	script := `
import logging, logging.handlers, sys
h = logging.handlers.SMTPHandler((sys.argv[1], int(sys.argv[2])), "app@example.test", ["ops@example.test"], "Fehler: größer", ("alice", "x"))
log = logging.getLogger("app"); log.addHandler(h)
try:
    1/0
except ZeroDivisionError:
    log.exception("müde")
`
	if out, err := exec.CommandContext(t.Context(), python, "-c", script, host, port).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	m := s.Messages()
	if len(m) != 1 || m[0].Subject() != "Fehler: größer" || m[0].User != "alice" ||
		!strings.Contains(m[0].Text(), "müde") || !strings.Contains(m[0].Text(), "ZeroDivisionError: division by zero") {
		t.Fatalf("%q", m)
	}
}
