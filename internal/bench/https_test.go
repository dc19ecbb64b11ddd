package bench

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/manifest"
	"github.com/roadworthy-dev/roadworthy/internal/problem"
)

// strict is an application in production: it redirects what did not come over
// TLS, marks its cookie Secure, and takes a form from its own pages alone.
const strict = `
import http.server, os
class Handler(http.server.BaseHTTPRequestHandler):
    def answer(self):
        host, path = self.headers["Host"], self.path
        own = self.headers.get("Referer", "").startswith("https://" + host + "/")
        if self.headers.get("X-Forwarded-Proto") != "https":
            self.reply(301, "plain", Location="https://" + host + path)
        elif path == "/login" and self.command == "POST":
            self.reply(303 if own else 403, "", **{"Location": "https://" + host + "/", "Set-Cookie": "session=1; Secure; HttpOnly"})
        else:
            self.reply(200, "known" if "session=1" in self.headers.get("Cookie", "") else "stranger")
    do_GET = do_POST = answer
    def reply(self, status, text, **headers):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())
    def log_message(self, *_):
        pass
http.server.HTTPServer(("", int(os.environ["PORT"])), Handler).serve_forever()
`

// strictBoot boots it with a manifest that has further lines.
func strictBoot(ctx context.Context, t *testing.T, further string) *Boot {
	t.Helper()
	m, err := manifest.Parse(manifest.Name, []byte("name: app\nboot: 20s\nprocesses: {web: /usr/bin/python3 app.py}\n"+
		"traffic: [GET /, \"POST /login {user: $nonce}\"]\n"+further))
	if err != nil {
		t.Fatal(err)
	}
	root, dir := t.TempDir(), t.TempDir()
	for _, folder := range []string{root, filepath.Dir(root)} {
		if err := os.Chmod(folder, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(root, "app.py"), []byte(strict), 0o644); err != nil {
		t.Fatal(err)
	}
	b, err := New(Options{Manifest: m, Root: root, Dir: dir, Seed: 7})
	if err != nil {
		t.Fatal(err)
	}
	boot, err := b.Boot(ctx, Plan{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(boot.Close(), b.Close()); err != nil {
			t.Error(err)
		}
	})
	return boot
}

func TestAnApplicationBehindTLS(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	boot := strictBoot(ctx, t, "behind: https\n")
	p, err := boot.Launch(ctx, Launch{})
	if err != nil {
		t.Fatal(err)
	}
	client := boot.Client(p)
	defer client.Close()
	replies := client.Session(ctx, "nonce")
	if last := replies[len(replies)-1]; len(replies) != 3 || last.Status != http.StatusOK || last.Body != "known" {
		t.Errorf("the session ended with %+v", replies)
	}
	if cookies := client.Cookies(); cookies != "session=1" {
		t.Errorf("cookies: %q", cookies)
	}
	wire, err := p.Wire(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer wire.Close()
	if err := wire.Send(p, Request{Method: http.MethodGet, Target: "/"}); err != nil {
		t.Fatal(err)
	}
	if reply := wire.Receive(http.MethodGet, time.Now().Add(5*time.Second)); reply.Body != "stranger" {
		t.Errorf("on a wire: %+v", reply)
	}
	if got := boot.AsForwarded("GET / HTTP/1.1\r\nHost: x\r\n\r\n"); got != "GET / HTTP/1.1\r\nX-Forwarded-Proto: https\r\nHost: x\r\n\r\n" {
		t.Errorf("raw: %q", got)
	}
	plain := Request{Method: http.MethodGet, Target: "/", Header: map[string]string{"X-Forwarded-Proto": "http"}}
	if reply := client.Do(ctx, plain); reply.Status != http.StatusMovedPermanently {
		t.Errorf("what a request says itself is replaced: %s", reply.Outcome())
	}
}

func TestAnApplicationThatWantsTLSIsTold(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	_, err := strictBoot(ctx, t, "").Launch(ctx, Launch{})
	p, ok := problem.Of(err)
	if !ok || !errors.Is(err, ErrNotStarted) || p.Code != "RW-B05" || !strings.Contains(p.Fix, "behind: https") {
		t.Errorf("got %v", err)
	}
}

func TestWhatIsSentToTLS(t *testing.T) {
	for location, want := range map[string]bool{
		"https://127.0.0.1:80/a?b=c": true, "https://127.0.0.1/a?b=c": true, "https://127.0.0.1/login": false,
		"http://127.0.0.1:80/a?b=c": false, "https://elsewhere.example/a?b=c": false, "/a?b=c": false, "": false,
	} {
		reply := Reply{Target: "/a?b=c", Status: http.StatusFound, Header: http.Header{"Location": {location}}}
		if got := sentToTLS(reply); got != want {
			t.Errorf("%q: got %t", location, got)
		}
	}
}
