package runner

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/front/health"
	"github.com/roadworthy-dev/roadworthy/internal/logs"
	"github.com/roadworthy-dev/roadworthy/internal/mail"
	"github.com/roadworthy-dev/roadworthy/internal/settings"
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
	if _, err := m.Reload(t.Context()); err != nil {
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

// What a reload does not apply is told, and stays what it was for everybody.
func TestAReloadTellsWhatItDoesNotApply(t *testing.T) {
	t.Parallel()
	m, rewrite, log := unmanned(t, "mail: {errors: [old@example.org]}, port: 8001, workers: 2")
	rewrite("leave: [workers], mail: {errors: [new@example.org]}, port: 8002, workers: 3, times: {stop: 9s}")
	told, err := m.Reload(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := "needs roadworthy upgrade or a restart: leave, mail.errors; needs a restart: port"
	if told != want || !strings.Contains(log.String(), "level=WARN") || !strings.Contains(log.String(), want) {
		t.Errorf("got %q, and the log\n%s", told, log)
	}
	s := m.config().Settings
	if s.Mail.Errors[0] != "old@example.org" || s.Port != 8001 || s.Workers != 3 || !m.config().Manifest.Supplies("workers") || s.Times.Stop != 9*time.Second {
		t.Errorf("got %+v", s)
	}
	for _, row := range m.Status().Settings {
		if want, ok := map[string]string{"mail.errors": "old@example.org", "port": "8001", "workers": "3", "times.stop": "9s"}[row.Key]; ok && row.Value != want {
			t.Errorf("%s shows as %q, want %q", row.Key, row.Value, want)
		}
	}
	log.Reset()
	rewrite("mail: {errors: [old@example.org]}, port: 8001, workers: 2")
	if told, err := m.Reload(t.Context()); told != "" || err != nil || strings.Contains(log.String(), "level=WARN") {
		t.Errorf("got %q, %v, and the log\n%s", told, err, log)
	}
}

// Every setting is either applied by a reload or held.
func TestAReloadKnowsEverySetting(t *testing.T) {
	t.Parallel()
	m, _, _ := unmanned(t, "")
	fresh, err := Load(m.config().Options)
	if err != nil {
		t.Fatal(err)
	}
	applied := 0
	for _, row := range m.config().Table.Settings {
		if reloadable(row.Key) {
			applied++
		}
	}
	fresh.Settings = Settings{}
	empty := 0 // of which no change can be seen
	for _, row := range m.config().Table.Settings {
		if !reloadable(row.Key) && slices.Contains([]string{"", "0", "0s", "false"}, row.Value) {
			empty++
		}
	}
	held := fresh.hold(m.config())
	for _, key := range held {
		if !slices.ContainsFunc(fresh.Table.Settings, func(row settings.Setting) bool { return row.Key == key }) {
			t.Errorf("there is no setting %s", key)
		}
	}
	if got, want := len(held)+applied+empty, len(fresh.Table.Settings); got != want {
		t.Errorf("%d are held, %d applied, %d empty, of %d", len(held), applied, empty, want)
	}
}

// After a reload the status route tells the new release, and looks at the
// services of the new configuration.
func TestTheStatusFollowsAReload(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	server := func() (address string, asked <-chan struct{}) {
		t.Helper()
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		calls := make(chan struct{}, 100)
		done := make(chan struct{})
		go func() {
			defer close(done)
			for {
				conn, err := listener.Accept()
				if err != nil {
					return
				}
				conn.Close()
				calls <- struct{}{}
			}
		}()
		t.Cleanup(func() { listener.Close(); <-done })
		return "redis://" + listener.Addr().String() + "/0", calls
	}
	first, asked := server()
	second, askedNext := server()
	manifest := func(release string) string {
		return "name: shop\nprocesses: {web: ./app}\ntraffic: [GET /]\nservices: {redis: redis}\nrun: {release: " + release + "}\n" +
			"config:\n  file: {variable: APP_CONFIG, format: yaml}\n  settings: {REDIS_URL: redis, REDIS_URL_SAME: {service: redis}, REDIS_URL_REPLICA: {service: redis}}\n"
	}
	path, file := write("roadworthy.yaml", manifest("v1")), write("app.yaml", "redis: "+first)
	config, err := Load(Options{Manifest: path, Environ: []string{"APP_CONFIG=" + file, "REDIS_URL_REPLICA=" + first + "1", "REDIS_URL_SAME=" + first}})
	if err != nil {
		t.Fatal(err)
	}
	m, _, _ := unmanned(t, "")
	m.current.Store(config)
	if err := m.watch(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	defer func() { m.checks.Load().Stop() }()
	<-asked
	if report := m.health(); report.Version != "v1" || len(report.Checks) != 2 {
		t.Errorf("got %+v", report)
	}
	write("roadworthy.yaml", manifest("v2"))
	before := m.checks.Load()
	if _, err := m.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if m.health().Version != "v2" || m.checks.Load() != before {
		t.Errorf("got %+v", m.health())
	}
	write("app.yaml", "redis: "+second)
	if _, err := m.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	select {
	case <-askedNext:
	case <-time.After(20 * time.Second):
		t.Error("the new service is not looked at")
	}
}

// A reload that changes one service forgets nothing about another one: what is
// down is not taken for up until it was asked again.
func TestAReloadKeepsWhatIsKnownOfServices(t *testing.T) {
	t.Parallel()
	deaf, err := net.Listen("tcp", "127.0.0.1:0") // takes connections, and says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer deaf.Close()
	path := filepath.Join(t.TempDir(), "roadworthy.yaml")
	text := "name: shop\nprocesses: {web: ./app}\ntraffic: [GET /]\nservices: {db: redis, cache: redis}\nconfig: {settings: {DB_URL: {service: db}, CACHE_URL: {service: cache}}}\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	m, _, _ := unmanned(t, "")
	look := func(cache string) {
		t.Helper()
		config, err := Load(Options{Manifest: path, Environ: []string{"DB_URL=redis://" + deaf.Addr().String(), "CACHE_URL=redis://" + cache}})
		if err != nil {
			t.Fatal(err)
		}
		if err := m.watch(t.Context(), config); err != nil {
			t.Fatal(err)
		}
	}
	look("127.0.0.1:1")
	defer func() { m.checks.Load().Stop() }()
	for end := time.Now().Add(20 * time.Second); statusOf(m.health(), "db") != health.Fail; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("got %+v", m.health())
		}
	}
	look("127.0.0.1:2")
	if report := m.health(); statusOf(report, "db") != health.Fail || statusOf(report, "cache") == health.Pass {
		t.Errorf("got %+v", report)
	}
}

func statusOf(report health.Report, service string) health.Status {
	for name, results := range report.Checks {
		if before, _, _ := strings.Cut(name, ":"); before == service && len(results) > 0 {
			return results[0].Status
		}
	}
	return ""
}
