package admin

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/roadworthy-dev/roadworthy/internal/bench"
	"github.com/roadworthy-dev/roadworthy/internal/bench/sandbox"
	"github.com/roadworthy-dev/roadworthy/internal/manifest"
)

func TestMain(m *testing.M) {
	sandbox.RunIfAgent()
	os.Exit(m.Run())
}

const declared = `name: app
processes: {web: /usr/bin/python3 app.py}
config: {settings: {PORT: {}}}
traffic: [GET /]
admin:
  argument: /usr/bin/python3 tasks.py
  missing: ./bin/tasks
  module: /usr/bin/python3 -c "import tasks"
  name: echo tasks.py
  shell: /usr/bin/python3 <tasks.py | cat
  stranger: /usr/bin/python3 -c "print(1)"
`

const server = `
import http.server, os
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
http.server.HTTPServer(("", int(os.environ["PORT"])), Handler).serve_forever()
`

// TestArtifact: what counts is that the artifact was opened or executed, not
// how the command is written.
func TestArtifact(t *testing.T) {
	m, err := manifest.Parse(manifest.Name, []byte(declared))
	if err != nil {
		t.Fatal(err)
	}
	root, dir := t.TempDir(), t.TempDir()
	for name, content := range map[string]string{"app.py": server, "tasks.py": "print('done')\n", manifest.Name: declared} {
		if err := os.WriteFile(filepath.Join(root, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, folder := range []string{root, filepath.Dir(root)} {
		if err := os.Chmod(folder, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	b, err := bench.New(bench.Options{Manifest: m, Root: root, Dir: dir, Seed: 7})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	o, err := run(t.Context(), b, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{"argument": true, "module": true, "shell": true}
	for _, c := range o.Commands {
		if c.Artifact != want[c.Name] || c.Started == (c.Name == "missing") || c.Zero != c.Started {
			t.Errorf("%+v", c)
		}
	}
	if len(o.Commands) != 6 {
		t.Errorf("%d commands", len(o.Commands))
	}
}
