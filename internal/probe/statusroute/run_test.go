package statusroute

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/roadworthy-dev/roadworthy/internal/bench"
	"github.com/roadworthy-dev/roadworthy/internal/manifest"
)

func testRandom() bench.Random {
	return bench.Random{Rand: rand.New(rand.NewPCG(1, 2))}
}

func reply(status int, body string) bench.Reply { return bench.Reply{Status: status, Body: body} }

func TestModesOfServices(t *testing.T) {
	c := newCutter(nil, []Service{
		{ID: "a", Name: "a", Type: string(manifest.Redis), Named: true},
		{ID: "b", Name: "b", Type: string(manifest.SMTP)},
		{ID: "c", Name: "c", Type: string(manifest.SQLite), Named: true},
	})
	if len(c.modes) != 7 {
		t.Fatalf("%d modes, want 7", len(c.modes))
	}
	for _, m := range c.modes {
		list := c.subject(m)
		if len(list) != 1 || (list[0].Name == "c") != m.file {
			t.Errorf("%s is for %v", m.name, list)
		}
	}
	c.skip(0, c.subject(c.modes[0]))
	if list := c.list(); len(list) != 1 || !list[0].Skipped || list[0].Service != "a" {
		t.Errorf("skipped: %+v", list)
	}
	if len(newCutter(nil, []Service{{Name: "b", Type: string(manifest.Syslog)}}).modes) != 0 {
		t.Error("a log collector is cut")
	}
}

func TestServicesOfAManifest(t *testing.T) {
	m := &manifest.Manifest{Services: map[string]manifest.Service{
		"store": {Name: "store", Type: manifest.Postgres, As: "db", Within: 5e9}, "mail": {Name: "mail", Type: manifest.SMTP, As: "mail"},
	}}
	list := services(m)
	want := []Service{{ID: "mail", Name: "mail", Type: "smtp"}, {ID: "store", Name: "db", Type: "postgres", Within: 5, Named: true}}
	if !slices.Equal(list, want) {
		t.Errorf("got %+v, want %+v", list, want)
	}
	if got := names(list); !slices.Equal(got, []string{"db"}) {
		t.Errorf("named: %q", got)
	}
}
