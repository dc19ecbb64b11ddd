package configenv

import (
	"strings"
	"testing"

	"github.com/roadworthy-dev/roadworthy/internal/probe/effect"
	"github.com/roadworthy-dev/roadworthy/internal/standard"
)

// honest is the record of an application that heeds three variables and
// refuses wrong values for three.
func honest() Observations {
	return Observations{
		Strong: []Sight{
			{Setting: "GREETING", Effect: "reply", Value: "hello", Shown: true, How: "the reply holds it"},
			{Setting: "LOG_LEVEL", Effect: "level", Value: "DEBUG", Level: &effect.Level{Rank: 3, Sessions: 4, Lines: 40}, How: "40 lines"},
			{Setting: "PORT", Effect: "port", Value: "11111", Shown: true, How: "it listens on 11111"},
		},
		Weak: []Sight{
			{Setting: "GREETING", Effect: "reply", Value: "howdy", Shown: true, How: "the reply holds it"},
			{Setting: "LOG_LEVEL", Effect: "level", Value: "ERROR", Level: &effect.Level{Sessions: 4, Lines: 1}, How: "1 line"},
			{Setting: "PORT", Effect: "port", Value: "22222", Shown: true, How: "it listens on 22222"},
		},
		Attempts: []Attempt{refusal("LOG_LEVEL", "LOUD"), refusal("PORT", "x"), refusal("REDIS_URL", "::")},
	}
}

func refusal(setting, value string) Attempt {
	return Attempt{Setting: setting, Value: value, Outcome: Outcome{
		Ended: true, Exit: 1, How: "exit status 1", After: 0.1, Naming: map[string]int{setting: 1},
	}}
}

type row struct {
	name    string
	change  func(*Observations)
	outcome standard.Outcome
	why     string // is part of Why
}

func check(t *testing.T, claim string, rows []row) {
	t.Helper()
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			o := honest()
			r.change(&o)
			for _, f := range judge(o) {
				if f.Claim != claim {
					continue
				}
				if f.Outcome != r.outcome {
					t.Errorf("outcome %s (%s), want %s", f.Outcome, f.Why, r.outcome)
				}
				if !strings.Contains(f.Why, r.why) || (r.outcome == standard.Pass) != (f.Why == "") {
					t.Errorf("why %q, want %q in it", f.Why, r.why)
				}
				if f.Did == "" || f.Seen == "" {
					t.Errorf("did %q, seen %q", f.Did, f.Seen)
				}
				return
			}
			t.Fatal("no finding")
		})
	}
}

func TestEffects(t *testing.T) {
	check(t, "config.env.effect", []row{
		{"honest", func(*Observations) {}, standard.Pass, ""},
		{"nothing recorded", func(o *Observations) { *o = Observations{} }, standard.Unknown, "no variable is declared"},
		{"one boot alone", func(o *Observations) { o.Weak = nil }, standard.Unknown, "one boot alone"},
		{"the boots do not match", func(o *Observations) { o.Weak[0].Setting = "OTHER" }, standard.Unknown, "GREETING (it was seen in one boot alone)"},
		{"baked in: strong", func(o *Observations) { o.Strong[0].Shown = false }, standard.Fail, "GREETING (with hello"},
		{"baked in: weak", func(o *Observations) { o.Weak[0].Shown = false }, standard.Fail, "GREETING (with howdy"},
		{"value of the other boot", func(o *Observations) { o.Weak[2].Other = true }, standard.Fail, "PORT (with 22222"},
		{"level without effect", func(o *Observations) { o.Weak[1].Level.Lines = 40 }, standard.Fail, "LOG_LEVEL (with DEBUG 40 lines; with ERROR 1 line)"},
		{"level the wrong way", func(o *Observations) { o.Weak[1].Level.Lines = 80 }, standard.Fail, "LOG_LEVEL"},
		{"not to be seen: strong", func(o *Observations) { o.Strong[0].Opaque, o.Strong[0].Shown = "write reply:", false }, standard.Unknown, "GREETING (write reply:)"},
		{"not to be seen: weak", func(o *Observations) { o.Weak[0].Opaque, o.Weak[0].Shown = "write faults:", false }, standard.Unknown, "GREETING (write faults:)"},
		{"a refuted one beside one that is not seen", func(o *Observations) {
			o.Strong[0].Opaque, o.Strong[2].Shown = "write reply:", false
		}, standard.Fail, "PORT"},
		{"refuted in one boot, not seen in the other", func(o *Observations) {
			o.Strong[0].Shown, o.Weak[0].Opaque = false, "write faults:"
		}, standard.Fail, "GREETING"},
	})
}

func TestEffectsCount(t *testing.T) {
	if seen := judge(honest())[0].Seen; !strings.Contains(seen, "3 of 3 variables followed their values: GREETING, LOG_LEVEL, PORT") {
		t.Errorf("seen %q", seen)
	}
}

func TestRefusals(t *testing.T) {
	first := func(change func(*Outcome)) func(*Observations) {
		return func(o *Observations) { change(&o.Attempts[0].Outcome) }
	}
	check(t, "config.env.invalid", []row{
		{"honest", func(*Observations) {}, standard.Pass, ""},
		{"nothing recorded", func(o *Observations) { o.Attempts = nil }, standard.Unknown, "write invalid:"},
		{"it serves", first(func(o *Outcome) { *o = Outcome{Served: true, Status: 200, Port: 8080} }), standard.Fail, "LOG_LEVEL=LOUD it served, on port 8080"},
		{"it answers errors", first(func(o *Outcome) { *o = Outcome{Status: 503} }), standard.Fail, "went on and answered 503"},
		{"it hangs", first(func(o *Outcome) { *o = Outcome{After: 10} }), standard.Fail, "neither served nor ended within 10 s"},
		{"exit status 0", first(func(o *Outcome) { o.Exit = 0 }), standard.Fail, "exit status 0"},
		{"killed by a signal", first(func(o *Outcome) { o.Exit = -1 }), standard.Pass, ""},
		{"just in time", first(func(o *Outcome) { o.After = 10 }), standard.Pass, ""},
		{"too late", first(func(o *Outcome) { o.After = 10.1 }), standard.Fail, "only after 10.1 s"},
		{"it served, then ended", first(func(o *Outcome) { o.Served = true }), standard.Pass, ""},
		{"without the name", first(func(o *Outcome) { o.Naming = nil }), standard.Fail, "without naming the variable"},
		{"the last of them", func(o *Observations) { o.Attempts[2].Outcome.Naming = nil }, standard.Fail, "REDIS_URL=::"},
		{"names it always", func(o *Observations) {
			o.Attempts[1].Outcome.Naming["LOG_LEVEL"], o.Attempts[2].Outcome.Naming["LOG_LEVEL"] = 1, 2
		}, standard.Fail, "LOG_LEVEL=LOUD it named the variable, but does so whatever is wrong"},
		{"names it in one other", func(o *Observations) { o.Attempts[1].Outcome.Naming["LOG_LEVEL"] = 1 }, standard.Pass, ""},
		{"names it more often where it is wrong", func(o *Observations) {
			o.Attempts[0].Outcome.Naming["LOG_LEVEL"] = 2
			o.Attempts[1].Outcome.Naming["LOG_LEVEL"], o.Attempts[2].Outcome.Naming["LOG_LEVEL"] = 1, 1
		}, standard.Pass, ""},
		{"two that name each other say nothing", func(o *Observations) {
			o.Attempts = o.Attempts[:2]
			o.Attempts[0].Outcome.Naming["PORT"], o.Attempts[1].Outcome.Naming["LOG_LEVEL"] = 1, 1
		}, standard.Pass, ""},
	})
}

func TestRefusalsCount(t *testing.T) {
	o := honest()
	o.Attempts[1].Outcome.After = 2.5
	o.Attempts[2].Outcome.Naming = nil
	f := judge(o)[1]
	if !strings.Contains(f.Seen, "2 of 3 wrong values") || !strings.Contains(f.Seen, "slowest after 2.5 s") {
		t.Errorf("seen %q", f.Seen)
	}
	if !strings.Contains(f.Did, "LOG_LEVEL=LOUD, PORT=x, REDIS_URL=::") {
		t.Errorf("did %q", f.Did)
	}
}
