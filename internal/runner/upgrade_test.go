package runner_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/runner"
)

// newVersion is what the second build says of itself.
const newVersion = "v2-of-the-test"

// builtNew is a second build of roadworthy.
var builtNew = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "rw")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "roadworthy")
	build := exec.Command("go", "build", "-ldflags=-X github.com/roadworthy-dev/roadworthy/internal/cli.linked="+newVersion, "-o", path, "../../cmd/roadworthy")
	build.Dir = here
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%w: %s", err, out)
	}
	return os.ReadFile(path)
})

// replace puts another program in the place of the one that runs.
func (p *program) replace(binary []byte) {
	p.t.Helper()
	path := p.cmd.Path
	if err := os.WriteFile(path+".new", binary, 0o755); err != nil {
		p.t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		p.t.Fatal(err)
	}
}

// order runs a command against the master, by the program of now.
func (p *program) order(words ...string) (string, error) {
	cmd := exec.CommandContext(p.t.Context(), p.cmd.Path, words...)
	cmd.Env = append(p.cmd.Env, "NOTHING=OF THIS WORLD")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func (p *program) pids() string {
	var list []string
	for _, w := range p.status().Workers {
		list = append(list, fmt.Sprintf("%s %d %s", w.ID, w.PID, w.State))
	}
	return strings.Join(list, ", ")
}

// visitor keeps one connection, on which it asks now and then.
type visitor struct {
	conn net.Conn
	in   *bufio.Reader
}

func visit(t *testing.T, url string) *visitor {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &visitor{conn, bufio.NewReader(conn)}
}

func (v *visitor) ask() error {
	_ = v.conn.SetDeadline(time.Now().Add(30 * time.Second))
	if _, err := fmt.Fprint(v.conn, "GET / HTTP/1.1\r\nHost: test\r\n\r\n"); err != nil {
		return err
	}
	reply, err := http.ReadResponse(v.in, nil)
	if err != nil {
		return err
	}
	defer reply.Body.Close()
	if _, err := io.Copy(io.Discard, reply.Body); err != nil {
		return err
	}
	if reply.StatusCode != http.StatusOK || reply.Close {
		return fmt.Errorf("%s, close: %t", reply.Status, reply.Close)
	}
	return nil
}

var numbered = regexp.MustCompile(`(?m)^line (\d+) (\d+)$`)

// checkLines proves that each numbered line arrived exactly once, in order. A
// process that ends in the middle of a line tears it.
func checkLines(t *testing.T, log string, ended int) (lines int) {
	t.Helper()
	next := map[string]int{}
	for _, match := range numbered.FindAllStringSubmatch(log, -1) {
		number, _ := strconv.Atoi(match[2])
		if number != next[match[1]] {
			t.Fatalf("process %s: line %d stands where %d was expected", match[1], number, next[match[1]])
		}
		next[match[1]]++
		lines++
	}
	torn := 0
	for text := range strings.Lines(log) {
		if strings.Contains(text, "line ") && !numbered.MatchString(text) && !strings.Contains(text, "msg=") {
			torn++
		}
	}
	if torn > ended {
		t.Errorf("%d lines are torn, and %d processes ended", torn, ended)
	}
	return lines
}

func TestUpgradesLoseNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the program twice")
	}
	fresh, err := builtNew()
	if err != nil {
		t.Fatal(err)
	}
	times := 4
	if soak {
		times = 40
	}
	for name, command := range map[string][]string{"python": {"python3", "app.py"}, "node": {"node", "app.js"}} {
		t.Run(name, func(t *testing.T) {
			old, _ := builtProgram()
			p := launch(t, "count", command, map[string]string{"workers": "3"}, nil, nil)
			p.ready(3)
			before, first := p.pids(), p.status()
			idle, silent := visit(t, p.url), visit(t, p.url)
			if err := idle.ask(); err != nil {
				t.Fatal(err)
			}
			load := (&running{t: t, url: p.url}).load(16)
			var pauses []time.Duration
			for n := range times {
				p.replace([][]byte{fresh, old}[n%2])
				p.upgradeOnce(n)
				s := p.status()
				pauses = append(pauses, s.Pause)
				if got := p.pids(); got != before || s.PID != first.PID || s.Upgrades != n+1 || !s.Since.Equal(first.Since) {
					t.Errorf("after upgrade %d: %q, master %d since %s, upgrades %d; want %q, %d since %s", n+1, got, s.PID, s.Since, s.Upgrades, before, first.PID, first.Since)
				}
				if (s.Version == newVersion) != (n%2 == 0) {
					t.Errorf("after upgrade %d it is %s", n+1, s.Version)
				}
				if err := idle.ask(); err != nil {
					t.Errorf("the connection that was kept open: %v", err)
				}
			}
			load.end()
			if err := silent.ask(); err != nil {
				t.Errorf("the connection that was silent all the time: %v", err)
			}
			if load.failed.Load() > 0 {
				t.Errorf("%d of %d requests failed, the first with: %v", load.failed.Load(), load.sent.Load(), load.first.Load())
			}
			p.aLifeGoesOn(s3(before))
			if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			if code := p.awaitEnd(); code != 0 {
				t.Errorf("exit code %d", code)
			}
			if left := p.left(); len(left) > 0 {
				t.Errorf("left behind: %q", left)
			}
			lines := checkLines(t, p.log(), 7)
			slices.Sort(pauses)
			t.Logf("%d upgrades, %d requests, the slowest in %s, %d lines; pauses: median %s, longest %s", times, load.sent.Load(),
				time.Duration(load.slowest.Load()), lines, pauses[len(pauses)/2], pauses[len(pauses)-1])
		})
	}
}

// s3 is the pid of the third worker in what pids tells.
func s3(pids string) int {
	pid, _ := strconv.Atoi(strings.Fields(pids)[7])
	return pid
}

// upgradeOnce upgrades by command and by signal in turn.
func (p *program) upgradeOnce(n int) {
	p.t.Helper()
	if n%2 == 0 {
		out, err := p.order("upgrade", "--pid", strconv.Itoa(p.cmd.Process.Pid))
		if err != nil || !strings.HasPrefix(out, "upgraded to ") {
			p.t.Fatalf("upgrade %d: %v: %s\n%s", n+1, err, out, tailOf(p.log()))
		}
		return
	}
	if err := p.cmd.Process.Signal(syscall.SIGUSR2); err != nil {
		p.t.Fatal(err)
	}
	p.await("the upgrade", func() bool { return p.status().Upgrades == n+1 })
}

func tailOf(log string) string { return log[max(0, len(log)-3000):] }

// aLifeGoesOn kills a worker, which is noticed, and reloads.
func (p *program) aLifeGoesOn(victim int) {
	p.t.Helper()
	if err := syscall.Kill(victim, syscall.SIGKILL); err != nil {
		p.t.Fatal(err)
	}
	var third runner.WorkerStatus
	p.await("a new worker", func() bool {
		s := p.status()
		third = s.Workers[2]
		return serving(s) == 3 && !slices.ContainsFunc(s.Workers, func(w runner.WorkerStatus) bool { return w.PID == victim })
	})
	if third.Restarts != 1 || !strings.Contains(third.LastExit, "SIGKILL") {
		p.t.Errorf("after a kill: %+v", third)
	}
	if out, err := p.order("reload"); err != nil {
		p.t.Errorf("reload: %v: %s", err, out)
	}
	for _, w := range p.status().Workers {
		if w.Generation != 2 {
			p.t.Errorf("after a reload: %+v", w)
		}
	}
}

func TestAnUpgradeToNothingIsRefused(t *testing.T) {
	p := launch(t, "count", []string{"python3", "app.py"}, nil, nil, nil)
	p.ready(2)
	good, _ := builtProgram()
	before := p.pids()
	load := (&running{t: t, url: p.url}).load(4)
	for name, binary := range map[string][]byte{
		"garbage": []byte("this is no program"), "another program": []byte("#!/bin/sh\necho hello\n"),
		"one that fails": []byte("#!/bin/sh\necho broken >&2\nexit 1\n"), "half of it": good[:len(good)/2],
	} {
		p.replace(binary)
		master := p.ask(http.MethodPost, "/upgrade")
		if master.status != http.StatusConflict || !strings.Contains(master.body, "RW-R07") {
			t.Errorf("%s: %d %s", name, master.status, master.body)
		}
	}
	if err := p.cmd.Process.Signal(syscall.SIGUSR2); err != nil {
		t.Fatal(err)
	}
	p.await("a refusal", func() bool { return strings.Count(p.log(), "the upgrade is given up") == 5 })
	load.end()
	if load.failed.Load() > 0 {
		t.Errorf("%d of %d requests failed, the first with: %v", load.failed.Load(), load.sent.Load(), load.first.Load())
	}
	if got := p.pids(); got != before {
		t.Errorf("workers %q, before %q", got, before)
	}
	checkLines(t, p.log()[:strings.LastIndexByte(p.log(), '\n')+1], 0)
}

// TestAnUpgradeToWhatDoesNotServeIsRefused changes the manifest to settings
// that read well, and of which a program that has taken over would end.
func TestAnUpgradeToWhatDoesNotServeIsRefused(t *testing.T) {
	dir := t.TempDir()
	certificate(t, dir)
	text, err := os.ReadFile("testdata/count/app.py")
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	manifest := func(run string) {
		write("roadworthy.yaml", "name: shop\ntraffic: [GET /]\nprocesses: {web: python3 app.py}\nrun:\n  tls: {certificate: "+dir+"/cert.pem, key: "+dir+"/key.pem"+run+"\n")
	}
	write("app.py", string(text))
	manifest("}")
	p := launch(t, dir, []string{"python3", "app.py"}, nil, nil, nil)
	p.ready(2)
	before := p.pids()
	write("short.pem", "no certificate")
	for run, want := range map[string]string{
		"}\n  syslog: {url: 'carrier://pigeon'}":                         "SYSLOG_URL is no syslog address",
		"}\n  syslog: {url: 'tcp://127.0.0.1', facility: kitchen}":       "SYSLOG_FACILITY is no facility",
		", certificate: " + dir + "/short.pem}":                          "the certificate cannot be used",
		", plain: '127.0.0.1:1'}":                                        "only a restart changes the address that answers plain HTTP",
		"}\n  status: {path: /live}":                                     "/live",
		"}\n  status: {token: [too-short]}":                              "token",
		"}\n  mail: {server: 'smtp://127.0.0.1', errors: [nobody here]}": "ERROR_MAIL holds no list of addresses",
	} {
		manifest(run)
		if strings.Contains(run, "certificate") { // once in a mapping
			write("roadworthy.yaml", "name: shop\ntraffic: [GET /]\nprocesses: {web: python3 app.py}\nrun:\n  tls: {key: "+dir+"/key.pem"+run+"\n")
		}
		if master := p.ask(http.MethodPost, "/upgrade"); master.status != http.StatusConflict || !strings.Contains(master.body, want) {
			t.Errorf("%s: %d %s", run, master.status, master.body)
		}
	}
	manifest("}")
	if out, err := p.order("upgrade"); err != nil {
		t.Errorf("with settings that work: %v: %s", err, out)
	}
	if got := p.pids(); got != before {
		t.Errorf("workers %q, before %q", got, before)
	}
}

type answered struct {
	status int
	body   string
}

func (p *program) ask(method, path string) answered {
	p.t.Helper()
	request, err := http.NewRequestWithContext(p.t.Context(), method, "http://roadworthy"+path, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	reply, err := p.http.Do(request)
	if err != nil {
		p.t.Fatal(err)
	}
	defer reply.Body.Close()
	body, _ := io.ReadAll(reply.Body)
	return answered{reply.StatusCode, string(bytes.TrimSpace(body))}
}
