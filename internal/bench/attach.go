package bench

import (
	"context"
	"fmt"
	"net"
	"net/netip"

	"github.com/roadworthy-dev/roadworthy/internal/bench/fault"
	"github.com/roadworthy-dev/roadworthy/internal/bench/mailsink"
	"github.com/roadworthy-dev/roadworthy/internal/bench/scratch"
	"github.com/roadworthy-dev/roadworthy/internal/bench/syslogsink"
	"github.com/roadworthy-dev/roadworthy/internal/manifest"
)

// Attached is a backing service of one boot: an address that only this boot
// knows, and behind it a fault proxy with a scratch service of its own, or a sink.
type Attached struct {
	Service   manifest.Service
	Host      string // name that the sandbox's name server knows
	IP        string
	Port      int
	User      string
	Password  string
	Database  string
	Path      string // of SQLite's file, or of the local syslog socket
	Transport string // of Syslog: udp, tcp or unix
	Proxy     *fault.Proxy
	Mail      *mailsink.Sink
	Syslog    *syslogsink.Sink

	database *scratch.Database
	boot     *Boot
	shared   bool // the database belongs to another boot
	copied   bool // the database holds what the release commands left
}

// place draws the address of a service.
func (b *Boot) place(s manifest.Service, transport string) *Attached {
	prefix := map[manifest.ServiceType]string{
		manifest.Postgres: "pg", manifest.MariaDB: "sql", manifest.Redis: "kv", manifest.SMTP: "mx", manifest.Syslog: "logs",
	}[s.Type]
	if prefix == "" {
		prefix = "svc"
	}
	a := &Attached{
		Service: s, Host: prefix + "-" + b.Random.Word(6) + ".internal", IP: b.Random.Address(),
		Port: b.Random.Port(), Transport: transport, boot: b,
	}
	switch {
	case s.Type == manifest.SQLite:
		a.Path = "/var/lib/" + b.bench.Manifest.Name + "/" + b.Random.Word(8) + ".db"
	case s.Type == manifest.Syslog && transport == syslogsink.Unix:
		a.Path = "/dev/log"
	}
	return a
}

// provision gives the service something behind its address.
func (a *Attached) provision(ctx context.Context, share *Boot) error {
	switch a.Service.Type {
	case manifest.SMTP, manifest.Syslog, manifest.SQLite:
		return nil
	}
	if share != nil {
		a.database, a.shared = share.Services[a.Service.Name].database, true
	} else if err := a.fresh(ctx); err != nil {
		return err
	}
	a.User, a.Password, a.Database = a.database.User, a.database.Password, a.database.Name
	return nil
}

func (a *Attached) fresh(ctx context.Context) error {
	bench := a.boot.bench
	server, err := bench.scratchServer(ctx, a.Service.Type)
	if err != nil {
		return fmt.Errorf("start a scratch %s: %w", a.Service.Type, err)
	}
	bench.mu.Lock()
	template := bench.templates[a.Service.Name]
	bench.mu.Unlock()
	if a.copied = template != nil; a.copied {
		a.database, err = server.ProvisionFrom(ctx, template)
	} else {
		a.database, err = server.Provision(ctx)
	}
	if err != nil {
		return fmt.Errorf("provision %s: %w", a.Service.Name, err)
	}
	return nil
}

// open brings the service up at its address inside the sandbox.
func (a *Attached) open(ctx context.Context) (err error) {
	at := fmt.Sprintf("%s:%d", a.IP, a.Port)
	switch a.Service.Type {
	case manifest.SQLite:
		return a.boot.sandbox.MakeFolder(ctx, "/var/lib/"+a.boot.bench.Manifest.Name)
	case manifest.SMTP:
		listener, err := a.boot.sandbox.Listen(ctx, "tcp", at)
		if err != nil {
			return err
		}
		if a.Mail, err = mailsink.New(mailsink.Options{Hosts: []string{a.Host}}); err != nil {
			return err
		}
		a.Mail.Serve(listener)
	case manifest.Syslog:
		return a.collect(ctx, at)
	default:
		a.Proxy, err = fault.New(fault.Config{
			// The proxy listens again after a refusal, when ctx is long over.
			Listen: func() (net.Listener, error) {
				return a.boot.sandbox.Listen(context.WithoutCancel(ctx), "tcp", at)
			},
			Dial: a.database.Dial,
		})
		if err != nil {
			return fmt.Errorf("put a proxy before %s: %w", a.Service.Name, err)
		}
	}
	a.boot.names.Set(a.Host, netip.MustParseAddr(a.IP))
	return nil
}

// collect listens on UDP and TCP; the local socket is there in every boot.
func (a *Attached) collect(ctx context.Context, at string) error {
	a.Syslog = a.boot.Syslog
	lasting := context.WithoutCancel(ctx) // the sink listens again after it was dead
	err := a.Syslog.AddPacket(syslogsink.UDP, func() (net.PacketConn, error) {
		return a.boot.sandbox.ListenPacket(lasting, "udp", at)
	})
	if err != nil {
		return err
	}
	if a.Transport == syslogsink.TCP {
		err := a.Syslog.AddStream(syslogsink.TCP, func() (net.Listener, error) {
			return narrow(a.boot.sandbox.Listen(lasting, "tcp", at))
		})
		if err != nil {
			return err
		}
	}
	a.boot.names.Set(a.Host, netip.MustParseAddr(a.IP))
	return nil
}

// Control is the positive control of the service: it is reached at the very
// address that the application was given, with the same credentials.
func (a *Attached) Control(ctx context.Context) error {
	dial := func(ctx context.Context) (net.Conn, error) {
		return a.boot.sandbox.Dial(ctx, "tcp", fmt.Sprintf("%s:%d", a.IP, a.Port), a.boot.front)
	}
	switch a.Service.Type {
	case manifest.SMTP:
		return a.Mail.SelfTest(ctx, dial)
	case manifest.Syslog:
		network, address := a.Transport, fmt.Sprintf("%s:%d", a.IP, a.Port)
		if a.Transport == syslogsink.Unix {
			network, address = "unixgram", a.Path
		}
		return a.Syslog.SelfTest(ctx, a.Transport, func(ctx context.Context) (net.Conn, error) {
			return a.boot.sandbox.Dial(ctx, network, address, "")
		})
	case manifest.SQLite:
		return nil
	}
	return scratch.CheckQuery(ctx, a.database, dial)
}

// Resolve makes the name of the service known or unknown to the sandbox.
func (a *Attached) Resolve(known bool) {
	if known {
		a.boot.names.Set(a.Host, netip.MustParseAddr(a.IP))
	} else {
		a.boot.names.Remove(a.Host)
	}
}

func (a *Attached) close() error {
	var err error
	if a.Proxy != nil {
		err = a.Proxy.Close()
	}
	if a.Mail != nil {
		_ = a.Mail.Close()
	}
	if a.database != nil && !a.shared {
		if closed := a.database.Close(); err == nil {
			err = closed
		}
	}
	return err
}
