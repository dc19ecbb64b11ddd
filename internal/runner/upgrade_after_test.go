package runner_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// teller answers with what its process was given, and fails where it is asked.
const teller = `import os, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        body = repr((os.environb.get(b"KEY"), os.environ.get("ROADWORTHY_SUPPLIES"))).encode()
        if self.path.startswith("/fail/"):
            text = "Traceback (most recent call last):\n  File \"shop.py\", line 1, in buy\n    pay()\nValueError: no way to " + self.path[6:] + "\n"
            os.write(2, text.encode())
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
`

// tell launches the teller with a section run of its manifest, and returns what
// writes another one.
func tell(t *testing.T, run string, env ...string) (*program, func(run string)) {
	t.Helper()
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	rewrite := func(run string) {
		write("roadworthy.yaml", "name: shop\ntraffic: [GET /]\nprocesses: {web: python3 app.py}\nrun: {"+run+"}\n")
	}
	write("app.py", teller)
	rewrite(run)
	p := launch(t, dir, []string{"python3", "app.py"}, map[string]string{"workers": "1"}, env, nil)
	p.ready(1)
	return p, rewrite
}

// Environments are bytes. A worker that starts after an upgrade gets those that
// it would have got before.
func TestAnUpgradeKeepsTheEnvironment(t *testing.T) {
	p, _ := tell(t, "", "KEY=caf\xe9 \xff\x01")
	_, before := p.get("/")
	p.upgradeOnce(0)
	if err := syscall.Kill(p.status().Workers[0].PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	p.await("another worker", func() bool { return p.status().Workers[0].Restarts == 1 })
	p.ready(1)
	if _, after := p.get("/"); after != before || !strings.Contains(before, `caf\xe9 \xff\x01`) {
		t.Errorf("got %s, before %s", after, before)
	}
}

// Workers may hold a secret of before the last change of it.
func TestErrorMailHidesOldSecretsAfterAnUpgrade(t *testing.T) {
	p, rewrite := tell(t, "status: {token: [the-first-secret-word]}")
	rewrite("status: {token: [the-next-secret-word]}")
	if out, err := p.order("reload"); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for n := range 2 {
		p.upgradeOnce(n)
	}
	p.get("/fail/the-first-secret-word/the-next-secret-word")
	p.await("the error", func() bool { return strings.Contains(p.log(), "no way to") })
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	p.awaitEnd()
	state, err := os.ReadFile(filepath.Join(p.folder, "state/roadworthy/shop/errors.json"))
	if err != nil || !strings.Contains(string(state), "no way to") || strings.Contains(string(state), "secret-word") {
		t.Errorf("got %v and %s", err, state)
	}
}

// Who sends error mail changes with an upgrade, which the workers must know.
func TestAnUpgradeTellsWorkersWhatIsSupplied(t *testing.T) {
	const mail = "mail: {server: 'smtp://127.0.0.1:1', errors: [ops@example.org]}"
	p, rewrite := tell(t, mail)
	supplied := func(want string) {
		t.Helper()
		p.await("a worker that is told "+want, func() bool {
			status, body := p.get("/")
			return status == http.StatusOK && strings.HasSuffix(body, ", "+want+")")
		})
	}
	supplied("'error.mail'")
	before := p.pids()
	p.upgradeOnce(0)
	if now := p.pids(); now != before {
		t.Errorf("an upgrade that changes nothing: workers %s, before %s", now, before)
	}
	rewrite(mail + ", leave: [error.mail]")
	p.upgradeOnce(1)
	supplied("''")
	rewrite(mail)
	p.upgradeOnce(2)
	supplied("'error.mail'")
}

// What is asked for during an upgrade is done after it, and a signal ends
// neither image.
func TestASignalDuringAnUpgradeIsNotLost(t *testing.T) {
	p, _ := tell(t, "")
	signal := func(s syscall.Signal) {
		t.Helper()
		if err := p.cmd.Process.Signal(s); err != nil {
			t.Fatal(err)
		}
	}
	generations := func() int { return strings.Count(p.log(), "worker generation promoted") }
	signal(syscall.SIGUSR2)
	time.Sleep(5 * time.Millisecond) // the runtime may take two signals in any order
	signal(syscall.SIGHUP)
	p.await("the upgrade", func() bool { return p.status().Upgrades == 1 })
	p.await("the reload", func() bool { return generations() == 2 })
	p.ready(1)
	for n := range 4 {
		signal(syscall.SIGUSR2)
		for range 300 {
			time.Sleep(time.Millisecond)
			signal(syscall.SIGHUP)
		}
		p.await(fmt.Sprint("upgrade ", n+2), func() bool { return p.status().Upgrades == n+2 })
		p.ready(1)
	}
}
