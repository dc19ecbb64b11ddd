package app_test

import (
	"database/sql"
	"net/http"

	"github.com/roadworthy-dev/roadworthy/app"
)

type Config struct {
	Database string `env:"DATABASE_URL" key:"database" secret:"true" required:"true" help:"where entries are kept"`
	Title    string `env:"SITE_TITLE" key:"title" default:"Guestbook" help:"title of the page"`
}

func routes(config *Config, _ *sql.DB) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(config.Title)) })
}

// This is the main function of an application with configuration, logs, error
// mail, a status route and a stop that loses no request.
func Example() {
	var config Config
	app.Main("guestbook", &config, func(a *app.App) (http.Handler, error) {
		db, err := sql.Open("pgx", config.Database)
		a.Check("database", db.PingContext)
		return routes(&config, db), err
	})
}
