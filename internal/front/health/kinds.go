package health

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// HTTP asks for a URL and expects a status below 400. Redirects are not
// followed; at most 64 KiB of the body are read.
func HTTP(name, address string) (Check, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return Check{}, fmt.Errorf("health check %q: not an http or https URL", name)
	}
	client := &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	ask := func(ctx context.Context) (Observed, error) {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
		if err != nil {
			return Observed{}, fmt.Errorf("make the request: %w", err)
		}
		reply, err := client.Do(request)
		if err != nil {
			return Observed{}, fmt.Errorf("ask: %w", err)
		}
		defer reply.Body.Close()
		_, _ = io.CopyN(io.Discard, reply.Body, 64<<10) // the status is what counts
		if reply.StatusCode >= http.StatusBadRequest {
			return Observed{}, fmt.Errorf("status %d", reply.StatusCode)
		}
		return Observed{}, nil
	}
	return Check{Name: name, Component: "component", Ask: ask, Secrets: passwordOf(u)}, nil
}

// TCP connects to host:port.
func TCP(name, address string) Check {
	return Check{Name: name, Component: "component", Ask: func(ctx context.Context) (Observed, error) {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
		if err != nil {
			return Observed{}, fmt.Errorf("connect: %w", err)
		}
		return Observed{}, conn.Close() //nolint:wrapcheck // nothing to add
	}}
}

// Disk looks at the space that is left for unprivileged users on the file
// system of path. Fewer bytes than warn is a warning, than fail a failure.
func Disk(name, path string, warn, fail uint64) Check {
	return Check{Name: name, Component: "system", Ask: func(context.Context) (Observed, error) {
		var s unix.Statfs_t
		if err := unix.Statfs(path, &s); err != nil {
			return Observed{}, fmt.Errorf("look at %s: %w", path, err)
		}
		free := s.Bavail * uint64(s.Bsize)
		seen := Observed{free, "bytes"}
		switch {
		case free < fail:
			return seen, fmt.Errorf("%d bytes left on %s, fewer than %d", free, path, fail)
		case free < warn:
			return seen, fmt.Errorf("%w: %d bytes left on %s, fewer than %d", ErrWarning, free, path, warn)
		}
		return seen, nil
	}}
}

// CertificateFile looks at when the first certificate of a PEM file expires.
func CertificateFile(name, path string, warn, fail time.Duration, now func() time.Time) Check {
	return Check{Name: name, Component: "system", Ask: func(context.Context) (Observed, error) {
		data, err := os.ReadFile(path)
		if err != nil {
			return Observed{}, fmt.Errorf("read the certificate: %w", err)
		}
		block, _ := pem.Decode(data)
		if block == nil {
			return Observed{}, errors.New("the file holds no PEM block")
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return Observed{}, fmt.Errorf("parse the certificate: %w", err)
		}
		return expiry(certificate, warn, fail, now())
	}}
}

// CertificateOf looks at when the certificate that host:port shows expires. It
// does not ask who signed it: that is for those who connect.
func CertificateOf(name, address string, warn, fail time.Duration, now func() time.Time) Check {
	return Check{Name: name, Component: "component", Ask: func(ctx context.Context) (Observed, error) {
		host, _, err := net.SplitHostPort(address)
		if err != nil {
			return Observed{}, fmt.Errorf("read the address: %w", err)
		}
		dialer := tls.Dialer{Config: &tls.Config{ServerName: host, InsecureSkipVerify: true}} //nolint:gosec // an expired one shall be seen, not refused
		conn, err := dialer.DialContext(ctx, "tcp", address)
		if err != nil {
			return Observed{}, fmt.Errorf("connect: %w", err)
		}
		defer conn.Close()
		secure, ok := conn.(*tls.Conn)
		if !ok || len(secure.ConnectionState().PeerCertificates) == 0 {
			return Observed{}, errors.New("no certificate was shown")
		}
		return expiry(secure.ConnectionState().PeerCertificates[0], warn, fail, now())
	}}
}

func expiry(certificate *x509.Certificate, warn, fail time.Duration, now time.Time) (Observed, error) {
	left := certificate.NotAfter.Sub(now)
	seen := Observed{float64(left/time.Hour) / 24, "days"}
	switch text := "expires at " + certificate.NotAfter.UTC().Format(time.RFC3339); {
	case left < fail:
		return seen, errors.New(text)
	case left < warn:
		return seen, fmt.Errorf("%w: %s", ErrWarning, text)
	}
	return seen, nil
}
