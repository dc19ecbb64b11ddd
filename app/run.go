package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

// closing is how long error mail and syslog may take to hand over what is left.
const closing = 5 * time.Second

// Run runs an application until the context ends, the listener fails or a task
// does. It stops in order: not ready, no new connections, requests, tasks,
// what was registered with OnStop, logs and mails.
func Run(ctx context.Context, options Options) (err error) {
	a, shown, err := newApp(options)
	if err != nil || shown {
		return err
	}
	if err := errors.Join(a.openSyslog(), a.mailErrors()); err != nil {
		return errors.Join(err, a.closeLogs())
	}
	defer func() { err = errors.Join(err, a.closeLogs()) }()
	a.ctx = ctx
	handler, err := a.setup()
	defer func() { err = errors.Join(err, a.cleanUp()) }()
	if err != nil || handler == nil {
		return err
	}
	return a.live(ctx, handler)
}

// newApp reads the configuration and makes the parts that wait for nothing.
func newApp(options Options) (a *App, shown bool, err error) {
	if options.Name == "" || options.Setup == nil {
		return nil, false, errors.New("run an application: it needs a name and a setup")
	}
	options = options.withDefaults()
	a = &App{name: options.Name, options: options, stopping: make(chan struct{}), begun: time.Now(), metrics: &metrics{}}
	if a.worker, _ = options.Environment("ROADWORTHY_WORKER"); a.worker != "" {
		supplies, _ := options.Environment("ROADWORTHY_SUPPLIES")
		a.supplied = strings.Split(supplies, ",")
	}
	a.host, _ = os.Hostname()
	if shown, err = a.configure(); shown || err != nil {
		return a, shown, err
	}
	a.scrub = newScrubber(a.table)
	a.Log = a.newLog()
	a.checks = newChecks(options.Interval, a.Log, a.scrub)
	return a, false, nil
}

// setup calls the application's own. A panic in it is an error like any other.
func (a *App) setup() (handler http.Handler, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = a.panicked(context.Background(), p, nil)
		}
	}()
	handler, err = a.options.Setup(a)
	if err != nil && len(a.Args) == 0 { // who gave a command reads its error on the terminal
		a.failed(context.Background(), fmt.Errorf("set up %s: %w", a.name, err))
	}
	return handler, err
}

// live serves until the end, with the checks, the tasks and the notes to the
// supervisor beside it.
func (a *App) live(ctx context.Context, handler http.Handler) error {
	listener, err := a.listen()
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	beside, end := context.WithCancel(context.WithoutCancel(ctx))
	var running sync.WaitGroup
	defer running.Wait()
	defer end()
	supervisor := newSupervisor(a.options.Environment)
	running.Go(func() { supervisor.watchdog(beside) })
	running.Go(func() { a.checks.run(beside, func() { supervisor.tell("READY=1") }) })
	a.mu.Lock()
	tasks := slices.Clone(a.tasks)
	a.mu.Unlock()
	for _, t := range tasks {
		running.Go(func() {
			if err := a.perform(beside, t); err != nil {
				stop(err)
			}
		})
	}
	a.Log.Info("serving", "address", listener.Addr().String())
	err = a.serve(ctx, listener, handler, func() { supervisor.tell("STOPPING=1") })
	end()
	running.Wait()
	a.Log.Info("stopped")
	if cause := context.Cause(ctx); err == nil && cause != nil && !errors.Is(cause, context.Canceled) {
		err = cause
	}
	return err
}

// perform runs a task. Its end by the context is no failure.
func (a *App) perform(ctx context.Context, t task) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = a.panicked(ctx, p, nil)
		}
	}()
	if err = t.do(ctx); err == nil || ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return nil
	}
	err = fmt.Errorf("task %s: %w", t.name, err)
	a.failed(ctx, err)
	return err
}

// cleanUp does what was registered, the last first.
func (a *App) cleanUp() error {
	ctx, cancel := context.WithTimeout(context.Background(), closing)
	defer cancel()
	a.mu.Lock()
	list := slices.Clone(a.cleanup)
	a.mu.Unlock()
	var all []error
	for _, do := range slices.Backward(list) {
		all = append(all, do(ctx))
	}
	return errors.Join(all...)
}

// closeLogs hands over what mail and syslog still hold.
func (a *App) closeLogs() error {
	ctx, cancel := context.WithTimeout(context.Background(), closing)
	defer cancel()
	var err error
	if a.errors != nil {
		err = a.errors.Close(ctx)
	}
	if a.syslog != nil {
		a.syslog.close(ctx)
	}
	return err
}
