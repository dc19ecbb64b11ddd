// Guestbook is a small web application, ready for production.
//
//	guestbook            serve
//	guestbook migrate    bring the database up to date
//	guestbook count      print how many entries there are
//
// The frame is package app: settings, log, error mail, status route, request
// ids and a stop that loses no request. Here is what is the guestbook's own: a
// request walks through web.go and then store.go; session.go knows the guest.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"

	"github.com/roadworthy-dev/roadworthy/app"
)

func main() {
	var config Config
	app.Main("guestbook", &config, func(a *app.App) (http.Handler, error) { return setup(a, &config, os.Stdout) })
}

// Config is what the guestbook asks for beside the settings of [app.Standard].
type Config struct {
	Database *url.URL `env:"DATABASE_URL" key:"database" required:"true" secret:"true" help:"where the entries are kept, postgres://… or sqlite:/path"`
	Secret   string   `env:"SECRET_KEY" key:"secret_key" required:"true" secret:"true" help:"signs the cookies, the same in all processes"`
	Title    string   `env:"SITE_TITLE" key:"title" default:"Guestbook" help:"title of the page"`
}

// Validate is asked by the reader of settings.
func (c *Config) Validate() error {
	if c.Database != nil && !slices.Contains([]string{"postgres", "sqlite"}, c.Database.Scheme) {
		return errors.New("DATABASE_URL: want an address that begins with postgres: or sqlite:")
	}
	return nil
}

// setup makes the site, or does a one-off command.
func setup(a *app.App, config *Config, out io.Writer) (http.Handler, error) {
	store, err := OpenStore(config.Database)
	if err != nil {
		return nil, fmt.Errorf("DATABASE_URL: %w", err)
	}
	a.OnStop(func(context.Context) error { store.Close(); return nil })
	if len(a.Args) > 0 {
		return nil, command(a.Context(), a.Args[0], store, out)
	}
	a.Check("db", store.Check)
	site := &Site{Title: config.Title, Tokens: a.StatusToken, Sessions: Sessions{config.Secret}, Entries: store, Log: a.Log, Report: a.Report}
	return site.Handler(), nil
}

// command runs a one-off command.
func command(ctx context.Context, name string, store *Store, out io.Writer) error {
	switch name {
	case "migrate":
		return store.Migrate(ctx)
	case "count":
		n, err := store.Count(ctx)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(out, n)
		return err
	}
	return fmt.Errorf("there is no command %s; there are migrate and count", name)
}
