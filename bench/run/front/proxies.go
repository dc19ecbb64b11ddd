package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/signal"
	"runtime/pprof"
	"strings"
	"syscall"

	"github.com/roadworthy-dev/roadworthy/bench/run/peer"
	"github.com/roadworthy-dev/roadworthy/internal/front"
)

// proxy is a running program before the backend.
type proxy struct {
	*peer.Program
	alone bool // what is below it is the backend
}

// counted lists the processes that are the proxy.
func (p proxy) counted() []int {
	if p.alone {
		return p.Own()
	}
	return p.Tree()
}

// workerCommand makes the backend a worker: its port is known when it starts.
const workerCommand = `sed s/127.0.0.1:0/127.0.0.1:$PORT/ worker.conf >worker.$PORT.conf && exec nginx -p FOLDER -e /dev/null -c FOLDER/worker.$PORT.conf`

func startAll(b *peer.Bench, only, profile string) ([]proxy, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	body := []string{"BODY", strings.Repeat("x", 100)}
	backend, err := b.Start(peer.Spec{Name: "backend", Config: peer.NginxReply, Args: peer.Nginx, Fill: body})
	if err != nil {
		return nil, err //nolint:wrapcheck // says enough
	}
	if _, err := b.File("worker.conf", strings.NewReplacer("ADDRESS", "127.0.0.1:0", "backend.pid", "worker.pid", "BODY", body[1]).Replace(peer.NginxReply)); err != nil {
		return nil, err //nolint:wrapcheck // says enough
	}
	var all []proxy
	for _, s := range []peer.Spec{
		{Name: "nginx", Config: peer.NginxProxy, Args: peer.Nginx},
		{Name: "haproxy", Config: peer.HaproxyProxy, Args: peer.Haproxy},
		{Name: "caddy", Config: peer.CaddyProxy, Args: peer.Caddy},
		{Name: "front", Args: []string{self, "-serve", "ADDRESS", "-backend", "BACKEND", "-profile", profile}},
		{Name: "run", Args: []string{
			b.Tool, "run", "--listen", "ADDRESS", "--workers", "1", "--set", "health=off", "--set", "log.access=off", "--", "sh", "-c", workerCommand,
		}, Env: []string{"STATUS_TOKEN=0123456789abcdef0123456789abcdef"}},
	} {
		listed := strings.Contains(","+only+",", ","+s.Name+",")
		if only != "" && !listed || s.Name != "front" && s.Name != "run" && !b.Has(s.Name) {
			continue
		}
		s.Fill = append([]string{"BACKEND", backend.Address}, body...)
		p, err := b.Start(s)
		if err != nil {
			return nil, err //nolint:wrapcheck // says enough
		}
		all = append(all, proxy{p, s.Name == "run"})
	}
	return all, nil
}

// beFront serves as the front with one worker until SIGTERM.
func beFront(address, backend, profile string) error {
	f, err := front.New(front.Options{Status: front.Status{Tokens: []string{"0123456789abcdef0123456789abcdef"}}})
	if err != nil {
		return err //nolint:wrapcheck // says enough
	}
	if err := f.Add(front.Backend{ID: "web.1", Network: "tcp", Address: backend}); err != nil {
		return err //nolint:wrapcheck // says enough
	}
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", address)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	if profile != "" {
		file, err := os.Create(profile)
		if err != nil {
			return fmt.Errorf("write the profile: %w", err)
		}
		defer file.Close()
		if err := pprof.StartCPUProfile(file); err != nil {
			return fmt.Errorf("profile: %w", err)
		}
		defer pprof.StopCPUProfile()
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM)
	served := make(chan error, 1)
	go func() { served <- f.Serve(l) }()
	<-signals
	f.Close()
	return <-served
}
