package runner

import (
	"errors"
	"fmt"
	"io/fs"
	netmail "net/mail"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/roadworthy-dev/roadworthy/internal/flatfile"
	"github.com/roadworthy-dev/roadworthy/internal/manifest"
	"github.com/roadworthy-dev/roadworthy/internal/problem"
	"github.com/roadworthy-dev/roadworthy/internal/settings"
	"github.com/roadworthy-dev/roadworthy/internal/syslog"
)

// Surroundings is what the application's settings hold: the environment, and
// below it the application's configuration file, which an application that
// knows nothing but its environment gets as variables.
type Surroundings struct {
	manifest *manifest.Manifest
	values   map[string]string
	origins  map[string]settings.Origin
}

// Gather reads the environment and the configuration file. The path is the
// file that a flag names; "" leaves it to the manifest. Everything that is
// wrong comes at once, as a [problem.List].
func Gather(m *manifest.Manifest, environ []string, path string, read func(string) ([]byte, error)) (*Surroundings, error) {
	s := &Surroundings{manifest: m, values: map[string]string{}, origins: map[string]settings.Origin{}}
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		if _, twice := s.values[name]; !twice { // getenv(3) takes the first
			s.values[name], s.origins[name] = value, settings.Origin{Kind: "environment", Name: name}
		}
	}
	if m.Supplies("config.file") {
		if err := s.file(path, read); err != nil {
			return nil, err
		}
	}
	var wrong problem.List
	if m.Supplies("config.env") {
		wrong = append(wrong, s.invalid()...)
	}
	if m.Supplies("config.defaults") {
		wrong = append(wrong, s.missing()...)
	}
	if len(wrong) > 0 {
		return nil, wrong
	}
	return s, nil
}

// file takes the values of the configuration file for variables that the
// environment does not hold.
func (s *Surroundings) file(path string, read func(string) ([]byte, error)) error {
	declared := s.manifest.Config.File
	if declared == nil {
		return nil
	}
	optional := false
	switch {
	case path != "":
	case declared.Variable != "":
		path = s.values[declared.Variable]
	case declared.Path != "":
		path, optional = declared.Path, true
	}
	if path == "" {
		return nil
	}
	data, err := read(path)
	if optional && errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return &problem.Problem{Code: "RW-R01", Summary: "the configuration file cannot be read", At: path, Got: err.Error(), Want: "a readable file", Fix: "write it, or name another one", Cause: err}
	}
	entries, err := flatfile.Read(path, declared.Format, data)
	if err != nil {
		return err
	}
	var wrong problem.List
	for _, e := range entries {
		name, ok := s.byKey(e.Key)
		if !ok {
			wrong = append(wrong, s.unknown(path, e))
			continue
		}
		if s.values[name] == "" {
			s.values[name], s.origins[name] = e.Text, settings.Origin{Kind: "file", Name: path, Line: e.Line}
		}
	}
	if len(wrong) > 0 {
		return wrong
	}
	return nil
}

func (s *Surroundings) byKey(key string) (string, bool) {
	for _, setting := range s.manifest.Config.Sorted() {
		if setting.Key == key {
			return setting.Name, true
		}
	}
	return "", false
}

func (s *Surroundings) unknown(path string, e flatfile.Entry) *problem.Problem {
	var known []string
	for _, setting := range s.manifest.Config.Sorted() {
		if setting.Key != "" {
			known = append(known, setting.Key)
		}
	}
	p := &problem.Problem{
		Code: "RW-R08", Summary: fmt.Sprintf("there is no setting %q", e.Key), At: fmt.Sprintf("%s:%d", path, e.Line), Got: e.Key,
		Want: "one of " + strings.Join(known, ", "), Fix: "remove the line, or declare the key under config.settings in roadworthy.yaml",
	}
	if near, ok := problem.Nearest(e.Key, known); ok {
		p.Want, p.Fix = near, "write "+near+" instead"
	}
	return p
}

// invalid lists the values that cannot be what their effect asks for. It
// never shows one that may be secret.
func (s *Surroundings) invalid() problem.List {
	var wrong problem.List
	for _, setting := range s.manifest.Config.Sorted() {
		value := s.values[setting.Name]
		if value == "" {
			continue
		}
		want := s.want(setting, value)
		if want == "" {
			continue
		}
		p := &problem.Problem{
			Code: "RW-R02", Summary: setting.Name + " is not " + want, At: s.origins[setting.Name].String(), Got: strconv.Quote(value),
			Want: want, Fix: "set " + setting.Name,
		}
		if setting.Secret || setting.Effect == manifest.EffectService {
			p.Got = ""
		}
		wrong = append(wrong, p)
	}
	return wrong
}

// want says what a value should be, "" where it is that.
func (s *Surroundings) want(setting manifest.Setting, value string) string {
	number, err := strconv.Atoi(value)
	switch setting.Effect {
	case manifest.EffectPort:
		if err != nil || number < 0 || number > 65535 {
			return "a port"
		}
	case manifest.EffectWorkers:
		if err != nil || number < 1 {
			return "a number of workers"
		}
	case manifest.EffectLevel:
		if !slices.Contains(setting.Levels, value) {
			return "a level: " + strings.Join(setting.Levels, ", ")
		}
	case manifest.EffectFacility:
		if _, err := syslog.ParseFacility(value); err != nil {
			return "a syslog facility, such as local3"
		}
	case manifest.EffectRecipients:
		if _, err := netmail.ParseAddressList(value); err != nil {
			return "a list of mail addresses"
		}
	case manifest.EffectService:
		if setting.Value != "$url" && setting.Value != "" {
			return ""
		}
		if at, err := url.Parse(value); err != nil || at.Scheme == "" || at.Host == "" && at.Path == "" && at.Opaque == "" {
			return "the address of a service, such as " + string(s.manifest.Services[setting.Service].Type) + "://host"
		}
	case manifest.EffectToken, manifest.EffectReply, manifest.EffectSession, manifest.EffectNone:
	}
	return ""
}

// missing lists the settings that no default can stand in for: the addresses
// of services that keep something, and what signs sessions.
func (s *Surroundings) missing() problem.List {
	var wrong problem.List
	for _, setting := range s.manifest.Config.Sorted() {
		kind := s.manifest.Services[setting.Service].Type
		needed := setting.Effect == manifest.EffectSession ||
			setting.Effect == manifest.EffectService && kind != manifest.SMTP && kind != manifest.Syslog
		if needed && s.values[setting.Name] == "" {
			wrong = append(wrong, &problem.Problem{
				Code: "RW-R02", Summary: setting.Name + " is missing", Want: "a value; production has no default for it", Fix: "set " + setting.Name,
			})
		}
	}
	return wrong
}

// conventional names the runtime's own variable of an effect.
var conventional = map[manifest.Effect]string{
	manifest.EffectPort: "PORT", manifest.EffectLevel: "LOG_LEVEL", manifest.EffectToken: "STATUS_TOKEN",
	manifest.EffectRecipients: "ERROR_MAIL", manifest.EffectWorkers: "WEB_CONCURRENCY", manifest.EffectFacility: "SYSLOG_FACILITY",
}

// Lookup gives the runtime's settings their values: by their own names, and by
// the names that the application has for the same effect.
func (s *Surroundings) Lookup(name string) (string, bool) {
	if setting, ok := s.alias(name); ok {
		value, given := s.values[setting.Name]
		if setting.Effect == manifest.EffectLevel {
			for i, level := range []string{"DEBUG", "INFO", "WARNING", "ERROR"} {
				if i < len(setting.Levels) && setting.Levels[i] == value {
					value = level
				}
			}
		}
		return value, given
	}
	value, ok := s.values[name]
	return value, ok
}

// alias finds the application's setting that stands for one of the runtime's.
func (s *Surroundings) alias(name string) (manifest.Setting, bool) {
	for _, setting := range s.manifest.Config.Sorted() {
		kind := s.manifest.Services[setting.Service].Type
		switch {
		case conventional[setting.Effect] == name,
			name == "SMTP_URL" && setting.Effect == manifest.EffectService && kind == manifest.SMTP,
			name == "SYSLOG_URL" && setting.Effect == manifest.EffectService && kind == manifest.Syslog:
			return setting, true
		}
	}
	return manifest.Setting{}, false
}

// Origin returns where the value of a variable of the runtime came from.
func (s *Surroundings) Origin(name string) settings.Origin {
	if setting, ok := s.alias(name); ok {
		return s.origins[setting.Name]
	}
	return s.origins[name]
}

// Value returns what a variable holds.
func (s *Surroundings) Value(name string) (string, bool) {
	value, ok := s.values[name]
	return value, ok
}

// Environ returns what a process of the application gets: everything, but the
// tokens of a status route that is not its own, and the ways to the runtime's
// port, which each worker has its own of. Behind no front the route is its own.
func (s *Surroundings) Environ(front bool) []string {
	hide := map[string]bool{"LISTEN": true}
	if front && s.manifest.Supplies("status.route") {
		hide["STATUS_TOKEN"] = true
		for _, setting := range s.manifest.Config.WithEffect(manifest.EffectToken) {
			hide[setting.Name] = true
		}
	}
	var list []string
	for name, value := range s.values {
		if !hide[name] {
			list = append(list, name+"="+value)
		}
	}
	slices.Sort(list)
	return list
}

// Secrets returns the values that must not appear anywhere.
func (s *Surroundings) Secrets() []string {
	var list []string
	for _, setting := range s.manifest.Config.Sorted() {
		value := s.values[setting.Name]
		if value == "" {
			continue
		}
		if setting.Secret {
			list = append(list, value)
		}
		if at, err := url.Parse(value); err == nil && at.User != nil {
			if password, ok := at.User.Password(); ok && password != "" {
				list = append(list, password)
			}
		}
	}
	return list
}
