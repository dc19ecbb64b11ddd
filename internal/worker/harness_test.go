package worker

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

const patience = 60 * time.Second

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "launch" {
		fmt.Fprintln(os.Stderr, Exec(os.Args[2:]))
		os.Exit(127)
	}
	if role := os.Getenv("ROADWORTHY_TEST_ROLE"); role != "" {
		if err := roles[role](); err != nil {
			fmt.Println("role failed:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// world is all that a supervisor meets in a test.
type world struct {
	t   *testing.T
	sup *Supervisor

	retry bool // the load tries a failed request once more, elsewhere

	mu       sync.Mutex
	events   []Event
	lines    map[string][]string
	backends []Backend
	flight   map[string]int
	trace    []string // Add, Drain, parked, in their order
	idle     *sync.Cond
	readers  sync.WaitGroup
}

func (w *world) Add(b Backend) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.backends = append(w.backends, b)
	w.trace = append(w.trace, "add "+b.Worker)
}

func (w *world) Drain(ctx context.Context, id string) error {
	stop := context.AfterFunc(ctx, func() { w.mu.Lock(); w.idle.Broadcast(); w.mu.Unlock() })
	defer stop()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.backends = slices.DeleteFunc(w.backends, func(b Backend) bool { return b.ID == id })
	w.trace = append(w.trace, "drain")
	for w.flight[id] > 0 && ctx.Err() == nil {
		w.idle.Wait()
	}
	return ctx.Err()
}

func (w *world) park(on bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.trace = append(w.trace, fmt.Sprint("park ", on))
}

func (w *world) event(e Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.events = append(w.events, e)
	w.idle.Broadcast()
}

func (w *world) output(s Source, stdout, stderr *os.File) {
	for _, f := range []*os.File{stdout, stderr} {
		w.readers.Go(func() {
			defer f.Close()
			for in := bufio.NewScanner(f); in.Scan(); {
				w.mu.Lock()
				w.lines[s.ID] = append(w.lines[s.ID], in.Text())
				w.mu.Unlock()
			}
		})
	}
}

func (w *world) tail(id string, n int) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := w.lines[id]
	return slices.Clone(all[max(0, len(all)-n):])
}

// newWorld makes a supervisor that is stopped with the test.
func newWorld(t *testing.T, change func(c *Config)) *world {
	t.Helper()
	w := &world{t: t, lines: map[string][]string{}, flight: map[string]int{}}
	w.idle = sync.NewCond(&w.mu)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	run, err := os.MkdirTemp("", "rw-worker-") // t.TempDir is too long for a unix socket
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(run, 0o755); err != nil {
		t.Fatal(err)
	}
	c := Config{
		RunDir: run, Launcher: []string{self, "launch"}, Output: w.output, Tail: w.tail, Event: w.event, Rotation: w, Park: w.park,
		Headroom: func() (int64, bool) { return 0, false }, Ports: sharedPorts.Next,
	}
	if change != nil {
		change(&c)
	}
	if w.sup, err = New(c); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := w.sup.Stop(ctx); err != nil {
			t.Errorf("stop: %v", err)
		}
		w.readers.Wait()
		if left, _ := filepath.Glob(run + "/*.*"); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
		os.RemoveAll(run)
		if t.Failed() {
			w.tell()
		}
	})
	return w
}

var sharedPorts = NewPorts()

func (w *world) tell() {
	for _, e := range w.all() {
		w.t.Logf("%s %s %s %v %v", e.Kind, e.Worker.ID, e.Why, e.Exit, e.Err)
	}
}

func (w *world) all() []Event {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.events)
}

func (w *world) count(kind Kind) int {
	n := 0
	for _, e := range w.all() {
		if e.Kind == kind {
			n++
		}
	}
	return n
}

// until polls with a deadline.
func (w *world) until(what string, ok func() bool) {
	w.t.Helper()
	for deadline := time.Now().Add(patience); !ok(); {
		if time.Now().After(deadline) {
			w.tell()
			w.t.Fatalf("never: %s", what)
		}
		<-time.After(2 * time.Millisecond)
	}
}

// await returns the first event of a kind.
func (w *world) await(kind Kind) Event {
	w.t.Helper()
	var found Event
	w.until("event "+string(kind), func() bool {
		for _, e := range w.all() {
			if e.Kind == kind {
				found = e
				return true
			}
		}
		return false
	})
	return found
}

func (w *world) start(spec Spec) {
	w.t.Helper()
	if err := w.sup.Start(w.t.Context(), spec); err != nil {
		w.t.Fatalf("start: %v", err)
	}
}

// pick takes a backend in turn and counts a request in flight.
func (w *world) pick(n int) (Backend, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.backends) == 0 {
		return Backend{}, false
	}
	b := w.backends[n%len(w.backends)]
	w.flight[b.ID]++
	return b, true
}

// another picks another worker than b for a second try, as a front does for
// requests that may be repeated.
func (w *world) another(b Backend, n int) (Backend, bool) {
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); n++ {
		other, ok := w.pick(n)
		if ok && other.Worker != b.Worker {
			return other, true
		}
		if ok {
			w.done(other)
		}
	}
	return b, false
}

// look returns a backend without a request.
func (w *world) look() (Backend, bool) {
	b, ok := w.pick(0)
	if ok {
		w.done(b)
	}
	return b, ok
}

func (w *world) done(b Backend) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.flight[b.ID]--
	w.idle.Broadcast()
}

// load sends requests with so many clients until stop, and counts them.
func (w *world) load(clients int) (stop func() (total int, failures []string)) {
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	var mu sync.Mutex
	total, failures := 0, []string(nil)
	transport := &http.Transport{DisableKeepAlives: true}
	for c := range clients {
		all.Go(func() {
			client := http.Client{Transport: transport, Timeout: 30 * time.Second}
			for n := c; ctx.Err() == nil; n += clients {
				b, ok := w.pick(n)
				if !ok {
					mu.Lock()
					failures = append(failures, "nobody serves")
					mu.Unlock()
					<-time.After(time.Millisecond)
					continue
				}
				_, err := get(&client, b)
				w.done(b)
				if err != nil && w.retry {
					if other, ok := w.another(b, n); ok {
						_, err = get(&client, other)
						w.done(other)
					}
				}
				mu.Lock()
				if total++; err != nil {
					failures = append(failures, err.Error())
				}
				mu.Unlock()
			}
		})
	}
	return func() (int, []string) {
		cancel()
		all.Wait()
		return total, failures
	}
}

func get(client *http.Client, b Backend) (string, error) {
	reply, err := client.Get("http://" + b.Address + "/")
	if err != nil {
		return "", err
	}
	defer reply.Body.Close()
	text, err := io.ReadAll(reply.Body)
	if err == nil && reply.StatusCode != http.StatusOK {
		err = errors.New(reply.Status)
	}
	return string(text), err
}

// healthy is what a consumer's check may be.
func healthy(ctx context.Context, b Backend) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+b.Address+"/", nil)
	if err != nil {
		return err
	}
	reply, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	reply.Body.Close()
	if reply.StatusCode != http.StatusOK {
		return errors.New("it answers " + reply.Status)
	}
	return nil
}

func (w *world) pids() map[string]int {
	pids := map[string]int{}
	for _, s := range w.sup.Snapshot() {
		if s.State == Serving {
			pids[s.Worker] = s.PID
		}
	}
	return pids
}

// python is a naive server; extra is more environment.
func python(t *testing.T, count int, extra ...string) Spec {
	t.Helper()
	need(t, "python3")
	dir, err := filepath.Abs("testdata")
	if err != nil {
		t.Fatal(err)
	}
	return Spec{
		Name: "web", Command: []string{"python3", "server.py"}, Dir: dir, Env: append([]string{"PATH=" + os.Getenv("PATH")}, extra...), Count: count,
		Times: Times{MinUptime: 300 * time.Millisecond, Backoff: 5 * time.Millisecond, Longest: 40 * time.Millisecond, Stop: 20 * time.Second, Ready: patience},
	}
}

// shell is a process without a socket.
func shell(count int, script string) Spec {
	return Spec{
		Name: "job", Command: []string{"/bin/sh", "-c", script}, Env: []string{"PATH=" + os.Getenv("PATH")}, Count: count, Mode: ModeNone,
		Times: Times{MinUptime: 300 * time.Millisecond, Backoff: 5 * time.Millisecond, Longest: 40 * time.Millisecond, Stop: 20 * time.Second, Ready: patience},
	}
}

func need(t *testing.T, program string) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		t.Skipf("SKIPPED: %s is not installed", program)
	}
}

func (w *world) said(text string) func() bool {
	return func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		for _, lines := range w.lines {
			if strings.Contains(strings.Join(lines, "\n"), text) {
				return true
			}
		}
		return false
	}
}
