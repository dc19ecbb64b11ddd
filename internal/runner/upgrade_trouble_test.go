package runner_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/problem"
	"github.com/roadworthy-dev/roadworthy/internal/runner"
)

func TestAFailedExecLosesNothing(t *testing.T) {
	binary, err := builtProgram()
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	path := filepath.Join(t.TempDir(), "roadworthy")
	if err := os.WriteFile(path, binary, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("XDG_RUNTIME_DIR", folder)
	t.Setenv("XDG_STATE_HOME", folder)
	t.Chdir("testdata/count")
	var execs atomic.Int64
	address := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	config, err := runner.Load(runner.Options{
		Command: []string{"python3", "app.py"}, Flags: map[string]string{"listen": address, "workers": "2", "times.stop": "2s"}, Environ: os.Environ(),
		Images: &runner.Images{Argv: []string{path}, Exec: func(string, []string, []string) error {
			execs.Add(1)
			return syscall.ETXTBSY
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	r := &running{t: t, url: "http://" + address, output: filepath.Join(folder, "output")}
	output, err := os.Create(r.output)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- runner.Run(ctx, config, output, nil) }()
	end := func() {
		if cancel(); done != nil {
			if err := <-done; err != nil {
				t.Error(err)
			}
			output.Close()
		}
		done = nil
	}
	defer end()
	r.await("readiness", func() bool {
		r.client, err = runner.Find(t.Context(), "", os.Getpid())
		return err == nil && serving(r.status()) == 2
	})
	idle := visit(t, r.url)
	load := r.load(6)
	before := r.status()
	for n := range 5 {
		_, err := r.client.Upgrade(t.Context())
		if p, ok := problem.Of(err); !ok || p.Code != "RW-R07" || execs.Load() != int64(n+1) {
			t.Fatalf("upgrade %d: %v", n+1, err)
		}
		if err := idle.ask(); err != nil {
			t.Errorf("the connection that was kept open: %v", err)
		}
	}
	load.end()
	if load.failed.Load() > 0 {
		t.Errorf("%d of %d requests failed, the first with: %v", load.failed.Load(), load.sent.Load(), load.first.Load())
	}
	after := r.status()
	for i, w := range after.Workers {
		if w.PID != before.Workers[i].PID || w.State != "serving" {
			t.Errorf("worker %+v, before %+v", w, before.Workers[i])
		}
	}
	if err := r.reload(); err != nil {
		t.Error(err)
	}
	end()
	t.Logf("%d requests, the slowest in %s, %d lines", load.sent.Load(), time.Duration(load.slowest.Load()), checkLines(t, r.log(), 4))
}

func TestAnUpgradeWaitsForLongRequests(t *testing.T) {
	p := launch(t, "count", []string{"python3", "app.py"}, nil, nil, nil)
	p.ready(2)
	load := (&running{t: t, url: p.url}).load(4)
	failures := make(chan string, 3)
	for n := range 3 { // never a window without one, for the first ten seconds
		go func() {
			status, body := p.get("/slow" + strconv.Itoa(8+n))
			failures <- strings.TrimPrefix(fmt.Sprint(status, " ", body), "200 hello")
		}()
	}
	p.await("the requests", func() bool {
		busy := 0
		for _, w := range p.status().Workers {
			busy += w.InFlight
		}
		return busy >= 3
	})
	out, err := p.order("upgrade")
	if err != nil {
		t.Errorf("%v: %s\n%s", err, out, tailOf(p.log()))
	}
	for range 3 {
		if failure := <-failures; failure != "" {
			t.Errorf("a long request: %s", failure)
		}
	}
	load.end()
	if load.failed.Load() > 0 {
		t.Errorf("%d of %d requests failed, the first with: %v", load.failed.Load(), load.sent.Load(), load.first.Load())
	}
	t.Logf("%s: %d requests, the slowest in %s", strings.TrimSpace(out), load.sent.Load(), time.Duration(load.slowest.Load()))
}

// With TLS no connection can stay, but no request is lost either, by HTTP/1 or
// by HTTP/2.
func TestUpgradesWithTLS(t *testing.T) {
	dir := t.TempDir()
	roots := certificate(t, dir)
	p := launch(t, "count", []string{"python3", "app.py"}, map[string]string{
		"tls.certificate": filepath.Join(dir, "cert.pem"), "tls.key": filepath.Join(dir, "key.pem"), "tls.plain": fmt.Sprintf("127.0.0.1:%d", freePort(t)),
	}, nil, nil)
	p.ready(2)
	before := p.pids()
	var clients sync.WaitGroup
	var sent atomic.Int64
	stop := make(chan struct{})
	for i := range 6 {
		clients.Go(func() {
			transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: i%2 == 0, DisableKeepAlives: i == 1}
			defer transport.CloseIdleConnections()
			client := &http.Client{Transport: transport, Timeout: 30 * time.Second}
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				sent.Add(1)
				if err := once(client, strings.Replace(p.url, "http:", "https:", 1), i%3 == 0, fmt.Sprintf("%d-%d", i, n)); err != nil {
					t.Errorf("client %d: %v", i, err)
					return
				}
			}
		})
	}
	out := ""
	for n := range 6 {
		var err error
		if out, err = p.order("upgrade"); err != nil {
			t.Errorf("upgrade %d: %v: %s", n+1, err, out)
		}
	}
	close(stop)
	clients.Wait()
	if got := p.pids(); got != before {
		t.Errorf("after upgrades %q, before %q", got, before)
	}
	t.Logf("%s: %d requests", strings.TrimSpace(out), sent.Load())
}

func TestUpgradesInOtherModes(t *testing.T) {
	keys := t.TempDir()
	roots := certificate(t, keys)
	for mode, set := range map[string]map[string]string{
		"shared": {"mode": "shared"}, "socket of the front": {"listen": "unix:front.sock"},
		"shared socket": {"mode": "shared", "listen": "unix:front.sock"},
		"TLS socket":    {"listen": "unix:front.sock", "tls.certificate": filepath.Join(keys, "cert.pem"), "tls.key": filepath.Join(keys, "key.pem")},
	} {
		t.Run(mode, func(t *testing.T) {
			dir := t.TempDir()
			code, err := os.ReadFile(filepath.Join(here, "testdata/count/app.py"))
			if err == nil {
				err = os.WriteFile(filepath.Join(dir, "app.py"), code, 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(dir, "front.sock")
			leaveSocket(t, path) // as a master does that is killed
			p := launch(t, dir, []string{"python3", "app.py"}, set, nil, nil)
			p.ready(2)
			reached := func(when string) {
				if err := overSocket(path, roots, set["tls.key"] != ""); set["listen"] != "" && err != nil {
					t.Errorf("%s: %v", when, err)
				}
			}
			reached("at first")
			before := p.pids()
			var load *load
			if mode == "shared" {
				load = (&running{t: t, url: p.url}).load(4)
			}
			for n := range 2 {
				p.upgradeOnce(n)
				if got := p.pids(); got != before {
					t.Errorf("after an upgrade %q, before %q", got, before)
				}
				reached("after an upgrade")
			}
			if load != nil {
				load.end()
				if load.failed.Load() > 0 {
					t.Errorf("%d of %d requests failed, the first with: %v", load.failed.Load(), load.sent.Load(), load.first.Load())
				}
			}
			if out, err := p.order("reload"); err != nil {
				t.Errorf("reload: %v: %s", err, out)
			}
			reached("after a reload")
			if mode == "shared" {
				if status, body := p.get("/"); status != http.StatusOK {
					t.Errorf("after a reload: %d %s", status, body)
				}
			}
			_ = p.cmd.Process.Signal(syscall.SIGTERM)
			p.awaitEnd()
			checkLines(t, p.log(), 4)
			if _, err := os.Stat(path); set["listen"] != "" && !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the socket was left behind: %v", err)
			}
		})
	}
}

// leaveSocket makes a socket that nobody listens on.
func leaveSocket(t *testing.T, path string) {
	t.Helper()
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	listener.SetUnlinkOnClose(false)
	listener.Close()
}

// overSocket asks for a page over a unix socket.
func overSocket(path string, roots *x509.CertPool, secure bool) error {
	transport := &http.Transport{
		DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: "127.0.0.1"},
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", path)
		},
	}
	url := "http://127.0.0.1/"
	if secure {
		url = "https://127.0.0.1/"
	}
	return once(&http.Client{Transport: transport, Timeout: 30 * time.Second}, url, false, "x")
}

// A signal to end that comes during an upgrade with TLS cuts no request.
func TestAnEndDuringAnUpgradeWithTLSLosesNothing(t *testing.T) {
	dir := t.TempDir()
	roots := certificate(t, dir)
	p := launch(t, "count", []string{"python3", "app.py"}, map[string]string{
		"tls.certificate": filepath.Join(dir, "cert.pem"), "tls.key": filepath.Join(dir, "key.pem"),
	}, nil, nil)
	p.ready(2)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}, Timeout: 30 * time.Second}
	answered := make(chan error, 1)
	go func() {
		reply, err := client.Get(strings.Replace(p.url, "http:", "https:", 1) + "/slow4")
		if err == nil {
			_, err = io.Copy(io.Discard, reply.Body)
			reply.Body.Close()
		}
		answered <- err
	}()
	p.await("the request", func() bool {
		for _, w := range p.status().Workers {
			if w.InFlight > 0 {
				return true
			}
		}
		return false
	})
	for _, signal := range []syscall.Signal{syscall.SIGUSR2, syscall.SIGTERM} {
		if err := p.cmd.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second) // the upgrade has ended the front meanwhile
	}
	if err := <-answered; err != nil {
		t.Error(err)
	}
	if code := p.awaitEnd(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// A handover that cannot be used must not keep the application down.
func TestWhatCannotBeTakenOverIsStartedAnew(t *testing.T) {
	p := launch(t, "count", []string{"python3", "app.py"}, nil, nil, func(cmd *exec.Cmd) {
		script := `mkdir "$TMPDIR/folder"; cat > "$TMPDIR/state" <<END
{"version":2,"pid":$$,"from":"old","number":1,"folder":"$TMPDIR/folder","listener":-1,"plain":-1,"control":-1,"crews":{"web":{"version":99}}}
END
exec 7<"$TMPDIR/state"; rm "$TMPDIR/state"; ROADWORTHY_HANDOVER=7 exec "$0" "$@"`
		cmd.Args = append([]string{"sh", "-c", script}, cmd.Args...)
		cmd.Path = "/bin/sh"
	})
	p.ready(2)
	if status, body := p.get("/"); status != http.StatusOK {
		t.Errorf("%d %s", status, body)
	}
	if log := p.log(); !strings.Contains(log, "new ones are started") || !strings.Contains(log, "took over") {
		t.Errorf("the log does not tell: %s", log)
	}
	for _, pid := range p.processes() {
		data, _ := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
		if pid != p.cmd.Process.Pid && strings.Contains(string(data), "ROADWORTHY_HANDOVER=") {
			t.Errorf("process %d takes itself for an heir", pid)
		}
	}
}
