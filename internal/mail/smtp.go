package mail

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"os"
	"strings"
	"sync"
	"time"

	gomail "github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"
)

const defaultDeadline = time.Minute // of a whole mail, where the context has none

// Send delivers a mail to every recipient that the server takes, over a
// connection of its own. It is part of [Sender].
func (s *SMTP) Send(ctx context.Context, m Message) error {
	return s.deliver(ctx, m, s.To, func(string, ...any) {})
}

// deliver sends a mail and tells each step.
func (s *SMTP) deliver(ctx context.Context, m Message, to []string, tell func(format string, args ...any)) error {
	if len(to) == 0 {
		return fmt.Errorf("send a mail: %w: there is no recipient", ErrRefused)
	}
	deadline, ok := ctx.Deadline()
	if !ok {
		deadline = s.now().Add(defaultDeadline)
	}
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	message, err := s.message(m, to)
	if err != nil {
		return fmt.Errorf("write a mail: %w: %w", ErrRefused, err)
	}
	line := &line{deadline: deadline}
	defer line.hangUp()
	defer context.AfterFunc(ctx, line.hangUp)()
	session, err := s.connect(ctx, line, tell)
	if err != nil {
		return fmt.Errorf("reach the mail server %s: %w", s.address(), err)
	}
	if err := transfer(session, message, to, tell); err != nil {
		return fmt.Errorf("send a mail through %s: %w", s.address(), err)
	}
	if err := session.Quit(); err == nil { // the mail is delivered, whatever this gives
		tell("said goodbye")
	}
	return nil
}

// line is the one connection of a mail. The library leaves it open where the
// greeting, TLS or the login fail, and moves its deadline at will.
type line struct {
	net.Conn
	deadline time.Time

	mu     sync.Mutex // guards Conn while it is opened
	hungUp bool
}

// open takes a connection over.
func (l *line) open(conn net.Conn) error {
	l.mu.Lock()
	l.Conn = conn
	late := l.hungUp
	l.mu.Unlock()
	if late {
		conn.Close()
		return net.ErrClosed
	}
	return l.SetDeadline(l.deadline)
}

// SetDeadline never goes beyond the deadline of the whole mail.
func (l *line) SetDeadline(t time.Time) error {
	if t.IsZero() || t.After(l.deadline) {
		t = l.deadline
	}
	return l.Conn.SetDeadline(t)
}

func (l *line) hangUp() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.hungUp = true
	if l.Conn != nil {
		l.Close()
	}
}

// connect dials, says hello, starts TLS and logs in.
func (s *SMTP) connect(ctx context.Context, l *line, tell func(string, ...any)) (*smtp.Client, error) {
	config := &tls.Config{ServerName: s.host, RootCAs: s.roots, MinVersion: tls.VersionTLS12}
	// Where plain text would do, a certificate that nobody vouches for is no
	// reason to fall back to it (RFC 7435, section 1.2).
	config.InsecureSkipVerify = s.security == securityOptional && s.user == "" && s.roots == nil
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		plain, err := (&net.Dialer{}).DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		if err := l.open(plain); err != nil {
			return nil, err
		}
		tell("connected to %s (%s)", address, plain.RemoteAddr())
		if s.security != securityTLS {
			return l, nil
		}
		secure := tls.Client(l, config)
		if err := secure.HandshakeContext(ctx); err != nil {
			return nil, err
		}
		return secure, nil
	}
	client, err := gomail.NewClient(s.host, append(s.login(),
		gomail.WithPort(s.port), gomail.WithTimeout(time.Until(l.deadline)), gomail.WithHELO(s.helo()), gomail.WithTLSConfig(config),
		gomail.WithTLSPolicy(s.policy()), gomail.WithDialContextFunc(dial), gomail.WithoutNoop())...)
	if err != nil {
		return nil, err
	}
	session, err := client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return nil, err
	}
	if state, err := session.GetTLSConnectionState(); err == nil {
		tell("secured by %s", tls.VersionName(state.Version))
	} else {
		tell("not secured")
	}
	if s.user != "" {
		tell("logged in as %s", s.user)
	}
	return session, nil
}

func (s *SMTP) policy() gomail.TLSPolicy {
	switch s.security {
	case securityRequired:
		return gomail.TLSMandatory
	case securityOptional:
		return gomail.TLSOpportunistic
	}
	return gomail.NoTLS
}

// login chooses how to log in. Only where the address says that there shall be
// no TLS, or the host is this machine, may a password travel in the clear.
func (s *SMTP) login() []gomail.Option {
	if s.user == "" {
		return nil
	}
	options := []gomail.Option{gomail.WithUsername(s.user), gomail.WithPassword(s.password)}
	plain, login := gomail.SMTPAuthPlain, gomail.SMTPAuthLogin
	if s.security == securityNone {
		plain, login = gomail.SMTPAuthPlainNoEnc, gomail.SMTPAuthLoginNoEnc
	}
	switch s.auth {
	case "plain":
		return append(options, gomail.WithSMTPAuth(plain))
	case "login":
		return append(options, gomail.WithSMTPAuth(login))
	case "cram-md5":
		return append(options, gomail.WithSMTPAuth(gomail.SMTPAuthCramMD5))
	case "xoauth2":
		return append(options, gomail.WithSMTPAuth(gomail.SMTPAuthXOAUTH2))
	}
	return append(options, gomail.WithOpportunisticSMTPAuth(gomail.SMTPAuthSCRAMSHA256, gomail.SMTPAuthCramMD5, plain, login))
}

// helo is a name that servers take: the host's, where it is a sound one.
func (s *SMTP) helo() string {
	name := s.Name
	if name == "" {
		name, _ = os.Hostname()
	}
	if name == "" || strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "localhost"
	}
	return name
}

// transfer hands the text over to every recipient that is taken. A recipient
// who is refused costs the others nothing; where one is put off (greylisting)
// the mail goes to the others, since it cannot be known whether he ever will be.
func transfer(session *smtp.Client, message *gomail.Msg, to []string, tell func(string, ...any)) error {
	from, err := message.GetSender(false)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	if err := session.Mail(from); err != nil {
		return judged(fmt.Errorf("the sender %s: %w", from, err))
	}
	tell("sender %s is accepted", from)
	var turned []error
	for _, recipient := range to {
		if err := session.Rcpt(recipient); err != nil {
			tell("recipient %s is not accepted: %v", recipient, err)
			turned = append(turned, judged(fmt.Errorf("the recipient %s: %w", recipient, err)))
			continue
		}
		tell("recipient %s is accepted", recipient)
	}
	if len(turned) == len(to) {
		return allOf(turned)
	}
	text, err := session.Data()
	if err != nil {
		return judged(fmt.Errorf("begin the text: %w", err))
	}
	if _, err := message.WriteTo(text); err != nil {
		return fmt.Errorf("write the text: %w", err)
	}
	if err := text.Close(); err != nil {
		return judged(fmt.Errorf("end the text: %w", err))
	}
	tell("the mail is accepted")
	return nil
}

// allOf is refused for good only where every recipient is.
func allOf(turned []error) error {
	for _, err := range turned {
		if !errors.Is(err, ErrRefused) {
			return err
		}
	}
	return errors.Join(turned...)
}

// judged marks an answer of 5xx as final.
func judged(err error) error {
	if answer, ok := errors.AsType[*textproto.Error](err); ok && answer.Code >= 500 {
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	return err
}

// message writes the headers and the body (RFC 5322; Auto-Submitted: RFC 3834).
func (s *SMTP) message(m Message, to []string) (*gomail.Msg, error) {
	out := gomail.NewMsg()
	from := s.From
	if from == "" {
		from = "errors@" + strings.ToLower(s.helo())
	}
	if err := errors.Join(out.From(from), out.To(to...)); err != nil {
		return nil, err
	}
	out.Subject(m.Subject)
	out.SetDateWithValue(s.now())
	out.SetMessageIDWithValue(m.ID)
	out.SetGenHeader("Auto-Submitted", "auto-generated")
	out.SetGenHeader("X-Auto-Response-Suppress", "All")
	out.SetGenHeaderPreformatted("X-Roadworthy-Count", fmt.Sprint(m.Count))
	if m.Thread != "" {
		out.SetGenHeaderPreformatted(gomail.HeaderReferences, "<"+m.Thread+">")
		out.SetGenHeaderPreformatted(gomail.HeaderInReplyTo, "<"+m.Thread+">")
	}
	if m.Fingerprint != "" {
		out.SetGenHeader("X-Roadworthy-Fingerprint", m.Fingerprint)
	}
	out.SetBodyString(gomail.TypeTextPlain, m.Body)
	return out, nil
}
