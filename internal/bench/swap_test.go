package bench

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/roadworthy-dev/roadworthy/internal/manifest"
)

func TestAnotherRedisHasAnotherNumber(t *testing.T) {
	setting := func(name, form string) manifest.Setting {
		return manifest.Setting{Name: name, Effect: manifest.EffectService, Service: "cache", Value: form}
	}
	for name, c := range map[string]struct {
		settings []manifest.Setting
		numbered bool
	}{
		"address":       {[]manifest.Setting{setting("REDIS_URL", "$url")}, true},
		"two addresses": {[]manifest.Setting{setting("A", "$url"), setting("B", "$url")}, true},
		"parts":         {[]manifest.Setting{setting("HOST", "$host"), setting("PORT_OF_REDIS", "$port")}, false},
	} {
		m := &manifest.Manifest{Config: manifest.Config{Settings: map[string]manifest.Setting{}}}
		for _, s := range c.settings {
			m.Config.Settings[s.Name] = s
		}
		boot := &Boot{bench: &Bench{Manifest: m}, Random: Random{Rand: rand.New(rand.NewPCG(1, 2))}}
		a := &Attached{Service: manifest.Service{Name: "cache", Type: manifest.Redis}, Host: "kv.internal", Port: 6400, Database: "0", Password: "p"}
		swapped := &Swapped{Services: map[string]*Attached{"cache": a}, Set: map[string]string{}}
		for _, s := range c.settings {
			swapped.Set[s.Name] = a.Render(s.Value)
		}
		swapped.number(boot)
		if (a.Database != "0") != c.numbered {
			t.Errorf("%s: number %s", name, a.Database)
		}
		for setting, value := range swapped.Set {
			if strings.Contains(value, "://") && !strings.HasSuffix(value, ":6400/"+a.Database) {
				t.Errorf("%s: %s is %s, and the number %s", name, setting, value, a.Database)
			}
		}
	}
}
