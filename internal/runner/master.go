package runner

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/front"
	"github.com/roadworthy-dev/roadworthy/internal/front/health"
	"github.com/roadworthy-dev/roadworthy/internal/mail"
	"github.com/roadworthy-dev/roadworthy/internal/problem"
	"github.com/roadworthy-dev/roadworthy/internal/worker"
)

func (m *master) openControl() (func(), error) {
	dir, err := runtimeFolder()
	if err != nil {
		return nil, err
	}
	path := socketPath(dir, m.config().Manifest.Name, os.Getpid())
	if m.handed != nil {
		m.control, _ = takeListener(m.handed.Control) // else a new one is opened
	}
	if m.control == nil {
		if m.control, err = listenControl(path); err != nil {
			return nil, err
		}
	}
	return serveControl(m.control, path, m), nil
}

// Reload reads the configuration anew and makes a new generation of every
// process type. What fails leaves the old one as it was. Which settings it does
// not apply it tells; everybody goes on with their old values.
func (m *master) Reload(ctx context.Context) (told string, err error) {
	m.configMu.Lock()
	defer m.configMu.Unlock()
	fresh, err := Load(m.config().Options)
	if err != nil {
		m.log.Error("reload refused: the configuration is wrong", "error", oneLine(err.Error()))
		return "", err
	}
	told = outstanding(fresh.hold(m.config()))
	specs, err := m.specs(fresh)
	if err != nil {
		m.log.Error("reload refused", "error", oneLine(err.Error()))
		return "", err
	}
	m.mail.hide(fresh.secrets()) // before a worker can tell one
	for i, name := range m.types {
		if err := m.crews[name].Reload(ctx, specs[i]); err != nil {
			return "", m.unfit(name, fresh.Settings.Release, m.types[:i], err)
		}
	}
	m.current.Store(fresh)
	if m.checks.Load() != nil {
		if err := m.watch(ctx, fresh); err != nil {
			m.log.Error("the services that were are looked at still", "error", err)
		}
	}
	m.SetLevel(fresh.Settings.Log.Level)
	m.log.Info("reloaded")
	if told != "" {
		m.log.Warn("not all settings are applied", "settings", told)
	}
	return told, nil
}

// specs describes all process types, which are those of the start: a reload
// that could not start one of them changes none.
func (m *master) specs(fresh *Config) (list []worker.Spec, err error) {
	if types := fresh.types(); !slices.Equal(types, m.config().types()) {
		return nil, &problem.Problem{
			Code: "RW-R03", Summary: "a reload neither adds process types nor removes any", At: fresh.Manifest.Path,
			Got: strings.Join(types, ", "), Want: strings.Join(m.types, ", ") + ", which serve on", Fix: "end this run and start it anew",
		}
	}
	for _, name := range m.types {
		spec, err := m.spec(fresh, name)
		if err != nil {
			return nil, err
		}
		list = append(list, spec)
	}
	return list, nil
}

// unfit tells of a new generation that does not serve, while those of the
// process types before it do.
func (m *master) unfit(name, release string, before []string, err error) error {
	if errors.Is(err, worker.ErrStopped) {
		m.log.Info("reload given up: the master is ending", "process", name)
		return notReady("the reload is given up: the master is ending", err)
	}
	summary := fmt.Sprintf("the new generation of %s is not fit to serve; the old one serves on", name)
	if len(before) > 0 {
		summary += ", beside the new one of " + strings.Join(before, ", ")
	}
	err = notReady(summary, err)
	m.log.Error("reload failed; the old generation serves on", "process", name, "error", oneLine(err.Error()))
	m.mail.Report(mail.Event{
		Fingerprint: "reload:" + name, Title: "the new generation of " + name + " is not fit to serve", Text: err.Error(),
		Worker: name, Release: release, Level: slog.LevelError,
	})
	return err
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// SetLevel changes the threshold of standard output and syslog.
func (m *master) SetLevel(level slog.Level) {
	m.level.Store(int64(level))
	m.router.SetLevel(toStdout, level)
	m.router.SetLevel(toSyslog, max(level, m.config().Settings.Syslog.Level))
	m.log.Info("log level", "level", LevelName(level))
}

// Logs gives lines of the memory.
func (m *master) Logs(ctx context.Context, want LogQuery, line func(LogLine) error) error {
	return m.memory.read(ctx, want, line)
}

// TestMail sends one mail and tells what the server said.
func (m *master) TestMail(ctx context.Context, to []string) (string, error) {
	m.configMu.Lock()
	config := m.config()
	m.configMu.Unlock()
	return testMail(ctx, config, to)
}

// Mute mails nothing about a kind of error until a moment; it counts on.
func (m *master) Mute(fingerprint string, until time.Time) error {
	return knownKind(fingerprint, m.mail.Mute(fingerprint, until))
}

// Fixed notes that a kind of error is mended: when it is back, that is news.
func (m *master) Fixed(fingerprint string) error {
	return knownKind(fingerprint, m.mail.Fixed(fingerprint))
}

func knownKind(fingerprint string, known bool) error {
	if known {
		return nil
	}
	return &problem.Problem{Code: "RW-U01", Summary: "no error of that kind was seen", Got: fingerprint, Want: "a fingerprint that a mail names", Fix: "roadworthy ps --json"}
}

// Status tells what runs.
func (m *master) Status() Status {
	config := m.config()
	s := Status{
		App: config.Manifest.Name, PID: os.Getpid(), Version: config.Version, Since: m.started, Environment: config.Settings.Environment,
		Release: config.Settings.Release, Level: LevelName(slog.Level(m.level.Load())), Settings: config.Table.Settings,
		Upgrades: m.upgrades, Pause: m.pause,
	}
	if m.listener != nil {
		s.Addresses = []string{m.listener.Addr().String()}
	}
	for _, name := range m.types {
		for _, w := range m.crews[name].Snapshot() {
			row := WorkerStatus{
				ID: w.Worker, PID: w.PID, Generation: w.Generation, State: string(w.State), Since: w.Since, Restarts: w.Restarts, Memory: w.RSS,
			}
			if w.Last != nil {
				row.LastExit = w.Last.String()
			}
			if name == "web" && m.front != nil {
				row.InFlight = m.front.InFlight(w.ID)
			}
			s.Workers = append(s.Workers, row)
		}
	}
	for _, g := range m.mail.Groups() {
		group := ErrorGroup{Fingerprint: g.Fingerprint, Title: g.Title, First: g.First, Last: g.Last, Count: g.Count}
		if len(g.Releases) > 0 {
			group.Release = g.Releases[len(g.Releases)-1]
		}
		s.Errors = append(s.Errors, group)
	}
	return s
}

// onEvent logs what happens to workers.
func (m *master) onEvent(e worker.Event) {
	level, attributes := slog.LevelInfo, []any{"worker", e.Worker.Worker, "generation", e.Worker.Generation}
	if e.Worker.PID > 0 {
		attributes = append(attributes, "pid", e.Worker.PID)
	}
	if e.Why != "" {
		attributes = append(attributes, "why", e.Why)
	}
	if e.Exit != nil {
		attributes = append(attributes, "exit", e.Exit.String())
	}
	if e.Err != nil {
		attributes = append(attributes, "error", oneLine(e.Err.Error()))
	}
	if e.Pause > 0 {
		attributes = append(attributes, "pause", e.Pause.Round(time.Millisecond).String())
	}
	switch e.Kind {
	case worker.Ended:
		m.tails.close(e.Worker.ID)
		if m.front != nil {
			m.front.Remove(e.Worker.ID)
		}
		if !e.Planned {
			level = slog.LevelError
		}
	case worker.Failed, worker.CrashLoop, worker.HungWorker, worker.OutOfMem, worker.Aborted:
		level = slog.LevelError
	case worker.Started, worker.Ready, worker.Beginning:
		level = slog.LevelDebug
	case worker.Replaced, worker.Promoted:
	}
	m.log.Log(context.Background(), level, "worker "+string(e.Kind), attributes...)
}

// onSlow is told of requests that are older than they may be.
func (m *master) onSlow(id string, request front.Slow) {
	why := fmt.Sprintf("%s %s takes longer than %s", request.Method, request.Path, m.config().Settings.Times.Request)
	if err := m.crews["web"].Hung(id, why); err != nil && !errors.Is(err, worker.ErrUnknown) {
		m.log.Error("a hung worker cannot be replaced", "worker", id, "error", err)
	}
}

// writeMetrics adds what the front does not know.
func (m *master) writeMetrics(w io.Writer) {
	stats := m.router.Stats()
	fmt.Fprintf(w, "# HELP roadworthy_log_lines_total Lines that processes wrote.\n# TYPE roadworthy_log_lines_total counter\nroadworthy_log_lines_total %d\n", stats.Lines)
	fmt.Fprint(w, "# HELP roadworthy_log_dropped_lines_total Lines that a sink did not get.\n# TYPE roadworthy_log_dropped_lines_total counter\n")
	for _, o := range stats.Outlets {
		fmt.Fprintf(w, "roadworthy_log_dropped_lines_total{sink=%q} %d\n", o.Name, o.Dropped.Lines)
	}
	sent := m.mail.Stats()
	fmt.Fprintf(w, "# HELP roadworthy_errors_pending Errors that no mail has told yet.\n# TYPE roadworthy_errors_pending gauge\nroadworthy_errors_pending %d\n", sent.Pending)
}

// slotOf returns the number in "web.3".
func slotOf(workerName string) int {
	number, _ := strconv.Atoi(workerName[strings.LastIndexByte(workerName, '.')+1:])
	return number
}

// nameOf returns the worker of a process: "web.1" of "web.1#7".
func nameOf(id string) string {
	name, _, _ := strings.Cut(id, "#")
	return name
}

// without leaves a variable out of an environment.
func without(env []string, name string) []string {
	return slices.DeleteFunc(slices.Clone(env), func(entry string) bool { return strings.HasPrefix(entry, name+"=") })
}

// sqliteCheck looks whether a database file is there and is one.
func sqliteCheck(name, address string) health.Check {
	path := strings.TrimPrefix(strings.TrimPrefix(strings.TrimPrefix(address, "sqlite3:"), "sqlite:"), "//")
	return health.Check{Name: name, Component: "datastore", Ask: func(context.Context) (health.Observed, error) {
		file, err := os.Open(path)
		if err != nil {
			return health.Observed{}, fmt.Errorf("open the database: %w", err)
		}
		defer file.Close()
		head := make([]byte, 16)
		if _, err := io.ReadFull(file, head); err != nil || string(head) != "SQLite format 3\x00" {
			return health.Observed{}, errors.New("the file is no SQLite database") // format: sqlite.org/fileformat2.html, 1.3.1
		}
		return health.Observed{}, nil
	}}
}

// testMail sends one mail to the recipients, or to others.
func testMail(ctx context.Context, config *Config, to []string) (string, error) {
	if len(to) > 0 {
		copied := *config
		copied.Settings.Mail.Errors = to
		config = &copied
	}
	if config.Settings.Mail.Server == "" || len(config.Settings.Mail.Errors) == 0 {
		return "", &problem.Problem{
			Code: "RW-R02", Summary: "error mail is off", Got: "no server or no recipient", Want: "SMTP_URL and ERROR_MAIL",
			Fix: "ERROR_MAIL=you@example.org SMTP_URL=smtp://localhost roadworthy mail test",
		}
	}
	server, err := config.mailServer()
	if err != nil {
		return "", err
	}
	hostname, _ := os.Hostname()
	trial, err := server.Test(ctx, mail.About{Application: config.Manifest.Name, Environment: config.Settings.Environment, Host: hostname})
	var told strings.Builder
	for _, step := range trial.Steps {
		fmt.Fprintf(&told, "%s\n", step)
	}
	if err != nil {
		return told.String(), &problem.Problem{
			Code: "RW-R06", Summary: "the test mail did not get through", At: server.String(), Got: told.String() + trial.Error,
			Want: "a server that takes it", Fix: orElse(trial.Hint, "roadworthy mail test"), Cause: err,
		}
	}
	return told.String(), nil
}

func orElse(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// TestMail sends one mail by the configuration of the environment.
func TestMail(ctx context.Context, options Options, to []string) (string, error) {
	options.Command = []string{"true"} // no application is needed for a mail
	config, err := Load(options)
	if err != nil {
		return "", err
	}
	return testMail(ctx, config, to)
}
