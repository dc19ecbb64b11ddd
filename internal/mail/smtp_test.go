package mail

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if path := os.Getenv("MAIL_TEST_REPORTER"); path != "" {
		reportForEver(path)
	}
	goleak.VerifyTestMain(m)
}

var note = Message{Subject: "[shop production] ValueError: ümlaut", Body: "one\n.\n.two\n" + strings.Repeat("long ", 300) + "\n", ID: "1.x@y", Thread: "x@y", Fingerprint: "f1", Count: 3}

func TestAMailArrivesAsItWasWritten(t *testing.T) {
	config, ca := certificate(t)
	plain, starttls := serve(t, nil, nil), serve(t, nil, config)
	listener, err := tls.Listen("tcp", "127.0.0.1:0", config)
	if err != nil {
		t.Fatal(err)
	}
	implicit := serve(t, listener, config)
	for url, s := range map[string]*server{
		"smtp://" + plain.address: plain,
		"smtp://me%40example.org:pass%2Fword@" + plain.address + "?auth=login":                               plain,
		"smtp://me%40example.org:pass%2Fword@" + starttls.address + "?starttls=required&ca=" + ca:            starttls,
		"smtp://me%40example.org:pass%2Fword@" + starttls.address + "?starttls=optional&auth=plain&ca=" + ca: starttls,
		"smtps://me%40example.org:pass%2Fword@" + implicit.address + "?ca=" + ca:                             implicit,
	} {
		before := len(s.all())
		if err := through(t, url, "a@example.org", "b@example.org").Send(t.Context(), note); err != nil {
			t.Errorf("%s: %v", url, err)
			continue
		}
		mails := s.all()
		if len(mails) != before+1 {
			t.Fatalf("%s: got %d mails", url, len(mails)-before)
		}
		m := mails[before]
		if m.subject != note.Subject || m.body != note.Body || len(m.to) != 2 {
			t.Errorf("%s: got %q to %q with %q", url, m.subject, m.to, m.body)
		}
		for name, want := range map[string]string{
			"Auto-Submitted": "auto-generated", "References": "<x@y>", "In-Reply-To": "<x@y>", "Message-Id": "<1.x@y>", "X-Roadworthy-Fingerprint": "f1", "X-Roadworthy-Count": "3",
		} {
			if got := m.header.Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", url, name, got, want)
			}
		}
		if strings.Contains(url, "me%40") {
			if !strings.HasPrefix(m.user, "me@example.org by ") || m.header.Get("From") != "<me@example.org>" {
				t.Errorf("%s: logged in as %q, from %q", url, m.user, m.header.Get("From"))
			}
		}
	}
}

func TestRefusalsAndTemporaryFailures(t *testing.T) {
	s := serve(t, nil, nil)
	send := func(to ...string) error { return through(t, "smtp://"+s.address, to...).Send(t.Context(), note) }
	for code, refused := range map[int]bool{450: false, 550: true} {
		s.set(func(s *server) { s.rcpt = func(string) error { return answer(code) } })
		if err := send("a@x.org", "b@x.org"); err == nil || errors.Is(err, ErrRefused) != refused {
			t.Errorf("recipients, %d: %v", code, err)
		}
		s.set(func(s *server) { s.rcpt, s.data = nil, func() error { return answer(code) } })
		if err := send("a@x.org"); err == nil || errors.Is(err, ErrRefused) != refused {
			t.Errorf("text, %d: %v", code, err)
		}
		s.set(func(s *server) { s.data = nil })
	}
	if n := len(s.all()); n != 0 {
		t.Fatalf("%d mails", n)
	}
	s.set(func(s *server) {
		s.rcpt = func(to string) error {
			if strings.HasPrefix(to, "bad") {
				return answer(550)
			}
			return nil
		}
	})
	if err := send("bad@x.org", "good@x.org"); err != nil || len(s.all()) != 1 || s.all()[0].to[0] != "good@x.org" {
		t.Errorf("one bad recipient costs the others their mail: %v", err)
	}
}

func TestALoginThatFailsMayBeTriedAgain(t *testing.T) {
	s := serve(t, nil, nil)
	err := through(t, "smtp://me:wrong@"+s.address, "a@x.org").Send(t.Context(), note)
	if err == nil || errors.Is(err, ErrRefused) || strings.Contains(err.Error(), "wrong") {
		t.Errorf("got %v", err)
	}
}

func TestAServerThatStallsEndsWithTheContext(t *testing.T) {
	for name, greet := range map[string]string{"before the greeting": "", "after it": "220 here\r\n"} {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		gone := make(chan struct{})
		go func() {
			defer close(gone)
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			defer conn.Close()
			_, _ = conn.Write([]byte(greet))
			buffer := make([]byte, 100)
			for err == nil { // until the client hangs up
				_, err = conn.Read(buffer)
			}
		}()
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		begin := time.Now()
		err = through(t, "smtp://"+listener.Addr().String(), "a@x.org").Send(ctx, note)
		if took := time.Since(begin); err == nil || errors.Is(err, ErrRefused) || took > 10*time.Second {
			t.Errorf("%s: %v after %v", name, err, took)
		}
		cancel()
		select {
		case <-gone:
		case <-time.After(10 * time.Second):
			t.Errorf("%s: the connection is left open", name)
		}
		listener.Close()
	}
}

func TestTheTrialExplainsItself(t *testing.T) {
	config, ca := certificate(t)
	s, secure := serve(t, nil, nil), serve(t, nil, config)
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	hangs, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer hangs.Close()
	go func() {
		for conn, err := hangs.Accept(); err == nil; conn, err = hangs.Accept() {
			conn.Close()
		}
	}()
	s.set(func(s *server) {
		s.rcpt = func(to string) error {
			if strings.HasPrefix(to, "bad") {
				return answer(550)
			}
			return nil
		}
	})
	for _, c := range []struct{ url, to, hint string }{
		{"smtp://" + s.address, "a@x.org", ""},
		{"smtp://" + s.address, "bad@x.org", "does not take mail"},
		{"smtp://me:hushhush@" + s.address, "a@x.org", "login was refused"},
		{"smtp://" + closed.Addr().String(), "a@x.org", "nothing listens"},
		{"smtp://" + hangs.Addr().String(), "a@x.org", "hung up"},
		{"smtps://" + s.address, "a@x.org", "speaks no TLS"},
		{"smtp://" + s.address + "?starttls=required", "a@x.org", "offers no TLS"},
		{"smtp://" + secure.address + "?starttls=required", "a@x.org", "signed by nobody"},
		{"smtp://" + secure.address + "?starttls=required&ca=" + ca, "a@x.org", ""},
		{"smtp://mail.invalid?starttls=none", "a@x.org", "no such host"},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		trial, err := through(t, c.url).Test(ctx, About{Application: "shop"}, c.to)
		cancel()
		if (err == nil) != (c.hint == "") || !strings.Contains(trial.Hint, c.hint) || c.hint != "" && trial.Error == "" {
			t.Errorf("%s: %v, %+v, want the hint %q", c.url, err, trial, c.hint)
		}
		if strings.Contains(strings.Join(trial.Steps, " ")+trial.Error, "hushhush") {
			t.Errorf("%s: the password shows", c.url)
		}
		if c.hint == "" && len(trial.Steps) < 4 {
			t.Errorf("%s: only %q", c.url, trial.Steps)
		}
	}
}

func TestParseURL(t *testing.T) {
	for url, want := range map[string]string{
		"smtp://mail.example.org":                                   "smtp://mail.example.org:25 optional auto ",
		"smtp://me:pw@mail.example.org":                             "smtp://me@mail.example.org:587 required auto ",
		"smtps://me%40x.org:p%40w@mail.example.org":                 "smtps://me@x.org@mail.example.org:465 tls auto me@x.org",
		"smtp://localhost":                                          "smtp://localhost:25 none auto ",
		"smtp://[::1]:2525/":                                        "smtp://[::1]:2525 none auto ",
		"smtp://m?starttls=optional&auth=login&from=Shop+<s@x.org>": "smtp://m:25 optional login Shop <s@x.org>",
		"":                         "error want smtp://",
		"http://x":                 "error want smtp://",
		"smtp://":                  "error names no host",
		"smtp://m:99999":           "error port",
		"smtp://m/path":            "error path",
		"smtp://m?starttls=maybe":  "error required, optional or none",
		"smtp://m?auth=magic":      "error cram-md5",
		"smtp://m?sttls=none":      "error unknown option \"sttls\"",
		"smtps://m?starttls=none":  "error from the first byte",
		"smtp://m?from=nobody":     "error mail address",
		"smtp://m?ca=/nowhere.pem": "error no such file",
		"smtp://u:hush%zz@m":       "error as %XX",
		"smtp://u:hush/hush@m":     "error ",
	} {
		s, err := ParseURL(url)
		message, bad := strings.CutPrefix(want, "error ")
		switch {
		case bad && (err == nil || !strings.Contains(err.Error(), message) || strings.Contains(err.Error(), "hush")):
			t.Errorf("%s gives %v, want %s", url, err, message)
		case !bad && err != nil:
			t.Errorf("%s gives %v", url, err)
		case !bad:
			if got := strings.Join([]string{s.String(), s.security, s.auth, s.From}, " "); got != want {
				t.Errorf("%s gives %q, want %q", url, got, want)
			}
		}
	}
	if list, err := ParseRecipients([]string{"A <a@x.org>", "a@x.org", "b@x.org"}); err != nil || len(list) != 2 {
		t.Errorf("got %q, %v", list, err)
	}
	if _, err := ParseRecipients([]string{"a@x.org", "nobody"}); err == nil {
		t.Error("nobody is an address")
	}
}
