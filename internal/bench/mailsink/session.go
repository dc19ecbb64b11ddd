package mailsink

import (
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

var (
	errTemporary = &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "Try again later"}
	errPermanent = &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 7, 1}, Message: "Not accepted"}
	errGone      = errors.New("connection is being closed")
)

// gate stands before the server's Accept: it counts, tracks and, in the modes
// that act on the connection itself, keeps connections from the server.
type gate struct {
	net.Listener
	sink *Sink
}

// Accept returns the next connection that the server shall handle.
func (g *gate) Accept() (net.Conn, error) {
	for {
		c, err := g.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if tracked := g.sink.admit(c); tracked != nil {
			return tracked, nil
		}
	}
}

// admit takes a connection in and returns it if the server shall have it.
func (s *Sink) admit(c net.Conn) net.Conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.connections++
	if s.closed || s.mode == Drop {
		if t, ok := c.(*net.TCPConn); ok {
			_ = t.SetLinger(0) // a drop, not a goodbye
		}
		_ = c.Close() // nobody to tell
		return nil
	}
	tracked := &conn{Conn: c, sink: s}
	s.open[tracked] = struct{}{}
	if s.mode == StallGreeting {
		return nil // Set or Close closes it
	}
	return tracked
}

// conn is a connection that takes itself off the sink's list.
type conn struct {
	net.Conn
	sink *Sink
}

// Close closes the connection.
func (c *conn) Close() error {
	c.sink.mu.Lock()
	delete(c.sink.open, c)
	c.sink.mu.Unlock()
	return c.Conn.Close()
}

// session is one SMTP session; its methods are called one at a time.
type session struct {
	sink *Sink
	conn *smtp.Conn
	user string
	from string
	to   []string
}

func (s *Sink) session(c *smtp.Conn) (smtp.Session, error) {
	return &session{sink: s, conn: c}, nil
}

// AuthMechanisms lists PLAIN (RFC 4616) and LOGIN.
func (s *session) AuthMechanisms() []string { return []string{sasl.Plain, sasl.Login} }

// Auth accepts any credentials and remembers the user.
func (s *session) Auth(mechanism string) (sasl.Server, error) {
	switch mechanism {
	case sasl.Plain:
		return sasl.NewPlainServer(func(_, user, _ string) error {
			s.user = user
			return nil
		}), nil
	case sasl.Login:
		return &login{accept: func(user string) { s.user = user }}, nil
	}
	return nil, smtp.ErrAuthUnknownMechanism
}

// Mail begins a mail.
func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	if s.sink.refusal(Reject) != nil {
		return errPermanent
	}
	s.from, s.to = from, nil
	return nil
}

// Rcpt adds a recipient.
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	if err := s.sink.refusal(Reject, RefuseRcpt); err != nil {
		return err
	}
	s.to = append(s.to, to)
	return nil
}

// Data reads a mail and decides about it in the instant of its end.
func (s *session) Data(r io.Reader) error {
	data, err := io.ReadAll(io.LimitReader(r, maxDataBytes))
	if err != nil {
		return fmt.Errorf("read mail: %w", err)
	}
	rest, err := io.Copy(io.Discard, r)
	if err != nil {
		return fmt.Errorf("read mail: %w", err)
	}
	_, secure := s.conn.TLSConnectionState()
	return s.sink.deliver(Message{
		Received: s.sink.now(), From: s.from, To: s.to, Data: data,
		Truncated: rest > 0, TLS: secure, User: s.user,
	}, s.conn.Conn())
}

// Reset forgets the mail that was begun.
func (s *session) Reset() { s.from, s.to = "", nil }

// Logout ends the session.
func (s *session) Logout() error { return nil }

// refusal returns the answer of the current mode to RCPT or MAIL, if it is one
// of those given.
func (s *Sink) refusal(modes ...Mode) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range modes {
		if m == s.mode {
			s.refused++
			return m.answer()
		}
	}
	return nil
}

// answer is what a refusing mode says.
func (m Mode) answer() error {
	if m == RefuseRcpt {
		return errTemporary
	}
	return errPermanent
}

// deliver records a mail, or does with it what the mode wants.
func (s *Sink) deliver(m Message, c net.Conn) error {
	s.mu.Lock()
	switch {
	case s.closed:
	case s.mode == Accept:
		if len(s.messages) < maxMessages {
			s.messages = append(s.messages, m)
		} else {
			s.uncounted++
		}
		close(s.arrived)
		s.arrived = make(chan struct{})
		s.mu.Unlock()
		return nil
	case s.mode == RefuseRcpt, s.mode == Reject:
		s.refused++
		answer := s.mode.answer()
		s.mu.Unlock()
		return answer
	}
	s.unanswered++
	changed, closed := s.changed, s.closed
	stall := s.mode == StallData && !closed
	s.mu.Unlock()
	if stall {
		<-changed
	}
	_ = c.Close() // before the server writes an answer
	return errGone
}

// login is the server's side of AUTH LOGIN (draft-murchison-sasl-login).
type login struct {
	step   int
	accept func(user string)
}

// Next takes one line of the client.
func (l *login) Next(response []byte) (challenge []byte, done bool, err error) {
	if response == nil {
		return []byte("Username:"), false, nil
	}
	l.step++
	switch l.step {
	case 1:
		l.accept(string(response))
		return []byte("Password:"), false, nil
	case 2:
		return nil, true, nil
	}
	return nil, false, sasl.ErrUnexpectedClientResponse
}
