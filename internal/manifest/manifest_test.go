package manifest

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/problem"
)

// example is the manifest that the design shows.
const example = `name: guestbook
build:     {run: [go build -o bin/guestbook .]}
test:      {run: go test -coverprofile=coverage.out ./..., coverage: coverage.out}
processes: {web: ./bin/guestbook}
config:
  file:     {variable: GUESTBOOK_CONFIG, format: yaml}
  settings:
    PORT:         {key: port}
    LOG_LEVEL:    {key: log.level}
    DATABASE_URL: {key: database, service: db}
    ERROR_MAIL:   {key: error_mail}
services:  {db: {type: postgres, durable: true}}
status:    {path: /status, token: STATUS_TOKEN}
traffic:   [GET /, "POST /entries {message: $nonce}"]
faults:    {exception: GET /fault}
`

// least is the smallest manifest; tests add to it.
const least = "name: app\nprocesses: {web: ./app}\ntraffic: [GET /]\n"

func mustParse(t *testing.T, text string) *Manifest {
	t.Helper()
	m, err := Parse("", []byte(text))
	if err != nil {
		t.Fatalf("parse:\n%s\n%v", text, err)
	}
	return m
}

func TestParseReadsTheDesignsExample(t *testing.T) {
	got := mustParse(t, example)
	want := &Manifest{
		Path: "roadworthy.yaml", Name: "guestbook", Boot: 30 * time.Second,
		Build:     Build{Run: []string{"go build -o bin/guestbook ."}},
		Test:      &Test{Run: "go test -coverprofile=coverage.out ./...", Coverage: "coverage.out", Timeout: 10 * time.Minute},
		Processes: map[string]Process{"web": {"./bin/guestbook"}},
		Admin:     map[string]string{},
		Config: Config{
			File: &File{Variable: "GUESTBOOK_CONFIG", Format: "yaml"},
			Settings: map[string]Setting{
				"PORT":         {Name: "PORT", Key: "port", Effect: EffectPort, Value: "$value", Invalid: "not-a-port", Line: 8},
				"LOG_LEVEL":    {Name: "LOG_LEVEL", Key: "log.level", Effect: EffectLevel, Value: "$value", Invalid: "LOUD", Levels: []string{"DEBUG", "INFO", "WARNING", "ERROR"}, Line: 9},
				"DATABASE_URL": {Name: "DATABASE_URL", Key: "database", Effect: EffectService, Service: "db", Value: "$url", Invalid: "::not-a-url", Line: 10},
				"ERROR_MAIL":   {Name: "ERROR_MAIL", Key: "error_mail", Effect: EffectRecipients, Value: "$value", Invalid: "not an address", Line: 11},
				"STATUS_TOKEN": {Name: "STATUS_TOKEN", Effect: EffectToken, Secret: true, Value: "$value", Line: 13},
			},
		},
		Services: map[string]Service{"db": {Name: "db", Type: Postgres, Durable: true, As: "db", Within: 10 * time.Second}},
		Status:   &Status{Path: "/status", Token: "STATUS_TOKEN", Header: "Authorization: Bearer $token"},
		Traffic: []Step{
			{Method: "GET", Path: "/", Line: 14},
			{Method: "POST", Path: "/entries", Form: [][2]string{{"message", "$nonce"}}, Line: 14},
		},
		Faults: Faults{Exception: &Step{Method: "GET", Path: "/fault", Line: 15}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestParseShorthands(t *testing.T) {
	m := mustParse(t, `
name: app
boot: 1m30s
build: make
test: make test
release: ./app migrate
processes:
  web: {run: ./app serve}
  jobs: ./app jobs
admin: {shell: ./app shell}
system: [libpq5, tzdata]
config:
  file: {path: conf/app.toml}
  settings:
    PORT: port
    LOG_LEVEL:
    WORKERS: {key: workers}
    CACHE: {service: cache, value: $host, key: cache}
    SMTP_URL:
    GREETING: {key: greeting, reply: GET /about}
    API_KEY: {}
    LAUNCH_KEY: {secret: false}
    VERBOSITY: {effect: level, levels: [debug, info, warn, error]}
services:
  db: mysql
  cache: {type: redis, as: redis-cache, within: 500ms}
traffic:
  - GET /
  - 'POST /form/$API_KEY {b: 2, a: x y}'
  - "POST /json json {b: [1, two, null, true], a: {price: $5, ref: <$nonce>}}"
  - request: GET /me
    headers: {Authorization: Bearer $API_KEY, Accept: text/html}
faults: {slow: {request: GET /slow}}
`)
	checks := []struct{ what, got, want any }{
		{"boot", m.Boot, 90 * time.Second},
		{"build", m.Build.Run, []string{"make"}},
		{"test", *m.Test, Test{Run: "make test", Timeout: 10 * time.Minute}},
		{"release", m.Release, []string{"./app migrate"}},
		{"web", m.Processes, map[string]Process{"web": {"./app serve"}, "jobs": {"./app jobs"}}},
		{"system", m.System, []string{"libpq5", "tzdata"}},
		{"file", *m.Config.File, File{Path: "conf/app.toml", Format: "toml"}},
		{"text is the key", m.Config.Settings["PORT"].Key, "port"},
		{"nothing is no key", m.Config.Settings["LOG_LEVEL"].Key, ""},
		{"workers", m.Config.Settings["WORKERS"].Invalid, "many"},
		{"service given", m.Config.Settings["CACHE"].Effect, EffectService},
		{"value", m.Config.Settings["CACHE"].Value, "$host"},
		{"a host can be any text", m.Config.Settings["CACHE"].Invalid, ""},
		{"mail is implied", m.Services["mail"], Service{Name: "mail", Type: SMTP, As: "mail", Within: 10 * time.Second}},
		{"reply given", m.Config.Settings["GREETING"].Effect, EffectReply},
		{"reply", m.Config.Settings["GREETING"].Reply.Path, "/about"},
		{"secret by name", m.Config.Settings["API_KEY"].Secret, true},
		{"unknown name", m.Config.Settings["API_KEY"].Effect, EffectNone},
		{"secret by word", m.Config.Settings["LAUNCH_KEY"].Secret, false},
		{"levels", m.Config.Settings["VERBOSITY"].Levels, []string{"debug", "info", "warn", "error"}},
		{"invalid by effect", m.Config.Settings["VERBOSITY"].Invalid, "LOUD"},
		{"mysql", m.Services["db"].Type, MariaDB},
		{"service", m.Services["cache"], Service{Name: "cache", Type: Redis, As: "redis-cache", Within: 500 * time.Millisecond}},
		{"form in order", m.Traffic[1].Form, [][2]string{{"b", "2"}, {"a", "x y"}}},
		{"json in order", m.Traffic[2].JSON, `{"b":[1,"two",null,true],"a":{"price":"$5","ref":"<$nonce>"}}`},
		{"headers", m.Traffic[3].Headers, map[string]string{"Authorization": "Bearer $API_KEY", "Accept": "text/html"}},
		{"slow", m.Faults.Slow.Path, "/slow"},
		{"no status is implied", m.Status, (*Status)(nil)},
	}
	for _, c := range checks {
		if !reflect.DeepEqual(c.got, c.want) {
			t.Errorf("%s: got %#v, want %#v", c.what, c.got, c.want)
		}
	}
}

func TestParseConventions(t *testing.T) {
	for name, c := range map[string]struct{ text, setting, service string }{
		"only database":      {"services: {cache: redis, store: sqlite}\n", "DATABASE_URL", "store"},
		"only redis":         {"services: {cache: redis, store: sqlite}\n", "REDIS_URL", "cache"},
		"only maria":         {"services: {a: postgres, b: mysql}\n", "MYSQL_URL", "b"},
		"mail implied":       {"", "SMTP_URL", "mail"},
		"syslog implied":     {"", "SYSLOG_URL", "syslog"},
		"mail declared":      {"services: {mail: {type: smtp, within: 1s}, other: smtp}\n", "SMTP_URL", "mail"},
		"another mail alone": {"services: {post: smtp}\n", "SMTP_URL", "post"},
	} {
		m := mustParse(t, least+c.text+"config: {settings: {"+c.setting+": }}\n")
		s := m.Config.Settings[c.setting]
		if s.Effect != EffectService || s.Service != c.service {
			t.Errorf("%s: %s reaches %q with effect %q, want %q", name, c.setting, s.Service, s.Effect, c.service)
		}
		if _, ok := m.Services[c.service]; !ok {
			t.Errorf("%s: the service %q does not exist", name, c.service)
		}
	}
	for _, c := range Conventions {
		if c.Effect == EffectService {
			continue
		}
		s := mustParse(t, least+"config: {settings: {"+c.Name+": }}\n").Config.Settings[c.Name]
		if s.Effect != c.Effect || s.Invalid != c.Invalid || s.Secret != (c.Secret || SecretName(c.Name)) {
			t.Errorf("%s: %+v does not follow %+v", c.Name, s, c)
		}
	}
}

func TestParseStatus(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want *Status
	}{
		"missing":     {"config: {settings: {STATUS_TOKEN: }}\n", nil},
		"defaults":    {"config: {settings: {STATUS_TOKEN: }}\nstatus: {}\n", &Status{"/status", "STATUS_TOKEN", "Authorization: Bearer $token"}},
		"own token":   {"config: {settings: {WATCH: }}\nstatus: {path: /up, token: WATCH, header: 'X-Token: $token'}\n", &Status{"/up", "WATCH", "X-Token: $token"}},
		"by token":    {"config: {settings: {WATCH: {effect: token}}}\nstatus: {path: /up}\n", &Status{"/up", "WATCH", "Authorization: Bearer $token"}},
		"by its name": {"status: {token: STATUS_TOKEN}\n", &Status{"/status", "STATUS_TOKEN", "Authorization: Bearer $token"}},
	} {
		m := mustParse(t, least+c.text)
		if !reflect.DeepEqual(m.Status, c.want) {
			t.Errorf("%s: got %+v, want %+v", name, m.Status, c.want)
		}
		if c.want != nil && m.Config.Settings[c.want.Token].Effect != EffectToken {
			t.Errorf("%s: the setting %s is no token", name, c.want.Token)
		}
	}
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	_, err := Load(dir)
	var list problem.List
	if !errors.As(err, &list) || len(list) != 1 || list[0].Code != "RW-M07" || !errors.Is(list[0], fs.ErrNotExist) {
		t.Errorf("a missing file gives %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, Name), []byte(least), 0o600); err != nil {
		t.Fatal(err)
	}
	m, err := Load(dir)
	if err != nil || m.Path != filepath.Join(dir, Name) {
		t.Errorf("load: %+v, %v", m, err)
	}
	if _, err := Load(filepath.Join(dir, Name)); err == nil {
		t.Error("a file is taken for a folder")
	}
}

func TestExpand(t *testing.T) {
	got := Expand("$a and $b for $5, $a$", func(name string) (string, bool) { return "<" + name + ">", name == "a" })
	if want := "<a> and $b for $5, <a>$"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := fmt.Sprint(References("$a/$b$5 ${c}")); got != "[a b]" {
		t.Errorf("references: %s", got)
	}
}

// A repository is a stranger's: its manifest may be anything.
func TestManifestThatIsNoPlainFileIsRefused(t *testing.T) {
	dir := t.TempDir()
	outside := filepath.Join(t.TempDir(), "secret")
	for name, make := range map[string]func(path string) error{
		"a link outside": func(path string) error {
			return errors.Join(os.WriteFile(outside, []byte("name: x\n"), 0o600), os.Symlink(outside, path))
		},
		"a pipe":       func(path string) error { return syscall.Mkfifo(path, 0o600) },
		"a folder":     func(path string) error { return os.Mkdir(path, 0o700) },
		"a loop":       func(path string) error { return os.Symlink(filepath.Base(path), path) },
		"nothing":      func(string) error { return nil },
		"in no folder": func(string) error { return os.RemoveAll(dir) },
	} {
		path := filepath.Join(dir, Name)
		if err := make(path); err != nil {
			t.Fatal(err)
		}
		_, err := LoadFile(path)
		if list, ok := errors.AsType[problem.List](err); !ok || list[0].Code != "RW-M07" || list[0].Fix == "" {
			t.Errorf("%s: got %v", name, err)
		}
		if err := errors.Join(os.RemoveAll(path), os.MkdirAll(dir, 0o700)); err != nil {
			t.Fatal(err)
		}
	}
	inside := filepath.Join(dir, Name)
	if err := errors.Join(os.WriteFile(filepath.Join(dir, "real.yaml"), []byte(example), 0o600), os.Symlink("real.yaml", inside)); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadFile(inside); err != nil {
		t.Errorf("a link inside: %v", err)
	}
}

func TestRunSaysWhatIsSupplied(t *testing.T) {
	m, err := Parse("roadworthy.yaml", []byte("name: a\nrun: {workers: 4, leave: [error.mail, status.route]}\nprocesses: {web: ./a}\ntraffic: [GET /]\n"))
	if err != nil {
		t.Fatal(err)
	}
	for requirement, want := range map[string]bool{"workers": true, "error.mail": false, "status.route": false, "codebase": false} {
		if got := m.Supplies(requirement); got != want {
			t.Errorf("%s: got %t", requirement, got)
		}
	}
	if _, err := Parse("roadworthy.yaml", []byte("name: a\nrun: {leave: errormail}\nprocesses: {web: ./a}\ntraffic: [GET /]\n")); err == nil || !strings.Contains(err.Error(), "error.mail") {
		t.Errorf("got %v", err)
	}
	if (&Manifest{}).Supplies("workers") {
		t.Error("an application without run: is supplied with workers")
	}
}
