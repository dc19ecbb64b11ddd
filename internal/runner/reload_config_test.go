package runner

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/roadworthy-dev/roadworthy/internal/logs"
	"github.com/roadworthy-dev/roadworthy/internal/mail"
)

// unmanned is a master without process types, whose section run is rewritten
// by the function that it comes with.
func unmanned(t *testing.T, run string) (m *master, rewrite func(run string), log *bytes.Buffer) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "roadworthy.yaml")
	rewrite = func(run string) {
		t.Helper()
		if err := os.WriteFile(path, []byte("name: shop\nrun: {"+run+"}\nprocesses: {web: ./app}\ntraffic: [GET /]\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	rewrite(run)
	config, err := Load(Options{Manifest: path})
	if err != nil {
		t.Fatal(err)
	}
	log = &bytes.Buffer{}
	m = &master{log: slog.New(slog.NewTextHandler(log, nil)), router: logs.NewRouter(logs.WallClock{})}
	m.current.Store(config)
	if m.mail, err = openPost(mail.Config{Secrets: config.secrets(), Log: m.log}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_ = m.mail.Close(ctx)
		_ = m.router.Close(ctx)
	})
	return m, rewrite, log
}

// What is secret since a reload stands in no mail, nor does what was before.
func TestErrorMailHidesTheSecretsOfAReload(t *testing.T) {
	t.Parallel()
	m, rewrite, _ := unmanned(t, "status: {token: [the-first-secret-word]}")
	rewrite("status: {token: [the-next-secret-word]}")
	if err := m.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	hidden := func(when string) {
		m.mail.Report(mail.Event{Fingerprint: when, Title: when + ": neither the-first-secret-word nor the-next-secret-word"})
		for _, group := range m.mail.Groups() {
			if strings.Contains(group.Title, "secret-word") {
				t.Errorf("got %s", group.Title)
			}
		}
	}
	hidden("after the reload")
	_ = m.mail.pause() // for an upgrade
	if err := m.mail.resume(); err != nil {
		t.Fatal(err)
	}
	hidden("after an upgrade that was given up")
}
