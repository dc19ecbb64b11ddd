package app_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/roadworthy-dev/roadworthy/app"
)

// arguments runs a program with arguments and returns what it wrote, the words
// that its setup got and whether it was set up with --verbose.
func arguments(t *testing.T, fails error, args ...string) (out string, words []string, verbose bool, err error) {
	t.Helper()
	var config struct {
		Database string `env:"DATABASE_URL" required:"true" help:"where it keeps things"`
		Verbose  bool   `default:"false" help:"whether it says more"`
	}
	var log output
	box, url := newMailbox(t)
	environment := map[string]string{"DATABASE_URL": "x", "ERROR_MAIL": "a@x.org", "SMTP_URL": url}
	if strings.Contains(strings.Join(args, " "), "-h") { // which needs no configuration
		environment = nil
	}
	err = app.Run(t.Context(), app.Options{
		Name: "shop", Config: &config, Args: args, Stdout: &log,
		Environment: func(name string) (string, bool) { v, ok := environment[name]; return v, ok },
		Setup: func(a *app.App) (http.Handler, error) {
			words, verbose = append([]string{}, a.Args...), config.Verbose
			return nil, fails
		},
	})
	if n := len(box.all()); n > 0 {
		t.Errorf("%q made %d mails", args, n)
	}
	return log.String(), words, verbose, err
}

func TestHelpListsTheSettings(t *testing.T) {
	for _, args := range [][]string{{"--help"}, {"-h"}, {"--port=81", "migrate", "-h"}, {"--show-config", "--help"}} {
		out, words, _, err := arguments(t, nil, args...)
		if err != nil || words != nil {
			t.Errorf("%q: %v, set up with %q", args, err, words)
		}
		for _, want := range []string{"shop [--SETTING=VALUE", "--log-level", "LOG_LEVEL", "least level that is logged (INFO)", "--database", "where it keeps things (required)", "--verbose", "--show-config", "SHOP_CONFIG"} {
			if !strings.Contains(out, want) {
				t.Errorf("%q: missing %q in\n%s", args, want, out)
			}
		}
	}
}

func TestFlagsAndWords(t *testing.T) {
	for _, row := range []struct {
		args, words string
		verbose     bool
	}{
		{"--verbose migrate", "migrate", true},
		{"migrate --verbose", "migrate", true},
		{"--verbose=false migrate", "migrate", false},
		{"--port 81 migrate -", "migrate -", false},
		{"migrate -- -n --all", "migrate -n --all", false},
	} {
		_, words, verbose, err := arguments(t, nil, strings.Fields(row.args)...)
		if err != nil || strings.Join(words, " ") != row.words || verbose != row.verbose {
			t.Errorf("%s: words %q, verbose %t, %v", row.args, words, verbose, err)
		}
	}
	for args, want := range map[string]string{"-v": "there is no flag -v", "migrate -n": "there is no flag -n", "--port": "--port=VALUE"} {
		_, words, _, err := arguments(t, nil, strings.Fields(args)...)
		if app.ExitCode(err) != 78 || !strings.Contains(err.Error(), want) || words != nil {
			t.Errorf("%s: %v, set up with %q", args, err, words)
		}
	}
}

// Who types a command reads its error on the terminal.
func TestACommandThatFailsIsNotMailed(t *testing.T) {
	if _, _, _, err := arguments(t, errors.New("there is no command mgirate"), "mgirate"); app.ExitCode(err) != 1 {
		t.Errorf("got %v", err)
	}
}
