package front

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"
)

// ServeTLS is Serve for a listener on which TLS is spoken, with HTTP/2 for
// clients that want it. The config needs certificates or GetCertificate, such
// as that of Certificates or ACME.
func (f *Front) ServeTLS(l net.Listener, config *tls.Config) error {
	config = config.Clone()
	if config.MinVersion == 0 {
		config.MinVersion = tls.VersionTLS12
	}
	if len(config.NextProtos) == 0 {
		config.NextProtos = []string{"h2", "http/1.1"}
	}
	return f.serve(l, func(l net.Listener) error { return f.server.Serve(tls.NewListener(l, config)) })
}

// CertificateFiles names a certificate and its key, both in PEM.
type CertificateFiles struct{ Certificate, Key string }

// recheck is how often the files are looked at, at most.
const recheck = time.Second

// Certificates serves certificates from files and loads them again when they
// change. A new pair that does not load leaves the old one in service.
type Certificates struct {
	files []CertificateFiles
	now   func() time.Time

	mu     sync.Mutex
	looked time.Time
	stamps []string
	loaded []*tls.Certificate
	err    error
}

// LoadCertificates loads all pairs; each must load now. now tells the time;
// pass time.Now.
func LoadCertificates(now func() time.Time, files ...CertificateFiles) (*Certificates, error) {
	c := &Certificates{files: files, now: now, stamps: make([]string, len(files)), loaded: make([]*tls.Certificate, len(files))}
	c.refresh()
	if c.err != nil {
		return nil, c.err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("load certificates: %w", os.ErrNotExist)
	}
	return c, nil
}

// Err returns why the last change of the files was not taken over, or nil.
func (c *Certificates) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// Config returns a config that serves the certificates.
func (c *Certificates) Config() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: c.get}
}

// get returns the first certificate that suits the client, else the first one.
func (c *Certificates) get(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := c.now(); now.Sub(c.looked) >= recheck {
		c.looked = now
		c.refresh()
	}
	for _, certificate := range c.loaded {
		if hello.SupportsCertificate(certificate) == nil {
			return certificate, nil
		}
	}
	return c.loaded[0], nil
}

func (c *Certificates) refresh() {
	c.err = nil
	for i, files := range c.files {
		stamp := stampOf(files.Certificate) + stampOf(files.Key)
		if stamp == c.stamps[i] {
			continue
		}
		pair, err := tls.LoadX509KeyPair(files.Certificate, files.Key)
		if err != nil {
			c.err = fmt.Errorf("load certificate %s: %w", files.Certificate, err)
			continue // a key that is still being written will suit at the next look
		}
		c.loaded[i], c.stamps[i] = &pair, stamp
	}
}

func stampOf(path string) string {
	info, err := os.Stat(path)
	if err != nil {
		return "absent "
	}
	return fmt.Sprintf("%d %d ", info.ModTime().UnixNano(), info.Size())
}

// ACME obtains certificates by RFC 8555, with HTTP-01 on plain listeners and
// TLS-ALPN-01 on those with TLS.
type ACME struct{ manager autocert.Manager }

// Authority says who gives certificates, and for what.
type Authority struct {
	Directory string       // address of its directory (RFC 8555, section 7.1.1); empty for Let's Encrypt
	Client    *http.Client // reaches it; may be nil
	Email     string       // of the account; may be empty
	KeyID     string       // of the account that it knows from elsewhere (section 7.3.4); empty where it asks for none
	MACKey    []byte       // that belongs to KeyID
	Folder    string       // keeps the account's key and the certificates
	Hosts     []string     // certificates are got for these only
}

// NewACME obtains certificates. Using it means that the operator accepts the
// authority's terms.
func NewACME(from Authority) *ACME {
	a := &ACME{manager: autocert.Manager{
		Prompt: autocert.AcceptTOS, Cache: autocert.DirCache(from.Folder), Email: from.Email,
		HostPolicy: autocert.HostWhitelist(from.Hosts...),
	}}
	if from.Directory != "" || from.Client != nil {
		a.manager.Client = &acme.Client{DirectoryURL: from.Directory, HTTPClient: from.Client}
	}
	if from.KeyID != "" {
		a.manager.ExternalAccountBinding = &acme.ExternalAccountBinding{KID: from.KeyID, Key: from.MACKey}
	}
	return a
}

// Config returns a config that serves the certificates.
func (a *ACME) Config() *tls.Config { return a.manager.TLSConfig() }

// AnswerHTTP lets the authority ask by HTTP-01 where TLS-ALPN-01 fails. A plain
// listener must serve.
func (a *ACME) AnswerHTTP() { a.manager.HTTPHandler(nil) }

// answers serves the authority's HTTP-01 requests.
func (a *ACME) answers(w http.ResponseWriter, r *http.Request) bool {
	if a == nil || r.TLS != nil || !strings.HasPrefix(r.URL.Path, "/.well-known/acme-challenge/") {
		return false
	}
	asked := r.WithContext(context.WithoutCancel(r.Context()))
	if host, _, err := net.SplitHostPort(r.Host); err == nil {
		asked.Host = host // the port is none of the policy's business
	}
	a.manager.HTTPHandler(nil).ServeHTTP(w, asked)
	return true
}

// redirect sends plain requests to https when that is wanted, and reports
// whether it answered.
func (f *Front) redirect(w http.ResponseWriter, r *http.Request) bool {
	if f.options.ACME.answers(w, r) {
		return true
	}
	if !f.options.RedirectHTTP || r.TLS != nil {
		return false
	}
	if _, trusted := f.trusts(r); trusted && r.Header.Get("X-Forwarded-Proto") == "https" {
		return false
	}
	host, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		host = r.Host
	}
	to, ok := target(r)
	if !ok || host == "" {
		reply(w, BadRequest, "")
		return true
	}
	w.Header().Set("Location", "https://"+host+to)
	plain(w, r, http.StatusPermanentRedirect, "see https\n")
	return true
}
