package runner_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/roadworthy-dev/roadworthy/internal/problem"
	"github.com/roadworthy-dev/roadworthy/internal/runner"
)

const wholeManifest = `name: shop
run: {workers: 3, times: {drain: 7s}, leave: [error.mail]}
processes: {web: ./app, clock: ./clock}
config:
  file: {variable: SHOP_CONFIG, format: yaml}
  settings:
    SHOP_PORT:    {key: port, effect: port}
    LOG_LEVEL:    {key: log.level, levels: [debug, info, warn, error]}
    DATABASE_URL: {key: database, service: db}
    STATUS_TOKEN: token
services: {db: postgres}
traffic: [GET /]
`

// folder writes files and makes the folder the current one.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	return dir
}

// Flags win over the environment, the environment over both files, and these
// over defaults; each value knows where it came from.
func TestWhereSettingsComeFrom(t *testing.T) {
	folder(t, map[string]string{
		"roadworthy.yaml": wholeManifest,
		"shop.yaml":       "port: 9001\nlog:\n  level: warn\ndatabase: postgres://shop:secret-word@db/shop\ntoken: 0123456789abcdef\n",
	})
	c, err := runner.Load(runner.Options{
		Flags:   map[string]string{"workers": "5"},
		Environ: []string{"SHOP_CONFIG=shop.yaml", "WEB_CONCURRENCY=4", "LOG_LEVEL=error", "PATH=/usr/bin:/bin"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if c.Settings.Port != 9001 || c.Settings.Workers != 5 || runner.LevelName(c.Settings.Log.Level) != "ERROR" || c.Settings.Times.Drain.Seconds() != 7 {
		t.Errorf("got %+v", c.Settings)
	}
	origins := map[string]string{}
	for _, s := range c.Table.Settings {
		origins[s.Key] = s.Origin.String()
	}
	for key, want := range map[string]string{
		"workers": "from flag --workers", "port": "from file shop.yaml:1", "log.level": "from environment LOG_LEVEL",
		"times.drain": "from file roadworthy.yaml:2", "times.stop": "default", "status.token": "from file shop.yaml:5",
	} {
		if origins[key] != want {
			t.Errorf("%s is %s, want %s", key, origins[key], want)
		}
	}
	var table strings.Builder
	if _, err := c.Table.WriteTo(&table); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(table.String(), "0123456789abcdef") || strings.Contains(table.String(), "secret-word") {
		t.Errorf("a secret shows in\n%s", table.String())
	}
	env := strings.Join(c.Surroundings.Environ(true), "\n")
	if !strings.Contains(env, "DATABASE_URL=postgres://shop:secret-word@db/shop") || strings.Contains(env, "STATUS_TOKEN") {
		t.Errorf("the application gets\n%s", env)
	}
	if env := strings.Join(c.Surroundings.Environ(false), "\n"); !strings.Contains(env, "STATUS_TOKEN=0123456789abcdef") {
		t.Errorf("behind no front the application gets\n%s", env)
	}
	secrets := strings.Join(c.Surroundings.Secrets(), " ")
	if !strings.Contains(secrets, "secret-word") || !strings.Contains(secrets, "0123456789abcdef") {
		t.Errorf("secrets are %q", secrets)
	}
}

// Everything that is wrong is told at once, with its place.
func TestWrongConfigurationIsRefused(t *testing.T) {
	for name, row := range map[string]struct {
		file, want string
		options    runner.Options
	}{
		"values":        {"", "SHOP_PORT is not a port|DATABASE_URL is not the address|LOG_LEVEL is not a level", runner.Options{Environ: []string{"SHOP_PORT=x", "DATABASE_URL=::no", "LOG_LEVEL=LOUD"}}},
		"missing":       {"", "DATABASE_URL is missing", runner.Options{}},
		"a broken file": {"port: [\n", "shop.yaml", runner.Options{Environ: []string{"SHOP_CONFIG=shop.yaml"}}},
		"a wrong key":   {"prot: 1\n", "shop.yaml:1|write port instead", runner.Options{Environ: []string{"SHOP_CONFIG=shop.yaml"}}},
		"no file":       {"", "nowhere.yaml", runner.Options{Environ: []string{"SHOP_CONFIG=nowhere.yaml"}}},
		"a wrong flag":  {"", "times.drain", runner.Options{Flags: map[string]string{"times.drian": "1s"}, Environ: []string{"DATABASE_URL=postgres://db"}}},
		"a wrong type":  {"", "no such process type", runner.Options{Only: []string{"wbe"}, Environ: []string{"DATABASE_URL=postgres://db"}}},
	} {
		t.Run(name, func(t *testing.T) {
			folder(t, map[string]string{"roadworthy.yaml": wholeManifest, "shop.yaml": row.file})
			_, err := runner.Load(row.options)
			if err == nil {
				t.Fatal("it was taken")
			}
			for want := range strings.SplitSeq(row.want, "|") {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("want %q in\n%v", want, err)
				}
			}
			if p, ok := problem.Of(err); !ok || p.Fix == "" {
				t.Errorf("no mend in %v", err)
			}
		})
	}
}

// Without a section run, the application keeps what it has settings for.
func TestAnApplicationKeepsWhatItDeclares(t *testing.T) {
	folder(t, map[string]string{"roadworthy.yaml": "name: a\nprocesses: {web: ./a}\nconfig: {settings: {PORT: {}, ERROR_MAIL: {}, WEB_CONCURRENCY: {}}}\ntraffic: [GET /]\n"})
	c, err := runner.Load(runner.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for requirement, want := range map[string]bool{"error.mail": false, "workers": false, "config.env": false, "log.syslog": true, "status.route": true} {
		if got := c.Manifest.Supplies(requirement); got != want {
			t.Errorf("%s: supplied is %t", requirement, got)
		}
	}
	for _, s := range c.Table.Settings {
		if s.Key == "leave" && (s.Value != "config.defaults,config.env,config.file,error.mail,workers" || s.Origin.String() != "default") {
			t.Errorf("leave shows %q %s", s.Value, s.Origin)
		}
	}
}

// A flag says better than both what the application does itself.
func TestAFlagSaysWhatTheApplicationKeeps(t *testing.T) {
	for name, text := range map[string]string{"with a section": wholeManifest, "without": strings.Replace(wholeManifest, "\nrun: ", "\n# run: ", 1)} {
		t.Run(name, func(t *testing.T) {
			folder(t, map[string]string{"roadworthy.yaml": text})
			environ := []string{"DATABASE_URL=postgres://db"}
			c, err := runner.Load(runner.Options{Flags: map[string]string{"leave": "workers, log.syslog"}, Environ: environ})
			if err != nil {
				t.Fatal(err)
			}
			for requirement, want := range map[string]bool{"error.mail": true, "status.route": true, "workers": false, "log.syslog": false} {
				if got := c.Manifest.Supplies(requirement); got != want {
					t.Errorf("%s: supplied is %t", requirement, got)
				}
			}
			_, err = runner.Load(runner.Options{Flags: map[string]string{"leave": "error.mial"}, Environ: environ})
			if err == nil || !strings.Contains(err.Error(), `leave is "error.mial"`) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// A folder without anything says what to type.
func TestNothingToRun(t *testing.T) {
	dir := folder(t, nil)
	_, err := runner.Load(runner.Options{})
	if p, ok := problem.Of(err); !ok || !strings.Contains(p.Fix, "roadworthy run -- COMMAND") {
		t.Errorf("got %v", err)
	}
	c, err := runner.Load(runner.Options{Command: []string{"./my.App", "x"}})
	if err != nil || c.Manifest.Name != strings.ToLower(filepath.Base(dir)) || c.Folder != dir {
		t.Errorf("got %+v, %v", c, err)
	}
}
