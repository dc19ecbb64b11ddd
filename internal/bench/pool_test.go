package bench

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/roadworthy-dev/roadworthy/internal/manifest"
)

const fed = `
import http.server, os, subprocess
for _ in range(3):
    subprocess.Popen(["cat"], stdin=subprocess.PIPE)
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
http.server.ThreadingHTTPServer(("", int(os.environ["PORT"])), Handler).serve_forever()
`

// TestPoolFedByPipes: children that are fed through pipes accept nothing, and
// are there all the same.
func TestPoolFedByPipes(t *testing.T) {
	m, err := manifest.Parse(manifest.Name, []byte("name: app\nprocesses: {web: /usr/bin/python3 app.py}\nconfig: {settings: {PORT: {}}}\ntraffic: [GET /]\n"))
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	if err := os.WriteFile(filepath.Join(root, "app.py"), []byte(fed), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, folder := range []string{root, filepath.Dir(root)} {
		if err := os.Chmod(folder, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	b, err := New(Options{Manifest: m, Root: root, Dir: t.TempDir(), Seed: 7})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	boot, err := b.Boot(t.Context(), Plan{})
	if err != nil {
		t.Fatal(err)
	}
	defer boot.Close()
	p, err := boot.Launch(t.Context(), Launch{})
	if err != nil {
		t.Fatal(err)
	}
	pool, err := p.Pool(t.Context(), 3)
	if err != nil || len(pool.Workers) != 0 || pool.Children != 3 {
		t.Errorf("%d workers and %d children, %v", len(pool.Workers), pool.Children, err)
	}
}
