package mail

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"math/big"
	"mime"
	"mime/quotedprintable"
	"net"
	netmail "net/mail"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// received is one mail as the server got it.
type received struct {
	to      []string
	header  netmail.Header
	subject string
	body    string
	user    string
}

// server is a mail server that misbehaves as it is told.
type server struct {
	address string

	mu    sync.Mutex
	mails []received
	rcpt  func(to string) error
	data  func() error // asked after the text has come
}

func (s *server) all() []received {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]received(nil), s.mails...)
}

func (s *server) set(change func(*server)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(s)
}

type session struct {
	s    *server
	to   []string
	user string
}

func (c *session) Reset()                               { c.to = nil }
func (c *session) Logout() error                        { return nil }
func (c *session) Mail(string, *smtp.MailOptions) error { return nil }
func (c *session) AuthMechanisms() []string             { return []string{sasl.Plain, sasl.Login} }
func (c *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	if c.s.rcpt != nil {
		if err := c.s.rcpt(to); err != nil {
			return err
		}
	}
	c.to = append(c.to, to)
	return nil
}

func (c *session) Auth(mechanism string) (sasl.Server, error) {
	check := func(user, password string) error {
		if user != "me@example.org" || password != "pass/word" {
			return smtp.ErrAuthFailed
		}
		c.user = user + " by " + mechanism
		return nil
	}
	if mechanism == sasl.Login {
		return &loginServer{check: check}, nil
	}
	return sasl.NewPlainServer(func(_, user, password string) error { return check(user, password) }), nil
}

func (c *session) Data(r io.Reader) error {
	text, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	c.s.mu.Lock()
	data := c.s.data
	c.s.mu.Unlock()
	if data != nil {
		if err := data(); err != nil {
			return err
		}
	}
	m, err := netmail.ReadMessage(strings.NewReader(string(text)))
	if err != nil {
		return err
	}
	body, err := io.ReadAll(quotedprintable.NewReader(m.Body))
	if err != nil {
		return err
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	if err != nil {
		return err
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	c.s.mails = append(c.s.mails, received{c.to, m.Header, subject, strings.ReplaceAll(string(body), "\r\n", "\n"), c.user})
	return nil
}

// serve starts a server on a listener, by default one of this machine.
func serve(t *testing.T, listener net.Listener, tlsConfig *tls.Config) *server {
	t.Helper()
	s := &server{}
	if listener == nil {
		var err error
		if listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			t.Fatal(err)
		}
	}
	s.address = listener.Addr().String()
	backend := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &session{s: s}, nil }))
	backend.TLSConfig, backend.AllowInsecureAuth, backend.Domain = tlsConfig, tlsConfig == nil, "mail.test"
	backend.ErrorLog = log.New(io.Discard, "", 0)
	done := make(chan struct{})
	go func() { defer close(done); _ = backend.Serve(listener) }()
	t.Cleanup(func() { backend.Close(); <-done })
	return s
}

// certificate makes a certificate for this machine, and a file that holds it.
func certificate(t *testing.T) (*tls.Config, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}, path
}

// through returns a sender to an address such as "smtp://ADDRESS/?...".
func through(t *testing.T, url string, to ...string) *SMTP {
	t.Helper()
	s, err := ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	s.To = to
	return s
}

func (r received) count(t *testing.T) uint64 {
	t.Helper()
	n, err := strconv.ParseUint(r.header.Get("X-Roadworthy-Count"), 10, 64)
	if err != nil {
		t.Errorf("a mail without its count: %v", err)
	}
	return n
}

func answer(code int) error {
	return &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCode{code / 100, 0, 0}, Message: "as the test asks"}
}

// poll waits until something holds.
func poll(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for limit := time.Now().Add(20 * time.Second); time.Now().Before(limit); time.Sleep(5 * time.Millisecond) {
		if holds() {
			return
		}
	}
	t.Fatalf("never came: %s", what)
}

var errTest = errors.New("as the test asks")

// loginServer asks for the user, then for the password.
type loginServer struct {
	check func(user, password string) error
	user  string
	asked int
}

func (l *loginServer) Next(response []byte) (challenge []byte, done bool, err error) {
	l.asked++
	switch l.asked {
	case 1:
		return []byte("Username:"), false, nil
	case 2:
		l.user = string(response)
		return []byte("Password:"), false, nil
	}
	return nil, true, l.check(l.user, string(response))
}
