package settings_test

import (
	"bytes"
	"errors"
	"io/fs"
	"log/slog"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/roadworthy-dev/roadworthy/internal/problem"
	"github.com/roadworthy-dev/roadworthy/internal/settings"
)

type logging struct {
	Level slog.Level `env:"LOG_LEVEL" default:"INFO" help:"least level that is logged"`
}

type tone string

func (t tone) Validate() error {
	if t != "kind" && t != "plain" && t != "" {
		return errors.New("want kind or plain")
	}
	return nil
}

type config struct {
	Port     int                `env:"PORT" default:"8080" min:"1" max:"65535" help:"where to listen"`
	Log      logging            `key:"log"`
	Database *url.URL           `env:"DATABASE_URL" key:"database" secret:"true" required:"true" help:"the database"`
	Mail     []string           `env:"ERROR_MAIL" key:"mail.errors"`
	Trusted  []netip.Prefix     `key:"trusted"`
	Wait     time.Duration      `default:"30s" max:"1h"`
	Size     settings.ByteSize  `default:"64MiB"`
	Ratio    float64            `default:"0.5"`
	Debug    bool               //
	Title    string             `default:"Guestbook"`
	Server   url.URL            `env:"SMTP_URL" key:"mail.server"`
	Tone     tone               //
	Retries  *uint8             //
	Limits   struct{ Max uint } `env:"LIMIT_"`
}

func (c *config) Validate() error {
	if len(c.Mail) > 0 && c.Server.Host == "" {
		return errors.Join(errors.New("ERROR_MAIL needs SMTP_URL"), errors.New("and a sender"))
	}
	return nil
}

// source gives an environment and one file.
func source(environment map[string]string, file string) settings.Source {
	s := settings.Source{Environment: func(name string) (string, bool) { v, ok := environment[name]; return v, ok }}
	if file != "" {
		s.File = "app.yaml"
		s.ReadFile = func(path string) ([]byte, error) {
			if path != "app.yaml" {
				return os.ReadFile(path)
			}
			return []byte(file), nil
		}
	}
	return s
}

// count tells how many problems an error holds.
func count(err error) int {
	var list problem.List
	errors.As(err, &list)
	return len(list)
}

func origins(t *settings.Table) map[string]string {
	all := map[string]string{}
	for _, s := range t.Settings {
		all[s.Name()] = s.Value + " " + s.Origin.String()
	}
	return all
}

func TestEachSourceInItsTurn(t *testing.T) {
	from := source(map[string]string{
		"PORT": "81", "DATABASE_URL": "postgres://me:hush@db/x", "DEBUG": "", "TITLE": "", "WAIT": " ", "LIMIT_MAX": "7", "TRUSTED": "10.0.0.0/8, ::1",
	}, "# mine\nport: 82\nlog:\n  level: warning\nwait: 5s\nmail:\n  errors:\n  - a@example.org\n  - b@example.org\n  server: smtp://m:25\nsize: 10MB\nratio: 1.5\ndebug:\ntone: kind\nretries: 3\n")
	from.Flags = map[string]string{"port": "83"}
	var c config
	table, err := settings.Load(from, &c)
	if err != nil {
		t.Fatal(err)
	}
	three := uint8(3)
	database, _ := url.Parse("postgres://me:hush@db/x")
	want := config{
		Port: 83, Log: logging{slog.LevelWarn}, Database: database, Mail: []string{"a@example.org", "b@example.org"},
		Trusted: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::1/128")},
		Wait:    5 * time.Second, Size: 10_000_000, Ratio: 1.5, Server: url.URL{Scheme: "smtp", Host: "m:25"}, Tone: "kind", Retries: &three,
	}
	want.Limits.Max = 7
	if !reflect.DeepEqual(c, want) {
		t.Errorf("got\n%+v\nwant\n%+v", c, want)
	}
	for name, origin := range map[string]string{
		"PORT": "83 from flag --port", "LOG_LEVEL": "WARNING from file app.yaml:4", "DATABASE_URL": "[secret] from environment DATABASE_URL",
		"ERROR_MAIL": "a@example.org, b@example.org from file app.yaml:8", "WAIT": "5s from file app.yaml:5", "DEBUG": "false not set",
		"TITLE": " from environment TITLE", "LIMIT_MAX": "7 from environment LIMIT_MAX", "SIZE": "10000000 from file app.yaml:11", "RETRIES": "3 from file app.yaml:15",
	} {
		if got := origins(table)[name]; got != origin {
			t.Errorf("%s is %q, want %q", name, got, origin)
		}
	}
}

func TestAllProblemsAtOnceAndNoSecretInThem(t *testing.T) {
	from := source(map[string]string{"PORT": "80a", "DATABASE_URL": "hush-hush", "LIMIT_MAX": "-1", "RETRIES": "256"},
		"prot: 1\nlog: loud\nlog.level: nine\nwait: 2h\nsize: [1, 2]\ntitle:\n  a: b\ntone: rude\nport: 1\nport: 2\nmail:\n  errors: {}\n")
	from.Flags = map[string]string{"titel": "x"}
	_, err := settings.Load(from, &config{})
	var list problem.List
	if !errors.As(err, &list) {
		t.Fatalf("got %v", err)
	}
	text := err.Error()
	for _, want := range []string{
		`there is no setting "prot"`, "at   app.yaml:1\n", "want port\n",
		"log holds settings and is none itself", "at   app.yaml:2\n",
		`LOG_LEVEL is not one of DEBUG, INFO, WARNING, ERROR, CRITICAL`, `got  "nine"`,
		"WAIT is not a duration such as 30s or 5m of at most 1h0m0s", `got  the list ["1" "2"]`,
		`there is no setting "title.a"`, "TONE: want kind or plain", "at   app.yaml:8\n", `the key "port" stands twice in one mapping`, `"port" on line 9 and on line 10`,
		"ERROR_MAIL is not a list, each text", "got  \"a mapping\"",
		"PORT is not a whole number from 1 to 65535\n  at   environment PORT\n  got  \"80a\"", "set PORT, such as PORT=8080",
		"DATABASE_URL is not an address", "LIMIT_MAX is not a whole number from 0", "RETRIES is not", `there is no setting "titel"`, "flag --titel", "want title",
	} {
		if !strings.Contains(text, strings.ReplaceAll(want, `"a mapping"`, "a mapping")) {
			t.Errorf("missing %q", want)
		}
	}
	if strings.Contains(text, "hush") {
		t.Error("the secret shows")
	}
	if t.Failed() {
		t.Log(text)
	}
	for _, p := range list {
		if p.Fix == "" || p.Code == "" {
			t.Errorf("half a problem: %+v", p)
		}
	}
}

// A secret that nobody put into quotes may be any form of YAML, and the file
// may be that of a secret itself: it is told what is wrong, not what stands there.
func TestASecretThatIsNoPlainTextShowsNowhere(t *testing.T) {
	for _, file := range []string{
		"hush\n", "'hush'\n", "- hush\n", "- {a: hush}\n",
		"database: !hush\n", "database: !!hush x\n", "database: !hush x\n", "database: *hush\n", "database: &hush\n", "database: &a [*hush]\n",
		"database: |hush\n", "database: >hush\n", "database: @hush\n", "database: `hush\n", "database: %hush\n",
		"database: {hush}\n", "database: {hush: hush}\n", "database: [hush]\n", "database: [[hush]]\n", "database: {hush\n", "database: [hush\n",
		"database: \"hush\n", "database: 'hush\n", "database: \"hush\"hush\n", "database: hush: hush\n", "database: - hush\n", "database: \"\\hush\"\n",
		"database: hush\n", "%YAML \"hush\"\n---\na: b\n", "database: &hush [*hush]\n",
	} {
		_, err := settings.Load(source(nil, file), &config{})
		if err == nil || strings.Contains(err.Error(), "hush") {
			t.Errorf("%q gives %v", file, err)
		}
	}
}

func TestStructsAreAskedLast(t *testing.T) {
	_, err := settings.Load(source(map[string]string{"DATABASE_URL": "x://y", "ERROR_MAIL": "a@b.c"}, ""), &config{})
	if err == nil || !strings.Contains(err.Error(), "ERROR_MAIL needs SMTP_URL") || !strings.Contains(err.Error(), "and a sender") || count(err) != 2 {
		t.Errorf("got %v", err)
	}
}

func TestRequired(t *testing.T) {
	for _, environment := range []map[string]string{{}, {"DATABASE_URL": ""}} {
		_, err := settings.Load(source(environment, ""), &config{})
		if err == nil || !strings.Contains(err.Error(), "DATABASE_URL is missing") || count(err) != 1 {
			t.Errorf("%v gives %v", environment, err)
		}
	}
}

func TestSecretFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "database")
	if err := os.WriteFile(path, []byte("postgres://me:hu%23sh@db/x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	from := source(map[string]string{"DATABASE_URL_FILE": path, "TITLE_FILE": path}, "title: t")
	var c config
	table, err := settings.Load(from, &c)
	if err != nil || c.Database.Host != "db" || c.Title != "t" {
		t.Fatalf("got %v, %v", c, err)
	}
	if got := origins(table)["DATABASE_URL"]; got != "[secret] from secret file "+path {
		t.Errorf("got %q", got)
	}
	if got := strings.Join(table.Secrets(), " "); !strings.Contains(got, "hu#sh") || !strings.Contains(got, "hu%23sh") {
		t.Errorf("secrets are %q", got)
	}
	for _, environment := range []map[string]string{
		{"DATABASE_URL_FILE": path, "DATABASE_URL": "x://y"}, {"DATABASE_URL_FILE": path + "x"},
	} {
		from := source(environment, "title: t")
		_, err := settings.Load(from, &config{})
		if err == nil || !strings.Contains(err.Error(), "DATABASE_URL_FILE") || count(err) != 1 {
			t.Errorf("%v gives %v", environment, err)
		}
		if _, missing := environment["DATABASE_URL"]; !missing && !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the cause is lost: %v", err)
		}
	}
}

func TestNothingShowsASecret(t *testing.T) {
	from := source(map[string]string{"DATABASE_URL": "postgres://me:sesame@db/x", "SMTP_URL": "smtp://u:swordfish@m:25/?token=abracadabra"}, "")
	table, err := settings.Load(from, &config{})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if _, err := table.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	document, err := table.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	all := b.String() + string(document)
	for _, secret := range []string{"sesame", "swordfish", "abracadabra"} {
		if strings.Contains(all, secret) {
			t.Errorf("%s shows in\n%s", secret, all)
		}
	}
	for _, want := range []string{"PORT", "8080", "default", "from environment SMTP_URL"} {
		if !strings.Contains(all, want) {
			t.Errorf("%s is not in\n%s", want, all)
		}
	}
}

func TestMistakesInTheProgram(t *testing.T) {
	for want, target := range map[string]any{
		"pointer to a struct": config{},
		"cannot be a map":     &struct{ A map[string]int }{},
		"the default \"x\" is not": &struct {
			A int `default:"x"`
		}{},
		"share the key ab": &struct{ AB, Ab int }{}, "share the variable X": &struct {
			A int `env:"X"`
			B int `env:"X"`
		}{},
		"tags min and max": &struct {
			A string `min:"1"`
		}{},
		"share the key a": &struct {
			A int
			B int `key:"a" env:"B"`
		}{},
		"cannot be a []uint8":  &struct{ A []byte }{},
		"cannot be a chan int": &struct{ S struct{ A chan int } }{},
		"the default \"9\" is not a": &struct {
			A int `default:"9" max:"5"`
		}{},
	} {
		_, err := settings.Load(settings.Source{}, target)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%T gives %v, want %s", target, err, want)
		}
		if _, people := problem.Of(err); people {
			t.Errorf("%T: a mistake of the program is told as one of its user", target)
		}
	}
}

func TestFilesOfOddForms(t *testing.T) {
	type small struct {
		A, B string
		N    struct{ C int }
	}
	for file, want := range map[string]string{
		"":                     "",
		"# nothing":            "",
		"n:\n":                 "",
		"a: 1.10\nb: yes":      "1.10 yes 0",
		"a: &x one\nb: *x":     "one one 0",
		"n.c: 4":               "  4",
		"n: {c: 0x}":           "error N_C is not a whole number",
		"a: |\n  one\n  two\n": "one\ntwo\n  0",
		"{\"a\": \"\\u0041\", \"n\":\n\t{\"c\": 3}}": "A  3",
		"{\"a\"\t: \"b\"}":                           "b  0",
		"\t{\"a\": \"b\"}":                           "b  0",
		"a: [":                                       "error ",
		"a: 1\n---\nb: 2":                            "error several documents",
		"# one\n---\n# two\n---\na: 1":               "error several documents",
		"a: \xff":                                    "error UTF-8",
		"- a\n- b":                                   "error the file is no mapping",
		"just text":                                  "error the file is no mapping",
		"n:\n  <<: {c: 1}":                           "error merge key",
		"a: *nobody":                                 "error anchor",
		"a: !!binary x":                              "error a tag is not read",
		strings.Repeat("[", 100):                     "error nests too deep",
		strings.Repeat("a: {", 50):                   "error nests too deep",
		"a: " + strings.Repeat("x", 1<<20):           "error too large",
	} {
		var c small
		from := settings.Source{File: "x.json", ReadFile: func(string) ([]byte, error) { return []byte(file), nil }}
		_, err := settings.Load(from, &c)
		message, bad := strings.CutPrefix(want, "error ")
		if len(file) > 60 {
			file = file[:60]
		}
		switch {
		case bad && (err == nil || !strings.Contains(err.Error(), message)):
			t.Errorf("%q gives %v, want %s", file, err, message)
		case !bad && err != nil:
			t.Errorf("%q gives %v", file, err)
		case !bad && want != "":
			if got := strings.Join([]string{c.A, c.B, string(rune('0' + c.N.C))}, " "); got != want {
				t.Errorf("%q gives %q, want %q", file, got, want)
			}
		}
	}
}

func TestASectionOfAForeignFile(t *testing.T) {
	from := source(nil, "name: x\nrun:\n  a: b\n  c: d\nother: [{e: f}, 1]\n")
	from.Section = "run"
	var c struct{ A string }
	_, err := settings.Load(from, &c)
	if err == nil || c.A != "b" || !strings.Contains(err.Error(), `there is no setting "c"`) || !strings.Contains(err.Error(), "app.yaml:4") || count(err) != 1 {
		t.Errorf("got %q, %v", c.A, err)
	}
}

func TestTheFileIsMissing(t *testing.T) {
	_, err := settings.Load(settings.Source{File: "nowhere.yaml", ReadFile: os.ReadFile}, &struct{ A string }{})
	if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "nowhere.yaml") {
		t.Errorf("got %v", err)
	}
}

func TestDocumentation(t *testing.T) {
	list, err := settings.Describe(&config{})
	if err != nil {
		t.Fatal(err)
	}
	var markdown, example bytes.Buffer
	if err := errors.Join(settings.WriteMarkdown(&markdown, list), settings.WriteExample(&example, list)); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"| `PORT` | `port` | a whole number from 1 to 65535 | `8080` | where to listen |\n",
		"| `DATABASE_URL` | `database` | an address such as https://host/path | required | the database (secret; `DATABASE_URL_FILE` may name a file that holds it) |\n",
	} {
		if !strings.Contains(markdown.String(), want) {
			t.Errorf("missing %q in\n%s", want, markdown.String())
		}
	}
	// What the example says is what the defaults are: reading it changes nothing.
	with, without := config{}, config{}
	environment := map[string]string{"DATABASE_URL": "x://y"}
	_, first := settings.Load(source(environment, example.String()), &with)
	_, second := settings.Load(source(environment, ""), &without)
	if first != nil || second != nil || !reflect.DeepEqual(with, without) {
		t.Errorf("the example changes something: %v, %v\n%s", first, second, example.String())
	}
	if !strings.Contains(example.String(), "log:\n  # least level that is logged: one of DEBUG, INFO, WARNING, ERROR, CRITICAL (environment LOG_LEVEL)\n  level: INFO\n") {
		t.Errorf("got\n%s", example.String())
	}
}

func TestSizes(t *testing.T) {
	for text, want := range map[string]settings.ByteSize{
		"0": 0, "12": 12, "12b": 12, "1k": 1024, "1kB": 1000, "1.5 MiB": 3 << 19, "2G": 2 << 30, "9223372036854775807": 1<<63 - 1,
		"": -1, "-1": -1, "1e3": -1, "x": -1, "inf": -1, "nan": -1, "0x1p4": -1, "9999999T": -1, "MiB": -1, "1 2": -1,
	} {
		var got settings.ByteSize
		err := got.UnmarshalText([]byte(text))
		if err != nil {
			got = -1
		}
		if got != want {
			t.Errorf("%q is %d, want %d", text, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		size, back := settings.ByteSize(rapid.Int64Min(0).Draw(t, "size")), settings.ByteSize(0)
		if err := back.UnmarshalText([]byte(size.String())); err != nil || back != size {
			t.Fatalf("%d reads as %d (%v)", size, back, err)
		}
	})
}

// Of any texts in any source: a higher source wins, and the origin tells which.
func TestTheHighestSourceWins(t *testing.T) {
	text := rapid.StringMatching(`[a-z]{1,8}`)
	rapid.Check(t, func(t *rapid.T) {
		var c struct {
			Word string `default:"fallback"`
		}
		want, origin := "fallback", "default"
		environment, file, flags := map[string]string{}, "# nothing", map[string]string{}
		if rapid.Bool().Draw(t, "in file") {
			want, origin = text.Draw(t, "file"), "from file app.yaml:1"
			file = "word: \"" + want + "\""
		}
		if rapid.Bool().Draw(t, "in environment") {
			want, origin = text.Draw(t, "environment"), "from environment WORD"
			environment["WORD"] = want
		}
		if rapid.Bool().Draw(t, "in flags") {
			want, origin = text.Draw(t, "flag"), "from flag --word"
			flags["word"] = want
		}
		from := source(environment, file)
		from.Flags = flags
		table, err := settings.Load(from, &c)
		if err != nil || c.Word != want || table.Settings[0].Origin.String() != origin {
			t.Fatalf("got %q %v %v, want %q %s", c.Word, table, err, want, origin)
		}
	})
}

func FuzzFile(f *testing.F) {
	for _, seed := range []string{"port: 1", "log:\n  level: x", "a: [1, {b: c}]", "? x\n: y", "a: &b [*b]", "\"\\x\": 1", "a: >-\n  b"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		_, err := settings.Load(source(map[string]string{"DATABASE_URL": "x://y"}, text), &config{})
		var list problem.List
		if err != nil && !errors.As(err, &list) {
			t.Fatalf("%q gives %v", text, err)
		}
		for _, p := range list {
			if p.Fix == "" {
				t.Errorf("no fix: %+v", p)
			}
		}
	})
}
