package peer

// WSGI is the sample application for gunicorn and uWSGI, to be written as
// sample.py: what bench/run/sample answers.
const WSGI = `import os

def app(environ, start_response):
    length = int(environ.get("CONTENT_LENGTH") or 0)
    if length:
        environ["wsgi.input"].read(length)
    body = (str(os.getpid()) + " ").ljust(100, "x").encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "100")])
    return [body]
`

// NginxReply is the configuration of an nginx that replies BODY.
const NginxReply = `daemon off; worker_processes 1; pid FOLDER/backend.pid; error_log /dev/null crit; events { worker_connections 4096; }
http { access_log off; keepalive_requests 100000000; client_body_temp_path FOLDER/a; proxy_temp_path FOLDER/b; fastcgi_temp_path FOLDER/c; uwsgi_temp_path FOLDER/d; scgi_temp_path FOLDER/e;
server { listen ADDRESS; location / { default_type text/plain; return 200 "BODY"; } } }`

// NginxProxy is the configuration of an nginx before one BACKEND: it keeps
// connections, adds what a front adds, and logs nothing.
const NginxProxy = `daemon off; worker_processes 2; pid FOLDER/nginx.pid; error_log /dev/null crit; events { worker_connections 4096; }
http { access_log off; keepalive_requests 100000000; client_body_temp_path FOLDER/a; proxy_temp_path FOLDER/b; fastcgi_temp_path FOLDER/c; uwsgi_temp_path FOLDER/d; scgi_temp_path FOLDER/e;
upstream app { server BACKEND; keepalive 128; keepalive_requests 100000000; }
server { listen ADDRESS; location / { proxy_pass http://app; proxy_http_version 1.1; proxy_set_header Connection "";
proxy_set_header Host $http_host; proxy_set_header X-Request-Id $request_id; proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header X-Forwarded-Proto $scheme; proxy_set_header X-Forwarded-Host $http_host; add_header X-Request-Id $request_id; } } }`

// HaproxyProxy is the same for haproxy.
const HaproxyProxy = `global
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

// CaddyProxy is the same for caddy.
const CaddyProxy = `{
  admin off
  auto_https off
}
http://ADDRESS {
  reverse_proxy BACKEND {
    header_up X-Request-Id {http.request.uuid}
  }
}
`

// The commands that start them.
var (
	Nginx   = []string{"nginx", "-p", "FOLDER", "-e", "/dev/null", "-c", "FILE"}
	Haproxy = []string{"haproxy", "-db", "-q", "-f", "FILE"}
	Caddy   = []string{"caddy", "run", "--adapter", "caddyfile", "--config", "FILE"}
)
