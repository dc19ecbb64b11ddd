package bench

import (
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/roadworthy-dev/roadworthy/internal/manifest"
)

// Values are the fresh values of one boot, by setting, and what they mean.
type Values struct {
	Set        map[string]string // by setting: what the application is given
	Port       int               // of EffectPort
	Level      string            // of EffectLevel
	Token      string            // of EffectToken
	Recipients []string          // of EffectRecipients
	Workers    int               // of EffectWorkers; 0 where no setting has that effect
	Facility   string            // of EffectFacility
	Texts      map[string]string // of EffectReply, EffectSession and EffectNone, by setting
}

// Workers is how many workers an application that supervises them is given.
const Workers = 3

// facilities that are neither the kernel's nor a usual default.
var facilities = []string{"local1", "local2", "local3", "local4", "local5", "local6", "local7"}

// newValues draws a value for each setting.
func newValues(m *manifest.Manifest, r Random, attached map[string]*Attached) Values {
	v := Values{Set: map[string]string{}, Texts: map[string]string{}}
	for _, name := range slices.Sorted(maps.Keys(m.Config.Settings)) {
		v.draw(m.Config.Settings[name], r, attached)
	}
	return v
}

func (v *Values) draw(s manifest.Setting, r Random, attached map[string]*Attached) {
	var value string
	switch s.Effect {
	case manifest.EffectPort:
		v.Port = r.Port()
		value = strconv.Itoa(v.Port)
	case manifest.EffectLevel:
		v.Level = s.LevelName("INFO")
		value = v.Level
	case manifest.EffectToken:
		v.Token = r.Secret()
		value = v.Token
	case manifest.EffectRecipients:
		v.Recipients = recipients(r, 2)
		value = strings.Join(v.Recipients, ",")
	case manifest.EffectWorkers:
		v.Workers = Workers
		value = strconv.Itoa(v.Workers)
	case manifest.EffectFacility:
		v.Facility = Pick(r, facilities...)
		value = v.Facility
	case manifest.EffectService:
		v.Set[s.Name] = attached[s.Service].Render(s.Value)
		return
	default:
		v.Texts[s.Name] = r.Secret()
		value = v.Texts[s.Name]
	}
	v.Set[s.Name] = renderValue(s.Value, value)
}

func recipients(r Random, n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = r.Word(6) + "@" + r.Word(5) + ".example"
	}
	return list
}

// renderValue puts a value into its form: "$value" alone by default.
func renderValue(form, value string) string {
	if !strings.Contains(form, "$value") {
		return value
	}
	return strings.ReplaceAll(form, "$value", value)
}

// Render puts the parts of a service into the form of a setting's value:
// $url, $host, $port, $user, $password, $database, $path.
func (a *Attached) Render(form string) string {
	if form == "" {
		form = "$url"
	}
	return os.Expand(form, func(name string) string {
		switch name {
		case "url":
			return a.URL()
		case "host":
			return a.Host
		case "port":
			return strconv.Itoa(a.Port)
		case "user":
			return a.User
		case "password":
			return a.Password
		case "database":
			return a.Database
		case "path":
			return a.Path
		}
		return "$" + name
	})
}

// URL returns the usual URL of the service.
func (a *Attached) URL() string {
	at := a.Host + ":" + strconv.Itoa(a.Port)
	switch a.Service.Type {
	case manifest.Postgres:
		return "postgres://" + a.User + ":" + a.Password + "@" + at + "/" + a.Database + "?sslmode=disable"
	case manifest.MariaDB:
		return "mysql://" + a.User + ":" + a.Password + "@" + at + "/" + a.Database
	case manifest.Redis:
		return "redis://:" + a.Password + "@" + at + "/0"
	case manifest.SQLite:
		return "sqlite:" + a.Path
	case manifest.SMTP:
		return "smtp://" + at
	case manifest.Syslog:
		if a.Transport == "unix" {
			return "unix://" + a.Path
		}
		return a.Transport + "://" + at
	default:
		return "http://" + at
	}
}

// Setting returns the declaration of a setting.
func (b *Boot) Setting(name string) manifest.Setting { return b.bench.Manifest.Config.Settings[name] }
