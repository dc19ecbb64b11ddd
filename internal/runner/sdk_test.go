package runner_test

import (
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// listenSyslog is a daemon that keeps what it gets.
func listenSyslog(t *testing.T) (address string, with func(text string) int) {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var messages []string
	done := make(chan struct{})
	go func() {
		defer close(done)
		buffer := make([]byte, 1<<16)
		for {
			n, _, err := conn.ReadFrom(buffer)
			if err != nil {
				return
			}
			mu.Lock()
			messages = append(messages, string(buffer[:n]))
			mu.Unlock()
		}
	}()
	t.Cleanup(func() { conn.Close(); <-done })
	return conn.LocalAddr().String(), func(text string) (n int) {
		mu.Lock()
		defer mu.Unlock()
		for _, m := range messages {
			n += strings.Count(m, text)
		}
		return n
	}
}

// Of a program of package app and the runtime, exactly one mails an error and
// sends it to syslog, whatever the manifest leaves to the program.
func TestAnErrorOfTheSDKIsToldOnce(t *testing.T) {
	shop := filepath.Join(t.TempDir(), "shop")
	if out, err := exec.Command("go", "build", "-o", shop, "./testdata/sdk/main.go").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	const settings = "\nconfig: {settings: {PORT: {}, ERROR_MAIL: {}, SMTP_URL: {}, SYSLOG_URL: {}, SYSLOG_FACILITY: {}}}"
	for name, manifest := range map[string]string{
		"the manifest has no section run": settings,
		"the manifest leaves error mail":  "\nrun: {leave: [error.mail]}" + settings,
		"the manifest leaves nothing":     "\nrun: {}" + settings,
	} {
		t.Run(name, func(t *testing.T) {
			folder(t, map[string]string{"roadworthy.yaml": "name: shop\nprocesses: {web: " + shop + "}\ntraffic: [GET /]" + manifest + "\n"})
			box := openMailbox(t)
			address, syslogged := listenSyslog(t)
			r := startHere(t, nil, map[string]string{"workers": "1"}, append(box.environ(), "SYSLOG_URL=udp://"+address, "STATE_DIRECTORY="+t.TempDir())...)
			reply, err := http.Get(r.url + "/fault")
			if err != nil {
				t.Fatal(err)
			}
			reply.Body.Close()
			r.await("the mail", func() bool { return len(box.all()) > 0 })
			r.await("the line", func() bool { return syslogged(`"error":"no ink"`) > 0 })
			if err := r.stop(); err != nil {
				t.Error(err)
			}
			if mails, lines := len(box.all()), syslogged(`"error":"no ink"`); mails != 1 || lines != 1 {
				t.Errorf("%d mails and %d lines tell of one error:\n%s", mails, lines, box.subjects())
			}
		})
	}
}
