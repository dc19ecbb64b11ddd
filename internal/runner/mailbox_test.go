package runner_test

import (
	"io"
	"log"
	"mime"
	"mime/quotedprintable"
	"net"
	netmail "net/mail"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
)

// letter is one mail that came.
type letter struct {
	subject, body string
	count         int // errors that it tells
	at            time.Time
}

// mailbox is a mail server that keeps what it gets.
type mailbox struct {
	address string

	mu      sync.Mutex
	letters []letter
}

// openMailbox serves until the test ends.
func openMailbox(t *testing.T) *mailbox {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &mailbox{address: listener.Addr().String()}
	server := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &mailSession{box: b}, nil }))
	server.Domain, server.ErrorLog = "mail.test", log.New(io.Discard, "", 0)
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(listener) }()
	t.Cleanup(func() { server.Close(); <-done })
	return b
}

// environ points an application at the box.
func (b *mailbox) environ() []string {
	return []string{"ERROR_MAIL=errors@example.org", "SMTP_URL=smtp://" + b.address}
}

// all returns the letters that came so far.
func (b *mailbox) all() []letter {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.letters)
}

// told is the sum of the errors that the letters tell.
func (b *mailbox) told() int {
	sum := 0
	for _, l := range b.all() {
		sum += l.count
	}
	return sum
}

// with returns the letters whose subject holds a text.
func (b *mailbox) with(subject string) []letter {
	return slices.DeleteFunc(b.all(), func(l letter) bool { return !strings.Contains(l.subject, subject) })
}

// subjects lists the letters for a failure's message.
func (b *mailbox) subjects() string {
	var list []string
	for _, l := range b.all() {
		list = append(list, l.subject)
	}
	return strings.Join(list, "\n")
}

type mailSession struct{ box *mailbox }

func (s *mailSession) Reset()                               {}
func (s *mailSession) Logout() error                        { return nil }
func (s *mailSession) Mail(string, *smtp.MailOptions) error { return nil }
func (s *mailSession) Rcpt(string, *smtp.RcptOptions) error { return nil }

// Data takes one mail.
func (s *mailSession) Data(r io.Reader) error {
	m, err := netmail.ReadMessage(r)
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
	count, err := strconv.Atoi(m.Header.Get("X-Roadworthy-Count"))
	if err != nil {
		return err
	}
	s.box.mu.Lock()
	defer s.box.mu.Unlock()
	s.box.letters = append(s.box.letters, letter{subject, strings.ReplaceAll(string(body), "\r\n", "\n"), count, time.Now()})
	return nil
}
