package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/roadworthy-dev/roadworthy/app"
)

const token = "0123456789abcdefghijklmnop"

// start runs the application with pairs of the environment until the context
// ends. What it says is in out when it has ended.
func start(ctx context.Context, t *testing.T, out io.Writer, listener net.Listener, env []string, args ...string) (ended <-chan error) {
	t.Helper()
	values := map[string]string{}
	for _, pair := range env {
		name, value, _ := strings.Cut(pair, "=")
		values[name] = value
	}
	var config Config
	done := make(chan error, 1)
	go func() {
		done <- app.Run(ctx, app.Options{
			Name: "guestbook", Config: &config, Args: args, Listener: listener, Stdout: out,
			Environment: func(name string) (string, bool) { value, set := values[name]; return value, set },
			Setup:       func(a *app.App) (http.Handler, error) { return setup(a, &config, out) },
		})
	}()
	return done
}

func needed(t *testing.T) []string {
	return []string{"DATABASE_URL=sqlite:" + filepath.Join(t.TempDir(), "guests.db"), "SECRET_KEY=key", "STATUS_TOKEN=" + token, "SITE_TITLE=Tea"}
}

func TestItServesAfterMigration(t *testing.T) {
	var out bytes.Buffer
	env := needed(t)
	for _, command := range []string{"migrate", "migrate"} { // it may be repeated
		if err := <-start(t.Context(), t, &out, nil, env, command); err != nil {
			t.Fatal(err)
		}
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ended := start(ctx, t, &out, listener, env)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for _, want := range []struct{ path, token, part string }{
		{"/", "", "<h1>Tea</h1>"},
		{"/status", token, `"db"`},
		{"/fault", token, "Internal Server Error"},
		{"/status", "", "404 page not found"},
	} {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+listener.Addr().String()+want.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", "Bearer "+want.token)
		response, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil || !strings.Contains(string(body), want.part) {
			t.Errorf("%s: %s, %v; want %s", want.path, body, err, want.part)
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if log := out.String(); !strings.Contains(log, "the ink has run out") || strings.Contains(log, token) || !strings.Contains(log, `"msg":"stopped"`) {
		t.Errorf("the log is %s", log)
	}
}

func TestCommands(t *testing.T) {
	var out bytes.Buffer
	env := needed(t)
	if err := <-start(t.Context(), t, &out, nil, env, "count"); err == nil {
		t.Error("it counts before the migration")
	}
	if err := <-start(t.Context(), t, &out, nil, env, "migrate"); err != nil {
		t.Fatal(err)
	}
	out.Reset()
	if err := <-start(t.Context(), t, &out, nil, env, "count"); err != nil || out.String() != "0\n" {
		t.Errorf("count said %q, %v", &out, err)
	}
	if err := <-start(t.Context(), t, &out, nil, env, "cuont"); err == nil || !strings.Contains(err.Error(), "there is no command cuont") {
		t.Errorf("got %v", err)
	}
}

func TestSettings(t *testing.T) {
	for name, test := range map[string]struct {
		env  []string
		want []string
	}{
		"all missing": {nil, []string{"DATABASE_URL", "SECRET_KEY"}},
		"scheme":      {[]string{"SECRET_KEY=key", "DATABASE_URL=http://u:password@h"}, []string{"DATABASE_URL: want an address that begins with postgres: or sqlite:"}},
	} {
		t.Run(name, func(t *testing.T) {
			err := <-start(t.Context(), t, io.Discard, nil, test.env)
			if app.ExitCode(err) != 78 {
				t.Fatalf("got %v", err)
			}
			for _, part := range test.want {
				if !strings.Contains(err.Error(), part) || strings.Contains(err.Error(), "password") {
					t.Errorf("%s is not in %v", part, err)
				}
			}
		})
	}
}
