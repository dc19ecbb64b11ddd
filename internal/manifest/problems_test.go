package manifest

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/problem"
)

// problemsOf parses a wrong text and returns what is wrong with it.
func problemsOf(t *testing.T, text string) problem.List {
	t.Helper()
	m, err := Parse("", []byte(text))
	var list problem.List
	if !errors.As(err, &list) || len(list) == 0 || m != nil {
		t.Fatalf("parse of a wrong manifest gives %v and %v:\n%s", m, err, problem.Clip(text))
	}
	for _, p := range list {
		if p.Fix == "" || p.At == "" || p.Summary == "" {
			t.Errorf("half a problem: %+v", p)
		}
		if !slices.ContainsFunc(problem.Catalog, func(e problem.Entry) bool { return e.Code == p.Code }) {
			t.Errorf("the code %s is not in the catalog", p.Code)
		}
	}
	return list
}

// wrong is a manifest with one thing wrong: what is added to least, and the
// only problem that it must give, as "code line:column", with a word of its
// fix.
var wrong = map[string]struct{ text, want, fix string }{
	"unknown key":          {"tests: {run: x}\n", "RW-M02 4:1", "change tests to test"},
	"far unknown key":      {"wallpaper: x\n", "RW-M02 4:1", "remove wallpaper"},
	"unknown nested key":   {"test: {runn: x, run: y}\n", "RW-M02 4:8", "change runn to run"},
	"unknown setting key":  {"config:\n  settings:\n    A: {secrit: true}\n", "RW-M02 6:9", "change secrit to secret"},
	"merge key":            {"config: {settings: {A: {<<: x}}}\n", "RW-M02 4:25", "remove <<"},
	"number for a time":    {"boot: 30\n", "RW-M03 4:7", "boot: 30s"},
	"no unit":              {"boot: \"30\"\n", "RW-M03 4:7", "boot: 30s"},
	"no time at all":       {"boot: 0s\n", "RW-M03 4:7", "boot: 30s"},
	"endless time":         {"boot: 99999999999999h\n", "RW-M03 4:7", "boot: 30s"},
	"list for a command":   {"test: {run: [a]}\n", "RW-M03 4:13", "run: ./bin/app"},
	"nothing":              {"test:\n", "RW-M03 4:7", "test: {run"},
	"empty command":        {"release: \"\"\n", "RW-M03 4:10", "release:"},
	"number in a list":     {"build: [1]\n", "RW-M03 4:9", "put it into quotes: \"1\""},
	"text for truth":       {"services: {db: {type: redis, durable: yes}}\n", "RW-M03 4:39", "durable: true"},
	"upper case service":   {"services: {DB: redis}\n", "RW-M03 4:12", "rename"},
	"setting with a dash":  {"config: {settings: {A-B: }}\n", "RW-M03 4:21", "rename"},
	"three levels":         {"config: {settings: {LOG_LEVEL: {levels: [a, b, c]}}}\n", "RW-M03 4:41", "levels: [debug"},
	"status path":          {"status: {path: status, token: STATUS_TOKEN}\n", "RW-M03 4:16", "path: /status"},
	"header without token": {"status: {token: STATUS_TOKEN, header: 'X: y'}\n", "RW-M03 4:39", "$token"},
	"path out of folder":   {"test: {run: x, coverage: ../c.out}\n", "RW-M03 4:26", "without .."},
	"absolute path":        {"build: {run: x, lock: /etc/passwd}\n", "RW-M03 4:23", "lock:"},
	"context below":        {"build: {run: x, context: lib}\n", "RW-M03 4:26", "context: ../.."},
	"context and below":    {"build: {run: x, context: ../lib}\n", "RW-M03 4:26", "context: ../.."},
	"step without method":  {"faults: {slow: /slow}\n", "RW-M03 4:16", "slow: GET /"},
	"step of odd method":   {"faults: {slow: TEAPOT /slow}\n", "RW-M03 4:16", "slow: GET /"},
	"step unquoted":        {"faults:\n  slow:\n    POST /slow {a: b}\n", "RW-M03 6:5", `"POST /slow {a: b}"`},
	"step body open":       {"faults: {slow: 'POST /slow {a: b'}\n", "RW-M03 4:16", "POST /entries"},
	"step body list":       {"faults: {slow: 'POST /slow [a]'}\n", "RW-M03 4:16", "POST /entries"},
	"step body nested":     {"faults: {slow: 'POST /slow {a: [b]}'}\n", "RW-M03 4:16", "POST /entries"},
	"step json number":     {"faults: {slow: 'POST /slow json {a: 0x10}'}\n", "RW-M03 4:16", "POST /entries"},
	"header of two lines":  {"faults: {slow: {request: GET /, headers: {A: \"b\\nc\"}}}\n", "RW-M03 4:46", "one line"},
	"tag":                  {"release: !!int \"3\"\n", "RW-M03 4:10", "remove the tag"},
	"list for a key":       {"? &a b\n: c\n", "RW-M03 4:3", "as a word"},
	"service undeclared":   {"config: {settings: {A: {service: bd}}}\nservices: {db: redis}\n", "RW-M04 4:34", "change bd to db"},
	"no database":          {"config: {settings: {DATABASE_URL: }}\n", "RW-M04 4:21", "services: {db: postgres}"},
	"two databases":        {"services: {a: postgres, b: sqlite}\nconfig: {settings: {DATABASE_URL: }}\n", "RW-M04 5:21", "{service: a}"},
	"no service to take":   {"config: {settings: {A: {effect: service}}}\n", "RW-M04 4:21", "service: NAME"},
	"mail is no mail":      {"services: {mail: http}\nconfig: {settings: {SMTP_URL: }}\n", "RW-M04 5:21", "mail: smtp"},
	"token unknown":        {"config: {settings: {WATCH_TOKEN: }}\nstatus: {token: WATCH_TOKE}\n", "RW-M04 5:17", "change WATCH_TOKE to WATCH_TOKEN"},
	"header reference":     {"faults: {slow: {request: GET /, headers: {A: $NOPE}}}\n", "RW-M04 4:46", "NOPE"},
	"path reference":       {"faults: {slow: GET /$nope}\n", "RW-M04 4:16", "nope"},
	"body reference":       {"faults: {slow: 'POST / {a: $NOPE}'}\n", "RW-M04 4:16", "NOPE"},
	"placeholder":          {"services: {db: redis}\nconfig: {settings: {REDIS_URL: {value: $hots}}}\n", "RW-M04 5:40", "change $hots to $host"},
	"value without place":  {"services: {db: redis}\nconfig: {settings: {REDIS_URL: {value: x}}}\n", "RW-M04 5:40", "value: $url"},
	"alias unknown":        {"release: *a\n", "RW-M04 4:10", "write out"},
	"no token":             {"status: {path: /status}\n", "RW-M05 4:9", "token: STATUS_TOKEN"},
	"no run":               {"test: {coverage: c.out}\n", "RW-M05 4:1", "add run"},
	"no service type":      {"services: {db: {durable: true}}\n", "RW-M05 4:12", "add type"},
	"no way to the file":   {"config: {file: {format: yaml}}\n", "RW-M05 4:16", "variable: APP_CONFIG"},
	"reply missing":        {"config: {settings: {A: {effect: reply}}}\n", "RW-M05 4:21", "reply: GET /about"},
	"levels alone":         {"config: {settings: {A: {levels: [a, b, c, d]}}}\n", "RW-M05 4:33", "effect: level"},
	"service type":         {"services: {db: postgress}\n", "RW-M08 4:16", "db: postgres"},
	"service type nested":  {"services: {db: {type: mongo}}\n", "RW-M08 4:23", "type: "},
	"format":               {"config: {file: {path: a, format: yml}}\n", "RW-M08 4:34", "format: yaml"},
	"coverage format":      {"test: {run: x, format: goo}\n", "RW-M08 4:24", "format: go"},
	"effect":               {"config: {settings: {A: {effect: prot}}}\n", "RW-M08 4:33", "effect: port"},
	"two ways to the file": {"config: {file: {path: a, variable: B}}\n", "RW-M08 4:16", "remove path"},
	"two effects":          {"config: {settings: {A: {effect: port, service: mail}}}\n", "RW-M08 4:24", "remove one"},
	"duplicate key":        {"boot: 1s\nboot: 2s\n", "RW-M01 5:1", "line 4 or on line 5"},
	"duplicate setting":    {"config: {settings: {A: , A: }}\n", "RW-M01 4:26", "remove"},
	"several documents":    {"---\nname: b\n", "RW-M01 4:1", "remove line 4"},
	"NUL":                  {"release: a\x00b\n", "RW-M01 4:11", "delete the byte"},
	"not UTF-8":            {"release: é\xff\n", "RW-M01 4:11", "iconv"},
	"tab":                  {"test:\n\trun: x\n", "RW-M01 5:1", "replace the tab"},
	"tab before a step":    {"faults:\n  exception: GET /\n \tslow: GET /\n", "RW-M01 6:2", "replace the tab"},
	"tab before a request": {"faults:\n  slow:\n\tGET /slow\n", "RW-M01 6:1", "replace the tab"},
	"tab before an item":   {"admin:\n\t- GET /\n", "RW-M01 5:1", "replace the tab"},
	"request not UTF-8":    {"admin:\n  - GET /\xff\n", "RW-M01 5:10", "iconv"},
	"tab after spaces":     {"test:\n  \trun: x\n", "RW-M01 5:3", "replace the tab"},
	"open bracket":         {"build: [a\n", "RW-M01 4:8", "close"},
	"open quote":           {"build: 'a\n", "RW-M01 4:8", "close"},
	"colon in a value":     {"build: a: b\n", "RW-M01 4:8", "double quotes"},
	"reserved character":   {"build: @a\n", "RW-M01 4:8", "double quotes"},
	"unquoted form":        {"admin:\n  - POST /x {a: b, c: d}\n", "RW-M01 5:17", `"POST /x {a: b, c: d}"`},
	"too large":            {"# " + strings.Repeat("x", limits.Bytes) + "\n", "RW-M06 1:1", "keep only"},
	"too many values":      {"build: [" + strings.Repeat("a,", limits.Values) + "]\n", "RW-M06 4:19991", "keep only"},
	"too deep":             {"build: " + strings.Repeat("[", 21) + strings.Repeat("]", 21) + "\n", "RW-M06 4:28", "levels"},
	"deep without end":     {"build: " + strings.Repeat("[", 100_000), "RW-M06 4:28", "levels"},
	"deep dashes":          {"build:\n" + strings.Repeat("- ", 100_000), "RW-M06 5:41", "levels"},
	"deep by indentation":  {"build:\n" + steps(30), "RW-M06 25:23", "levels"},
	"cycle":                {"build: &a [*a]\n", "RW-M06 4:12", "instead of the alias"},
	"longer cycle":         {"build: &a [&b [*a]]\n", "RW-M06 4:16", "instead of the alias"},
	"step body repeated":   {"faults: {slow: &a 'POST / {a: " + strings.Repeat("x", 50_000) + "}'}\nadmin: {a: [" + strings.Repeat("*a, ", 5000) + "]}\n", "RW-M06 5:33", "instead of the alias"},
	"step body laughs":     {"faults: {slow: 'POST / json {a: &a [x, x, x, x, x, x], b: &b [*a, *a, *a, *a, *a], c: [*b, *b, *b, *b, *b]}'}\n", "RW-M03 4:16", "POST /entries"},
	"billion laughs":       {"build: &a [x, x, x, x, x, x, x, x, x, x]\n" + laughs(9), "RW-M06 8:9", "instead of the alias"},
}

// steps nests mappings by indentation.
func steps(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "%*sa:\n", i+1, "")
	}
	return b.String()
}

// laughs makes lists of ten aliases of the list before.
func laughs(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "k%d: &%c [%s*%[4]c]\n", i, 'b'+rune(i), strings.Repeat(fmt.Sprintf("*%c, ", 'a'+rune(i)), 9), 'a'+rune(i))
	}
	return b.String()
}

func TestParseRefuses(t *testing.T) {
	for name, c := range wrong {
		t.Run(name, func(t *testing.T) {
			list := problemsOf(t, least+c.text)
			got := list[0].Code + " " + strings.TrimPrefix(list[0].At, "roadworthy.yaml:")
			if got != c.want || !strings.Contains(list[0].Fix, c.fix) {
				t.Errorf("want %s and a fix with %q, got %s\n%v", c.want, c.fix, got, list)
			}
			if len(list) > 1 {
				t.Errorf("one thing is wrong, and %d are told:\n%v", len(list), list)
			}
		})
	}
}

func TestParseTellsEverythingInOrder(t *testing.T) {
	list := problemsOf(t, `nmae: app
boot: 30
processes: {worker: ./jobs}
config:
  settings:
    DATABASE_URL: {service: bd}
services: {db: oracle}
status: {token: NOPE}
`)
	var got []string
	for _, p := range list {
		got = append(got, p.Code+" "+strings.TrimPrefix(p.At, "roadworthy.yaml:"))
	}
	want := []string{"RW-M02 1:1", "RW-M05 1:1", "RW-M05 1:1", "RW-M03 2:7", "RW-M05 3:1", "RW-M04 6:29", "RW-M08 7:16", "RW-M04 8:17"}
	if !slices.Equal(got, want) {
		t.Errorf("got  %v\nwant %v\n%v", got, want, list)
	}
}

func TestParseRefusesWhatIsNoMapping(t *testing.T) {
	for text, want := range map[string]string{
		"": "RW-M05", "# nothing\n": "RW-M05", "- a\n": "RW-M03", "name\n": "RW-M03", "{}": "RW-M05", "\ufeffname: a\n": "RW-M05",
	} {
		if list := problemsOf(t, text); list[0].Code != want {
			t.Errorf("%q gives\n%v\nwant %s", text, list, want)
		}
	}
}

func TestParseLetsTabsBeText(t *testing.T) {
	m := mustParse(t, least+"release: |\n  cat <<E\n  \tx\n  E\nsystem: [a,\tb]\n")
	if want := []string{"cat <<E\n\tx\nE\n"}; !slices.Equal(m.Release, want) || len(m.System) != 2 {
		t.Errorf("release is %q, system is %q", m.Release, m.System)
	}
}

func TestParseReadsAliases(t *testing.T) {
	m := mustParse(t, least+"build: &b [make, make install]\nrelease: *b\n")
	if !slices.Equal(m.Release, []string{"make", "make install"}) {
		t.Errorf("release is %v", m.Release)
	}
}

// TestEveryWordIsTaken ties the words of the table to the constants.
func TestEveryWordIsTaken(t *testing.T) {
	for _, kind := range []ServiceType{Postgres, MariaDB, Redis, SQLite, SMTP, Syslog, HTTP} {
		if m := mustParse(t, least+"services: {a: "+string(kind)+"}\n"); m.Services["a"].Type != kind {
			t.Errorf("%s is read as %s", kind, m.Services["a"].Type)
		}
	}
	for _, effect := range []Effect{EffectPort, EffectLevel, EffectToken, EffectRecipients, EffectWorkers, EffectFacility, EffectSession, EffectNone} {
		if m := mustParse(t, least+"config: {settings: {A: {effect: "+string(effect)+"}}}\n"); m.Config.Settings["A"].Effect != effect {
			t.Errorf("%s is read as %s", effect, m.Config.Settings["A"].Effect)
		}
	}
	for file, want := range map[string]string{"a.yml": "yaml", "a.toml": "toml", "a.json": "json", "a.ini": "ini", "a.cfg": "ini", ".env": "dotenv", "etc/.env.local": "dotenv", "a": "yaml"} {
		if m := mustParse(t, least+"config: {file: {path: "+file+"}}\n"); m.Config.File.Format != want {
			t.Errorf("%s is read as %s, want %s", file, m.Config.File.Format, want)
		}
		mustParse(t, least+"config: {file: {argument: --config, format: "+want+"}}\n")
	}
	for _, format := range []string{"go", "cobertura", "lcov", "jacoco", "coverage.py"} {
		mustParse(t, least+"test: {run: x, format: "+format+"}\n")
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(example))
	for _, name := range slices.Sorted(maps.Keys(wrong)) {
		if text := wrong[name].text; len(text) < 1000 {
			f.Add([]byte(least + text))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		begin := time.Now()
		m, err := Parse("", data)
		if took := time.Since(begin); took > 10*time.Second { // a hundred times what the limits cost
			t.Errorf("parse took %v", took)
		}
		var list problem.List
		switch {
		case (m == nil) == (err == nil):
			t.Errorf("parse gives %v and %v", m, err)
		case err != nil && !errors.As(err, &list):
			t.Errorf("parse gives an error that is no list: %v", err)
		case m != nil && (m.Name == "" || m.Processes["web"].Run == "" || len(m.Traffic) == 0):
			t.Errorf("the manifest is not complete: %+v", m)
		}
	})
}
