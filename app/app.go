// Package app makes a Go program ready for production: configuration, logs,
// error mail, a status route, request ids, metrics, and a stop that loses no
// request. One import, one call:
//
//	func main() {
//		var config Config
//		app.Main("guestbook", &config, func(a *app.App) (http.Handler, error) {
//			db, err := sql.Open("pgx", config.Database)
//			a.Check("database", db.PingContext)
//			return routes(&config, db), err
//		})
//	}
//
// The fields of the program's own struct are settings, read from flags, the
// environment, a YAML file and defaults; the tags are env, key, default, help,
// secret, required, min and max. The settings that every program has are those
// of [Standard]. `PROGRAM --help` lists them, `PROGRAM --show-config` prints each
// value with its origin, `PROGRAM --example-config` a file to begin with.
//
// The program is the same with and without the production runtime. Beneath
// it (ROADWORTHY_WORKER is set) it listens on the socket that it is handed,
// tells when it is ready, and leaves syslog and error mail to the runtime where
// that sends them (ROADWORTHY_SUPPLIES names log.syslog and error.mail), which
// reads them from the log; else it sends them by itself. Either way what is
// mailed are stack traces: panics, what [App.Report] is given, and those that
// the application logs at ERROR. An error that is merely logged is not.
//
// The invariant: [Run] returns when every goroutine that it started has ended
// and every request that it began has been answered, or the time for that is
// over. Only types of the standard library are in the API. A handler is never
// held up by a mail server, a syslog daemon or a dependency's check.
//
// The package must not decide what an application does with its data; it is
// the frame alone. Read next: run.go, then serve.go.
package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/mail"
	"github.com/roadworthy-dev/roadworthy/internal/settings"
)

// Setup makes the application's handler once the configuration is read. Where
// it returns no handler and no error, the program has done its work (a
// command such as "migrate") and ends.
type Setup func(a *App) (http.Handler, error)

// Options are what [Main] takes from the process. The zero value of a field
// has the meaning that stands in brackets; tests hand in their own.
type Options struct {
	Name        string                            // of the application; required
	Config      any                               // pointer to the struct of its own settings (none)
	Setup       Setup                             // required
	Args        []string                          // flags and words after the program's name (none)
	Environment func(name string) (string, bool)  // such as os.LookupEnv (empty)
	ReadFile    func(path string) ([]byte, error) // (os.ReadFile)
	Listener    net.Listener                      // to serve on (by LISTEN_FDS, LISTEN or PORT)
	Stdout      io.Writer                         // for the log (none)
	Interval    time.Duration                     // between two checks of a dependency (3 s)
}

// App is an application that runs. Its methods may be called from any goroutine.
type App struct {
	Standard              // the settings that every application has
	Args     []string     // words of the command line that are no flags
	Log      *slog.Logger // with the levels of the runtime; records carry the request's id where they are given its context

	name     string
	options  Options
	table    *settings.Table
	worker   string   // the name that the runtime gave to this process; "" without it
	supplied []string // requirements that the runtime meets in this process's place
	host     string
	errors   *mail.Notifier // nil where nobody is mailed by this process
	scrub    *mail.Scrubber
	syslog   *syslogQueue // nil where there is none
	checks   *checks
	metrics  *metrics
	stopping chan struct{} // closed when the stop begins
	ctx      context.Context
	begun    time.Time

	mu      sync.Mutex
	cleanup []func(context.Context) error
	tasks   []task
}

// task is something that runs beside the requests.
type task struct {
	name string
	do   func(context.Context) error
}

// Main runs an application until SIGTERM or SIGINT and ends the process. What
// is logged through the packages log and log/slog goes where the application's
// own log does. The process ends with
// 0 after a stop that was asked for, 78 where the configuration is wrong
// (EX_CONFIG of sysexits.h), 1 for any other error.
func Main(name string, config any, setup Setup) {
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	shared := func(a *App) (http.Handler, error) {
		slog.SetDefault(a.Log) // the process is the application's alone
		return setup(a)
	}
	err := Run(ctx, Options{Name: name, Config: config, Setup: shared, Args: os.Args[1:], Environment: os.LookupEnv, Stdout: os.Stdout})
	cancel()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(ExitCode(err)) //nolint:forbidigo // this is what an application has for main
}

// ExitCode returns the code with which [Main] ends the process.
func ExitCode(err error) int {
	_, wrong := errors.AsType[*ConfigError](err)
	switch {
	case err == nil:
		return 0
	case wrong:
		return 78
	}
	return 1
}

// ConfigError says all that is wrong with the configuration.
type ConfigError struct{ cause error }

// Error returns each problem with its place, what was got and wanted, and a fix.
func (e *ConfigError) Error() string { return e.cause.Error() }

// Unwrap returns the problems.
func (e *ConfigError) Unwrap() error { return e.cause }

// Check registers a dependency without which the application cannot serve.
// It is asked in the background, every three seconds or so, with a time limit in
// its context; the status route tells the last answer, and /ready fails with it.
func (a *App) Check(name string, check func(context.Context) error) { a.checks.add(name, check, true) }

// CheckOptional is Check for a dependency that the application can do without:
// the status tells it, and the application stays ready.
func (a *App) CheckOptional(name string, check func(context.Context) error) {
	a.checks.add(name, check, false)
}

// Go runs a task beside the requests, from the start until its context ends,
// which is when the last request is answered. Where it returns an error or
// panics, the error is reported, the application stops, and [Run] returns it.
// It is to be called from [Setup].
func (a *App) Go(name string, do func(context.Context) error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.tasks = append(a.tasks, task{name, do})
}

// OnStop registers what is to be done after the last request and task, such
// as closing a database; what was registered last is done first.
func (a *App) OnStop(do func(context.Context) error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.cleanup = append(a.cleanup, do)
}

// Context ends when the application is asked to stop. It is for the setup and
// for commands; a request has its own, and so has a task.
func (a *App) Context() context.Context { return a.ctx }

// Stopping is closed when the stop begins, so that long answers and websockets
// can come to an end.
func (a *App) Stopping() <-chan struct{} { return a.stopping }

// Name returns the application's name.
func (a *App) Name() string { return a.name }
