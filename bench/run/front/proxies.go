package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime/pprof"
	"strings"
	"syscall"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/front"
)

// proxy is a running program that answers at address.
type proxy struct {
	name, address string
	command       *exec.Cmd
}

// Every proxy keeps connections to the backend, adds a request id and the
// X-Forwarded fields, and logs nothing, as ours does.
const (
	backendConfig = `daemon off; worker_processes 1; pid FOLDER/backend.pid; error_log /dev/null crit; events { worker_connections 4096; }
http { access_log off; keepalive_requests 100000000; client_body_temp_path FOLDER/a; proxy_temp_path FOLDER/b; fastcgi_temp_path FOLDER/c; uwsgi_temp_path FOLDER/d; scgi_temp_path FOLDER/e;
server { listen ADDRESS; location / { default_type text/plain; return 200 "BODY"; } } }`
	nginxConfig = `daemon off; worker_processes 2; pid FOLDER/nginx.pid; error_log /dev/null crit; events { worker_connections 4096; }
http { access_log off; keepalive_requests 100000000; client_body_temp_path FOLDER/a; proxy_temp_path FOLDER/b; fastcgi_temp_path FOLDER/c; uwsgi_temp_path FOLDER/d; scgi_temp_path FOLDER/e;
upstream app { server BACKEND; keepalive 128; keepalive_requests 100000000; }
server { listen ADDRESS; location / { proxy_pass http://app; proxy_http_version 1.1; proxy_set_header Connection "";
proxy_set_header Host $http_host; proxy_set_header X-Request-Id $request_id; proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header X-Forwarded-Proto $scheme; proxy_set_header X-Forwarded-Host $http_host; add_header X-Request-Id $request_id; } } }`
	haproxyConfig = `global
  nbthread 2
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  option forwardfor
  http-reuse always
  unique-id-format %{+X}o\ %ci%cp%fi%fp%Ts%rt%pid
  unique-id-header X-Request-Id
frontend f
  bind ADDRESS
  default_backend b
backend b
  server s BACKEND
`
	caddyConfig = `{
  admin off
  auto_https off
}
http://ADDRESS {
  reverse_proxy BACKEND {
    header_up X-Request-Id {http.request.uuid}
  }
}
`
)

func startAll(ctx context.Context, folder, only, profile string) ([]*proxy, error) {
	backend, err := freeAddress()
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	var all []*proxy
	for _, row := range []struct {
		name, config string
		words        []string
	}{
		{"backend", backendConfig, []string{"nginx", "-p", "FOLDER", "-e", "/dev/null", "-c", "FILE"}},
		{"nginx", nginxConfig, []string{"nginx", "-p", "FOLDER", "-e", "/dev/null", "-c", "FILE"}},
		{"haproxy", haproxyConfig, []string{"haproxy", "-db", "-q", "-f", "FILE"}},
		{"caddy", caddyConfig, []string{"caddy", "run", "--adapter", "caddyfile", "--config", "FILE"}},
		{"ours", "", []string{self, "-serve", "ADDRESS", "-backend", "BACKEND", "-profile", profile}},
	} {
		if row.name != "backend" && only != "" && !strings.Contains(","+only+",", ","+row.name+",") {
			continue
		}
		address := backend
		if row.name != "backend" {
			if address, err = freeAddress(); err != nil {
				return all, err
			}
		}
		p, err := startOne(ctx, folder, row.name, row.config, row.words, address, backend)
		if p != nil {
			all = append(all, p)
		}
		if err != nil {
			return all, fmt.Errorf("start %s: %w", row.name, err)
		}
	}
	return all, nil
}

func startOne(ctx context.Context, folder, name, config string, words []string, address, backend string) (*proxy, error) {
	file := filepath.Join(folder, name+".conf")
	fill := strings.NewReplacer("FOLDER", folder, "FILE", file, "ADDRESS", address, "BACKEND", backend, "BODY", strings.Repeat("x", 100))
	if err := os.WriteFile(file, []byte(fill.Replace(config)), 0o600); err != nil {
		return nil, fmt.Errorf("write its configuration: %w", err)
	}
	args := make([]string, len(words))
	for i, word := range words {
		args[i] = fill.Replace(word)
	}
	command := exec.CommandContext(ctx, args[0], args[1:]...)
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) }
	command.WaitDelay = 5 * time.Second
	command.Env = append(os.Environ(), "GOMAXPROCS=2", "HOME="+folder, "XDG_DATA_HOME="+folder, "XDG_CONFIG_HOME="+folder)
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("run it: %w", err)
	}
	p := &proxy{name, address, command}
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
		if err == nil {
			return p, conn.Close() //nolint:wrapcheck // nothing to add
		}
	}
	return p, fmt.Errorf("it does not listen on %s", address)
}

func freeAddress() (string, error) {
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	defer l.Close()
	return l.Addr().String(), nil
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
