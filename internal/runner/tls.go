package runner

import (
	"context"
	"net"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/backlog"
	"github.com/roadworthy-dev/roadworthy/internal/front"
	"github.com/roadworthy-dev/roadworthy/internal/problem"
)

// openTLS prepares the certificates, from files or by ACME (RFC 8555); without
// either the front speaks plain HTTP.
func (m *master) openTLS(options *front.Options) error {
	s := m.config().Settings.TLS
	switch {
	case s.Certificate != "":
		certificates, err := front.LoadCertificates(time.Now, front.CertificateFiles{Certificate: s.Certificate, Key: s.Key})
		if err != nil {
			return &problem.Problem{
				Code: "RW-R02", Summary: "the certificate cannot be used", At: s.Certificate, Got: err.Error(),
				Want: "a certificate chain and its key, both in PEM", Fix: "set TLS_CERTIFICATE and TLS_KEY", Cause: err,
			}
		}
		m.tls = certificates.Config()
	case len(s.Domains) > 0:
		var err error
		if options.ACME, err = m.openACME(s); err != nil {
			return err
		}
	default:
		return nil
	}
	options.RedirectHTTP = true
	return nil
}

// listenPlain opens the address that answers plain HTTP beside TLS.
func (m *master) listenPlain() error {
	s := m.config().Settings.TLS
	if m.tls == nil || s.Plain == "" {
		return nil
	}
	var err error
	if m.handed != nil && m.handed.Plain >= 0 {
		m.plain, err = takeListener(m.handed.Plain)
		return err
	}
	if m.plain, err = (&net.ListenConfig{}).Listen(context.Background(), "tcp", s.Plain); err != nil {
		return taken(s.Plain, err)
	}
	return nil
}

// serve answers on the listeners of the front until it is shut down.
func (m *master) serve() {
	note := func(err error) {
		if err != nil {
			m.log.Error("the front does not serve any more", "error", err)
		}
	}
	m.serving.Go(func() {
		if m.tls != nil {
			note(m.front.ServeTLS(m.listener, m.tls))
			return
		}
		note(m.front.Serve(m.listener))
	})
	if m.plain != nil {
		m.serving.Go(func() { note(m.front.Serve(backlog.Serve(m.plain))) })
	}
}

// taken is what is told where an address cannot be listened on.
func taken(address string, err error) error {
	return &problem.Problem{
		Code: "RW-R05", Summary: "the address cannot be listened on", At: address, Got: err.Error(), Want: "an address that nobody else has",
		Fix: "PORT=8081 roadworthy run", Cause: err,
	}
}
