package syslog

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"os"
	"sync/atomic"
	"time"
)

// link is one open connection.
type link struct {
	conn   net.Conn
	raw    net.Conn // beneath TLS
	stream bool
	since  time.Time
	rest   []byte // of a frame that was cut off
	last   uint64 // lines of the last datagram
	over   atomic.Bool
	gone   chan struct{} // closed when the watch ended; nil where there is none
}

// watch reads what a daemon never sends, to see the end of the connection.
func (l *link) watch() {
	l.gone = make(chan struct{})
	go func() {
		defer close(l.gone)
		_, _ = io.Copy(io.Discard, struct{ io.Reader }{l.conn})
		l.over.Store(true)
	}()
}

func (l *link) ended() bool { return l.over.Load() }

// resumes reports whether a write that was cut short can be continued.
// crypto/tls allows none after a timeout.
func (l *link) resumes() bool { return l.conn == l.raw && !l.ended() }

// write writes all of a buffer, or as much as it can before ctx ends. What is
// left of an earlier write goes first.
func (l *link) write(ctx context.Context, buf []byte) (int, error) {
	expired := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		_ = l.conn.SetWriteDeadline(time.Unix(1, 0))
		close(expired)
	})
	defer func() {
		if !stop() {
			<-expired
			_ = l.conn.SetWriteDeadline(time.Time{})
		}
	}()
	if len(l.rest) > 0 {
		n, err := l.conn.Write(l.rest)
		l.rest = l.rest[:copy(l.rest, l.rest[n:])]
		if err != nil {
			return 0, err
		}
	}
	return l.conn.Write(buf)
}

func (l *link) close() {
	_ = l.conn.Close()
	if l.gone != nil {
		<-l.gone
	}
}

// dialer makes links.
type dialer struct {
	opts Options
	tls  *tls.Config
}

func newDialer(opts Options) (dialer, error) {
	d := dialer{opts: opts}
	if opts.Network != "tls" {
		return d, nil
	}
	host, _, err := net.SplitHostPort(opts.Address)
	if err != nil {
		return d, err
	}
	d.tls = &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
	if opts.CAFile != "" {
		pem, err := os.ReadFile(opts.CAFile)
		if err != nil {
			return d, err
		}
		d.tls.RootCAs = x509.NewCertPool()
		if !d.tls.RootCAs.AppendCertsFromPEM(pem) {
			return d, fmt.Errorf("%s holds no certificate", opts.CAFile)
		}
	}
	if opts.CertFile != "" {
		pair, err := tls.LoadX509KeyPair(opts.CertFile, opts.KeyFile)
		if err != nil {
			return d, err
		}
		d.tls.Certificates = []tls.Certificate{pair}
	}
	return d, nil
}

func (d dialer) dial(ctx context.Context) (*link, error) {
	ctx, cancel := context.WithTimeout(ctx, d.opts.DialTimeout)
	defer cancel()
	switch d.opts.Network {
	case "unix":
		return d.dialUnix(ctx)
	case "udp":
		conn, err := (&net.Dialer{}).DialContext(ctx, "udp", d.opts.Address)
		if err != nil {
			return nil, err
		}
		return &link{conn: conn, raw: conn}, nil
	case "tcp", "tls":
		return d.dialTCP(ctx)
	}
	return nil, fmt.Errorf("%q is no network that syslog goes over", d.opts.Network)
}

// dialUnix tries a datagram socket, then a stream, as the C library does.
func (d dialer) dialUnix(ctx context.Context) (*link, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "unixgram", d.opts.Address)
	if err == nil {
		if unix, ok := conn.(*net.UnixConn); ok {
			_ = unix.SetWriteBuffer(4 * d.opts.MaxMessage) // a datagram may not be larger
		}
		return &link{conn: conn, raw: conn}, nil
	}
	if !isWrongType(err) {
		return nil, err
	}
	if conn, err = (&net.Dialer{}).DialContext(ctx, "unix", d.opts.Address); err != nil {
		return nil, err
	}
	l := &link{conn: conn, raw: conn, stream: true}
	l.watch()
	return l, nil
}

func (d dialer) dialTCP(ctx context.Context) (*link, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", d.opts.Address)
	if err != nil {
		return nil, err
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetWriteBuffer(sendBuffer)
		setUserTimeout(tcp, d.opts.UserTimeout)
	}
	l := &link{conn: conn, raw: conn, stream: true}
	if d.tls != nil {
		secure := tls.Client(conn, d.tls)
		if err := secure.HandshakeContext(ctx); err != nil {
			_ = conn.Close()
			return nil, err
		}
		l.conn = secure
	}
	l.watch()
	return l, nil
}
