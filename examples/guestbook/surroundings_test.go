package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

func TestLogLevels(t *testing.T) {
	for i, threshold := range levels {
		var out bytes.Buffer
		log := NewLog(&out, threshold.value, nil)
		var want []string
		for j, level := range levels {
			log.Log(t.Context(), level.value, "hello", "n", j)
			if j >= i {
				want = append(want, fmt.Sprintf(`"level":"%s","msg":"hello","n":%d}`, level.name, j))
			}
		}
		lines := strings.Split(strings.TrimSpace(out.String()), "\n")
		for n, line := range lines {
			if len(lines) != len(want) || !strings.HasSuffix(line, want[n]) {
				t.Errorf("%s: got %q, want %q", threshold.name, lines, want)
			}
		}
	}
}

// listen returns the address of a collector, and a function that reads what came.
func listen(t *testing.T, network string) (*url.URL, func() string) {
	if network == "tcp" {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { listener.Close() })
		return &url.URL{Scheme: "tcp", Host: listener.Addr().String()}, func() string {
			conn, err := listener.Accept()
			if err != nil {
				return err.Error()
			}
			defer conn.Close()
			all, _ := io.ReadAll(conn)
			return string(all)
		}
	}
	address, at := &url.URL{Scheme: "udp"}, "127.0.0.1:0"
	if network == "unixgram" {
		address.Scheme, address.Path = "unix", filepath.Join(t.TempDir(), "log")
		at = address.Path
	}
	conn, err := net.ListenPacket(network, at)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	address.Host = map[string]string{"udp": conn.LocalAddr().String()}[network]
	return address, func() string {
		buffer := make([]byte, 9000)
		conn.SetReadDeadline(time.Now().Add(2 * time.Second))
		n, _, _ := conn.ReadFrom(buffer)
		return string(buffer[:n])
	}
}

func TestSyslogTransports(t *testing.T) {
	frame := regexp.MustCompile(`^(\d+ )?<131>1 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z \S+ guestbook \d+ - - (\{"time":.*"level":"ERROR","msg":"hello","from":"test","g":\{"n":1\}\})$`)
	for _, network := range []string{"udp", "tcp", "unixgram"} {
		t.Run(network, func(t *testing.T) {
			address, read := listen(t, network)
			syslog := NewSyslog(address, 16, io.Discard)
			log := NewLog(io.Discard, slog.LevelWarn, syslog)
			log.Info("not this")
			log.With("from", "test").WithGroup("g").Error("hello", "n", 1)
			syslog.Stop()
			got := read()
			if match := frame.FindStringSubmatch(got); match == nil || !json.Valid([]byte(match[2])) {
				t.Errorf("got %q", got)
			} else if size := ""; network == "tcp" {
				size = fmt.Sprintf("%d ", len(got)-len(match[1]))
				if match[1] != size {
					t.Errorf("the length is %q, want %q", match[1], size)
				}
			}
		})
	}
}

func TestSyslogSeverities(t *testing.T) {
	got := []int{}
	for _, level := range levels {
		got = append(got, severity(level.value))
	}
	if !slices.Equal(got, []int{7, 6, 4, 3}) {
		t.Errorf("got %v", got)
	}
}

func TestSyslogNeverBlocksAndCountsLosses(t *testing.T) {
	address := &url.URL{Scheme: "unix", Path: filepath.Join(t.TempDir(), "nobody")}
	var stderr bytes.Buffer
	syslog := NewSyslog(address, 1, &stderr)
	begin := time.Now()
	for range 1500 {
		syslog.Send(slog.LevelInfo, begin, bytes.Repeat([]byte("x"), 9000))
	}
	if took := time.Since(begin); took > time.Second {
		t.Errorf("sending took %v", took)
	}
	syslog.Stop()
	if got := stderr.String(); got != `{"level":"WARNING","msg":"syslog records lost","count":1500}`+"\n" {
		t.Errorf("got %s", got)
	}
	if n := len(syslog.frame(slog.LevelInfo, begin, bytes.Repeat([]byte("x"), 9000))); n < 8000 || n > 8200 {
		t.Errorf("a frame has %d octets", n)
	}
}

// post records mails, and refuses them while it is down.
type post struct {
	mu    sync.Mutex
	mails []string
	down  bool
}

func (p *post) send(subject, body string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.down {
		return errors.New("no mail today")
	}
	p.mails = append(p.mails, subject+"\n"+body)
	return nil
}

func (p *post) setDown(down bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = down
}

// want checks that n mails were sent, and how the last one begins and ends.
func (p *post) want(t *testing.T, n int, begin, end string) {
	t.Helper()
	synctest.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.mails) != n || !strings.HasPrefix(p.mails[n-1], begin) || !strings.HasSuffix(p.mails[n-1], end) {
		t.Errorf("the mails are %q, want %d that end with %q, %q", p.mails, n, begin, end)
	}
}

func TestMailsAreFewAndExact(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &post{}
		m := NewMailer(p.send, 5*time.Second, discard())
		m.Report("first", "trace 1")
		first := "first\nErrors in this mail: 1. Errors since the start: 1.\n\n1 × first\n\ntrace 1\n"
		p.want(t, 1, first, first)
		for i := range 299 {
			m.Report([]string{"a", "b"}[i%2], "trace")
			time.Sleep(time.Millisecond)
		}
		p.want(t, 1, first, first)
		time.Sleep(5 * time.Second)
		p.want(t, 2, "299 errors, such as a\nErrors in this mail: 299. Errors since the start: 300.\n", "\n\n150 × a\n\ntrace\n\n149 × b\n\ntrace\n")
		for i := range 2 * kinds {
			m.Report(fmt.Sprint("kind ", i), "")
		}
		m.Stop()
		p.want(t, 3, "20 errors, such as kind 0\nErrors in this mail: 20. Errors since the start: 320.\n", "\n10 × something else\n")
	})
}

func TestMailsSurviveADeadServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &post{down: true}
		m := NewMailer(p.send, 5*time.Second, discard())
		for i := range 15 {
			m.Report(fmt.Sprint("kind ", i), "trace")
		}
		time.Sleep(12 * time.Second)
		p.setDown(false)
		time.Sleep(5 * time.Second)
		m.Stop()
		p.want(t, 1, "15 errors, such as kind ", "\n5 × something else\n")
	})
}

func TestMessage(t *testing.T) {
	got := string(message([]string{"a@b.c", "d@e.f"}, "café\r\nBcc: x@y.z", "one\ntwo", time.Unix(0, 0).UTC()))
	head, body, _ := strings.Cut(got, "\r\n\r\n")
	if body != "one\r\ntwo" || !strings.Contains(head, "\r\nTo: a@b.c, d@e.f\r\nSubject: =?utf-8?q?[guestbook]_caf=C3=A9=0D=0ABcc:_x@y.z?=\r\nDate: Thu, 01 Jan 1970 00:00:00 +0000\r\n") {
		t.Errorf("got %q", got)
	}
	if got := string(message(nil, strings.Repeat("s", 500), "", time.Now())); strings.Count(got, "s") > 200 {
		t.Errorf("got %q", got)
	}
}

func TestSMTP(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	said := make(chan string, 1)
	go func() { said <- serveMail(listener) }()
	send := SMTP(&url.URL{Scheme: "smtp", Host: listener.Addr().String()}, []string{"a@b.c", "d@e.f"})
	if err := send("subject", "body\n"); err != nil {
		t.Fatal(err)
	}
	got := <-said
	for _, part := range []string{"MAIL FROM:<guestbook@localhost>\r\n", "RCPT TO:<a@b.c>\r\nRCPT TO:<d@e.f>\r\nDATA\r\n", "Subject: [guestbook] subject\r\n", "\r\n\r\nbody\r\n.\r\nQUIT\r\n"} {
		if !strings.Contains(got, part) {
			t.Errorf("%q is not in %q", part, got)
		}
	}
	listener.Close()
	if err := send("subject", "body"); err == nil {
		t.Error("a mail was sent to nobody")
	}
}

// serveMail plays a mail server for one mail, and returns what it was told.
func serveMail(listener net.Listener) string {
	conn, err := listener.Accept()
	if err != nil {
		return err.Error()
	}
	defer conn.Close()
	var all strings.Builder
	in := bufio.NewReader(conn)
	fmt.Fprint(conn, "220 hello\r\n")
	for data := false; ; {
		line, err := in.ReadString('\n')
		if err != nil {
			return all.String()
		}
		all.WriteString(line)
		switch {
		case line == "QUIT\r\n":
			fmt.Fprint(conn, "221 bye\r\n")
		case line == "DATA\r\n":
			data = true
			fmt.Fprint(conn, "354 go on\r\n")
		case !data || line == ".\r\n":
			data = false
			fmt.Fprint(conn, "250 fine\r\n")
		}
	}
}

func TestHealthFollowsTheService(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var down atomic.Bool
		ctx, cancel := context.WithCancel(t.Context())
		h := NewHealth(ctx, map[string]func(context.Context) error{"db": func(context.Context) error {
			if down.Load() {
				return errors.New("gone")
			}
			return nil
		}}, discard())
		go h.Run(ctx)
		for _, test := range []struct {
			down bool
			code int
			body string
		}{
			{false, 200, `{"checks":{"db":"ok"},"status":"ok"}`},
			{true, 503, `{"checks":{"db":"fail"},"status":"fail"}`},
			{false, 200, `{"checks":{"db":"ok"},"status":"ok"}`},
		} {
			down.Store(test.down)
			time.Sleep(1100 * time.Millisecond)
			w := httptest.NewRecorder()
			h.ServeHTTP(w, nil)
			if w.Code != test.code || strings.TrimSpace(w.Body.String()) != test.body {
				t.Errorf("got %d %s, want %d %s", w.Code, w.Body, test.code, test.body)
			}
		}
		cancel()
		synctest.Wait()
	})
}

func TestServeFinishesWhatItRead(t *testing.T) {
	entered, leave := make(chan struct{}), make(chan struct{})
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(entered)
		<-leave
		fmt.Fprint(w, "done")
	})}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended, draining := make(chan error, 1), make(chan struct{})
	go func() { ended <- Serve(ctx, server, listener, func() { close(draining) }) }()
	reply := make(chan string, 1)
	go func() {
		response, err := http.Get("http://" + listener.Addr().String())
		if err != nil {
			reply <- err.Error()
			return
		}
		defer response.Body.Close()
		body, _ := io.ReadAll(response.Body)
		reply <- string(body)
	}()
	<-entered
	stop()
	<-draining
	select {
	case err := <-ended:
		t.Fatalf("it ended before the request: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	close(leave)
	if got := <-reply; got != "done" {
		t.Errorf("got %s", got)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if _, err := net.Dial("tcp", listener.Addr().String()); err == nil {
		t.Error("it still listens")
	}
}
