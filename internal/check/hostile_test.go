package check_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/roadworthy-dev/roadworthy/internal/check"
	"github.com/roadworthy-dev/roadworthy/internal/problem"
	"github.com/roadworthy-dev/roadworthy/internal/report"
	"github.com/roadworthy-dev/roadworthy/internal/standard"
)

// TestApplicationsThatDoNotServe: none of them gets a pass, and each message
// tells what happened and what to do next.
func TestApplicationsThatDoNotServe(t *testing.T) {
	for _, test := range []struct{ name, app, why string }{
		{"ends at once", "import sys; print('no such table: users'); sys.exit(3)", "exit status 3"},
		{"shows its last lines", "import sys; print('no such table: users'); sys.exit(3)", "no such table: users"},
		{"dies of a signal", "import os; os.kill(os.getpid(), 11)", "killed by SIGSEGV"},
		{"does not parse", "def (", "SyntaxError"},
		{"writes nothing", "raise SystemExit(1)", "(it wrote nothing)"},
		{"forks and leaves", server + `
if os.fork(): os._exit(0)
os.setsid()
if os.fork(): os._exit(0)
time.sleep(0.5)
serve()`, "the application ended before it answered"},
		{"listens on nothing", "import time; time.sleep(1000)", "connection refused"},
		{"accepts and is silent", server + `
s = socket.create_server(("", int(os.environ["PORT"])))
time.sleep(1000)`, " for a reply"},
		{"answers garbage", server + `
s = socket.create_server(("", int(os.environ["PORT"])))
while True:
    c, _ = s.accept()
    c.recv(1000); c.sendall(b"\x00\xff\x1b[31m!!\r\n\r\n" * 50); c.close()`, "malformed HTTP"},
		{"sends headers without end", server + `
s = socket.create_server(("", int(os.environ["PORT"])))
def feed(c):
    try:
        c.recv(1000); c.sendall(b"HTTP/1.1 200 OK\r\n")
        while True: c.sendall(b"X-A: " + b"a" * 60000 + b"\r\n")
    except OSError: pass
while True: threading.Thread(target=feed, args=(s.accept()[0],), daemon=True).start()`, "headers exceeded"},
		{"is always broken", server + `
H.do_GET = lambda self: (self.send_response(503), self.send_header("Content-Length", "0"), self.end_headers())
serve()`, "503 Service Unavailable"},
		{"curses in bytes that are no text", `
import os
os.write(2, b"\xff\xfe\x1b]0;owned\x07\x1b[2J fatal \xc3\x28\n" * 30)
os._exit(1)`, "fatal"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := application(t, map[string]string{"app.py": test.app, "roadworthy.yaml": hasty})
			result, err := run(t, 20*time.Second, check.Options{Dir: dir})
			if err != nil {
				t.Fatal(err)
			}
			for claim, v := range verdicts(result) {
				if v.Outcome != standard.Unknown || !strings.Contains(v.Why, test.why) || v.Remedy == "" {
					t.Errorf("%s: got %s, why %q, remedy %q; want unknown because of %q", claim, v.Outcome, v.Why, v.Remedy, test.why)
				}
			}
			if code := result.Run.ExitCode(); code != report.ExitNotProven {
				t.Errorf("exit code %d, want %d", code, report.ExitNotProven)
			}
			assertPrintable(t, result.Run)
		})
	}
}

// assertPrintable: whatever an application wrote, every report is text that
// no terminal obeys.
func assertPrintable(t *testing.T, run report.Run) {
	t.Helper()
	for _, entry := range report.Formats {
		format, err := report.New(entry.Name, report.Settings{})
		if err != nil {
			t.Fatal(err)
		}
		var out strings.Builder
		if err := format.Write(&out, run); err != nil {
			t.Errorf("%s: %v", entry.Name, err)
		}
		if text := out.String(); !utf8.ValidString(text) || strings.ContainsAny(text, "\x1b\x07\x00") {
			t.Errorf("%s holds control characters or invalid UTF-8: %q", entry.Name, text)
		}
		if entry.Name == "json" && !json.Valid([]byte(out.String())) {
			t.Errorf("the JSON report is none")
		}
	}
}

func TestAProgramThatIsNotThere(t *testing.T) {
	dir := application(t, map[string]string{"roadworthy.yaml": strings.ReplaceAll(short, "/usr/bin/python3 app.py", "./bin/nothing --flag")})
	result, err := run(t, 10*time.Second, check.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	for claim, v := range verdicts(result) {
		if v.Outcome != standard.Unknown || !strings.Contains(v.Why, "cannot be executed") || !strings.Contains(v.Remedy, "build it in build:") {
			t.Errorf("%s: got %s, %q, %q", claim, v.Outcome, v.Why, v.Remedy)
		}
	}
}

// TestApplicationsThatMisbehave: they serve, and log what they answer, but do
// other things beside it. The verdicts are the true ones and nothing is left.
func TestApplicationsThatMisbehave(t *testing.T) {
	for _, test := range []struct {
		name, app, manifest string
		requests, noFiles   standard.Outcome
	}{
		{name: "ignores every signal", requests: standard.Pass, noFiles: standard.Pass, app: server + `
for n in range(1, 65):
    try: signal.signal(n, signal.SIG_IGN)
    except (OSError, ValueError): pass
def child():
    if os.fork() == 0:
        os.setsid()
        while True: time.sleep(1)
child(); child()
serve()`},
		{name: "fills the disk", requests: standard.Pass, noFiles: standard.Unknown, app: server + `
for path in ["/tmp/a", "/app/b", "/dev/shm/c"]:
    try:
        with open(path, "wb", 0) as f:
            while True: f.write(b"\1" * (1 << 20))
    except OSError as e: print(path, e, flush=True)
serve()`},
		{name: "opens thousands of connections", requests: standard.Pass, noFiles: standard.Pass, app: server + `
import resource
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
host, port = os.environ["MAIL"].split("//")[1].split(":")
held = []
for n in range(3000):
    try: held.append(socket.create_connection((host, int(port)), 2))
    except OSError as e: print(n, e, flush=True); break
    s = socket.socket(socket.AF_INET, socket.SOCK_STREAM); s.setblocking(False); held.append(s)
    s.connect_ex(("198.51.100.%d" % (n % 250), 1000 + n))
print("connections:", len(held), flush=True)
serve()`, manifest: short + "services: {mail: {type: smtp}}\n"},
		{name: "logs bytes that are no text", requests: standard.Pass, noFiles: standard.Pass, app: server + `
def log(self, *a): os.write(1, b"\xff\xfe" + self.path.encode() + b"\xc3\x28\x1b[31m\n")
H.send_response_only_ = H.send_response
H.send_response = lambda self, *a: (log(self), self.send_response_only_(*a))
serve()`},
		{name: "answers without end", requests: standard.Pass, noFiles: standard.Pass, app: server + `
def endless(self):
    print("GET", self.path, flush=True)
    self.send_response(200); self.send_header("Connection", "close"); self.end_headers()
    try:
        while True: self.wfile.write(b"a" * 65536)
    except OSError: pass
H.do_GET = endless
serve()`},
	} {
		t.Run(test.name, func(t *testing.T) {
			text := short
			if test.manifest != "" {
				text = test.manifest + "\n"
				text = strings.Replace(text, "PORT: {effect: port}", "PORT: {effect: port}, MAIL: {service: mail}", 1)
			}
			dir := application(t, map[string]string{"app.py": test.app, "roadworthy.yaml": text})
			result, err := run(t, 90*time.Second, check.Options{Dir: dir})
			if err != nil {
				t.Fatal(err)
			}
			all := verdicts(result)
			for claim, want := range map[string]standard.Outcome{"log.stdout.requests": test.requests, "log.stdout.no-files": test.noFiles} {
				if v := all[claim]; v.Outcome != want {
					t.Errorf("%s: got %s (%s; %s), want %s", claim, v.Outcome, v.Seen, v.Why, want)
				}
			}
			assertPrintable(t, result.Run)
		})
	}
}

// TestALogFloodCostsNoMemory: an application that writes short lines as fast
// as it can; what the tool keeps of them is bounded.
func TestALogFloodCostsNoMemory(t *testing.T) {
	for name, line := range map[string]string{"short lines": `b"y\n" * 32768`, "long lines": `(b"y" * 65535 + b"\n")`, "no lines": `b"y" * 65536`} {
		t.Run(name, func(t *testing.T) {
			dir := application(t, map[string]string{"roadworthy.yaml": short, "app.py": server + `
def flood():
    chunk = ` + line + `
    while True: os.write(1, chunk)
threading.Thread(target=flood, daemon=True).start()
answer = H.do_GET
H.do_GET = lambda self: (time.sleep(0.2), answer(self)) # so that the flood lasts some seconds
serve()`})
			debug.FreeOSMemory()
			before := resident(t, "VmRSS")
			stop, highest := make(chan struct{}), make(chan int)
			go func() {
				most := 0
				for {
					select {
					case <-stop:
						highest <- most
						return
					case <-time.After(20 * time.Millisecond):
						most = max(most, resident(t, "VmRSS"))
					}
				}
			}()
			result, err := run(t, 30*time.Second, check.Options{Dir: dir})
			close(stop)
			most := <-highest
			if err != nil {
				t.Fatal(err)
			}
			if v := verdicts(result)["log.stdout.requests"]; v.Outcome == standard.Pass || v.Outcome == standard.Error {
				t.Errorf("got %s: %s %s", v.Outcome, v.Seen, v.Why)
			}
			t.Logf("%d KiB at most, %d before", most, before)
			if most > 150<<10 && !raceEnabled { // whose records of memory take several times as much
				t.Errorf("the tool took %d KiB, want at most 150 MiB", most)
			}
		})
	}
}

// resident reads a figure of proc_pid_status(5), in KiB.
func resident(t *testing.T, field string) int {
	data, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Error(err)
	}
	_, rest, _ := strings.Cut(string(data), field+":")
	n, _ := strconv.Atoi(strings.Fields(rest)[0])
	return n
}

// TestBuildsThatGoWrong: the error is a problem with the last lines and a mend.
func TestBuildsThatGoWrong(t *testing.T) {
	for _, test := range []struct{ name, step, got string }{
		{"fails", "echo cannot find libfoo >&2; exit 7", "cannot find libfoo"},
		{"is killed", "kill -9 $$", "exit code 137"},
		{"a tool that is missing", "no-such-compiler -o app", "no-such-compiler"},
		{"fails in a flood", "head -c 50000000 /dev/zero | tr '\\0' 'x' | fold -w 1000; exit 1", "xxxx"},
		{"leaves processes behind", "setsid sleep 1000 & (sleep 1000 &) ; sleep 1000 & exit 9", "exit code 9"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := application(t, map[string]string{"app.py": server + "serve()", "roadworthy.yaml": short + fmt.Sprintf("build: {run: [%q]}\n", test.step)})
			_, err := run(t, 60*time.Second, check.Options{Dir: dir})
			p, ok := problem.Of(err)
			if !ok || p.Code != "RW-A02" || !strings.Contains(p.Error(), test.got) || p.Fix == "" {
				t.Errorf("got %v, want RW-A02 with %q and a fix", err, test.got)
			}
		})
	}
}

// TestABuildLeavesNothingWhenItSucceeds: what it started in the background ends.
func TestABuildLeavesNothingWhenItSucceeds(t *testing.T) {
	dir := application(t, map[string]string{"app.py": server + "serve()", "roadworthy.yaml": short + `build: {run: ["setsid sleep 1000 & (sleep 1000 &) ; true"]}` + "\n"})
	result, err := run(t, 20*time.Second, check.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if got := result.Run.ExitCode(); got != report.ExitReady {
		t.Errorf("exit code %d: %+v", got, verdicts(result))
	}
}

// TestABuildWithWhatLiesAbove: the build takes a module of the repository that
// lies beside the application, and the artifact is the application's folder.
func TestABuildWithWhatLiesAbove(t *testing.T) {
	dir := application(t, map[string]string{
		"apps/web/app.py": "import lib\n" + server + "lib.check(); serve()", "common/lib.py": "import os\ndef check(): assert not os.path.exists('../../common')\n",
		"apps/web/roadworthy.yaml": short + `build: {run: "cp ../../common/lib.py .", context: ../..}` + "\n",
	})
	for _, dirty := range []bool{false, true} {
		result, err := run(t, 20*time.Second, check.Options{Dir: filepath.Join(dir, "apps/web"), Dirty: dirty})
		if err != nil {
			t.Fatal(err)
		}
		if got := result.Run.ExitCode(); got != report.ExitReady {
			t.Errorf("dirty %t: exit code %d: %+v", dirty, got, verdicts(result))
		}
	}
}

// TestMissingTools: what needs a program that is not installed is unknown,
// with the command that installs it.
func TestMissingTools(t *testing.T) {
	dir := application(t, map[string]string{"app.py": server + "serve()", "roadworthy.yaml": short})
	t.Setenv("PATH", "/nonexistent")
	result, err := run(t, 20*time.Second, check.Options{Dir: dir, Dirty: true, Only: []string{"codebase", "dependencies"}})
	if err != nil {
		p, ok := problem.Of(err)
		if !ok || !strings.Contains(p.Error(), "git") || !strings.Contains(p.Fix, "apt-get install git") {
			t.Fatalf("got %v, want a problem that names git and how to install it", err)
		}
		return
	}
	for claim, v := range verdicts(result) {
		if v.Outcome != standard.Unknown || !strings.Contains(v.Remedy, "apt-get install") {
			t.Errorf("%s: got %s, %s, %s", claim, v.Outcome, v.Why, v.Remedy)
		}
	}
}
