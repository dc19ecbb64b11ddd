// Package mailsink is a mail server that delivers nothing: it records each
// mail that it accepts, and misbehaves on demand.
//
// The invariant: a mail is in the record if and only if the server answered
// 250 to it. The mode is read under the same lock as the record is written, so
// that once [Sink.Set] has returned no mail is accepted under the old mode.
// Mails beyond the bound are still accepted, and counted.
//
// It speaks SMTP (RFC 5321) with STARTTLS (RFC 3207) under a certificate that
// it makes for itself, and takes any credentials by AUTH PLAIN and LOGIN. It
// never listens on its own: it is handed listeners. It must not judge a mail.
// [Sink.SelfTest] shows that the sink works before anything is concluded from
// its silence. Read next: session.go, then message.go.
package mailsink

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/emersion/go-smtp"
)

// Bounds of what is kept.
const (
	maxMessages   = 10_000
	maxDataBytes  = 1 << 20
	maxRecipients = 1_000
	maxLineBytes  = 1 << 20 // lenient: a sink that loses a long line loses evidence
)

// Mode is how the server behaves.
type Mode int

// The modes.
const (
	Accept        Mode = iota // takes every mail
	RefuseRcpt                // answers RCPT with 451, a temporary failure
	Reject                    // answers MAIL, RCPT and DATA with 550
	StallData                 // reads the mail after DATA and never answers
	StallGreeting             // takes the connection and never greets
	Drop                      // closes each connection at once
)

// String returns the mode's name, such as "stall-data".
func (m Mode) String() string {
	names := [...]string{"accept", "refuse-rcpt", "reject", "stall-data", "stall-greeting", "drop"}
	if m < 0 || int(m) >= len(names) {
		return fmt.Sprintf("mode(%d)", int(m))
	}
	return names[m]
}

// Options adjust a sink; the zero value is good.
type Options struct {
	Domain string           // the name it greets with; default "mail.internal"
	Hosts  []string         // names and addresses in its certificate, besides Domain
	Now    func() time.Time // default time.Now
	Random io.Reader        // for the certificate's key; default crypto/rand
}

// Sink is a mail server. Its methods may be called from several goroutines.
type Sink struct {
	domain      string
	now         func() time.Time
	server      *smtp.Server
	certificate []byte
	serving     sync.WaitGroup

	mu          sync.Mutex
	mode        Mode
	changed     chan struct{} // closed when the mode changes
	arrived     chan struct{} // closed and replaced when a mail is recorded
	messages    []Message
	uncounted   int // accepted beyond maxMessages
	unanswered  int
	refused     int
	connections int
	open        map[*conn]struct{}
	listeners   []net.Listener
	closed      bool
}

// New makes a sink in mode Accept.
func New(o Options) (*Sink, error) {
	if o.Domain == "" {
		o.Domain = "mail.internal"
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Random == nil {
		o.Random = rand.Reader
	}
	pair, certificate, err := selfSigned(o.Random, o.Now(), append([]string{o.Domain}, o.Hosts...))
	if err != nil {
		return nil, fmt.Errorf("make mail sink: %w", err)
	}
	s := &Sink{
		domain: o.Domain, now: o.Now, certificate: certificate,
		changed: make(chan struct{}), arrived: make(chan struct{}),
		open: map[*conn]struct{}{},
	}
	s.server = smtp.NewServer(smtp.BackendFunc(s.session))
	s.server.Domain = o.Domain
	s.server.AllowInsecureAuth = true
	s.server.EnableSMTPUTF8 = true
	s.server.MaxRecipients = maxRecipients
	s.server.MaxLineLength = maxLineBytes
	s.server.ErrorLog = log.New(io.Discard, "", 0)
	s.server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{pair}}
	return s, nil
}

// Certificate returns the server's certificate in PEM, for applications that
// are to trust it.
func (s *Sink) Certificate() []byte { return slices.Clone(s.certificate) }

// Serve accepts connections of l, in the background, until Close, which also
// closes l. It may be called for several listeners.
func (s *Sink) Serve(l net.Listener) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		_ = l.Close() // what Close would have done
		return
	}
	s.listeners = append(s.listeners, l)
	s.serving.Go(func() {
		_ = s.server.Serve(&gate{Listener: l, sink: s}) // ends when l is closed
	})
}

// Set changes the mode. Connections that a stall holds are closed, and so are
// all open ones when the new mode acts on the connection itself.
func (s *Sink) Set(m Mode) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if m == s.mode || s.closed {
		return
	}
	if s.mode == StallGreeting || m == StallGreeting || m == Drop {
		s.closeAll()
	}
	s.mode = m
	close(s.changed)
	s.changed = make(chan struct{})
}

// Mode returns the current mode.
func (s *Sink) Mode() Mode {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mode
}

// Close closes the listeners and all connections and waits for their
// goroutines. A second call does nothing.
func (s *Sink) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	for _, l := range s.listeners {
		_ = l.Close() // a listener that its owner closed already is as good
	}
	s.closeAll()
	close(s.changed)
	close(s.arrived)
	s.mu.Unlock()
	s.serving.Wait()
	// Every connection is closed, so that this waits for handlers, not clients.
	if err := s.server.Shutdown(context.Background()); err != nil && !isClosed(err) {
		return fmt.Errorf("close mail sink: %w", err)
	}
	return nil
}

// closeAll closes the open connections. The caller holds mu.
func (s *Sink) closeAll() {
	for c := range s.open {
		_ = c.Conn.Close() // its handler notices
	}
	clear(s.open)
}

// Stats counts over the life of a sink.
type Stats struct {
	Connections int // accepted, whatever became of them
	Accepted    int // mails whose sender was told so
	Unrecorded  int // of them, beyond the 10,000 that are kept
	Refused     int // RCPT and DATA commands answered with 451 or 550
	Unanswered  int // mails that were read and not answered
}

// Stats returns the counters. Mails of SelfTest are not among Accepted.
func (s *Sink) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Stats{
		Connections: s.connections, Accepted: len(s.messages) + s.uncounted,
		Unrecorded: s.uncounted, Refused: s.refused, Unanswered: s.unanswered,
	}
}

// Connections returns how many connections were accepted so far.
func (s *Sink) Connections() int { return s.Stats().Connections }

// Messages returns the accepted mails in the order of their acceptance. The
// mails share their bytes with the record and must not be changed.
func (s *Sink) Messages() []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.messages)
}

// Wait waits until enough says yes to the mails accepted so far, and returns
// whether it did before the context or the sink ended.
func (s *Sink) Wait(ctx context.Context, enough func([]Message) bool) bool {
	for {
		s.mu.Lock()
		messages, arrived, closed := slices.Clone(s.messages), s.arrived, s.closed
		s.mu.Unlock()
		if enough(messages) {
			return true
		}
		if closed {
			return false
		}
		select {
		case <-ctx.Done():
			return false
		case <-arrived:
		}
	}
}
