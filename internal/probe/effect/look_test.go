package effect

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
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
config:
  file: {variable: APP_CONFIG, format: json}
  settings:
    PORT: port
    LOG_LEVEL: {key: level, levels: [debug, info, warn, error]}
    STATUS_TOKEN: token
    GREETING: {key: greeting, reply: GET /, value: "text:$value"}
    SECRET_KEY: key
    REGION: region
    SMTP_URL: smtp
    DATA: {key: data, effect: service, service: store, value: $path}
services: {store: sqlite}
status: {}
traffic: [GET /, "POST / {name: $nonce}", GET /]
`

// app is a web application that heeds every setting.
const app = `
import hashlib, http.server, json, os, urllib.parse
file = json.load(open(os.environ["APP_CONFIG"])) if "APP_CONFIG" in os.environ else {}
def get(name, key):
    return str(os.environ.get(name, file.get(key, "")))
def sign(name):
    return name + "." + hashlib.sha256((get("SECRET_KEY", "key") + name).encode()).hexdigest()
open(get("DATA", "data"), "a").write("SQLite")
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        cookie = self.headers.get("Cookie", "").removeprefix("name=")
        name = cookie.partition(".")[0]
        body = get("GREETING", "greeting").removeprefix("text:") + " "
        body += name if sign(name) == cookie else ""
        status = 200
        if self.path == "/status" and self.headers.get("Authorization") != "Bearer " + get("STATUS_TOKEN", "token"):
            status = 404
        self.reply(status, body)
    def do_POST(self):
        form = urllib.parse.parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.reply(200, "", sign(form["name"][0]))
    def reply(self, status, body, cookie=""):
        self.send_response(status)
        if cookie:
            self.send_header("Set-Cookie", "name=" + cookie)
        self.end_headers()
        self.wfile.write(body.encode())
    def log_message(self, *_):
        for level in ("debug", "info")["debug info warn error".split().index(get("LOG_LEVEL", "level")):]:
            print(level, self.path, flush=True)
http.server.HTTPServer(("", int(get("PORT", "port"))), Handler).serve_forever()
`

func newBench(t *testing.T, declared, program string) *bench.Bench {
	t.Helper()
	m, err := manifest.Parse(manifest.Name, []byte(declared))
	if err != nil {
		t.Fatal(err)
	}
	root, dir := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(root, "app.py"), []byte(program), 0o644); err != nil {
		t.Fatal(err)
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
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

func names(b *bench.Bench) []string { return slices.Sorted(maps.Keys(b.Manifest.Config.Settings)) }

// verdicts says in a word what two boots showed of each setting.
func verdicts(t *testing.T, b *bench.Bench, plan bench.Plan) map[string]string {
	t.Helper()
	strong, weak, err := Two(t.Context(), b, plan, names(b))
	if err != nil {
		t.Fatal(err)
	}
	words := map[string]string{}
	for i, s := range strong {
		switch {
		case s.Opaque != "" && weak[i].Opaque != "":
			words[s.Setting] = "opaque"
		case s.Measured() && s.More(weak[i]), !s.Measured() && s.Only() && weak[i].Only():
			words[s.Setting] = "shown"
		default:
			words[s.Setting] = "refuted"
			t.Logf("%+v %+v", s, weak[i])
		}
	}
	record, err := json.Marshal(strong)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range strong {
		if v := s.Value; (s.Setting == "STATUS_TOKEN" || s.Setting == "SECRET_KEY") && v != "a secret" {
			t.Errorf("the record holds the value of %s: %s", s.Setting, record)
		}
	}
	return words
}

func TestLook(t *testing.T) {
	honest := map[string]string{
		"PORT": "shown", "LOG_LEVEL": "shown", "STATUS_TOKEN": "shown", "GREETING": "shown", "SECRET_KEY": "shown",
		"DATA": "shown", "REGION": "opaque", "SMTP_URL": "opaque",
	}
	for name, test := range map[string]struct {
		find, replace string
		refuted       string
	}{
		"honest":                 {"", "", ""},
		"a fixed port":           {`int(get("PORT", "port"))`, "8123", "PORT"},
		"a fixed level":          {`.index(get("LOG_LEVEL", "level"))`, `.index("info")`, "LOG_LEVEL"},
		"any token":              {"status = 404", "status = 200", "STATUS_TOKEN"},
		"a fixed greeting":       {`get("GREETING", "greeting").removeprefix("text:")`, `"hello"`, "GREETING"},
		"a fixed key":            {`get("SECRET_KEY", "key") + name`, `"k" + name`, "SECRET_KEY"},
		"a key of the start":     {`get("SECRET_KEY", "key") + name`, `str(os.getpid()) + name`, "SECRET_KEY"},
		"sessions that end":      {`name if sign(name) == cookie else`, `name if sign(name) == cookie and os.path.getsize(get("DATA", "data")) == 6 else`, "SECRET_KEY"},
		"sessions of two starts": {`name if sign(name) == cookie else`, `name if sign(name) == cookie and os.path.getsize(get("DATA", "data")) < 18 else`, "SECRET_KEY"},
		"a fixed database":       {`open(get("DATA", "data"), "a")`, `open("/tmp/data", "a")`, "DATA"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := maps.Clone(honest)
			if test.refuted != "" {
				want[test.refuted] = "refuted"
			}
			if name == "sessions that end" { // with any second process, under whatever key
				want[test.refuted] = "opaque"
			}
			program := strings.Replace(app, test.find, test.replace, 1)
			if name == "sessions of two starts" { // the second process honours them, and no other one after it, whatever the key is
				program = strings.Replace(program, `get("SECRET_KEY", "key") + name`, `"k" + name`, 1)
				want[test.refuted] = "opaque"
			}
			if test.find != "" && program == app {
				t.Fatal("the program was not changed")
			}
			b := newBench(t, declared, program)
			for source, plan := range map[string]bench.Plan{"environment": {}, "file": {InFile: true}} {
				if test.refuted == "PORT" && plan.InFile {
					continue // a second process cannot have the same port; that is said for the environment
				}
				got := verdicts(t, b, plan)
				if test.refuted == "PORT" {
					got["SECRET_KEY"] = "shown" // likewise
				}
				if !maps.Equal(got, want) {
					t.Errorf("from the %s: got %v, want %v", source, got, want)
				}
			}
		})
	}
}

// TestBeside shows that a value of the file that wins is seen.
func TestBeside(t *testing.T) {
	t.Parallel()
	for name, wins := range map[string]bool{"the environment": false, "the file": true} {
		program := app
		if wins {
			program = strings.Replace(app, "return str(os.environ.get(name, file.get(key, \"\")))",
				"return str(file.get(key, os.environ.get(name, \"\")))", 1)
		}
		b := newBench(t, declared, program)
		decoys := Decoys(b, Weak)
		file := Given(b.Manifest, decoys, func(manifest.Setting) bool { return true })
		boot, err := b.Boot(t.Context(), Strong.In(b.Manifest, bench.Plan{File: file}))
		if err != nil {
			t.Fatal(err)
		}
		scene := Scene{Bench: b, Boot: boot, Own: Own(b, boot), Other: decoys, Beside: true, Watch: names(b)}
		sights, err := scene.Open(t.Context(), b.Manifest.Boot)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range sights {
			if s.Opaque != "" || s.Measured() {
				continue
			}
			if s.Shown == wins || s.Other != wins {
				t.Errorf("%s wins: %+v", name, s)
			}
		}
		if err := boot.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestForms(t *testing.T) {
	setting := manifest.Setting{Value: "a$value:z"}
	if got := Render(setting, "x"); got != "ax:z" || inner(setting, got) != "x" {
		t.Errorf("rendered %q, taken out %q", got, inner(setting, got))
	}
	if inner(manifest.Setting{}, "x") != "x" || Render(manifest.Setting{}, "x") != "x" {
		t.Error("a value without a form changed")
	}
	if got := addresses("A@b.example, c@d.example;x  e@f"); !slices.Equal(got, []string{"a@b.example", "c@d.example", "e@f"}) {
		t.Errorf("addresses %v", got)
	}
}
