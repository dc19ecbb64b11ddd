package start

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
)

func TestMain(m *testing.M) {
	sandbox.RunIfAgent()
	os.Exit(m.Run())
}

const declared = `name: app
processes: {web: /usr/bin/python3 app.py}
config: {settings: {PORT: {}, LOG_LEVEL: {}, API_KEY: {}, REGION: {}}}
traffic: [GET /]
`

// server answers with a status on a port, after the lines of before.
const server = `
import http.server, os, sys, threading, time
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(STATUS)
        self.end_headers()
    def log_message(self, *_):
        pass
http.server.HTTPServer(("", int(PORT)), Handler).serve_forever()
`

func python(before, status, port string) string {
	body := strings.NewReplacer("STATUS", status, "PORT", port).Replace(server)
	return "import os, sys, threading, time\n" + before + "\n" + body
}

func newBench(t *testing.T, program string, more ...string) *bench.Bench {
	t.Helper()
	m, err := manifest.Parse(manifest.Name, []byte(declared+strings.Join(more, "")))
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

func watch(t *testing.T, program string, w Watch) (Outcome, int) {
	t.Helper()
	b := newBench(t, program)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	boot, err := b.Boot(ctx, bench.Plan{})
	if err != nil {
		t.Fatal(err)
	}
	defer boot.Close()
	process, err := boot.Launch(ctx, bench.Launch{NoWait: true})
	if err != nil {
		t.Fatal(err)
	}
	given := process.Port
	o, err := w.On(ctx, b, boot, process)
	if err != nil {
		t.Fatal(err)
	}
	return o, given
}

const long = 20 * time.Second

func TestWatch(t *testing.T) {
	const port = `os.environ["PORT"]`
	late := "threading.Timer(0.5, lambda: (print('bad REGION', flush=True), os._exit(3))).start()"
	for name, test := range map[string]struct {
		program string
		watch   Watch
		good    func(o Outcome, given int) bool
	}{
		"it serves": {python("", "200", port), Watch{Limit: long, Linger: 100 * time.Millisecond},
			func(o Outcome, given int) bool {
				return o.Served && !o.Ended && o.Status == 200 && o.Port == given && o.Last == ""
			}},
		"it serves elsewhere": {python("", "404", "31999"), Watch{Limit: long, Grace: 300 * time.Millisecond},
			func(o Outcome, _ int) bool { return o.Served && o.Port == 31999 && o.After >= 0.3 }},
		"it answers errors elsewhere": {python("", "503", "31999"), Watch{Limit: long, Sick: 200 * time.Millisecond},
			func(o Outcome, _ int) bool { return !o.Served && o.Status == 503 && o.Port == 31999 }},
		"it is sick": {python("", "503", port), Watch{Limit: long, Sick: 200 * time.Millisecond},
			func(o Outcome, given int) bool {
				return !o.Served && !o.Ended && o.Status == 503 && o.Port == given && o.After < 15
			}},
		"it hangs": {"import time\ntime.sleep(60)", Watch{Limit: time.Second},
			func(o Outcome, _ int) bool { return o.Status == 0 && !o.Ended && !o.Served && o.After >= 1 }},
		"it ends": {"import sys\nprint('LOG_LEVEL: want one of', file=sys.stderr)\nsys.exit(4)", Watch{Limit: long},
			func(o Outcome, _ int) bool {
				return o.Refused() && o.Exit == 4 && o.Naming["LOG_LEVEL"] == 1 && len(o.Naming) == 1 && o.Last == "LOG_LEVEL: want one of"
			}},
		"it ends well": {"print('x' * 1000)", Watch{Limit: long},
			func(o Outcome, _ int) bool { return o.Ended && !o.Refused() && len(o.Last) == lastSize }},
		"it kills itself": {"import os\nos.kill(os.getpid(), 9)", Watch{Limit: long},
			func(o Outcome, _ int) bool { return o.Refused() && o.Exit == -1 && o.How == "killed by SIGKILL" }},
		"it ends late": {python(late, "200", port), Watch{Limit: long, Linger: long},
			func(o Outcome, _ int) bool { return o.Refused() && !o.Served && o.Exit == 3 && o.Naming["REGION"] == 1 }},
		"it ends too late": {python("threading.Timer(30, os._exit, [1]).start()", "200", port), Watch{Limit: long},
			func(o Outcome, _ int) bool { return o.Served && !o.Ended }},
		"the wrong value is no name": {"import sys\nsys.exit('not-a REGION')", Watch{Limit: long, Hide: []string{"not-a REGION"}},
			func(o Outcome, _ int) bool { return o.Refused() && o.Naming["REGION"] == 0 }},
		"a secret is struck out": {"import os, sys\nsys.exit('key ' + os.environ['API_KEY'])", Watch{Limit: long},
			func(o Outcome, _ int) bool { return o.Last == "key (API_KEY)" }},
	} {
		t.Run(name, func(t *testing.T) {
			o, given := watch(t, test.program, test.watch)
			if !test.good(o, given) {
				t.Errorf("got %+v, given port %d", o, given)
			}
		})
	}
}

// TestLeast follows an application that asks for one setting after another.
func TestLeast(t *testing.T) {
	ask := "for name in ('API_KEY', 'REGION'):\n    if name not in os.environ: sys.exit('missing ' + name)\n"
	b := newBench(t, python(ask, "200", `os.environ["PORT"]`))
	tries, err := Least(t.Context(), b, long, 4)
	if err != nil {
		t.Fatal(err)
	}
	var given []string
	for _, try := range tries {
		given = append(given, strings.Join(try.Given, "+"))
	}
	if got := strings.Join(given, " "); got != "PORT PORT+API_KEY PORT+API_KEY+REGION" || !tries[2].Outcome.Served {
		t.Errorf("tried %s: %+v", got, tries)
	}
	if tries, err = Least(t.Context(), b, long, 2); err != nil || len(tries) != 2 {
		t.Errorf("of two rounds: %v, %v", tries, err)
	}
	if asked := Asked(tries[1]); len(asked) != 1 || asked[0] != "REGION" {
		t.Errorf("the second start asked for %v", asked)
	}
}

// TestBoot: the release commands run, unless they do not get through.
func TestBoot(t *testing.T) {
	const release = "boot: 1s\nrelease: [\"/usr/bin/python3 -c \\\"import os, time; os.environ['REGION'] == 'slow' and time.sleep(60)\\\"\"]\n"
	b := newBench(t, "", release)
	for name, test := range map[string]struct {
		plan     bench.Plan
		released bool
	}{
		"all is given":   {bench.Plan{}, true},
		"one is missing": {bench.Plan{Unset: []string{"REGION"}}, false},
		"it takes long":  {bench.Plan{Set: map[string]string{"REGION": "slow"}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			boot, released, err := Boot(t.Context(), b, test.plan)
			if err != nil {
				t.Fatal(err)
			}
			defer boot.Close()
			if released != test.released || boot.Plan.NoRelease == released {
				t.Errorf("released %t", released)
			}
		})
	}
}
