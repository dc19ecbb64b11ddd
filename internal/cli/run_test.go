package cli_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/cli"
	"github.com/roadworthy-dev/roadworthy/internal/report"
)

// stubborn serves, and does not end when it is asked to.
const stubborn = `
import http.server, os, signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), http.server.SimpleHTTPRequestHandler).serve_forever()
`

// heard is what a process said, while it goes on.
type heard struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (h *heard) Write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.text.Write(p)
}

func (h *heard) String() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.text.String()
}

// start starts roadworthy run for a program in Python.
func start(t *testing.T, app string, env ...string) (*exec.Cmd, *heard) {
	t.Helper()
	dir, err := os.MkdirTemp("", "rw") // paths of unix sockets are short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.WriteFile(filepath.Join(dir, "app.py"), []byte(app), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd, said := exec.Command("roadworthy", "run", "--workers", "1", "--listen", "127.0.0.1:0",
		"--set", "times.settle=100ms", "--set", "times.stop=20s", "--", "python3", "app.py"), &heard{}
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, said, said
	cmd.Env = append(append(os.Environ(), "XDG_STATE_HOME="+dir, "XDG_RUNTIME_DIR="+dir, "TMPDIR="+dir), env...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { end(cmd) })
	return cmd, said
}

// end presses Ctrl-C until a run has ended, so that it leaves no worker behind.
func end(cmd *exec.Cmd) {
	ended := make(chan struct{})
	go func() { defer close(ended); _ = cmd.Wait() }()
	late := time.AfterFunc(30*time.Second, func() { _ = cmd.Process.Kill() })
	defer late.Stop()
	for {
		_ = cmd.Process.Signal(syscall.SIGINT)
		select {
		case <-ended:
			return
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func await(t *testing.T, said *heard, text string) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !strings.Contains(said.String(), text); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("no %q in\n%s", text, said)
		}
	}
}

func TestCtrlCTwiceTellsThatRequestsMayBeLost(t *testing.T) {
	cmd, said := start(t, stubborn)
	await(t, said, "msg=ready")
	for _, then := range []string{"msg=stopping", ""} {
		if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
			t.Fatal(err)
		}
		await(t, said, then)
	}
	_ = cmd.Wait()
	if text := said.String(); cmd.ProcessState.ExitCode() != cli.ExitInterrupted || !strings.Contains(text, "stopped in a hurry") || strings.Contains(text, "nothing was left behind") {
		t.Errorf("exit code %d\n%s", cmd.ProcessState.ExitCode(), text)
	}
}

func TestAnErrorAfterSIGHUPIsTold(t *testing.T) {
	cmd, said := start(t, `
import os, sys, time
print("begun", flush=True)
while not os.path.exists("end"):
    time.sleep(0.01)
sys.exit(3)
`)
	await(t, said, "begun")
	if err := cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(cmd.Dir, "end"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if text := said.String(); cmd.ProcessState.ExitCode() != report.ExitFailed || !strings.Contains(text, "the application did not start") {
		t.Errorf("exit code %d\n%s", cmd.ProcessState.ExitCode(), text)
	}
}

// Whoever ends a run that still reads its configuration means the run.
func TestASIGTERMAtTheBeginningEndsTheRun(t *testing.T) {
	token := filepath.Join(t.TempDir(), "token")
	if err := syscall.Mkfifo(token, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd, said := start(t, stubborn, "STATUS_TOKEN_FILE="+token)
	writer, err := os.OpenFile(token, os.O_WRONLY|syscall.O_NONBLOCK, 0)
	for end := time.Now().Add(30 * time.Second); errors.Is(err, syscall.ENXIO) && time.Now().Before(end); writer, err = os.OpenFile(token, os.O_WRONLY|syscall.O_NONBLOCK, 0) {
		time.Sleep(10 * time.Millisecond) // until it is read
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	<-time.After(200 * time.Millisecond) // nothing shows that it came; the test would only see less
	if _, err := writer.WriteString("0123456789abcdef"); err != nil {
		t.Fatal(err)
	}
	writer.Close()
	late := time.AfterFunc(15*time.Second, func() { _ = cmd.Process.Kill() })
	defer late.Stop()
	if err := cmd.Wait(); err != nil || strings.Contains(said.String(), "msg=ready") {
		t.Errorf("%v\n%s", err, said)
	}
}
