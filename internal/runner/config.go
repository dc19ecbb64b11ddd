package runner

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/roadworthy-dev/roadworthy/internal/manifest"
	"github.com/roadworthy-dev/roadworthy/internal/problem"
	"github.com/roadworthy-dev/roadworthy/internal/settings"
)

// Options say what to run; the settings come from [Source].
type Options struct {
	Command  []string          // of web; empty: the processes of the manifest
	Once     bool              // the command alone, with the settings as its environment: no workers, no front
	Only     []string          // process types of the manifest; empty for all
	Manifest string            // file; "" for roadworthy.yaml where there is one
	File     string            // the application's configuration file; "" leaves it to the manifest
	Flags    map[string]string // settings by key
	Environ  []string          // such as os.Environ()
	Version  string            // of this program
	Self     string            // its path
	Images   *Images           // what lets another program go on with the run; nil: none can
	Hurry    <-chan struct{}   // closed: an end waits for no request and no worker any more; nil: it takes its time
}

// Config is the whole configuration of a run.
type Config struct {
	Options
	Settings     Settings
	Manifest     *manifest.Manifest // never nil
	Surroundings *Surroundings
	Table        *settings.Table
	Folder       string // the application's

	alone bool // the manifest has no section run: the application meets by itself what it declares
}

// Load reads the manifest, the environment and the files. Everything that is
// wrong is a problem, and nothing has started.
func Load(options Options) (*Config, error) {
	c := &Config{Options: options}
	if err := c.readManifest(); err != nil {
		return nil, err
	}
	var err error
	if c.Surroundings, err = Gather(c.Manifest, options.Environ, options.File, os.ReadFile); err != nil {
		return nil, err
	}
	source := settings.Source{Flags: options.Flags, Environment: c.Surroundings.Lookup, ReadFile: os.ReadFile}
	if !c.alone && c.Manifest.Path != "" {
		source.File, source.Section = c.Manifest.Path, "run"
	}
	if c.Table, err = settings.Load(source, &c.Settings); err != nil {
		return nil, err
	}
	for i, row := range c.Table.Settings { // a value of the application's file came from there
		if origin := c.Surroundings.Origin(row.Variable); row.Origin.Kind == "environment" && origin.Kind != "" {
			c.Table.Settings[i].Origin = origin
		}
		if row.Key == "leave" && row.Origin.Kind != "flag" && c.alone { // what own computed
			c.Table.Settings[i].Value, c.Table.Settings[i].Origin = strings.Join(c.Manifest.Run.Leave, ","), settings.Origin{Kind: "default"}
		}
	}
	c.declaredStatus()
	return c, c.check()
}

// readManifest reads roadworthy.yaml. A command alone needs none.
func (c *Config) readManifest() error {
	path := c.Options.Manifest
	if path == "" {
		path = manifest.Name
	}
	var err error
	if c.Folder, err = filepath.Abs(filepath.Dir(path)); err != nil {
		return fmt.Errorf("find the application's folder: %w", err)
	}
	m, err := manifest.LoadFile(path)
	switch {
	case err == nil:
		c.Manifest = m
	case c.Options.Manifest == "" && len(c.Command) > 0 && isAbsent(err):
		c.Manifest = bare(c.Folder)
	case c.Options.Manifest == "" && isAbsent(err):
		return &problem.Problem{
			Code: "RW-M07", Summary: "there is neither a command nor a roadworthy.yaml here", Want: "a command behind two dashes, or a manifest",
			Fix: "roadworthy run -- COMMAND   (or: roadworthy init)", Cause: err,
		}
	default:
		return err
	}
	if c.Manifest.Run == nil {
		c.Manifest.Run = &manifest.Run{Leave: own(c.Manifest)}
		c.alone = true
	}
	if text, ok := c.Flags["leave"]; ok { // the settings check it
		c.Manifest.Run.Leave = strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' })
	}
	return nil
}

func isAbsent(err error) bool {
	p, ok := problem.Of(err)
	return errors.Is(err, fs.ErrNotExist) || ok && p.Code == "RW-M07"
}

// bare is the manifest of an application that has none. It has the name of the
// folder that it stands in.
func bare(folder string) *manifest.Manifest {
	name := strings.Trim(strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, strings.ToLower(filepath.Base(folder))), "-")
	if name == "" {
		name = "app"
	}
	return &manifest.Manifest{
		Name: name, Run: &manifest.Run{},
		Processes: map[string]manifest.Process{}, Services: map[string]manifest.Service{},
		Config: manifest.Config{Settings: map[string]manifest.Setting{}},
	}
}

// own lists what an application does by itself whose manifest does not say
// that it runs under roadworthy run: whatever it has a setting for.
func own(m *manifest.Manifest) []string {
	leave := []string{"config.env", "config.file", "config.defaults"}
	for effect, requirement := range map[manifest.Effect]string{
		manifest.EffectRecipients: "error.mail", manifest.EffectFacility: "log.syslog", manifest.EffectToken: "status.route",
		manifest.EffectLevel: "log.levels", manifest.EffectWorkers: "workers",
	} {
		if len(m.Config.WithEffect(effect)) > 0 {
			leave = append(leave, requirement)
		}
	}
	slices.Sort(leave)
	return leave
}

// check refuses what no room alone can see.
func (c *Config) check() error {
	for _, name := range c.Only {
		if _, ok := c.Manifest.Processes[name]; !ok {
			known := slices.Sorted(maps.Keys(c.Manifest.Processes))
			return &problem.Problem{
				Code: "RW-U01", Summary: "there is no such process type", At: "--only", Got: name,
				Want: "one of " + strings.Join(known, ", "), Fix: "roadworthy run --only web",
			}
		}
	}
	return c.checkMail()
}

// types lists the process types that run, web first.
func (c *Config) types() []string {
	if len(c.Command) > 0 {
		return []string{"web"}
	}
	list := c.Only
	if len(list) == 0 {
		list = slices.Sorted(maps.Keys(c.Manifest.Processes))
	}
	slices.SortStableFunc(list, func(a, b string) int {
		switch {
		case a == "web" && b != "web":
			return -1
		case b == "web" && a != "web":
			return 1
		}
		return strings.Compare(a, b)
	})
	return list
}

// argv is the command of a process type. A shell is used only where the
// command needs one: it would stand between us and the process.
func (c *Config) argv(name string) ([]string, error) {
	argv, at := c.Command, "the command line"
	if len(argv) == 0 {
		var err error
		at = c.Manifest.Path
		argv, err = manifest.SplitCommand(at, c.Manifest.Processes[name].Run, func(variable string) string {
			if name == "web" && c.Settings.Mode == "proxy" && c.isPort(variable) {
				return "{port}" // of the worker; the front has the one of the environment
			}
			value, _ := c.Surroundings.Value(variable)
			return value
		})
		if err != nil {
			return nil, err
		}
	}
	if err := c.executable(argv[0]); err != nil {
		return nil, &problem.Problem{
			Code: "RW-R03", Summary: "the program of " + name + " cannot be executed", At: at, Got: argv[0] + ": " + err.Error(),
			Want: "a program in PATH, or a path from " + c.Folder, Fix: "correct the command, or install the program", Cause: err,
		}
	}
	return argv, nil
}

func (c *Config) isPort(variable string) bool {
	return variable == "PORT" || c.Manifest.Config.Settings[variable].Effect == manifest.EffectPort
}

// executable looks for a program as the workers will: in their PATH, or from
// the application's folder.
func (c *Config) executable(program string) error {
	var tried []string
	if strings.Contains(program, "/") {
		if !filepath.IsAbs(program) {
			program = filepath.Join(c.Folder, program)
		}
		tried = []string{program}
	} else {
		path, _ := c.Surroundings.Value("PATH")
		for folder := range strings.SplitSeq(path, ":") {
			tried = append(tried, filepath.Join(folder, program))
		}
	}
	for _, path := range tried {
		if info, err := os.Stat(path); err == nil && !info.IsDir() && info.Mode()&0o111 != 0 {
			return nil
		}
	}
	if len(tried) == 1 {
		return errors.New("there is no such program")
	}
	return errors.New("no folder of PATH holds it")
}
