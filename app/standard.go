package app

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/mail"
	"github.com/roadworthy-dev/roadworthy/internal/settings"
	"github.com/roadworthy-dev/roadworthy/internal/syslog"
)

// Standard holds the settings that every application has.
type Standard struct {
	Port           int           `env:"PORT" key:"port" default:"8080" min:"0" max:"65535" help:"port to listen on, on all addresses"`
	Listen         string        `env:"LISTEN" key:"listen" help:"address to listen on in place of the port, host:port or unix:/path"`
	LogLevel       slog.Level    `env:"LOG_LEVEL" key:"log.level" default:"INFO" help:"least level that is logged"`
	LogFormat      string        `env:"LOG_FORMAT" key:"log.format" default:"json" help:"form of the log, json or text"`
	StatusToken    []string      `env:"STATUS_TOKEN" key:"status_token" secret:"true" help:"tokens that open the status route, of 16 characters or more; without one there is no such route"`
	StatusPath     string        `env:"STATUS_PATH" key:"status_path" default:"/status" help:"path of the status route"`
	ErrorMail      []string      `env:"ERROR_MAIL" key:"mail.errors" help:"who gets stack traces by mail"`
	SMTPURL        string        `env:"SMTP_URL" key:"mail.server" secret:"true" help:"mail server, such as smtp://user:password@host:587"`
	SyslogURL      string        `env:"SYSLOG_URL" key:"syslog.server" help:"syslog daemon, such as unix:///dev/log or udp://host:514"`
	SyslogFacility string        `env:"SYSLOG_FACILITY" key:"syslog.facility" default:"user" help:"facility of the messages to syslog"`
	Environment    string        `env:"ENVIRONMENT" key:"environment" help:"name of the environment, such as production"`
	Release        string        `env:"RELEASE" key:"release" help:"name of the running release"`
	StateFolder    string        `env:"STATE_DIRECTORY" key:"state_folder" help:"folder that outlives the process, where error mail remembers what it has told"`
	DrainTimeout   time.Duration `env:"DRAIN_TIMEOUT" key:"drain_timeout" default:"25s" max:"1h" help:"time for requests to end when the application stops"`
}

// minToken is the least length of a token, as the runtime has it: the same one
// opens the status route with it and without.
const minToken = 16

// Validate checks what a type cannot say. It is asked by the reader of settings.
func (s *Standard) Validate() error {
	var wrong []error
	for _, token := range s.StatusToken {
		if len(token) < minToken {
			wrong = append(wrong, fmt.Errorf("a token in STATUS_TOKEN has %d characters, want at least %d; make one: openssl rand -hex 16", len(token), minToken))
		}
	}
	if !strings.HasPrefix(s.StatusPath, "/") || strings.HasSuffix(s.StatusPath, "/") {
		wrong = append(wrong, fmt.Errorf("STATUS_PATH is %q, want a path such as /status", s.StatusPath))
	}
	if s.LogFormat != "json" && s.LogFormat != "text" {
		wrong = append(wrong, fmt.Errorf("LOG_FORMAT is %q, want json or text", s.LogFormat))
	}
	if _, err := mail.ParseRecipients(s.ErrorMail); err != nil {
		wrong = append(wrong, fmt.Errorf("ERROR_MAIL: %w", err))
	}
	if s.SMTPURL != "" {
		if _, err := mail.ParseURL(s.SMTPURL); err != nil {
			wrong = append(wrong, fmt.Errorf("SMTP_URL: %w", err))
		}
	} else if len(s.ErrorMail) > 0 {
		wrong = append(wrong, errors.New("ERROR_MAIL is set and SMTP_URL is not: set SMTP_URL, or unset ERROR_MAIL"))
	}
	if s.SyslogURL != "" {
		if _, err := syslog.ParseURL(s.SyslogURL); err != nil {
			wrong = append(wrong, fmt.Errorf("SYSLOG_URL: %w", err))
		}
	}
	if _, err := syslog.ParseFacility(s.SyslogFacility); err != nil {
		wrong = append(wrong, fmt.Errorf("SYSLOG_FACILITY: %w", err))
	}
	return errors.Join(wrong...)
}

// configure reads all settings. It tells whether the program has been asked
// for nothing but to show them.
func (a *App) configure() (shown bool, err error) {
	targets := []any{&a.Standard}
	if a.options.Config != nil {
		targets = append(targets, a.options.Config)
	}
	described, err := settings.Describe(targets...)
	if err != nil {
		return false, fmt.Errorf("understand the struct of settings: %w", err)
	}
	line, err := parseArgs(a.options.Args, described)
	if err != nil {
		return false, &ConfigError{err}
	}
	switch line.show {
	case "help":
		return true, a.writeHelp(a.options.Stdout, described)
	case "example-config":
		return true, settings.WriteExample(a.options.Stdout, described)
	case "document-config":
		return true, settings.WriteMarkdown(a.options.Stdout, described)
	}
	if line.file == "" {
		line.file, _ = a.options.Environment(a.fileVariable())
	}
	a.Args = line.words
	a.table, err = settings.Load(settings.Source{
		Flags: keyed(line.flags, described), Environment: a.options.Environment, File: line.file, ReadFile: a.options.ReadFile,
	}, targets...)
	if err != nil {
		return false, &ConfigError{err}
	}
	if line.show == "show-config" {
		_, err := a.table.WriteTo(a.options.Stdout)
		return true, err
	}
	return false, nil
}

// mailErrors starts the error mails, where this process sends them. It does not
// where the runtime does, which finds the errors in the log.
func (a *App) mailErrors() error {
	if slices.Contains(a.supplied, "error.mail") || len(a.ErrorMail) == 0 {
		return nil
	}
	sender, err := mail.ParseURL(a.SMTPURL)
	if err != nil {
		return &ConfigError{err}
	}
	if sender.To, err = mail.ParseRecipients(a.ErrorMail); err != nil {
		return &ConfigError{err}
	}
	path := ""
	if a.StateFolder != "" {
		path = filepath.Join(a.StateFolder, a.name+"-errors.json")
	}
	a.errors, err = mail.Open(mail.Config{
		About: mail.About{Application: a.name, Environment: a.Environment, Host: a.host}, Sender: sender, Path: path, Secrets: a.table.Secrets(),
		Closing: time.Hour,                  // what is pending would else be lost where there is no folder for the state
		Log:     slog.New(a.plainHandler()), // what goes wrong with mails must not be mailed
	})
	if err != nil {
		return fmt.Errorf("start the error mails: %w", err)
	}
	return nil
}

// withDefaults completes the options.
func (o Options) withDefaults() Options {
	environment := o.Environment
	o.Environment = func(name string) (string, bool) { // what is not set has no value
		if environment == nil {
			return "", false
		}
		value, set := environment(name)
		if !set {
			return "", false
		}
		return value, true
	}
	if o.ReadFile == nil {
		o.ReadFile = os.ReadFile
	}
	if o.Stdout == nil {
		o.Stdout = io.Discard
	}
	if o.Interval <= 0 {
		o.Interval = 3 * time.Second
	}
	return o
}
