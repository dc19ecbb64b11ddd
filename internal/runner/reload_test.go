package runner_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// firstOnly starts a server; of the processes after the first generation all
// but one hang before they answer.
const firstOnly = `test -e "$HANG" && { mkdir "$HANG/one" || exec sleep 600; }; exec python3 app.py`

// An end does not wait for a reload, and starts no worker any more.
func TestAnEndDuringAReloadTakesNothingBack(t *testing.T) {
	hang := filepath.Join(t.TempDir(), "hang")
	r := start(t, []string{"sh", "-c", firstOnly}, map[string]string{"workers": "2", "log.level": "DEBUG"}, "HANG="+hang)
	r.await("two workers", func() bool { return serving(r.status()) == 2 })
	if err := os.Mkdir(hang, 0o700); err != nil {
		t.Fatal(err)
	}
	r.hangup <- struct{}{}
	started := func(generation string) int {
		n := 0
		for line := range strings.Lines(r.log()) {
			if strings.Contains(line, "worker started") && strings.Contains(line, "generation="+generation) {
				n++
			}
		}
		return n
	}
	r.await("a second worker of the new generation", func() bool { return started("2") == 2 })
	if err := r.stop(); err != nil {
		t.Error(err)
	}
	if n := started("1"); n != 2 {
		t.Errorf("%d workers of the old generation were started, want 2; the log:\n%s", n, r.log())
	}
	if log := r.log(); strings.Contains(log, "reload failed") || !strings.Contains(log, "reload given up") {
		t.Errorf("the log tells the reload's end otherwise:\n%s", log)
	}
}

// A reload asks the page of health that the new configuration names: its old
// one may be gone, or say nothing.
func TestAReloadAsksTheNewPageOfHealth(t *testing.T) {
	app, err := filepath.Abs("testdata/pages.py")
	if err != nil {
		t.Fatal(err)
	}
	dir := folder(t, map[string]string{"roadworthy.yaml": pages(app, "/fine")})
	r := startHere(t, nil, nil, "PATH="+os.Getenv("PATH"))
	for page, fit := range map[string]bool{"/broken": false, "off": true, "/fine?again": true} {
		rewrite(t, dir, pages(app, page))
		if err := r.reload(); (err == nil) != fit || err != nil && !strings.Contains(err.Error(), "GET /broken: 500") {
			t.Errorf("%s: got %v, want it fit: %v", page, err, fit)
		}
	}
}

func rewrite(t *testing.T, dir, manifest string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, "roadworthy.yaml"), []byte(manifest), 0o600); err != nil {
		t.Fatal(err)
	}
}

func pages(app, health string) string {
	return "name: shop\nrun: {health: \"" + health + "\"}\nprocesses: {web: python3 " + app + "}\ntraffic: [GET /]\n"
}

// What a reload cannot do changes nothing: not the processes that it could.
func TestAReloadThatCannotBeIsRefusedAsAWhole(t *testing.T) {
	app, err := filepath.Abs("testdata/app.py")
	if err != nil {
		t.Fatal(err)
	}
	manifest := func(others string) string {
		return "name: shop\nprocesses:\n  web: python3 " + app + "\n" + others + "traffic: [GET /]\n"
	}
	const clock = "  clock: sleep 3600\n"
	dir := folder(t, map[string]string{"roadworthy.yaml": manifest(clock)})
	r := startHere(t, nil, nil, "PATH="+os.Getenv("PATH"))
	r.await("all processes", func() bool { return serving(r.status()) == 4 })
	generation := func(process string) int {
		most := 0
		for _, w := range r.status().Workers {
			if name, _, _ := strings.Cut(w.ID, "."); name == process {
				most = max(most, w.Generation)
			}
		}
		return most
	}
	for others, want := range map[string]string{
		"":                               "neither adds process types nor removes any",
		clock + "  mailer: sleep 3600\n": "neither adds process types nor removes any",
		"  clock: no-such-program\n":     "cannot be executed",
	} {
		rewrite(t, dir, manifest(others))
		if err := r.reload(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v", others, err)
		}
		if n := generation("web"); n != 1 {
			t.Errorf("%q: web has generation %d", others, n)
		}
	}
	rewrite(t, dir, manifest("  clock: \"false\"\n")) // which is seen only when web has changed
	if err := r.reload(); err == nil || !strings.Contains(err.Error(), "beside the new one of web") || generation("clock") != 1 {
		t.Errorf("got %v, clock has generation %d", err, generation("clock"))
	}
}

// TestASharedWorkerHasTimeForItsRequests reloads and ends a run while a worker
// that accepts by itself answers a request that takes longer than times.stop.
func TestASharedWorkerHasTimeForItsRequests(t *testing.T) {
	p := launch(t, ".", []string{"python3", "drains.py"}, map[string]string{"mode": "shared", "times.stop": "500ms", "times.drain": "20s"}, nil, nil)
	p.ready(2)
	slow := func(when string, do func() error) {
		replies := make(chan string, 4)
		for range cap(replies) {
			go func() {
				status, body := p.get("/slow3")
				replies <- fmt.Sprint(status, " ", body)
			}()
		}
		time.Sleep(300 * time.Millisecond) // until they are accepted, which nobody tells
		if err := do(); err != nil {
			t.Errorf("%s: %v", when, err)
		}
		for range cap(replies) {
			if got := <-replies; got != "200 hello" {
				t.Errorf("a request during %s: %s", when, got)
			}
		}
	}
	before := p.pids()
	slow("a reload", func() error { _, err := p.order("reload"); return err })
	if p.pids() == before {
		t.Error("nothing was reloaded")
	}
	slow("the end", func() error { return p.cmd.Process.Signal(syscall.SIGTERM) })
	p.awaitEnd()
}
