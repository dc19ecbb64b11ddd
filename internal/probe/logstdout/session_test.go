package logstdout

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/bench"
	"github.com/roadworthy-dev/roadworthy/internal/bench/sandbox"
	"github.com/roadworthy-dev/roadworthy/internal/manifest"
	"github.com/roadworthy-dev/roadworthy/internal/standard"
)

func TestMain(m *testing.M) {
	sandbox.RunIfAgent() // a sandbox's process 1 is this program
	os.Exit(m.Run())
}

// remembers is an application that logs to standard output, keeps the last
// page in a session file and every page in its database, as frameworks do.
const remembers = `
import http.server, os, sqlite3
db = sqlite3.connect(os.environ["DATABASE_URL"].split("://", 1)[-1])
db.execute("CREATE TABLE visits (page TEXT)")
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        print(self.path, flush=True)
        db.execute("INSERT INTO visits VALUES (?)", (self.path,))
        db.commit()
        with open("/tmp/session", "w") as session:
            session.write("_previous.url=" + self.path)
        EXTRA
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()
    def log_message(self, *_):
        pass
http.server.HTTPServer(("", int(os.environ["PORT"])), Handler).serve_forever()
`

func TestSessionsAndDatabasesAreNoLogs(t *testing.T) {
	for name, test := range map[string]struct {
		extra string
		want  standard.Outcome
	}{
		"a session and a database": {"pass", standard.Pass},
		"a log beside them":        {`open("/tmp/log", "a").write(self.path + "\n")`, standard.Fail},
		"a file for each request":  {`open("/tmp/" + str(hash(self.path)), "w").write(self.path)`, standard.Unknown},
	} {
		t.Run(name, func(t *testing.T) {
			if got := observe(t, test.extra); got.Outcome != test.want {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func observe(t *testing.T, extra string) standard.Finding {
	t.Helper()
	m, err := manifest.Parse(manifest.Name, []byte("name: app\nboot: 20s\nprocesses: {web: /usr/bin/python3 app.py}\ntraffic: [GET /]\n"+
		"services: {db: sqlite}\nconfig: {settings: {DATABASE_URL: {service: db, value: $path}}}\n"))
	if err != nil {
		t.Fatal(err)
	}
	root, dir := t.TempDir(), t.TempDir()
	for _, folder := range []string{root, filepath.Dir(root)} {
		if err := os.Chmod(folder, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	program := filepath.Join(root, "app.py")
	if err := os.WriteFile(program, []byte(strings.Replace(remembers, "EXTRA", extra, 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	b, err := bench.New(bench.Options{Manifest: m, Root: root, Dir: dir, Seed: 7})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	o, err := run(ctx, b, nil)
	if err != nil {
		t.Fatal(err)
	}
	return noFiles(o)
}
