package loglevels

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"

	"github.com/roadworthy-dev/roadworthy/internal/standard"
)

const (
	pass    = standard.Pass
	fail    = standard.Fail
	unknown = standard.Unknown
)

// What an honest application writes at each level, the lower ones too.
var texts = map[string][]string{
	"ERROR": {"ERROR it broke"}, "WARNING": {"WARN nothing at /*"}, "INFO": {"INFO GET / #", "INFO POST / #"}, "DEBUG": {"DEBUG redis GET"},
}

func bootAt(level string) Boot {
	b := Boot{Level: level, Name: strings.ToLower(level), Rounds: 5, Lines: 40}
	for _, l := range []string{"ERROR", "WARNING", "INFO", "DEBUG"} {
		for _, text := range texts[l] {
			b.Templates = append(b.Templates, Template{Text: text, Count: 5})
		}
		if l == level {
			break
		}
	}
	b.Templates = append(b.Templates, Template{Text: "banner of " + level, Other: 9}, Template{Text: "once at " + level, Count: 4}, Template{Text: "heartbeat of " + level, Count: 9, Idle: 1})
	b.Ordinary = []string{"INFO GET / # id=*"}
	for range 2 {
		b.Errors = append(b.Errors, Induced{
			Target: "GET /fault?q=n", Status: 500,
			Records: []Record{{Form: "INFO GET / # id=*", Text: "INFO GET /fault?q=n 500"}, {Form: "ERROR it broke", Text: "ERROR it broke n", After: 2}},
		})
	}
	return b
}

func honest() Observations {
	return Observations{Setting: "LOG_LEVEL", Boots: []Boot{bootAt("DEBUG"), bootAt("INFO"), bootAt("WARNING"), bootAt("ERROR"), bootAt("INFO")}}
}

// The places of boots among the observations.
const debug, info, warn, errs, again = 0, 1, 2, 3, 4

func (b *Boot) add(text string, count int) {
	b.Templates = append(b.Templates, Template{Text: text, Count: count})
}

func (b *Boot) drop(text string) {
	for i, t := range b.Templates {
		if t.Text == text {
			b.Templates = append(b.Templates[:i:i], b.Templates[i+1:]...)
			return
		}
	}
}

func TestJudge(t *testing.T) {
	for name, c := range map[string]struct {
		change         func(*Observations)
		nested, errors standard.Outcome
		why            string
	}{
		"honest":           {func(*Observations) {}, pass, pass, ""},
		"no setting":       {func(o *Observations) { *o = Observations{} }, fail, fail, "no setting of the manifest changes the level"},
		"nothing recorded": {func(o *Observations) { o.Boots = nil }, unknown, unknown, "no boot at ERROR"},
		"no second boot":   {func(o *Observations) { o.Boots = o.Boots[:again] }, unknown, pass, "no boot at INFO"},
		"too much at once": {func(o *Observations) { o.Boots[warn].Dropped = 1 }, unknown, pass, "1 lines were not looked at"},
		"too many kinds":   {func(o *Observations) { o.Boots[debug].More = 1 }, unknown, pass, "1 were not looked at"},
		"the level is printed and not applied": {func(o *Observations) {
			for i := range o.Boots {
				o.Boots[i].Templates = []Template{{Text: o.Boots[i].Level + " GET /", Count: 5}}
			}
		}, fail, pass, `"ERROR GET /" shows at ERROR and not at WARNING`},
		"alike at every level, but for banners and heartbeats": {func(o *Observations) {
			for i := range o.Boots {
				for _, text := range append(texts["WARNING"], append(texts["INFO"], texts["DEBUG"]...)...) {
					o.Boots[i].drop(text)
					o.Boots[i].add(text, 5)
				}
			}
		}, fail, pass, "alike at every level"},
		"two levels are reversed": {func(o *Observations) {
			o.Boots[info].drop("WARN nothing at /*")
			o.Boots[again].drop("WARN nothing at /*")
		}, fail, pass, "at WARNING and not at INFO"},
		"INFO and DEBUG are reversed": {func(o *Observations) { o.Boots[debug].drop("INFO GET / #") }, fail, pass, "at INFO and not at DEBUG"},
		"noise at INFO":               {func(o *Observations) { o.Boots[info].add("INFO cache is cold", 5) }, pass, pass, ""},
		"noise at INFO alone": {func(o *Observations) {
			for i := range o.Boots {
				o.Boots[i].Templates = []Template{{Text: "same", Count: 5}}
			}
			o.Boots[info].add("INFO cache is cold", 5)
			o.Boots[debug].add("INFO cache is cold", 1)
		}, fail, pass, "alike"},
		"seen once in the second boot at INFO is no noise": {func(o *Observations) {
			for i := range o.Boots {
				o.Boots[i].Templates = []Template{{Text: "same", Count: 5}}
			}
			for _, i := range []int{debug, info} {
				o.Boots[i].add("INFO GET /", 5)
			}
			o.Boots[again].add("INFO GET /", 1)
		}, pass, pass, ""},
		"what is rare at the lower level is there": {func(o *Observations) {
			o.Boots[debug].drop("INFO GET / #")
			o.Boots[debug].add("INFO GET / #", 1)
		}, pass, pass, ""},
		"what is rare at the higher level is not more": {func(o *Observations) {
			for i := range o.Boots {
				o.Boots[i].Templates = []Template{{Text: "same", Count: 5}}
			}
			o.Boots[debug].add("rare", 5)
			o.Boots[info].add("rare", 1)
		}, fail, pass, "alike"},
		"a lower level adds the place in the source": {func(o *Observations) {
			for i, t := range o.Boots[debug].Templates {
				o.Boots[debug].Templates[i].Text = strings.Replace(t.Text, " ", " web.go:# ", 1)
			}
		}, pass, pass, ""},
		"more detail alone is not more": {func(o *Observations) {
			for i := range o.Boots {
				o.Boots[i].Templates = []Template{{Text: "INFO GET / #", Count: 5}}
			}
			o.Boots[debug].Templates[0].Text = "INFO web.go:# GET / #"
		}, fail, pass, "alike"},
		"less detail alone is not more": {func(o *Observations) {
			for i := range o.Boots {
				o.Boots[i].Templates = []Template{{Text: "INFO GET / #", Count: 5}}
			}
			o.Boots[errs].Templates[0].Text = "INFO web.go:# GET / #"
		}, fail, pass, "alike"},
		"two words are in everything": {func(o *Observations) {
			for i := range o.Boots {
				o.Boots[i].Templates = []Template{{Text: "GET /", Count: 5}, {Text: "INFO GET / #", Count: 5}}
			}
			o.Boots[debug].Templates = o.Boots[debug].Templates[1:]
		}, fail, pass, `"GET /" shows at INFO and not at DEBUG`},
		"three words are enough": {func(o *Observations) {
			for i := range o.Boots {
				o.Boots[i].Templates = []Template{{Text: "GET / #", Count: 5}, {Text: "INFO GET / #", Count: 5}}
			}
			o.Boots[debug].Templates = append(o.Boots[debug].Templates[1:], Template{Text: "DEBUG redis", Count: 5})
		}, pass, pass, ""},
		"four times in five rounds is not more": {func(o *Observations) {
			for i := range o.Boots {
				o.Boots[i].Templates = []Template{{Text: "same", Count: 5}}
			}
			o.Boots[debug].add("now and then", 4)
		}, fail, pass, "alike"},
		"a heartbeat is not more": {func(o *Observations) {
			for i := range o.Boots {
				o.Boots[i].Templates = []Template{{Text: "same", Count: 5}}
			}
			o.Boots[debug].Templates = append(o.Boots[debug].Templates, Template{Text: "alive", Count: 50, Idle: 4})
		}, fail, pass, "alike"},
		"no rounds": {func(o *Observations) {
			for i := range o.Boots {
				o.Boots[i].Rounds = 0
			}
		}, fail, pass, "alike"},
		"nothing is logged": {func(o *Observations) {
			for i := range o.Boots {
				o.Boots[i].Templates = []Template{{Text: "banner", Other: 1}}
			}
		}, fail, pass, "alike"},
		"no line is like another": {func(o *Observations) {
			for i := range o.Boots {
				o.Boots[i].Templates = []Template{{Text: "abcdefg", Count: 1}, {Text: "bcdefgh", Count: 1}}
			}
		}, unknown, pass, "no line came with every round"},
		"nothing but ticks": {func(o *Observations) {
			for i := range o.Boots {
				o.Boots[i].Templates = []Template{{Text: "tick", Count: 3, Idle: 1}}
			}
		}, fail, pass, "alike"},
		"no error was induced": {func(o *Observations) { o.Boots[errs].Errors = nil }, pass, unknown, "no error was induced"},
		"errors vanish": {func(o *Observations) {
			for i := range o.Boots[errs].Errors {
				o.Boots[errs].Errors[i].Records = nil
			}
		}, pass, fail, "was logged of GET /fault?q=n"},
		"one error vanishes":            {func(o *Observations) { o.Boots[errs].Errors[1].Records = nil }, pass, fail, ""},
		"one vanishes and much is lost": {func(o *Observations) { o.Boots[errs].Errors[1].Records, o.Boots[errs].Dropped = nil, 1 }, unknown, unknown, ""},
		"the access line is left": {func(o *Observations) {
			o.Boots[errs].Errors[0].Records = o.Boots[errs].Errors[0].Records[:1]
		}, pass, fail, ""},
		"the error is late": {func(o *Observations) { o.Boots[errs].Errors[0].Records[1].After = 2.1 }, pass, fail, ""},
		"a trace will do": {func(o *Observations) {
			o.Boots[errs].Errors[0].Records = []Record{{Trace: true, Type: "ValueError", Form: "INFO GET / # id=*"}}
		}, pass, pass, ""},
		"a trace of nothing": {func(o *Observations) {
			o.Boots[errs].Errors[0].Records = []Record{{Trace: true}}
		}, pass, fail, ""},
		"a late trace": {func(o *Observations) {
			o.Boots[errs].Errors[0].Records = []Record{{Trace: true, Type: "ValueError", After: 3}}
		}, pass, fail, ""},
		"it raised nothing": {func(o *Observations) {
			o.Boots[errs].Errors[0].Records, o.Boots[errs].Errors[0].Status = nil, 404
		}, pass, unknown, "404"},
		"it got no reply and shows nothing": {func(o *Observations) {
			o.Boots[errs].Errors[0].Records, o.Boots[errs].Errors[0].Status = nil, 0
		}, pass, fail, ""},
		"it raised something although it answered": {func(o *Observations) { o.Boots[errs].Errors[0].Status = 200 }, pass, pass, ""},
	} {
		t.Run(name, func(t *testing.T) {
			o := honest()
			c.change(&o)
			want := map[string]standard.Outcome{"log.levels.nested": c.nested, "log.levels.errors": c.errors}
			got, why := outcomes(t, o)
			if !maps.Equal(got, want) || !strings.Contains(why, c.why) {
				t.Errorf("got %v, want %v with %q\n%s", got, want, c.why, why)
			}
		})
	}
}

// outcomes judges what survives JSON.
func outcomes(t *testing.T, o Observations) (map[string]standard.Outcome, string) {
	t.Helper()
	raw, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	var back Observations
	if err := json.Unmarshal(raw, &back); err != nil {
		t.Fatal(err)
	}
	got, why := map[string]standard.Outcome{}, ""
	for _, f := range judge(back) {
		got[f.Claim] = f.Outcome
		why += f.Claim + ": " + f.Why + "\n"
	}
	return got, why
}
