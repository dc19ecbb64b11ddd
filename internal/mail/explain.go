package mail

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"os"
	"strings"
	"syscall"
)

// Trial is what came of a test mail.
type Trial struct {
	Steps []string `json:"steps"`           // what was done, in order
	Error string   `json:"error,omitempty"` // "" where the mail was accepted
	Hint  string   `json:"hint,omitempty"`  // what to look at
}

// Test sends a short mail to some recipients, or to those of the errors where
// none are named, and tells each step. The error is nil where the server took
// the mail for all of them.
func (s *SMTP) Test(ctx context.Context, about About, to ...string) (Trial, error) {
	if len(to) == 0 {
		to = s.To
	}
	var trial Trial
	scrub, refused := NewScrubber([]string{s.password}), 0
	tell := func(format string, args ...any) {
		step := scrub.Scrub(fmt.Sprintf(format, args...))
		if strings.Contains(step, "is not accepted") {
			refused++
		}
		trial.Steps = append(trial.Steps, step)
	}
	err := s.deliver(ctx, Message{
		Subject: about.prefix() + "Test of the error mails",
		Body:    "Error mails of " + orWord(about.Application, "the application") + " arrive here.\n\nThis mail was asked for; nothing is wrong.\n",
		ID:      word(fmt.Sprint(s.now().UnixNano())) + ".test." + domainOf(about),
	}, to, tell)
	if err == nil && refused > 0 {
		err = fmt.Errorf("%d of %d recipients were not accepted", refused, len(to))
	}
	if err != nil {
		trial.Error = scrub.Scrub(strings.ReplaceAll(err.Error(), "\n", "; "))
		trial.Hint = s.hint(err)
	}
	return trial, err
}

// hint says what usually lies behind an error.
func (s *SMTP) hint(err error) string {
	if answer, ok := errors.AsType[*textproto.Error](err); ok {
		return hintOfAnswer(answer.Code)
	}
	if hint := s.hintOfTLS(err); hint != "" {
		return hint
	}
	_, noName := errors.AsType[*net.DNSError](err)
	text := err.Error()
	switch {
	case noName:
		return "no such host is known here: check the name in SMTP_URL, and whether this host can resolve names"
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Sprintf("nothing listens on port %d there: usual ports are 587 (smtp with login), 25 (smtp without) and 465 (smtps)", s.port)
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded), errors.Is(err, net.ErrClosed):
		return "the server is silent: a firewall may drop the port (many hosts block 25), or it speaks TLS from the first byte, which is smtps://"
	case strings.Contains(text, "does not support STARTTLS"):
		return "the server offers no TLS: take smtps://, or add ?starttls=none if the network between is yours"
	case strings.Contains(text, "does not support SMTP AUTH"), strings.Contains(text, "SMTP AUTH"):
		return "the server offers no such login: take another ?auth=, or leave the user out of SMTP_URL"
	case errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET):
		return "the server hung up: it may not let this host in"
	}
	return ""
}

func (s *SMTP) hintOfTLS(err error) string {
	_, noTLS := errors.AsType[tls.RecordHeaderError](err)
	_, unknown := errors.AsType[x509.UnknownAuthorityError](err)
	_, name := errors.AsType[x509.HostnameError](err)
	_, expired := errors.AsType[x509.CertificateInvalidError](err)
	switch {
	case noTLS:
		return "the port speaks no TLS from the first byte: take smtp://, which starts TLS after the greeting"
	case unknown:
		return "the server's certificate is signed by nobody known here: add ?ca=FILE with the certificate of its authority"
	case name:
		return "the server's certificate is for another name: write that name into SMTP_URL"
	case expired:
		return "the server's certificate is not valid now: check its dates, and the clock of this host"
	}
	return ""
}

// hintOfAnswer reads reply codes (RFC 5321, section 4.2.3; RFC 4954, section 6).
func hintOfAnswer(code int) string {
	switch {
	case code == 535 || code == 534 || code == 538:
		return "the login was refused: check user and password, or make a password for applications; special characters are written as %XX in SMTP_URL"
	case code == 530:
		return "the server wants a login first: put user and password into SMTP_URL"
	case code == 550 || code == 551 || code == 553 || code == 554:
		return "the server does not take mail from this sender, for this recipient or from this host: check ?from=, the recipients, and whether it relays for this host"
	case code == 552 || code == 452:
		return "a mailbox or the server's disk is full"
	case code >= 400 && code < 500:
		return "the server asks to try later; error mails do so by themselves"
	}
	return "the server's answer tells the reason"
}
