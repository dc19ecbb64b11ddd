package runner

import (
	"bytes"
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/acme"

	"github.com/roadworthy-dev/roadworthy/internal/front"
	"github.com/roadworthy-dev/roadworthy/internal/mail"
	"github.com/roadworthy-dev/roadworthy/internal/problem"
)

const (
	authorityTime = time.Minute // for one exchange with the authority
	againAfter    = time.Minute // before the same trouble with certificates is logged again
)

// openACME prepares certificates from an authority that speaks ACME (RFC 8555).
func (m *master) openACME(s TLSSettings) (*front.ACME, error) {
	folder, err := s.acmeFolder()
	if err != nil {
		return nil, err
	}
	roots, err := s.roots()
	if err != nil {
		return nil, err
	}
	transport := &http.Transport{
		Proxy: http.ProxyFromEnvironment, TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		ForceAttemptHTTP2: true, IdleConnTimeout: 5 * time.Second,
	}
	way := &authority{next: transport, log: m.log}
	key, err := s.EAB.bytes()
	if err != nil {
		return nil, err // not reached: Validate refuses it
	}
	certificates := front.NewACME(front.Authority{
		Directory: s.Directory, Client: &http.Client{Transport: way, Timeout: authorityTime}, Email: s.Email, KeyID: s.EAB.ID, MACKey: key,
		Folder: folder, Hosts: s.Domains,
	})
	if s.Plain != "" {
		certificates.AnswerHTTP()
	}
	m.tls = certificates.Config()
	source := &certified{get: m.tls.GetCertificate, said: way.said, domains: s.Domains, tell: m.tellCertificate, now: time.Now}
	m.tls.GetCertificate = source.certificate
	return certificates, nil
}

// acmeFolder is where certificates are kept. Each authority but the default has
// a folder of its own, so that a trial's certificates are not served later.
func (s TLSSettings) acmeFolder() (string, error) {
	folder := s.Folder
	if folder == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return "", &problem.Problem{Code: "RW-R02", Summary: "there is no folder for certificates", Got: err.Error(), Want: "a folder", Fix: "set TLS_FOLDER", Cause: err}
		}
		folder = filepath.Join(cache, "roadworthy", "acme")
	}
	_, place, _ := strings.Cut(s.Directory, "://")
	return filepath.Join(folder, strings.Map(func(r rune) rune {
		if r == '/' || r == ':' || r == '?' {
			return '-'
		}
		return r
	}, place)), nil
}

// roots are those of the system and of the file, by which the authority's own
// server is known; nil for the system's alone.
func (s TLSSettings) roots() (*x509.CertPool, error) {
	if s.Roots == "" {
		return nil, nil //nolint:nilnil // crypto/tls takes nil for the system's
	}
	wrong := func(got string, err error) error {
		return &problem.Problem{Code: "RW-R02", Summary: "the roots of the certificate authority cannot be used", At: s.Roots, Got: got, Want: "certificates in PEM", Fix: "set TLS_ROOTS", Cause: err}
	}
	data, err := os.ReadFile(s.Roots)
	if err != nil {
		return nil, wrong(err.Error(), err)
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(data) {
		return nil, wrong("no certificate", nil)
	}
	return pool, nil
}

// checkDomains refuses names that ACME over HTTP and TLS cannot prove.
func checkDomains(domains []string) error {
	var errs []error
	for _, name := range domains {
		if net.ParseIP(name) != nil || !strings.Contains(strings.Trim(name, "."), ".") || strings.ContainsAny(name, "*:/ ") {
			errs = append(errs, fmt.Errorf("tls.domains holds %q; want whole names such as www.example.org", name))
		}
	}
	return errors.Join(errs...)
}

// authority is the way to the certificate authority. It tells when that fails:
// nobody else does of renewals, which happen in the background.
type authority struct {
	next http.RoundTripper
	log  *slog.Logger
	last atomic.Pointer[string] // what was refused last, and why
}

// refusal is what an authority says of a request or of an authorization that
// failed (RFC 8555, sections 6.7 and 7.1.4).
type refusal struct {
	Type, Detail, Status string
	Challenges           []struct{ Error *struct{ Detail string } }
}

// RoundTrip makes one exchange.
func (a *authority) RoundTrip(r *http.Request) (*http.Response, error) {
	reply, err := a.next.RoundTrip(r)
	if err != nil {
		a.refused(r, "the certificate authority cannot be reached", err.Error())
		return nil, err //nolint:wrapcheck // the client says what for
	}
	body, err := io.ReadAll(io.LimitReader(reply.Body, 1<<20))
	reply.Body.Close()
	reply.Body = io.NopCloser(bytes.NewReader(body))
	var said refusal
	if err == nil {
		_ = json.Unmarshal(body, &said) // certificates are no JSON
	}
	why := ""
	switch {
	case strings.HasSuffix(said.Type, ":badNonce"): // which is part of the game (RFC 8555, section 6.5)
	case reply.StatusCode >= http.StatusBadRequest:
		why = cmp.Or(said.Detail, reply.Status)
	case said.Status == "invalid":
		for _, c := range said.Challenges {
			if c.Error != nil {
				why = c.Error.Detail
			}
		}
	}
	if why != "" {
		a.refused(r, "the certificate authority refuses", why)
	}
	return reply, nil
}

func (a *authority) refused(r *http.Request, message, why string) {
	a.last.Store(&why)
	a.log.Warn(message, "url", r.URL.String(), "why", why)
}

// said is what was refused last, for people.
func (a *authority) said() string {
	if why := a.last.Load(); why != nil {
		return "\nThe authority's last refusal: " + *why
	}
	return ""
}

// certified is a source of certificates that tells of trouble.
type certified struct {
	get     func(*tls.ClientHelloInfo) (*tls.Certificate, error)
	said    func() string // what may be the reason
	domains []string
	tell    func(name, why string)
	now     func() time.Time

	mu   sync.Mutex
	told map[string]time.Time // by name
}

// certificate is what a client gets. Names that are not ours, and challenges
// that nobody waits for, are the trouble of others.
func (c *certified) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	got, err := c.get(hello)
	name := strings.ToLower(strings.TrimSuffix(hello.ServerName, "."))
	if slices.Equal(hello.SupportedProtos, []string{acme.ALPNProto}) || !slices.ContainsFunc(c.domains, func(d string) bool { return strings.EqualFold(d, name) }) {
		return got, err
	}
	if err != nil {
		c.note(name, "no certificate can be had: "+err.Error()+c.said())
	} else if leaf := got.Leaf; leaf != nil {
		if left := leaf.NotAfter.Sub(c.now()); left < leaf.NotAfter.Sub(leaf.NotBefore)/8 { // it is renewed when a third is left
			c.note(name, fmt.Sprintf("the certificate is not renewed; it is valid until %s%s", leaf.NotAfter.Format(time.RFC3339), c.said()))
		}
	}
	return got, err
}

func (c *certified) note(name, why string) {
	c.mu.Lock()
	now := c.now()
	again := now.Sub(c.told[name]) >= againAfter
	if again {
		if c.told == nil {
			c.told = map[string]time.Time{}
		}
		c.told[name] = now
	}
	c.mu.Unlock()
	if again {
		c.tell(name, why)
	}
}

// tellCertificate tells people of trouble with a certificate.
func (m *master) tellCertificate(name, why string) {
	m.log.Error("trouble with a certificate", "name", name, "why", oneLine(why))
	m.mail.Report(mail.Event{
		Fingerprint: "certificate:" + name, Title: "trouble with the certificate of " + name, Text: why + "\n",
		Release: m.config().Settings.Release, Level: slog.LevelError,
	})
}
