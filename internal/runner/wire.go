package runner

import (
	"context"
	"fmt"
	"log/slog"
	netmail "net/mail"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/front"
	"github.com/roadworthy-dev/roadworthy/internal/front/pool"
	"github.com/roadworthy-dev/roadworthy/internal/logs"
	"github.com/roadworthy-dev/roadworthy/internal/mail"
	"github.com/roadworthy-dev/roadworthy/internal/manifest"
	"github.com/roadworthy-dev/roadworthy/internal/problem"
	"github.com/roadworthy-dev/roadworthy/internal/settings"
	"github.com/roadworthy-dev/roadworthy/internal/trace"
	"github.com/roadworthy-dev/roadworthy/internal/worker"
)

// The outlets of the log.
const (
	toStdout = "stdout"
	toSyslog = "syslog"
	toErrors = "errors"
)

// openLogs makes the way from every line to its sinks.
func (m *master) openLogs(stdout *os.File) error {
	s := m.config().Settings
	outlets := []logs.Outlet{
		{Name: toStdout, Sink: logs.NewWriter(stdout, s.Log.Format == "prefix"), Level: s.Log.Level, Policy: logs.BlockWhileFlowing, Bytes: aheadOfStdout},
		{Name: toErrors, Sink: logs.Func(m.reportTraces), Level: everything, Traces: true},
	}
	if m.config().sendsSyslog() {
		sink, err := m.openSyslog()
		if err != nil {
			return err
		}
		outlets = append(outlets, logs.Outlet{Name: toSyslog, Sink: sink, Level: max(s.Log.Level, s.Syslog.Level)})
	}
	m.level.Store(int64(s.Log.Level))
	m.router = logs.NewRouter(logs.WallClock{}, outlets...)
	m.memory = newMemory(int(s.Log.Keep), m.router)
	m.inheritLog()
	m.log = slog.New(logs.NewHandler(m.memory, logs.Source{Type: "roadworthy", Stream: logs.Own}, everything))
	return nil
}

// sendsSyslog tells whether the log goes to a syslog server, too.
func (c *Config) sendsSyslog() bool {
	return c.Settings.Syslog.URL != "" && c.Manifest.Supplies("log.syslog")
}

// aheadOfStdout is what may wait for standard output, in bytes, before
// applications have to.
const aheadOfStdout = 4 << 20

// everything is a threshold that nothing is below.
const everything = slog.Level(-128)

// newGrouping joins the lines of the stack traces of one stream.
func newGrouping(emit func(logs.Group)) logs.Grouping {
	return trace.NewGrouper(trace.Limits{}, func(g trace.Group) {
		emit(logs.Group{Text: g.Text, Lines: g.Lines, Language: g.Language})
	})
}

// capture reads the output of one process until it ends.
func (m *master) capture(process string, slot int) func(worker.Source, *os.File, *os.File) {
	return func(of worker.Source, stdout, stderr *os.File) {
		tail := m.tails.open(of.ID)
		for kind, pipe := range map[logs.Stream]*os.File{logs.Stdout: stdout, logs.Stderr: stderr} {
			source := logs.Source{Type: process, Slot: slot, Generation: of.Generation, PID: of.PID, Stream: kind}
			m.read(&stream{process: of.ID, kind: kind, pipe: pipe, open: func(head []byte) *logs.Capture {
				return logs.NewCapture(pipe, source, tap{m.memory, tail}, logs.CaptureOptions{Grouping: newGrouping, RequestIDs: true, Head: head})
			}})
		}
	}
}

// openMail prepares error mail. Without recipients errors are counted only.
func (m *master) openMail() error {
	c := m.config()
	hostname, _ := os.Hostname()
	config := mail.Config{
		About:   mail.About{Application: c.Manifest.Name, Environment: c.Settings.Environment, Host: hostname},
		Secrets: c.secrets(), PerHour: c.Settings.Mail.Hourly, Closing: 10 * time.Minute,
		Log: m.log,
	}
	if m.handed != nil {
		for _, secret := range m.handed.Secrets {
			config.Secrets = append(config.Secrets, string(secret))
		}
	}
	if c.mailsErrors() {
		if c.Settings.Mail.Server == "" {
			m.log.Warn("error mail is off: SMTP_URL is not set", "recipients", len(c.Settings.Mail.Errors))
		} else {
			var err error
			if m.smtp, err = c.mailServer(); err != nil {
				return err
			}
			config.Sender, config.Audience = m.smtp, m.smtp.String()+" "+strings.Join(m.smtp.To, ",")
		}
	}
	var err error
	if config.Path, err = m.statePath(); err != nil {
		m.log.Warn("what was mailed will not be known after the next start: there is no place for its state", "error", err)
	}
	m.mail, err = openPost(config)
	return err
}

// mailsErrors tells whether somebody shall get error mail from us.
func (c *Config) mailsErrors() bool {
	return len(c.Settings.Mail.Errors) > 0 && c.Manifest.Supplies("error.mail")
}

// checkMail refuses what error mail cannot use, before a program that runs is
// replaced by one that would not start.
func (c *Config) checkMail() error {
	if !c.mailsErrors() || c.Settings.Mail.Server == "" {
		return nil
	}
	_, err := c.mailServer()
	return err
}

// secrets are the texts that no mail may hold.
func (c *Config) secrets() []string {
	return slices.Concat(c.Table.Secrets(), c.Surroundings.Secrets())
}

// mailServer reads the settings of error mail.
func (c *Config) mailServer() (*mail.SMTP, error) {
	server, err := mail.ParseURL(c.Settings.Mail.Server)
	if err != nil {
		return nil, &problem.Problem{Code: "RW-R02", Summary: "SMTP_URL is no mail server", Got: err.Error(), Want: "smtp://user:password@host:port", Fix: "set SMTP_URL", Cause: err}
	}
	if server.To, err = mail.ParseRecipients(c.Settings.Mail.Errors); err != nil {
		return nil, &problem.Problem{Code: "RW-R02", Summary: "ERROR_MAIL holds no list of addresses", Got: err.Error(), Want: "addresses, with commas between them", Fix: "set ERROR_MAIL", Cause: err}
	}
	if from := c.Settings.Mail.From; from != "" {
		if _, err := netmail.ParseAddress(from); err != nil {
			return nil, &problem.Problem{Code: "RW-R02", Summary: "MAIL_FROM is no mail address", Got: from, Want: "an address, such as Shop <shop@example.org>", Fix: "set MAIL_FROM", Cause: err}
		}
		server.From = from
	}
	return server, nil
}

// statePath is where the state of error mail lies. There is no place for it
// where its folder cannot be made, or another master of this application has it.
func (m *master) statePath() (string, error) {
	base := os.Getenv("XDG_STATE_HOME")
	if base == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", fmt.Errorf("find the folder of states: %w", err)
		}
		base = filepath.Join(home, ".local", "state")
	}
	dir := filepath.Join(base, "roadworthy", m.config().Manifest.Name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("make the folder of the state: %w", err)
	}
	lock, err := lockFile(filepath.Join(dir, "lock"))
	if err != nil {
		return "", err
	}
	m.lock = lock
	return filepath.Join(dir, "errors.json"), nil
}

// declaredStatus takes the path of the status route from the manifest, unless
// the one who runs the application gives it.
func (c *Config) declaredStatus() {
	if c.Manifest.Status == nil || !c.Manifest.Supplies("status.route") {
		return
	}
	i := slices.IndexFunc(c.Table.Settings, func(s settings.Setting) bool { return s.Key == "status.path" })
	if row := &c.Table.Settings[i]; row.Origin.Kind == "default" {
		c.Settings.Status.Path = c.Manifest.Status.Path
		row.Value, row.Origin = c.Settings.Status.Path, settings.Origin{Kind: "file", Name: c.Manifest.Path}
	}
}

// openFront prepares the front; nothing listens yet.
func (m *master) openFront() error {
	s := m.config().Settings
	options := front.Options{
		Pool:      pool.Options{Queue: queueOf(s.Limits.Queue), Wait: s.Times.Queue, Park: s.Times.Queue},
		Deadlines: front.Deadlines{FirstByte: s.Times.First, Idle: s.Times.Idle, Request: s.Times.Request, KeepAlive: keepAlive},
		Limits:    front.Limits{Header: int(s.Limits.Header), Body: int64(s.Limits.Body), Connections: s.Limits.Connections},
		Routes:    []front.Route{{Prefix: "/", Upgrade: true, Drain: front.DrainPolicy(s.Streams), Linger: m.linger}},
		Trusted:   s.Limits.Trusted, Access: front.AccessLog(s.Log.Access),
		Log:    slog.New(&witness{m.log.Handler(), m.requests}),
		OnSlow: m.onSlow, Extra: m.writeMetrics,
	}
	if m.config().Manifest.Supplies("status.route") {
		options.Status = front.Status{Path: s.Status.Path, Tokens: s.Status.Token}
		options.Health = m.health
	}
	err := m.openTLS(&options)
	if err != nil {
		return err
	}
	if m.front, err = front.New(options); err != nil {
		return &problem.Problem{Code: "RW-R02", Summary: err.Error(), Fix: "roadworthy config show --origin", Cause: err}
	}
	return nil
}

// lingering is how long streams are left alone within a drain: what is left of
// it is for their orderly end, which is spread over two seconds.
func lingering(drain time.Duration) time.Duration { return max(drain-3*time.Second, drain/2) }

func (m *master) linger() time.Duration { return lingering(m.config().Settings.Times.Drain) }

func queueOf(length int) int {
	if length == 0 {
		return -1 // the pool's word for none
	}
	return length
}

// rotation lets workers come and go in the front.
type rotation struct {
	front *front.Front
	limit int
	log   *slog.Logger
}

// Add begins to send requests to a worker.
func (r rotation) Add(b worker.Backend) {
	if err := r.front.Add(front.Backend{ID: b.ID, Network: b.Network, Address: b.Address, Limit: r.limit}); err != nil {
		r.log.Error("a worker cannot serve", "worker", b.Worker, "error", err)
	}
}

// Drain takes a worker out and waits for what it serves.
func (r rotation) Drain(ctx context.Context, id string) error { return r.front.Drain(ctx, id) }

// supervise prepares the workers of one process type.
func (m *master) supervise(name string) (*worker.Supervisor, error) {
	config := worker.Config{
		RunDir: m.folder, Tail: m.tails.last, Reaper: m.reaper,
		Event: func(e worker.Event) {
			m.onEvent(e)
			m.mailTrouble(name, e)
		},
		Output: func(of worker.Source, stdout, stderr *os.File) {
			m.capture(name, slotOf(of.Worker))(of, stdout, stderr)
		},
	}
	if self := m.config().Self; self != "" {
		config.Launcher = []string{self, LaunchCommand}
	}
	if name == "web" {
		config.Ready, config.Health = answers, healthy
		config.Rotation = rotation{m.front, m.config().Settings.Concurrency, m.log}
	}
	s, err := worker.New(config)
	if err != nil {
		return nil, fmt.Errorf("prepare the workers of %s: %w", name, err)
	}
	return s, nil
}

// spec describes one process type.
func (m *master) spec(c *Config, name string) (worker.Spec, error) {
	argv, err := c.argv(name)
	if err != nil {
		return worker.Spec{}, err
	}
	s := c.Settings
	spec := worker.Spec{
		Name: name, Command: argv, Dir: c.Folder, Env: c.Surroundings.Environ(s.Mode != "shared"), Count: 1, Mode: worker.ModeNone,
		Times:  worker.Times{Ready: s.Times.Ready, MinUptime: orNone(s.Times.Settle), Drain: s.Times.Drain, Stop: s.Times.Stop, Watchdog: s.Times.Watchdog},
		Limits: worker.Limits{User: s.User, NoNewPrivs: !s.Privileges && c.Self != ""},
	}
	spec.Env = append(without(spec.Env, "ROADWORTHY_SUPPLIES"), "ROADWORTHY_SUPPLIES="+m.supplies())
	if name != "web" {
		counts, err := s.counts()
		if n, given := counts[name]; given {
			spec.Count = n
		}
		return spec, err
	}
	spec.Page = c.healthPage()
	spec.Mode = map[string]worker.Mode{"proxy": worker.ModePort, "socket": worker.ModeSocket, "shared": worker.ModeShared}[s.Mode]
	if spec.Mode == worker.ModeShared {
		spec.Listener = m.shared
		spec.Prove = -1                  // that it lives is all that is seen of it
		spec.Times.Stop += s.Times.Drain // nobody else can tell when its requests are through
	}
	if spec.Count = s.count(); !c.Manifest.Supplies("workers") {
		spec.Count = 1 // it supervises its own
	}
	spec.Recycle = worker.Recycle{Age: s.Recycle.Age, Requests: s.Recycle.Requests, Soft: int64(s.Recycle.Memory), Hard: int64(s.Recycle.Kill)}
	for _, setting := range c.Manifest.Config.WithEffect(manifest.EffectPort) {
		if setting.Name != "PORT" {
			spec.Env = append(without(spec.Env, setting.Name), setting.Name+"={port}")
		}
	}
	return spec, nil
}

// supplies tells package app in a worker what this master sends: the rest the
// worker has to send by itself. The configuration alone does not say it, since
// a reload opens neither mail nor syslog.
func (m *master) supplies() string {
	var list []string
	if m.smtp != nil {
		list = append(list, "error.mail")
	}
	if m.syslog != nil {
		list = append(list, "log.syslog")
	}
	return strings.Join(list, ",")
}

// orNone is the way in which the workers are told that a time is nothing.
func orNone(d time.Duration) time.Duration {
	if d == 0 {
		return -1
	}
	return d
}
