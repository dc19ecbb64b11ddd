package statusroute

import (
	"slices"
	"strings"
	"testing"
)

func TestFragmentsOfEveryShape(t *testing.T) {
	names := []string{"db", "db_replica", "redis"}
	for text, want := range map[string]map[string]state{
		`{"redis":"ok","db":"down"}`: {"redis": good, "db": bad, "db_replica": silent},
		`{"redis":true,"db":false}`:  {"redis": good, "db": bad},
		`{"redis":1,"db":0}`:         {"redis": good, "db": bad},
		`{"redis":200,"db":503}`:     {"redis": good, "db": bad},
		`{"redis":399,"db":400}`:     {"redis": good, "db": bad},
		`{"redis":199,"db":599}`:     {"redis": silent, "db": bad},
		`{"redis":600,"db":7}`:       {"redis": silent, "db": silent},
		`{"checks":{"redis:connections":[{"status":"pass"}],"db":{"ok":false}}}`:        {"redis": good, "db": bad},
		`{"components":[{"name":"redis","status":"UP"},{"name":"db","status":"DOWN"}]}`: {"redis": good, "db": bad},
		`{"up":["redis"],"down":["db"]}`:                                                {"redis": good, "db": bad},
		`{"redis_status":"OK (2 ms)","db-status":"error: refused"}`:                     {"redis": good, "db": bad},
		`{"db_replica":"fail","db":"ok"}`:                                               {"db": good, "db_replica": bad, "redis": silent},
		`{"redis":{"status":"ok","error":null},"db":{"latency":3,"error":"refused"}}`:   {"redis": good, "db": bad},
		`{"redis":{"status":"ok","error":""},"db":{"status":"ok","error":"x"}}`:         {"redis": good, "db": bad},
		`{"redis":{"latency":0},"db":{"version":"1.0"}}`:                                {"redis": silent, "db": silent},
		`{"redis":null,"db":"not ok"}`:                                                  {"redis": bad, "db": bad},
		"redis ok\ndb down\n":                                                           {"redis": good, "db": bad},
		"redis=ok\ndb = down\n":                                                         {"redis": good, "db": bad},
		"up{service=\"redis\"} 1\nup{service=\"db\"} 0\n":                               {"redis": good, "db": bad},
		"redis_up 1\ndb_up 0\n":                                                         {"redis": good, "db": bad},
	} {
		p := body(200, text)
		if p.Form == "" {
			t.Errorf("%s: cannot be read", text)
		}
		for name, state := range want {
			if got := stateOf(p.fragment(name, names)); got != state {
				t.Errorf("%s: %s is %d, want %d: %v", text, name, got, state, p.fragment(name, names))
			}
		}
	}
}

func TestOverall(t *testing.T) {
	names := []string{"redis", "db"}
	for text, want := range map[string]state{
		`{"status":"ok","redis":"down"}`:      good,
		`{"status":"warn","redis":"ok"}`:      bad,
		`{"redis":"ok","db":"down"}`:          bad,
		`{"redis":"ok"}`:                      good,
		`{"uptime":3}`:                        silent,
		`{"checks":{"status":"down"}}`:        silent,
		`{"ok":false,"redis":"ok"}`:           bad,
		`{"message":"fail","redis":"ok"}`:     good,
		`{"redis":{"status":"ok"},"up":true}`: good,
	} {
		if got := body(200, text).overall(names); got != want {
			t.Errorf("%s: %d, want %d", text, got, want)
		}
	}
	if body(500, `{"status":"ok"}`).overall(names) != bad {
		t.Error("500 is bad whatever the body says")
	}
	if body(499, `{"status":"ok"}`).overall(names) != good {
		t.Error("the body says what 499 does not")
	}
}

func TestHealthy(t *testing.T) {
	names := []string{"redis"}
	for _, p := range []Poll{body(204, `{"redis":"ok"}`), body(200, "OK"), body(200, `{"redis":"down"}`), body(200, `{"status":"ok","redis":"down"}`), {}} {
		if p.healthy(names) {
			t.Errorf("%d %s is taken for healthy", p.Status, p.Body)
		}
	}
	if !body(200, `{"redis":"ok"}`).healthy(names) {
		t.Error("what is healthy is not taken for it")
	}
}

func TestParseIsBounded(t *testing.T) {
	deep := strings.Repeat(`{"a":`, 5000) + "1" + strings.Repeat("}", 5000)
	if form, leaves := parse(deep); len(leaves) > 0 || form == "lines" {
		t.Errorf("deep: %s with %d leaves", form, len(leaves))
	}
	wide := "[" + strings.Repeat(`"x",`, 5000) + `"x"]`
	if _, leaves := parse(wide); len(leaves) != maxLeaves {
		t.Errorf("wide: %d leaves", len(leaves))
	}
	if _, leaves := parse(strings.Repeat("a: b\n", 5000)); len(leaves) != maxLeaves {
		t.Errorf("long: %d leaves", len(leaves))
	}
	if _, leaves := parse(`{"a":"` + strings.Repeat("ä", 500) + `"}`); len(leaves[0].Value) > maxValue {
		t.Error("a value is not cut")
	}
	for _, text := range []string{"", "  \n", "OK", `{"a":1} {"b":2}`, `{"a":`, "<html>", "# only a comment\n", "a sentence of words", "null", "3"} {
		if form, _ := parse(text); form != "" {
			t.Errorf("%q is read as %s", text, form)
		}
	}
}

func TestWrongTokensAreWrong(t *testing.T) {
	token := "abcdefgh23456789abcdefgh23456789"
	seen := map[string]bool{}
	for _, w := range wrong(token, testRandom()) {
		if w[1] == token || seen[w[1]] {
			t.Errorf("%s: %q is the token or was there already", w[0], w[1])
		}
		seen[w[1]] = true
	}
	if len(seen) < 9 {
		t.Errorf("only %d wrong tokens", len(seen))
	}
	for _, w := range wrong("aaaa", testRandom()) {
		if w[1] == "aaaa" {
			t.Errorf("%s: the token itself", w[0])
		}
	}
}

func TestTelling(t *testing.T) {
	told := telling{names: []string{"redis"}, hosts: map[string]string{"10.1.2.3": "an address or name of cache"}}
	for text, want := range map[string][]string{
		"Not Found\n":                        nil,
		`{"error":"unauthorized"}`:           nil,
		`{"status":"error"}`:                 nil,
		`{"status":"fail","data":{}}`:        nil,
		"rediscover":                         nil,
		"Redis!":                             {"the name redis"},
		"at 10.1.2.3":                        {"an address or name of cache"},
		"(v1.22.3). Sorry":                   {"the version v1.22.3"},
		"see version 1.22.3.":                {"the version 1.22.3"},
		"powered by 1.22.3":                  {"the version 1.22.3"},
		`{"status": "up"}`:                   {`the state "status": "up`},
		"the application is unhealthy today": {"the state unhealthy"},
	} {
		if got := told.in(text); !slices.Equal(got, want) {
			t.Errorf("%q tells %q, want %q", text, got, want)
		}
	}
	a := told.attempt("x", reply(404, "redis 1"), []string{"the name redis"})
	if len(a.Holds) != 0 || a.Status != 404 {
		t.Errorf("what an absent path holds too is held against it: %+v", a)
	}
	if b := told.attempt("x", reply(404, "redis 23"), nil); b.Print != a.Print || len(b.Holds) != 1 {
		t.Errorf("numbers change the print, or the name is missed: %+v", b)
	}
	if c := told.attempt("x", reply(404, "Redis 1"), nil); c.Print == a.Print {
		t.Error("another body has the same print")
	}
}
