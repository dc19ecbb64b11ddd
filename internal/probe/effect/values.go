package effect

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/roadworthy-dev/roadworthy/internal/bench"
	"github.com/roadworthy-dev/roadworthy/internal/manifest"
)

// Value is one value of a setting: as it is given, and how it shows.
type Value struct {
	Given  string   // whole
	Text   string   // the part that varies: a port, a level, a secret, a text
	Hosts  []string // of a service: its name, and its "IP:port"
	Path   string   // of a service that is a file
	Secret bool
}

// Say gives the value for people; a secret one in words.
func (v Value) Say() string {
	switch {
	case len(v.Hosts) > 0:
		return v.Hosts[0]
	case v.Path != "":
		return v.Path
	case v.Secret:
		return "a secret"
	}
	return v.Text
}

// Strength are the measured values of a boot: those that cannot be told apart
// by their text.
type Strength struct {
	Level    string // one of DEBUG, INFO, WARNING, ERROR
	Workers  int
	Facility string
}

// The two strengths that boots are compared by. The facilities are not
// anyone's default.
var (
	Strong = Strength{Level: "DEBUG", Workers: 4, Facility: "local3"}
	Weak   = Strength{Level: "ERROR", Workers: 2, Facility: "local5"}
)

// Give returns the values of a strength, by setting, as they are given.
func (s Strength) Give(m *manifest.Manifest) map[string]string {
	given := map[string]string{}
	for _, setting := range m.Config.Settings {
		switch setting.Effect {
		case manifest.EffectLevel:
			given[setting.Name] = Render(setting, setting.LevelName(s.Level))
		case manifest.EffectWorkers:
			given[setting.Name] = Render(setting, strconv.Itoa(s.Workers))
		case manifest.EffectFacility:
			given[setting.Name] = Render(setting, s.Facility)
		}
	}
	return given
}

// Render puts a value into the form of a setting.
func Render(setting manifest.Setting, value string) string {
	if !strings.Contains(setting.Value, "$value") {
		return value
	}
	return strings.ReplaceAll(setting.Value, "$value", value)
}

// inner takes a value out of the form that it was given in.
func inner(setting manifest.Setting, given string) string {
	before, after, found := strings.Cut(setting.Value, "$value")
	if !found || strings.Contains(after, "$value") {
		return given
	}
	return strings.TrimSuffix(strings.TrimPrefix(given, before), after)
}

// Own returns the values of a boot that stand in the environment, or for a
// plan with InFile, in the file.
func Own(b *bench.Bench, boot *bench.Boot) map[string]Value {
	values := map[string]Value{}
	for _, setting := range b.Manifest.Config.Sorted() {
		given := boot.Values.Set[setting.Name]
		if text, ok := boot.Plan.File[setting.Name]; ok && boot.InFile(setting) {
			given = text
		}
		values[setting.Name] = valueOf(setting, given, boot.Service(setting))
	}
	return values
}

func valueOf(setting manifest.Setting, given string, service *bench.Attached) Value {
	v := Value{Given: given, Text: inner(setting, given), Secret: setting.Secret}
	switch setting.Effect { // no name has to say that these are secret
	case manifest.EffectToken, manifest.EffectSession, manifest.EffectNone:
		v.Secret = true
	}
	switch {
	case setting.Effect == manifest.EffectService && service.Path != "":
		v.Path = service.Path
	case setting.Effect == manifest.EffectService:
		v.Hosts = []string{service.Host, fmt.Sprintf("%s:%d", service.IP, service.Port)}
	}
	return v
}

// Decoys draws a second value for every setting: fresh, valid, and unlike that
// of any boot. The services that they name do not exist.
func Decoys(b *bench.Bench, strength Strength) map[string]Value {
	r := b.NewRandom()
	m := b.Manifest
	services := map[string]*bench.Attached{}
	for _, name := range slices.Sorted(maps.Keys(m.Services)) {
		services[name] = decoy(m, m.Services[name], r)
	}
	given := strength.Give(m)
	values := map[string]Value{}
	for _, setting := range m.Config.Sorted() {
		switch setting.Effect {
		case manifest.EffectPort:
			given[setting.Name] = Render(setting, strconv.Itoa(r.Port()))
		case manifest.EffectRecipients:
			given[setting.Name] = Render(setting, address(r)+","+address(r))
		case manifest.EffectService:
			given[setting.Name] = services[setting.Service].Render(setting.Value)
		case manifest.EffectLevel, manifest.EffectWorkers, manifest.EffectFacility:
		default:
			given[setting.Name] = Render(setting, r.Secret())
		}
		values[setting.Name] = valueOf(setting, given[setting.Name], services[setting.Service])
	}
	return values
}

func address(r bench.Random) string { return r.Word(6) + "@" + r.Word(5) + ".example" }

// decoy is an address where nobody listens and a name that nobody knows.
func decoy(m *manifest.Manifest, s manifest.Service, r bench.Random) *bench.Attached {
	a := &bench.Attached{
		Service: s, Host: r.Word(8) + ".internal", IP: r.Address(), Port: r.Port(),
		User: r.Word(8), Password: r.Secret(), Database: r.Word(8), Transport: "udp",
	}
	if s.Type == manifest.SQLite {
		a.Path = "/var/lib/" + m.Name + "/" + r.Word(8) + ".db"
	}
	return a
}

// Given returns values as they are given, of the settings for which keep is true.
func Given(m *manifest.Manifest, values map[string]Value, keep func(manifest.Setting) bool) map[string]string {
	given := map[string]string{}
	for _, setting := range m.Config.Sorted() {
		if keep(setting) {
			given[setting.Name] = values[setting.Name].Given
		}
	}
	return given
}

// Canaries lists the secrets among values, so that they can be struck out.
func Canaries(values map[string]Value) []bench.Canary {
	var list []bench.Canary
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if v := values[name]; v.Secret && len(v.Text) >= 8 {
			list = append(list, bench.Canary{Name: "another " + name, Value: v.Text})
		}
	}
	return list
}
