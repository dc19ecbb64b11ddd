package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net/mail"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Config is every setting, checked.
type Config struct {
	Port     int
	Level    slog.Level
	Database *url.URL
	Token    string   // opens /status, /fault and /slow
	Secret   string   // signs cookies
	Errors   []string // who gets mails about errors; empty: nobody
	SMTP     *url.URL // nil where Errors is empty
	Syslog   *url.URL // nil: no syslog
	Facility int      // RFC 5424, section 6.2.1
	Title    string
}

// setting says where one value comes from and how it is read.
type setting struct {
	variable string // in the environment
	key      string // in the file
	fallback string
	set      func(value string) error
}

// required is the fallback of a setting that has none.
const required = "\x00"

func (c *Config) settings() []setting {
	return []setting{
		{"PORT", "port", "8080", number(&c.Port, 1, 65535)},
		{"LOG_LEVEL", "log.level", "INFO", choice(&c.Level, levels)},
		{"DATABASE_URL", "database", required, address(&c.Database, "postgres", "sqlite")},
		{"STATUS_TOKEN", "status_token", required, text(&c.Token)},
		{"SECRET_KEY", "secret_key", required, text(&c.Secret)},
		{"ERROR_MAIL", "mail.errors", "", recipients(&c.Errors)},
		{"SMTP_URL", "mail.server", "", address(&c.SMTP, "smtp", "smtps")},
		{"SYSLOG_URL", "syslog.server", "", address(&c.Syslog, "udp", "tcp", "unix")},
		{"SYSLOG_FACILITY", "syslog.facility", "local0", choice(&c.Facility, facilities)},
		{"SITE_TITLE", "title", "Guestbook", text(&c.Title)},
	}
}

// LoadConfig takes each setting from the environment, else from the file that
// GUESTBOOK_CONFIG names, else its default. The error tells all that is wrong.
func LoadConfig(env func(string) (string, bool)) (*Config, error) {
	c := &Config{}
	name, _ := env("GUESTBOOK_CONFIG")
	file, err := readFile(name, c.settings())
	if err != nil {
		return nil, err
	}
	var wrong []error
	var missing []string
	for _, s := range c.settings() {
		value, where := s.fallback, ""
		if entry, ok := file[s.key]; ok {
			value, where = entry.text, fmt.Sprintf("%s:%d: ", name, entry.line)
		}
		if v, ok := env(s.variable); ok {
			value, where = v, ""
		}
		if value == required || value == "" && s.fallback == required {
			missing = append(missing, s.variable)
		} else if err := s.set(value); err != nil {
			wrong = append(wrong, fmt.Errorf("%s%s: %w", where, s.variable, err))
		}
	}
	if len(c.Errors) > 0 && c.SMTP == nil && len(wrong) == 0 {
		missing = append(missing, "SMTP_URL")
	}
	if len(missing) > 0 {
		wrong = append(wrong, fmt.Errorf("missing settings: %s", strings.Join(missing, ", ")))
	}
	return c, errors.Join(wrong...)
}

func text(to *string) func(string) error {
	return func(value string) error { *to = value; return nil }
}

func number(to *int, low, high int) func(string) error {
	return func(value string) (err error) {
		if *to, err = strconv.Atoi(value); err != nil || *to < low || *to > high {
			return fmt.Errorf("want a number from %d to %d", low, high)
		}
		return nil
	}
}

// option is a value with a name.
type option[T any] struct {
	name  string
	value T
}

func choice[T any](to *T, options []option[T]) func(string) error {
	return func(value string) error {
		var names []string
		for _, o := range options {
			if o.name == value {
				*to = o.value
				return nil
			}
			names = append(names, o.name)
		}
		return fmt.Errorf("want one of %s", strings.Join(names, ", "))
	}
}

// address reads a URL. Its error never quotes the value, which may hold a password.
func address(to **url.URL, schemes ...string) func(string) error {
	return func(value string) error {
		if value == "" {
			return nil
		}
		u, err := url.Parse(value)
		if err == nil && slices.Contains(schemes, u.Scheme) && (u.Hostname() != "" || u.Path+u.Opaque != "") {
			*to = u
			return nil
		}
		return fmt.Errorf("want an address that begins with %s:", strings.Join(schemes, ": or "))
	}
}

func recipients(to *[]string) func(string) error {
	return func(value string) error {
		for part := range strings.SplitSeq(value, ",") {
			if part = strings.TrimSpace(part); part == "" {
				continue
			}
			if a, err := mail.ParseAddress(part); err != nil || a.Address != part {
				return fmt.Errorf("%q is no mail address", part)
			}
			*to = append(*to, part)
		}
		return nil
	}
}

var levels = []option[slog.Level]{
	{"DEBUG", slog.LevelDebug}, {"INFO", slog.LevelInfo}, {"WARNING", slog.LevelWarn}, {"ERROR", slog.LevelError},
}

var facilities = func() (list []option[int]) {
	names := strings.Fields("kern user mail daemon auth syslog lpr news uucp cron authpriv ftp ntp audit alert clock" +
		" local0 local1 local2 local3 local4 local5 local6 local7")
	for i, name := range names {
		list = append(list, option[int]{name, i})
	}
	return list
}()
