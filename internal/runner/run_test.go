package runner_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
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

// soak lengthens the tests to what the goals ask for.
var soak = os.Getenv("ROADWORTHY_SOAK") != ""

// languages are the servers that the tests run, as commands in testdata.
var languages = map[string][]string{
	"python": {"python3", "app.py"},
	"node":   {"node", "app.js"},
	"ruby":   {"ruby", "app.rb"},
	"php":    {"php", "-q", "-S", "127.0.0.1:{port}", "app.php"},
}

// running is a master in this process.
type running struct {
	t      *testing.T
	url    string
	client *runner.Client
	output string        // file
	hangup chan struct{} // what SIGHUP does
	stop   func() error
}

// start runs an application until the test ends.
func start(t *testing.T, command []string, set map[string]string, env ...string) *running {
	t.Helper()
	if _, err := exec.LookPath(command[0]); err != nil {
		t.Skipf("%s is not installed", command[0])
	}
	t.Chdir("testdata")
	return startHere(t, command, set, env...)
}

func startHere(t *testing.T, command []string, set map[string]string, env ...string) *running {
	t.Helper()
	return startWith(t, command, set, func(r *running) bool {
		reply, err := http.Get(r.url + "/")
		if err != nil {
			return false
		}
		defer reply.Body.Close()
		return reply.StatusCode == http.StatusOK
	}, env...)
}

func startWith(t *testing.T, command []string, set map[string]string, answers func(*running) bool, env ...string) *running {
	t.Helper()
	folder := t.TempDir()
	t.Setenv("XDG_RUNTIME_DIR", folder)
	t.Setenv("XDG_STATE_HOME", folder)
	port := freePort(t)
	flags := map[string]string{"listen": fmt.Sprintf("127.0.0.1:%d", port), "workers": "3", "times.settle": "100ms", "times.drain": "10s", "times.stop": "2s"}
	maps.Copy(flags, set)
	config, err := runner.Load(runner.Options{Command: command, Flags: flags, Environ: append(os.Environ(), env...)})
	if err != nil {
		t.Fatal(err)
	}
	r := &running{t: t, url: fmt.Sprintf("http://127.0.0.1:%d", port), output: filepath.Join(folder, "output"), hangup: make(chan struct{}, 1)}
	output, err := os.Create(r.output)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- runner.Run(ctx, config, output, r.hangup) }()
	r.stop = sync.OnceValue(func() error {
		cancel()
		err := <-done
		output.Close()
		return err
	})
	t.Cleanup(func() { _ = r.stop() })
	r.await("a first answer", func() bool { return answers(r) })
	if r.client, err = runner.Find(t.Context(), "", os.Getpid()); err != nil {
		t.Fatal(err)
	}
	return r
}

func freePort(t *testing.T) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}

func (r *running) await(what string, ok func() bool) {
	r.t.Helper()
	for end := time.Now().Add(30 * time.Second); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			r.t.Fatalf("%s did not come; the log:\n%s", what, r.log())
		}
	}
}

func (r *running) log() string {
	data, err := os.ReadFile(r.output)
	if err != nil {
		r.t.Fatal(err)
	}
	return string(data)
}

func (r *running) status() runner.Status {
	r.t.Helper()
	body, err := r.client.Do(r.t.Context(), http.MethodGet, "/status")
	if err != nil {
		r.t.Fatal(err)
	}
	defer body.Close()
	var s runner.Status
	if err := json.NewDecoder(body).Decode(&s); err != nil {
		r.t.Fatal(err)
	}
	return s
}

func (r *running) reload() error {
	body, err := r.client.Do(r.t.Context(), http.MethodPost, "/reload")
	if err == nil {
		body.Close()
	}
	return err
}

// load is requests of several clients, half of them on connections of their
// own and half posting on kept ones, until it is ended.
type load struct {
	sent, failed atomic.Int64
	first        atomic.Value // error
	slowest      atomic.Int64 // nanoseconds
	stop         chan struct{}
	clients      sync.WaitGroup
}

func (r *running) load(clients int) *load {
	l := &load{stop: make(chan struct{})}
	for i := range clients {
		l.clients.Go(func() {
			client := &http.Client{Transport: &http.Transport{DisableKeepAlives: i%2 == 0}, Timeout: 30 * time.Second}
			defer client.CloseIdleConnections()
			for n := 0; ; n++ {
				select {
				case <-l.stop:
					return
				default:
				}
				began := time.Now()
				err := once(client, r.url, i%2 == 1, fmt.Sprintf("%d-%d", i, n))
				l.sent.Add(1)
				l.slowest.Store(max(l.slowest.Load(), int64(time.Since(began))))
				if err != nil {
					l.failed.Add(1)
					l.first.CompareAndSwap(nil, err.Error())
				}
				time.Sleep(2 * time.Millisecond) // a bounded load: some hundred requests a second for each client
			}
		})
	}
	return l
}

func (l *load) end() {
	close(l.stop)
	l.clients.Wait()
}

func once(client *http.Client, url string, post bool, text string) error {
	var reply *http.Response
	var err error
	want := "hello"
	if post {
		want = text
		reply, err = client.Post(url+"/", "text/plain", strings.NewReader(text))
	} else {
		reply, err = client.Get(url + "/")
	}
	if err != nil {
		return err
	}
	defer reply.Body.Close()
	body, err := io.ReadAll(reply.Body)
	if err != nil {
		return err
	}
	if reply.StatusCode != http.StatusOK || string(body) != want {
		return fmt.Errorf("status %d, body %.80q, want %q", reply.StatusCode, body, want)
	}
	return nil
}

// F1: rolling reloads lose no request, in languages that know nothing of them.
func TestReloadsLoseNothing(t *testing.T) {
	reloads := 3
	if soak {
		reloads = 100
	}
	for name, command := range languages {
		t.Run(name, func(t *testing.T) {
			r := start(t, command, nil)
			l := r.load(16)
			for range reloads {
				if err := r.reload(); err != nil {
					t.Fatal(err)
				}
			}
			l.end()
			if l.failed.Load() > 0 || l.sent.Load() < int64(20*reloads) {
				t.Errorf("%d of %d requests failed: %v", l.failed.Load(), l.sent.Load(), l.first.Load())
			}
			for _, w := range r.status().Workers {
				if w.Generation != reloads+1 || w.Restarts != 0 {
					t.Errorf("after %d reloads got %+v", reloads, w)
				}
			}
			t.Logf("%d requests, 0 failed, the slowest took %s", l.sent.Load(), time.Duration(l.slowest.Load()).Round(time.Millisecond))
		})
	}
}

// F2: a deploy that does not work is refused with its reason, and the old
// generation serves on without a failed request.
func TestBadDeploysAreRefused(t *testing.T) {
	for mode, want := range map[string]string{
		"import-error": "ModuleNotFoundError", "no-port": "ready", "crash-later": "3", "hang": "ready", "errors": "500",
	} {
		t.Run(mode, func(t *testing.T) {
			if testing.Short() {
				t.Skip("starts servers")
			}
			dir := t.TempDir()
			source, err := os.ReadFile("testdata/app.py")
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(dir, "app.py")
			if err := os.WriteFile(path, source, 0o600); err != nil {
				t.Fatal(err)
			}
			t.Chdir(dir)
			r := startHere(t, []string{"python3", "app.py"}, map[string]string{"times.ready": "2s", "times.settle": "2s"})
			r.await("three workers", func() bool { return serving(r.status()) == 3 })
			before := r.status()
			broken := strings.Replace(string(source), `os.environ.get("MODE", "")`, strconv.Quote(mode), 1)
			if err := os.WriteFile(path, []byte(broken), 0o600); err != nil {
				t.Fatal(err)
			}
			l := r.load(8)
			err = r.reload()
			l.end()
			if p, ok := problem.Of(err); !ok || p.Code != "RW-R03" || !strings.Contains(p.Got, want) {
				t.Errorf("got %v, want a problem that holds %q", err, want)
			}
			if l.failed.Load() > 0 || l.sent.Load() == 0 {
				t.Errorf("%d of %d requests failed: %v", l.failed.Load(), l.sent.Load(), l.first.Load())
			}
			after := r.status()
			for i, w := range after.Workers {
				if w.PID != before.Workers[i].PID || w.Generation != 1 {
					t.Errorf("the old generation did not stay: %+v, before %+v", w, before.Workers[i])
				}
			}
		})
	}
}

// F3: workers that are killed cost no request that can be repeated.
func TestKilledWorkersCostNoSafeRequest(t *testing.T) {
	kills := 5
	if soak {
		kills = 60
	}
	r := start(t, languages["python"], nil)
	l := &load{stop: make(chan struct{})}
	for range 8 {
		l.clients.Go(func() {
			client := &http.Client{Timeout: 30 * time.Second}
			defer client.CloseIdleConnections()
			for {
				select {
				case <-l.stop:
					return
				default:
				}
				l.sent.Add(1)
				if err := once(client, r.url, false, ""); err != nil {
					l.failed.Add(1)
					l.first.CompareAndSwap(nil, err.Error())
				}
				time.Sleep(2 * time.Millisecond)
			}
		})
	}
	for i := range kills {
		r.await("three workers", func() bool { return serving(r.status()) == 3 })
		victim := r.status().Workers[i%3]
		if err := syscall.Kill(victim.PID, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		r.await("its successor", func() bool {
			s := r.status()
			return serving(s) == 3 && s.Workers[i%3].PID != victim.PID
		})
	}
	l.end()
	if l.failed.Load() > 0 || l.sent.Load() == 0 {
		t.Errorf("%d of %d requests failed: %v", l.failed.Load(), l.sent.Load(), l.first.Load())
	}
}

func serving(s runner.Status) int {
	n := 0
	for _, w := range s.Workers {
		if w.State == "serving" {
			n++
		}
	}
	return n
}

// Nothing is left when it has ended: no process, no folder, no socket.
func TestTheEndLeavesNothing(t *testing.T) {
	r := start(t, languages["python"], nil)
	pids := r.status().Workers
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	for _, w := range pids {
		if err := syscall.Kill(w.PID, 0); err == nil {
			t.Errorf("%s (pid %d) lives on", w.ID, w.PID)
		}
	}
	left, _ := filepath.Glob(filepath.Join(os.TempDir(), fmt.Sprintf("roadworthy-master-%d-*", os.Getpid())))
	sockets, _ := filepath.Glob(filepath.Join(os.Getenv("XDG_RUNTIME_DIR"), "roadworthy", "*.sock"))
	if len(left) > 0 || len(sockets) > 0 {
		t.Errorf("left %v %v", left, sockets)
	}
	if log := r.log(); !strings.Contains(log, "listening") || !strings.Contains(log, "msg=stopping") {
		t.Errorf("the log holds:\n%s", log)
	}
}

// A first generation that does not start is the end, with the reason.
func TestWhatDoesNotStartIsTold(t *testing.T) {
	t.Chdir("testdata")
	t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	config, err := runner.Load(runner.Options{
		Command: []string{"python3", "app.py"}, Flags: map[string]string{"listen": "127.0.0.1:0", "times.ready": "10s"}, Environ: append(os.Environ(), "MODE=import-error"),
	})
	if err != nil {
		t.Fatal(err)
	}
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	err = runner.Run(t.Context(), config, null, nil)
	if p, ok := problem.Of(err); !ok || p.Code != "RW-R03" || !strings.Contains(p.Got, "a_module_that_is_not_there") {
		t.Errorf("got %v", err)
	}
}
