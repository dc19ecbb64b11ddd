package main

import (
	"bytes"
	"crypto/rand"
	"crypto/tls"
	"fmt"
	"log/slog"
	"mime"
	"net"
	"net/smtp"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// Mailer mails errors: the first at once, then, while there are more, one
// summary per window. It works on a goroutine of its own, so that no request
// waits for the mail server, and each error is counted in exactly one mail.
type Mailer struct {
	send   func(subject, body string) error
	window time.Duration
	log    *slog.Logger
	wake   chan struct{} // something is in unsent
	stop   chan struct{}
	done   chan struct{}

	mu     sync.Mutex
	unsent []failure // of different subjects, at most kinds
	more   int       // errors that unsent has no room for
	total  int       // since the start
}

// failure is one error, and how often it came.
type failure struct {
	subject, detail string
	count           int
}

// kinds is how many different errors a mail describes.
const kinds = 10

// NewMailer mails with send, at most once per window.
func NewMailer(send func(subject, body string) error, window time.Duration, log *slog.Logger) *Mailer {
	m := &Mailer{send: send, window: window, log: log,
		wake: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{})}
	go m.run()
	return m
}

// Report takes an error, and returns at once.
func (m *Mailer) Report(subject, detail string) {
	m.mu.Lock()
	m.total++
	m.count(failure{subject, detail, 1})
	m.mu.Unlock()
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

func (m *Mailer) count(f failure) {
	at := slices.IndexFunc(m.unsent, func(other failure) bool { return other.subject == f.subject })
	switch {
	case at >= 0:
		m.unsent[at].count += f.count
	case len(m.unsent) < kinds:
		m.unsent = append(m.unsent, f)
	default:
		m.more += f.count
	}
}

func (m *Mailer) run() {
	defer close(m.done)
	for {
		select {
		case <-m.wake:
		case <-m.stop:
			m.mail()
			return
		}
		m.mail()
		select {
		case <-time.After(m.window):
		case <-m.stop:
		}
	}
}

// mail sends all that is unsent as one mail, and keeps it where that fails.
func (m *Mailer) mail() {
	m.mu.Lock()
	failures, more, total := m.unsent, m.more, m.total
	m.unsent, m.more = nil, 0
	m.mu.Unlock()
	if len(failures) == 0 {
		return
	}
	subject, body := summary(failures, more, total)
	err := m.send(subject, body)
	if err == nil {
		return
	}
	m.log.Warn("error mail not sent", "error", err)
	m.mu.Lock()
	m.more += more
	for _, f := range failures {
		m.count(f)
	}
	m.mu.Unlock()
	select {
	case m.wake <- struct{}{}: // try again after the window
	default:
	}
}

// summary is a mail about some errors.
func summary(failures []failure, more, total int) (subject, body string) {
	n := more
	for _, f := range failures {
		n += f.count
	}
	subject = failures[0].subject
	if n > 1 {
		subject = fmt.Sprintf("%d errors, such as %s", n, subject)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "Errors in this mail: %d. Errors since the start: %d.\n", n, total)
	for _, f := range failures {
		fmt.Fprintf(&b, "\n%d × %s\n\n%s\n", f.count, f.subject, f.detail)
	}
	if more > 0 {
		fmt.Fprintf(&b, "\n%d × something else\n", more)
	}
	return subject, b.String()
}

// Stop mails what is left.
func (m *Mailer) Stop() {
	close(m.stop)
	<-m.done
}

// SMTP returns a function that sends a mail by smtp:// or smtps://. A user in
// the address logs in, and then smtp:// asks for STARTTLS first.
func SMTP(server *url.URL, to []string) func(subject, body string) error {
	host, port := server.Hostname(), server.Port()
	if port == "" {
		port = map[string]string{"smtp": "25", "smtps": "465"}[server.Scheme]
	}
	return func(subject, body string) error {
		conn, err := net.DialTimeout("tcp", net.JoinHostPort(host, port), 3*time.Second)
		if err != nil {
			return err
		}
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(4 * time.Second))
		if server.Scheme == "smtps" {
			conn = tls.Client(conn, &tls.Config{ServerName: host})
		}
		client, err := smtp.NewClient(conn, host)
		if err != nil {
			return err
		}
		if password, ok := server.User.Password(); ok {
			if server.Scheme == "smtp" {
				if err := client.StartTLS(&tls.Config{ServerName: host}); err != nil {
					return err
				}
			}
			if err := client.Auth(smtp.PlainAuth("", server.User.Username(), password, host)); err != nil {
				return err
			}
		}
		return transfer(client, to, message(to, subject, body, time.Now()))
	}
}

const sender = "guestbook@localhost"

func transfer(client *smtp.Client, to []string, message []byte) error {
	if err := client.Mail(sender); err != nil {
		return err
	}
	for _, address := range to {
		if err := client.Rcpt(address); err != nil {
			return err
		}
	}
	w, err := client.Data()
	if err != nil {
		return err
	}
	if _, err := w.Write(message); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	return client.Quit()
}

// message is a mail as RFC 5322 has it.
func message(to []string, subject, body string, now time.Time) []byte {
	if len(subject) > 150 {
		subject = strings.ToValidUTF8(subject[:150], "") + "…"
	}
	var b bytes.Buffer
	for _, header := range [][2]string{
		{"From", "Guestbook <" + sender + ">"},
		{"To", strings.Join(to, ", ")},
		{"Subject", mime.QEncoding.Encode("utf-8", "[guestbook] "+subject)},
		{"Date", now.Format(time.RFC1123Z)},
		{"Message-ID", "<" + rand.Text() + "@guestbook.localhost>"},
		{"MIME-Version", "1.0"},
		{"Content-Type", "text/plain; charset=utf-8"},
		{"Content-Transfer-Encoding", "8bit"},
	} {
		fmt.Fprintf(&b, "%s: %s\r\n", header[0], header[1])
	}
	b.WriteString("\r\n" + strings.ReplaceAll(body, "\n", "\r\n"))
	return b.Bytes()
}
