package main

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// load reads settings from pairs of the environment and from a file.
func load(t *testing.T, file string, env ...string) (*Config, error) {
	values := map[string]string{}
	for _, pair := range env {
		name, value, _ := strings.Cut(pair, "=")
		values[name] = value
	}
	if file != "" {
		t.Chdir(t.TempDir())
		if err := os.WriteFile("app.yaml", []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
		values["GUESTBOOK_CONFIG"] = "app.yaml"
	}
	return LoadConfig(func(name string) (string, bool) { value, ok := values[name]; return value, ok })
}

var needed = []string{"DATABASE_URL=postgres://u:p@db/guests", "STATUS_TOKEN=token", "SECRET_KEY=key"}

func TestConfigDefaults(t *testing.T) {
	c, err := load(t, "", needed...)
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprintln(c.Port, c.Level, c.Database, c.Token, c.Secret, c.Errors, c.SMTP, c.Syslog, c.Facility, c.Title)
	if want := "8080 INFO postgres://u:p@db/guests token key [] <nil> <nil> 16 Guestbook\n"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestConfigPrecedence(t *testing.T) {
	file := "title: From the file\nport: 9000\nlog:\n  level: DEBUG\nsyslog:\n  server: tcp://logs:514\n  facility: \"daemon\"\n" +
		"mail: {errors: 'a@example.org, b@example.org', server: smtp://post}\ndatabase: sqlite:/guests.db\nstatus_token: 0123\nsecret_key: |-\n  k\n"
	c, err := load(t, file, "PORT=9001", "SECRET_KEY=environment")
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprintln(c.Port, c.Level, c.Database, c.Token, c.Secret, c.Errors, c.SMTP, c.Syslog, c.Facility, c.Title)
	want := "9001 DEBUG sqlite:/guests.db 0123 environment [a@example.org b@example.org] smtp://post tcp://logs:514 3 From the file\n"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if c, err = load(t, file); err != nil || c.Secret != "k" || c.Port != 9000 {
		t.Errorf("the file alone gives %+v, %v", c, err)
	}
}

func TestConfigErrors(t *testing.T) {
	for _, test := range []struct {
		name, file, want string
		env              []string
	}{
		{"all missing", "", "missing settings: DATABASE_URL, STATUS_TOKEN, SECRET_KEY", nil},
		{"empty is missing", "", "missing settings: STATUS_TOKEN", append(slices.Clone(needed), "STATUS_TOKEN=")},
		{"mail without server", "", "missing settings: SMTP_URL", append(slices.Clone(needed), "ERROR_MAIL=a@b.c")},
		{"no port", "", "PORT: want a number from 1 to 65535", append(slices.Clone(needed), "PORT=http")},
		{"low port", "", "PORT: want a number from 1 to 65535", append(slices.Clone(needed), "PORT=0")},
		{"high port", "", "PORT: want a number from 1 to 65535", append(slices.Clone(needed), "PORT=65536")},
		{"level", "", "LOG_LEVEL: want one of DEBUG, INFO, WARNING, ERROR", append(slices.Clone(needed), "LOG_LEVEL=LOUD")},
		{"password", "", "DATABASE_URL: want an address that begins with postgres: or sqlite:", append(slices.Clone(needed), "DATABASE_URL=http://u:p@h")},
		{"no host", "", "SYSLOG_URL: want an address that begins with udp: or tcp: or unix:", append(slices.Clone(needed), "SYSLOG_URL=udp://")},
		{"address", "", `ERROR_MAIL: "nobody" is no mail address`, append(slices.Clone(needed), "ERROR_MAIL=a@b.c, nobody")},
		{"value", "\nport: many\n", "app.yaml:2: PORT: want a number from 1 to 65535", needed},
		{"unknown key", "port: 1\nlog:\n  colour: red\n", "app.yaml:3: there is no setting log.colour", needed},
		{"list", "port: [1]\n", "app.yaml:1: PORT: want a number from 1 to 65535", needed},
		{"no mapping", "hello\n", "app.yaml:1: there is no setting ", needed},
	} {
		t.Run(test.name, func(t *testing.T) {
			if _, err := load(t, test.file, test.env...); err == nil || err.Error() != test.want {
				t.Errorf("got  %v\nwant %s", err, test.want)
			}
		})
	}
}

func TestConfigBrokenFile(t *testing.T) {
	_, err := load(t, "port: 1\ntitle: \"half", needed...)
	if err == nil || !strings.HasPrefix(err.Error(), "app.yaml:2: ") {
		t.Errorf("got %v", err)
	}
	_, err = load(t, "", append(slices.Clone(needed), "GUESTBOOK_CONFIG="+filepath.Join(t.TempDir(), "none"))...)
	if err == nil || !strings.HasPrefix(err.Error(), "GUESTBOOK_CONFIG: open ") {
		t.Errorf("got %v", err)
	}
	if c, err := load(t, "# nothing\n", needed...); err != nil || c.Port != 8080 || c.Level != slog.LevelInfo {
		t.Errorf("an empty file gives %+v, %v", c, err)
	}
}
