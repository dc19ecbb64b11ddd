package statusroute

import (
	"hash/fnv"
	"regexp"
	"slices"
	"strings"

	"github.com/roadworthy-dev/roadworthy/internal/bench"
	"github.com/roadworthy-dev/roadworthy/internal/manifest"
)

var (
	version = regexp.MustCompile(`(?:^|[^\d.])(v?\d+\.\d+\.\d+)(?:$|[^\d.]|\.$|\.\D)`) // no IP address
	states  = regexp.MustCompile(`(?i)\b(healthy|unhealthy|degraded)\b|"?\b(status|state|health)\b"?\s*[:=]\s*"?(pass|ok|up|down|warn)\b`)
	digits  = regexp.MustCompile(`[0-9]+`)
)

// telling finds what a reply tells to those who have no token: names and
// addresses of services, versions, states.
type telling struct {
	names []string          // as the status route calls the services, and their types
	hosts map[string]string // address or host name: what it is
}

func newTelling(boot *bench.Boot, services []Service) telling {
	t := telling{hosts: map[string]string{}}
	for _, s := range services {
		if !s.Named {
			continue
		}
		if t.names = append(t.names, s.Name); s.Type != string(manifest.HTTP) { // a word of any error page
			t.names = append(t.names, s.Type)
		}
	}
	for name, a := range boot.Services {
		for _, address := range []string{a.Host, a.IP, a.Database, a.User} {
			if len(address) > 3 {
				t.hosts[address] = "an address or name of " + name
			}
		}
	}
	slices.Sort(t.names)
	t.names = slices.Compact(t.names)
	return t
}

// attempt records a reply; what the reply for an absent path holds as well
// tells nothing of the status.
func (t telling) attempt(name string, reply bench.Reply, absent []string) Attempt {
	a := Attempt{Name: name, Status: reply.Status, Err: clip(reply.Err)}
	for _, held := range t.in(reply.Body) {
		if !slices.Contains(absent, held) {
			a.Holds = append(a.Holds, held)
		}
	}
	sum := fnv.New64a()
	_, _ = sum.Write([]byte(digits.ReplaceAllString(reply.Body, "0")))
	a.Print = sum.Sum64()
	return a
}

func (t telling) in(body string) []string {
	var list []string
	for _, name := range t.names {
		if word(body, name) {
			list = append(list, "the name "+name)
		}
	}
	for address, what := range t.hosts {
		if strings.Contains(body, address) {
			list = append(list, what)
		}
	}
	if found := version.FindStringSubmatch(body); found != nil {
		list = append(list, "the version "+found[1])
	}
	if found := states.FindString(body); found != "" {
		list = append(list, "the state "+clip(found))
	}
	slices.Sort(list)
	return slices.Compact(list)[:min(len(slices.Compact(list)), 10)]
}

// word reports whether a text holds a name as a word of its own.
func word(text, name string) bool {
	return regexp.MustCompile(`(?i)(^|[^a-z0-9])` + regexp.QuoteMeta(name) + `([^a-z0-9]|$)`).MatchString(text)
}
