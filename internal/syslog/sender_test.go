package syslog

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var origin = &Origin{App: "guestbook", ProcID: "web.1", MsgID: "stdout", Params: []Param{{"generation", "1"}}}

func numbered(from, n int) []Message {
	var all []Message
	for i := range n {
		all = append(all, Message{Time: time.Now(), Severity: Informational, Origin: origin, Text: fmt.Appendf(nil, "message %d", from+i)})
	}
	return all
}

func newSender(t testing.TB, o Options) *Sender {
	t.Helper()
	o.Host, o.Facility = "host", User
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// sendAll gives messages until they are taken, as a queue in front would.
func sendAll(t testing.TB, s *Sender, messages []Message) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 40*time.Second)
	defer cancel()
	for len(messages) > 0 {
		n, err := s.Send(ctx, messages)
		if messages = messages[n:]; err != nil && ctx.Err() != nil {
			t.Fatalf("%d messages left: %v", len(messages), err)
		}
	}
}

func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("no %s within 30 s", what)
		}
	}
}

// daemon is a stream receiver whose connections can be cut.
type daemon struct {
	listener net.Listener
	counted  bool
	mu       sync.Mutex
	conns    []net.Conn
	texts    []string
	running  sync.WaitGroup
	most     atomic.Int64 // read so many of each connection, then reset it; 0 reads on
}

func newDaemon(t testing.TB, l net.Listener, counted bool, most int) *daemon {
	d := &daemon{listener: l, counted: counted}
	d.most.Store(int64(most))
	d.running.Go(d.accept)
	t.Cleanup(d.stop)
	return d
}

func listen(t testing.TB, network, address string) net.Listener {
	t.Helper()
	l, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func (d *daemon) stop() {
	_ = d.listener.Close()
	d.cut()
	d.running.Wait()
}

func (d *daemon) cut() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, c := range d.conns {
		_ = c.Close()
	}
	d.conns = nil
}

func (d *daemon) accept() {
	for {
		c, err := d.listener.Accept()
		if err != nil {
			return
		}
		d.mu.Lock()
		d.conns = append(d.conns, c)
		d.mu.Unlock()
		d.running.Go(func() { d.serve(c) })
	}
}

func (d *daemon) serve(c net.Conn) {
	defer c.Close()
	in := bufio.NewReader(c)
	for n := int64(1); d.most.Load() == 0 || n <= d.most.Load(); n++ {
		frame, err := readFrame(in, d.counted)
		if err != nil {
			return
		}
		d.mu.Lock()
		d.texts = append(d.texts, frame)
		d.mu.Unlock()
	}
}

func readFrame(in *bufio.Reader, counted bool) (string, error) {
	if !counted {
		line, err := in.ReadString('\n')
		return strings.TrimSuffix(line, "\n"), err
	}
	length, err := in.ReadString(' ')
	if err != nil {
		return "", err
	}
	n, err := strconv.Atoi(strings.TrimSuffix(length, " "))
	if err != nil {
		return "", err
	}
	frame := make([]byte, n)
	_, err = io.ReadFull(in, frame)
	return string(frame), err
}

func (d *daemon) got() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]string(nil), d.texts...)
}

// numbers returns the numbers of the messages that arrived.
func numbers(t testing.TB, frames []string) []int {
	t.Helper()
	var all []int
	for _, f := range frames {
		_, tail, ok := strings.Cut(f, "message ")
		n, err := strconv.Atoi(tail)
		if !ok || err != nil {
			t.Fatalf("a torn frame: %q", f)
		}
		all = append(all, n)
	}
	return all
}

func TestStreams(t *testing.T) {
	for _, o := range []Options{{Network: "tcp"}, {Network: "tcp", Framing: LineFeed}, {Network: "unix"}, {Network: "tcp", Format: RFC3164}} {
		network, address := o.Network, "127.0.0.1:0"
		if network == "unix" {
			address = filepath.Join(t.TempDir(), "log")
		}
		l := listen(t, network, address)
		d := newDaemon(t, l, network == "tcp" && o.Framing != LineFeed, 0)
		o.Address = l.Addr().String()
		s := newSender(t, o)
		messages := numbered(0, 2000)
		messages[7].Text, messages[7].Lines = []byte("a trace\n  of two lines message 7"), 2
		sendAll(t, s, messages)
		eventually(t, "messages", func() bool { return len(d.got()) >= 2000 })
		for i, n := range numbers(t, d.got()) {
			if n != i {
				t.Fatalf("%+v: message %d at place %d", o, n, i)
			}
		}
		if stats := s.Stats(); stats.Messages != 2000 || stats.Lines != 2001 || stats.Connects != 1 || !stats.Connected || stats.Failure != "" {
			t.Errorf("%+v", stats)
		}
		if f := d.got()[7]; o.Framing != LineFeed && network == "tcp" != strings.Contains(f, "\n") {
			t.Errorf("%+v: %q", o, f)
		}
	}
}

func TestABrokenConnectionLosesNoOrder(t *testing.T) {
	l := listen(t, "tcp", "127.0.0.1:0")
	d := newDaemon(t, l, true, 4000) // reads so many, then closes with more unread: a reset
	s := newSender(t, Options{Network: "tcp", Address: l.Addr().String()})
	for i := 0; i < 20_000; i += 100 {
		sendAll(t, s, numbered(i, 100))
	}
	d.most.Store(0)
	eventually(t, "last message", func() bool {
		sendAll(t, s, numbered(20_000, 1))
		got := d.got()
		return len(got) > 0 && strings.HasSuffix(got[len(got)-1], "message 20000")
	})
	got, seen, back := numbers(t, d.got()), map[int]int{}, 0
	for i, n := range got {
		if seen[n]++; i > 0 && n < got[i-1] {
			back++
		}
	}
	stats := s.Stats()
	t.Logf("%d connections, %d of 20001 arrived, %d resent, %d steps back", stats.Connects, len(seen), stats.Resent, back)
	if stats.Connects < 3 || uint64(back) > stats.Connects {
		t.Errorf("%d steps back over %d connections", back, stats.Connects)
	}
}

func TestWhatIsSentWhileTheDaemonIsAwayArrivesOnce(t *testing.T) {
	l := listen(t, "tcp", "127.0.0.1:0")
	address := l.Addr().String()
	d := newDaemon(t, l, true, 0)
	s := newSender(t, Options{Network: "tcp", Address: address})
	sendAll(t, s, numbered(0, 1000))
	eventually(t, "messages", func() bool { return len(d.got()) == 1000 })
	d.stop()
	eventually(t, "end of the connection", func() bool { s.mu.Lock(); defer s.mu.Unlock(); return s.link.ended() })
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if n, err := s.Send(ctx, numbered(1000, 10)); n != 0 || err == nil {
		t.Errorf("%d taken by nobody, %v", n, err)
	}
	var again *daemon
	eventually(t, "free port", func() bool {
		l, err := net.Listen("tcp", address)
		if err == nil {
			again = newDaemon(t, l, true, 0)
		}
		return err == nil
	})
	sendAll(t, s, numbered(1000, 1000))
	eventually(t, "messages", func() bool { return len(again.got()) >= 1000 })
	for i, n := range numbers(t, again.got()) {
		if n != 1000+i {
			t.Fatalf("message %d at place %d", n, i)
		}
	}
	if stats := s.Stats(); stats.Failures == 0 || stats.Messages != 2000 || stats.Resent != 0 {
		t.Errorf("%+v", stats)
	}
}

func TestASlowDaemonStopsOnlyTheCaller(t *testing.T) {
	l := listen(t, "tcp", "127.0.0.1:0")
	defer l.Close()
	s := newSender(t, Options{Network: "tcp", Address: l.Addr().String()})
	big := numbered(0, 200)
	for i := range big {
		big[i].Text = fmt.Appendf(nil, "%s message %d", strings.Repeat("x", 50_000), i)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	n, err := s.Send(ctx, big) // nobody reads
	if err == nil || n >= 200 || ctx.Err() == nil {
		t.Fatalf("%d taken, %v", n, err)
	}
	if stats := s.Stats(); stats.Messages != uint64(n) || stats.Failure == "" {
		t.Errorf("%+v, %d were taken", stats, n)
	}
	d := newDaemon(t, l, true, 0) // now somebody does: the frame that was cut off goes on
	sendAll(t, s, big[n:])
	eventually(t, "messages", func() bool { return len(d.got()) >= 200 })
	for i, n := range numbers(t, d.got()) {
		if n != i {
			t.Fatalf("message %d at place %d", n, i)
		}
	}
	if stats := s.Stats(); stats.Connects != 1 || stats.Resent != 0 {
		t.Errorf("%+v", stats)
	}
}

func TestWhatWasNotAcknowledgedIsSentAgain(t *testing.T) {
	l := listen(t, "tcp", "127.0.0.1:0")
	address := l.Addr().String()
	s := newSender(t, Options{Network: "tcp", Address: address})
	big := numbered(0, 2000)
	for i := range big {
		big[i].Text = fmt.Appendf(nil, "%s message %d", strings.Repeat("x", 5_000), i)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	handed, _ := s.Send(ctx, big)
	c, err := l.Accept() // it was in the queue all the time
	if err != nil {
		t.Fatal(err)
	}
	s.mu.Lock()
	unacked, frame := uint64(s.link.unacknowledged()), s.Stats().Bytes/uint64(handed)
	s.mu.Unlock()
	_ = c.(*net.TCPConn).SetLinger(0)
	_ = c.Close()
	d := newDaemon(t, l, true, 0)
	sendAll(t, s, big[handed:])
	eventually(t, "last message", func() bool { got := d.got(); return len(got) > 0 && strings.HasSuffix(got[len(got)-1], "message 1999") })
	got := numbers(t, d.got())
	for i, n := range got {
		if n != got[0]+i {
			t.Fatalf("message %d after %d", n, got[max(i-1, 0)])
		}
	}
	if stats := s.Stats(); stats.Resent == 0 || stats.Resent < unacked/frame || handed-int(stats.Resent) != got[0] || stats.Messages != 2000 {
		t.Errorf("%d handed, the second connection begins with %d, %+v", handed, got[0], stats)
	}
}

func TestUDP(t *testing.T) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := newSender(t, Options{Network: "udp", Address: conn.LocalAddr().String()})
	buf := make([]byte, 65536)
	for i := range 200 {
		m := numbered(i, 1)
		if i == 5 {
			m[0].Text = bytes.Repeat([]byte("ü"), 2000)
		}
		sendAll(t, s, m)
		n, _, err := conn.ReadFrom(buf)
		if err != nil || n > datagramLimit || !strings.HasSuffix(string(buf[:n]), fmt.Sprintf("message %d", i)) && i != 5 {
			t.Fatalf("%q, %v", buf[:n], err)
		}
		if i == 5 && !strings.HasSuffix(string(buf[:n]), "... [cut, 4000 bytes in all]") {
			t.Errorf("%q", buf[:n])
		}
	}
	_ = conn.Close()
	taken, refused := 0, 0
	for refused < 3 {
		n, err := s.Send(t.Context(), numbered(0, 1))
		taken += n
		if err != nil {
			refused++
		}
	}
	if stats := s.Stats(); stats.LostLines != 3 || stats.Messages != uint64(200+taken) || stats.Cut != 1 {
		t.Errorf("%+v, %d refused of %d", stats, refused, taken)
	}
}

func TestUnixDatagrams(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	open := func() *net.UnixConn {
		_ = os.Remove(path)
		c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	conn := open()
	s := newSender(t, Options{Network: "unix", Address: path})
	buf := make([]byte, 1<<20)
	for life := range 3 { // a daemon that is started again makes a new socket
		for i := range 20 {
			sendAll(t, s, numbered(100*life+i, 1))
			n, err := conn.Read(buf)
			if err != nil || !strings.HasSuffix(string(buf[:n]), fmt.Sprintf(" guestbook[web.1]: message %d", 100*life+i)) {
				t.Fatalf("%q, %v", buf[:n], err)
			}
		}
		_ = conn.Close()
		conn = open()
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	n, err := s.Send(ctx, numbered(0, 10_000)) // nobody reads: the queue of the socket is short
	if err == nil || n == 10_000 || s.Stats().Messages != uint64(60+n) {
		t.Errorf("%d taken, %v", n, err)
	}
	for range n {
		_, _ = conn.Read(buf)
	}
	sendAll(t, s, numbered(7, 1))
	if n, _ := conn.Read(buf); !strings.HasSuffix(string(buf[:n]), "message 7") {
		t.Errorf("%q", buf[:n])
	}
}

func TestADatagramThatIsTooLargeForItsSocketIsCut(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	s := newSender(t, Options{Network: "unix", Address: path, MaxMessage: 64 << 20})
	m := numbered(0, 1)
	m[0].Text = bytes.Repeat([]byte("x"), 8<<20)
	sendAll(t, s, m)
	buf := make([]byte, 16<<20)
	n, _ := conn.Read(buf)
	if !strings.HasSuffix(string(buf[:n]), "bytes in all]") || s.Stats().Cut == 0 {
		t.Errorf("%d bytes, %+v", n, s.Stats())
	}
}

// authority makes a certificate for 127.0.0.1 that signs itself.
func authority(t *testing.T) (cert tls.Certificate, certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	form := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "log"}, NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, form, form, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, _ := x509.MarshalPKCS8PrivateKey(key)
	certPEM, keyPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})
	certFile, keyFile = filepath.Join(t.TempDir(), "cert.pem"), filepath.Join(t.TempDir(), "key.pem")
	_ = os.WriteFile(certFile, certPEM, 0o600)
	_ = os.WriteFile(keyFile, keyPEM, 0o600)
	cert, err = tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		t.Fatal(err)
	}
	return cert, certFile, keyFile
}

func TestTLS(t *testing.T) {
	cert, certFile, keyFile := authority(t)
	pool := x509.NewCertPool()
	leaf, _ := x509.ParseCertificate(cert.Certificate[0])
	pool.AddCert(leaf)
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{cert}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool})
	if err != nil {
		t.Fatal(err)
	}
	d := newDaemon(t, l, true, 0)
	s := newSender(t, Options{Network: "tls", Address: l.Addr().String(), CAFile: certFile, CertFile: certFile, KeyFile: keyFile})
	sendAll(t, s, numbered(0, 3000))
	eventually(t, "messages", func() bool { return len(d.got()) >= 3000 })
	for i, n := range numbers(t, d.got()) {
		if n != i {
			t.Fatalf("message %d at place %d", n, i)
		}
	}
	stranger := newSender(t, Options{Network: "tls", Address: l.Addr().String()})
	if n, err := stranger.Send(t.Context(), numbered(0, 1)); n != 0 || err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("an unknown authority was trusted: %d, %v", n, err)
	}
	if _, err := New(Options{Network: "tls", Address: "h:1", CAFile: "/nowhere"}); err == nil {
		t.Error("a missing CA file is no error")
	}
}
