package main

import (
	"context"
	"fmt"
	"io"
	"net"

	"github.com/roadworthy-dev/roadworthy/bench/run/peer"
)

// master is what stands around an application.
type master struct {
	*peer.Program
	proxies bool // every request passes through it
}

// counted lists its processes without those of the application.
func (m master) counted() []int {
	if m.Name == "nginx" {
		return m.Tree()
	}
	return m.Own()
}

const supervisorConfig = `[supervisord]
nodaemon=true
logfile=FOLDER/supervisord.own
pidfile=FOLDER/supervisord.pid
childlogdir=FOLDER
[unix_http_server]
file=FOLDER/supervisor.sock
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[program:one]
command=SAMPLE
environment=LISTEN="unix:FOLDER/one.sock"
[program:two]
command=SAMPLE
environment=LISTEN="unix:FOLDER/two.sock"
`

// start starts all masters that there are, each with two processes of the
// application, or before one.
func start(b *peer.Bench, syslog string) ([]master, error) {
	if _, err := b.File("sample.py", peer.WSGI); err != nil {
		return nil, err //nolint:wrapcheck // says enough
	}
	backend, err := b.Start(peer.Spec{Name: "sample", Args: []string{b.Sample}, Env: []string{"LISTEN=ADDRESS"}})
	if err != nil {
		return nil, err //nolint:wrapcheck // says enough
	}
	var all []master
	for _, s := range []peer.Spec{
		{Name: "run", Args: []string{b.Tool, "run", "--listen", "ADDRESS", "--workers", "2", "--", b.Sample}, Env: []string{
			"STATUS_TOKEN=0123456789abcdef0123456789abcdef", "SYSLOG_URL=tcp://" + syslog,
			"ERROR_MAIL=ops@example.org", "SMTP_URL=smtp://127.0.0.1:9", "MAIL_FROM=sample@example.org",
		}},
		{Name: "nginx", Config: peer.NginxProxy, Args: peer.Nginx},
		{Name: "haproxy", Config: peer.HaproxyProxy, Args: peer.Haproxy},
		{Name: "caddy", Config: peer.CaddyProxy, Args: peer.Caddy},
		{Name: "gunicorn", Args: []string{"gunicorn", "--workers", "2", "--threads", "4", "--log-level", "warning", "--bind", "ADDRESS", "sample:app"}},
		{Name: "uwsgi", Args: []string{"uwsgi", "--plugin", "python3", "--http-socket", "ADDRESS", "--master", "--processes", "2", "--threads", "4", "--enable-threads", "--disable-logging", "--die-on-term", "--need-app", "--module", "sample:app"}},
		{Name: "supervisord", Config: supervisorConfig, Args: []string{"supervisord", "-c", "FILE"}, Address: "-"},
	} {
		if s.Name != "run" && !b.Has(s.Name) {
			continue
		}
		s.Fill = []string{"BACKEND", backend.Address, "SAMPLE", b.Sample}
		p, err := b.Start(s)
		if err != nil {
			return nil, err //nolint:wrapcheck // says enough
		}
		proxy := s.Config != "" && s.Address == "" || s.Name == "run"
		all = append(all, master{p, proxy})
	}
	return all, nil
}

// discard is a syslog server that throws everything away.
func discard() (net.Listener, error) {
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	go func() { // until the listener is closed
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(io.Discard, conn); conn.Close() }()
		}
	}()
	return listener, nil
}
