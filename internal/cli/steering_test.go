package cli_test

import (
	"bufio"
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/runner"
	"github.com/roadworthy-dev/roadworthy/internal/term"
)

// steering is text of strangers that turns the reading direction and steers a
// terminal; JSON alone would pass the last two.
const steering = "\x1b[2J\u202e\u009b31m"

// tame says that a text cannot steer a terminal.
func tame(t *testing.T, text string) {
	t.Helper()
	for _, r := range text {
		if r != '\n' && term.Unsafe(r) {
			t.Errorf("%U is in\n%q", r, text)
			return
		}
	}
}

func TestNamesOfFilesDoNotSteerTheTerminal(t *testing.T) {
	dir := t.TempDir()
	page := filepath.Join(dir, steering+".html")
	if err := os.WriteFile(page, []byte(`<form method="post" action="/new"><input name="text"></form>`), 0o600); err != nil {
		t.Fatal(err)
	}
	said, err := exec.Command("roadworthy", "init", dir).CombinedOutput()
	if err != nil || !strings.Contains(string(said), `\x1b[2J\u202e\u009b31m.html`) {
		t.Errorf("%v\n%s", err, said)
	}
	tame(t, string(said))
}

func TestLinesAndErrorsDoNotSteerTheTerminal(t *testing.T) {
	cmd, said := start(t, "import sys\n"+
		"print('Traceback (most recent call last):\\n  File \"a.py\", line 1, in <module>\\nValueError: \\x1b[2J\\u202e\\u009b31m', file=sys.stderr, flush=True)\n"+stubborn)
	await(t, said, "msg=ready")
	ask := func(args ...string) string {
		t.Helper()
		asking := exec.Command("roadworthy", args...)
		asking.Env = append(cmd.Env, "PYTHONIOENCODING=utf-8")
		out, err := asking.Output()
		if err != nil {
			t.Fatal(err)
		}
		tame(t, string(out))
		return string(out)
	}
	found := false
	for line := range strings.Lines(ask("logs", "--json")) {
		var one runner.LogLine
		if err := json.Unmarshal([]byte(line), &one); err != nil {
			t.Fatal(err)
		}
		found = found || strings.Contains(one.Text, "ValueError: "+steering)
	}
	var status runner.Status
	for end := time.Now().Add(10 * time.Second); len(status.Errors) == 0 && time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if err := json.Unmarshal([]byte(ask("ps", "--json")), &status); err != nil { // an error waits a moment for its request
			t.Fatal(err)
		}
	}
	if len(status.Errors) != 1 || !found {
		t.Errorf("the text is not in the log (%t) or among the errors %+v", found, status.Errors)
	}
	ask("ps")
	ask("logs")
}

// rude is a mail server that answers one recipient with what is no reply, and
// takes no mail.
func rude(t *testing.T) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Write([]byte("220 hello\r\n"))
			for lines := bufio.NewScanner(conn); lines.Scan(); {
				reply := "250 fine"
				if strings.Contains(lines.Text(), "you@") {
					reply = "bad " + steering
				}
				if lines.Text() == "DATA" {
					reply = "451 later"
				}
				if _, err := conn.Write([]byte(reply + "\r\n")); err != nil {
					break
				}
			}
			conn.Close()
		}
	}()
	return listener.Addr().String()
}

func TestATestMailDoesNotSteerTheTerminal(t *testing.T) {
	cmd := exec.Command("roadworthy", "mail", "test", "you@example.org", "\"him\u202e\"@example.org")
	cmd.Env = append(os.Environ(), "SMTP_URL=smtp://"+rude(t), "XDG_RUNTIME_DIR="+t.TempDir(), "TMPDIR="+t.TempDir())
	cmd.Dir = t.TempDir()
	said, _ := cmd.CombinedOutput()
	if !strings.Contains(string(said), `bad \x1b[2J\u202e\u009b31m`) {
		t.Errorf("it says\n%s", said)
	}
	tame(t, string(said))
}

func TestSettingsDoNotSteerTheTerminal(t *testing.T) {
	for _, as := range []string{"--origin", "--json", "--origin=false"} {
		cmd := exec.Command("roadworthy", "config", "show", as, "--", "true")
		cmd.Env, cmd.Dir = append(os.Environ(), "RELEASE="+steering), t.TempDir()
		said, err := cmd.Output()
		if err != nil || !strings.Contains(string(said), `\u202e\u009b31m`) {
			t.Errorf("%v\n%s", err, said)
		}
		tame(t, string(said))
	}
}
