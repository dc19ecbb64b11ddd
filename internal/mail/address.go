package mail

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The ways to keep a connection secret.
const (
	securityTLS      = "tls"      // from the first byte (smtps://)
	securityRequired = "required" // STARTTLS, or no mail
	securityOptional = "optional" // STARTTLS where the server offers it
	securityNone     = "none"
)

// SMTP sends mails through one server. Its zero value is of no use: take
// [ParseURL].
type SMTP struct {
	To       []string // recipients; a server that refuses one of them does not cost the others their mail
	From     string   // sender, such as "Shop <errors@example.org>"
	Name     string   // that this host calls itself in HELO; "" for the host's own
	host     string
	port     int
	user     string
	password string
	auth     string // "auto", "plain", "login", "cram-md5", "xoauth2"
	security string
	roots    *x509.CertPool // nil for those of the system
	now      func() time.Time
}

// ParseURL reads the address of a mail server:
//
//	smtp://user:password@host:port?starttls=required|optional|none&auth=plain|login|cram-md5|xoauth2&from=address&ca=file
//	smtps://user:password@host:port
//
// Without a port it is 465 for smtps, else 587 with a user and 25 without.
// STARTTLS is required where there is a user or a ca, and optional elsewhere, as
// between mail servers (RFC 7435): there is no password to protect. On this
// machine there is none. With optional, and neither user nor ca, the server's
// certificate is not verified: where plain text would do, doubtful TLS is
// better. Characters such as @
// and / in a password are written as %40 and %2F. The error never quotes the
// password.
func ParseURL(raw string) (*SMTP, error) {
	u, err := url.Parse(raw)
	if err != nil { // its text holds the password
		return nil, errors.New("read the address of the mail server: want smtp://user:password@host:port, with special characters of the password as %XX")
	}
	bad := func(format string, args ...any) (*SMTP, error) {
		return nil, fmt.Errorf("read the address of the mail server: "+format, args...)
	}
	if u.Scheme != "smtp" && u.Scheme != "smtps" {
		return bad("it begins with %q, want smtp:// or smtps://", clip(u.Scheme, 20)+":")
	}
	if u.Hostname() == "" {
		return bad("it names no host, want %s://host", u.Scheme)
	}
	if u.Path != "" && u.Path != "/" || u.Fragment != "" {
		return bad("after the host stands a path, want nothing; a / or # in a password is written as %%2F or %%23")
	}
	s := &SMTP{host: u.Hostname(), user: u.User.Username(), now: time.Now}
	s.password, _ = u.User.Password()
	if s.port, err = portOf(u); err != nil {
		return bad("%w", err)
	}
	if err := s.options(u.Query(), u.Scheme); err != nil {
		return bad("%w", err)
	}
	return s, nil
}

func portOf(u *url.URL) (int, error) {
	text := u.Port()
	switch {
	case text != "":
		port, err := strconv.Atoi(text)
		if err != nil || port < 1 || port > 65535 {
			return 0, fmt.Errorf("the port is %q, want 1 to 65535", text)
		}
		return port, nil
	case u.Scheme == "smtps":
		return 465, nil
	case u.User != nil:
		return 587, nil // submission, RFC 6409
	}
	return 25, nil
}

// options reads what follows the question mark.
func (s *SMTP) options(query url.Values, scheme string) error {
	s.security, s.auth = securityRequired, "auto"
	if s.user == "" && !query.Has("ca") {
		s.security = securityOptional
	}
	if loopback(s.host) {
		s.security = securityNone
	}
	for name, values := range query {
		if err := s.option(name, values[len(values)-1]); err != nil {
			return err
		}
	}
	if scheme == "smtps" {
		if query.Has("starttls") {
			return errors.New("smtps is TLS from the first byte and has no option starttls")
		}
		s.security = securityTLS
	}
	if at, err := netmail.ParseAddress(s.user); err == nil && s.From == "" { // many servers allow no other sender
		s.From = at.Address
	}
	return nil
}

func (s *SMTP) option(name, value string) error {
	switch name {
	case "starttls":
		if !slices.Contains([]string{securityRequired, securityOptional, securityNone}, value) {
			return fmt.Errorf("starttls is %q, want required, optional or none", value)
		}
		s.security = value
	case "auth":
		if !slices.Contains([]string{"auto", "plain", "login", "cram-md5", "xoauth2"}, value) {
			return fmt.Errorf("auth is %q, want auto, plain, login, cram-md5 or xoauth2", value)
		}
		s.auth = value
	case "from":
		if _, err := netmail.ParseAddress(value); err != nil {
			return fmt.Errorf("from is %q, want a mail address", value)
		}
		s.From = value
	case "ca":
		pem, err := os.ReadFile(value)
		if err != nil {
			return fmt.Errorf("read the certificates of ca: %w", err)
		}
		if s.roots = x509.NewCertPool(); !s.roots.AppendCertsFromPEM(pem) {
			return fmt.Errorf("ca: %s holds no certificate in PEM", value)
		}
	default:
		return fmt.Errorf("it has the unknown option %q, want starttls, auth, from or ca", name)
	}
	return nil
}

// ParseRecipients reads a list of mail addresses, such as ERROR_MAIL holds.
func ParseRecipients(list []string) ([]string, error) {
	var out []string
	for _, text := range list {
		at, err := netmail.ParseAddress(text)
		if err != nil {
			return nil, fmt.Errorf("%q is no mail address", text)
		}
		if !slices.Contains(out, at.Address) {
			out = append(out, at.Address)
		}
	}
	return out, nil
}

// String returns the address without its password.
func (s *SMTP) String() string {
	user := ""
	if s.user != "" {
		user = s.user + "@"
	}
	scheme := "smtp"
	if s.security == securityTLS {
		scheme = "smtps"
	}
	return scheme + "://" + user + s.address()
}

func (s *SMTP) address() string { return net.JoinHostPort(s.host, strconv.Itoa(s.port)) }

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || ip != nil && ip.IsLoopback()
}
