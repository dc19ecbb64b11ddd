package effect

import (
	"strings"
	"testing"

	"github.com/roadworthy-dev/roadworthy/internal/bench"
)

// client is a web application that asks its database something at each
// request, by the database's own client program.
const client = `
import http.server, os, subprocess, urllib.parse
url = urllib.parse.urlsplit(os.environ["DATABASE_URL"])
user, password, database = url.username, url.password, url.path[1:]
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        done = subprocess.run(ASK, env={**os.environ, "PGPASSWORD": password, "MYSQL_PWD": password, "PGSSLMODE": "disable"})
        self.send_response(200 if done.returncode == 0 else 503)
        self.end_headers()
http.server.HTTPServer(("", int(os.environ["PORT"])), Handler).serve_forever()
`

var asks = map[string]string{
	"postgres": `["psql", "-h", url.hostname, "-p", str(url.port), "-U", user, "-d", database, "-c", "SELECT 1"]`,
	"mariadb":  `["mariadb", "--skip-ssl", "-h", url.hostname, "-P", str(url.port), "-u", user, "-D", database, "-e", "SELECT 1"]`,
}

// TestDatabases shows which parts of an address real clients use.
func TestDatabases(t *testing.T) {
	for kind, ask := range asks {
		for name, test := range map[string]struct {
			change string
			shown  bool
			how    string
		}{
			"honest":           {"", true, "connections came to"},
			"another user":     {`user = "nobody"`, false, "not with its user and password and database"},
			"another database": {`database = "other"`, false, "not with its"},
			"another host":     {`url = url._replace(netloc="127.0.0.1:9")`, false, "no connection came to"},
		} {
			t.Run(kind+" "+name, func(t *testing.T) {
				t.Parallel()
				program := strings.Replace(strings.Replace(client, "ASK", ask, 1), "class Handler", test.change+"\nclass Handler", 1)
				manifest := "name: app\nprocesses: {web: /usr/bin/python3 app.py}\nconfig: {settings: {PORT: {}, DATABASE_URL: {}}}\n" +
					"services: {db: " + kind + "}\ntraffic: [GET /]\n"
				b := newBench(t, manifest, program)
				boot, err := b.Boot(t.Context(), bench.Plan{})
				if err != nil {
					t.Fatal(err)
				}
				defer boot.Close()
				scene := Scene{Bench: b, Boot: boot, Own: Own(b, boot), Other: Decoys(b, Weak), Watch: []string{"DATABASE_URL"}, Sick: 1}
				sights, err := scene.Open(t.Context(), b.Manifest.Boot)
				if err != nil {
					t.Fatal(err)
				}
				s := sights[0]
				if s.Shown != test.shown || s.Other || !strings.Contains(s.How, test.how) {
					t.Errorf("got %+v", s)
				}
				if service := boot.Services["db"]; strings.Contains(s.How+s.Value, service.Password) {
					t.Error("the record holds the password")
				}
			})
		}
	}
}
