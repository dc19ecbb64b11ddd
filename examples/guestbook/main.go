// Guestbook is a small web application, ready for production.
//
//	guestbook            serve
//	guestbook migrate    bring the database up to date
//	guestbook count      print how many entries there are
//
// A request walks through web.go: observe (id, limits, log), then its route,
// then the store. What it needs from outside is in config.go; what it tells
// the outside is in log.go, syslog.go, mail.go and health.go.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"sync"
	"syscall"
	"time"
)

func main() {
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer cancel()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	config, err := LoadConfig(os.LookupEnv)
	if err != nil {
		return err
	}
	store, err := OpenStore(config.Database)
	if err != nil {
		return fmt.Errorf("DATABASE_URL: %w", err)
	}
	defer store.Close()
	if len(args) == 0 {
		return serve(ctx, config, store)
	}
	return command(ctx, args[0], store)
}

// command runs a one-off command.
func command(ctx context.Context, name string, store *Store) error {
	switch name {
	case "migrate":
		return store.Migrate(ctx)
	case "count":
		n, err := store.Count(ctx)
		if err != nil {
			return err
		}
		fmt.Println(n)
		return nil
	}
	return fmt.Errorf("there is no command %s; there are migrate and count", name)
}

// serve starts all parts, and stops them in the reverse order.
func serve(ctx context.Context, config *Config, store *Store) error {
	var syslog *Syslog
	if config.Syslog != nil {
		syslog = NewSyslog(config.Syslog, config.Facility, os.Stderr)
		defer syslog.Stop()
	}
	log := NewLog(os.Stdout, config.Level, syslog)
	report := func(string, string) {}
	if len(config.Errors) > 0 {
		mailer := NewMailer(SMTP(config.SMTP, config.Errors), 5*time.Second, log)
		defer mailer.Stop()
		report = mailer.Report
	}
	health := NewHealth(ctx, map[string]func(context.Context) error{"db": store.Check}, log)
	var background sync.WaitGroup
	defer background.Wait()
	background.Go(func() { health.Run(ctx) })

	app := &App{Title: config.Title, Token: config.Token, Sessions: Sessions{config.Secret}, Entries: store,
		Health: health, Log: log, Report: report}
	listener, err := net.Listen("tcp", ":"+strconv.Itoa(config.Port))
	if err != nil {
		return fmt.Errorf("PORT: %w", err)
	}
	log.Info("serving", "port", config.Port)
	defer log.Info("stopped")
	server := &http.Server{Handler: app.Handler(), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: time.Minute,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn)}
	return Serve(ctx, server, listener, func() { app.Draining.Store(true) })
}
