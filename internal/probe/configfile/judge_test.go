package configfile

import (
	"strings"
	"testing"

	"github.com/roadworthy-dev/roadworthy/internal/probe/effect"
	"github.com/roadworthy-dev/roadworthy/internal/standard"
)

func text(value string) Sight {
	return Sight{Setting: "GREETING", Effect: "reply", Value: value, Shown: true, How: "the reply holds it"}
}

func level(name string, rank, lines int) Sight {
	return Sight{Setting: "LOG_LEVEL", Effect: "level", Value: name, Level: &effect.Level{Rank: rank, Sessions: 4, Lines: lines}, How: "some lines"}
}

// honest is the record of an application with a text and a level in its file.
func honest() Observations {
	refused := Outcome{Ended: true, Exit: 1, How: "exit status 1", After: 0.1, Pointer: 1, At: true}
	absent := refused
	return Observations{
		Keyless: []string{"HOME_PAGE"},
		Strong:  []Sight{text("a"), level("DEBUG", 3, 40)},
		Weak:    []Sight{text("b"), level("ERROR", 0, 6)},
		Both:    Contest{Sights: []Sight{text("c"), level("DEBUG", 3, 40)}},
		Default: Baseline{Required: []string{"PORT"}, Served: true, Sights: []Sight{
			{Setting: "GREETING", Effect: "reply"}, level("", 0, 20),
		}},
		Intact: Outcome{Served: true, Status: 200, Pointer: 0}, Broken: refused, Line: 7, Absent: &absent,
	}
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
	check(t, "config.file.effect", []row{
		{"honest", func(*Observations) {}, standard.Pass, ""},
		{"nothing recorded", func(o *Observations) { *o = Observations{} }, standard.Unknown, "no setting with a key"},
		{"one boot alone", func(o *Observations) { o.Weak = o.Weak[1:] }, standard.Unknown, "GREETING (it was seen in one boot alone)"},
		{"not read: strong", func(o *Observations) { o.Strong[0].Shown = false }, standard.Fail, "GREETING does not show the value of the file: with a"},
		{"not read: weak", func(o *Observations) { o.Weak[0].Shown = false }, standard.Fail, "with b"},
		{"another file", func(o *Observations) { o.Strong[0].Other = true }, standard.Fail, "GREETING"},
		{"level not read", func(o *Observations) { o.Weak[1].Level.Lines = 37 }, standard.Fail, "LOG_LEVEL does not show the value of the file: with DEBUG some lines; with ERROR some lines"},
		{"one line for each session is enough", func(o *Observations) { o.Weak[1].Level.Lines = 36 }, standard.Pass, ""},
		{"not to be seen: strong", func(o *Observations) { o.Strong[0].Opaque = "write reply:" }, standard.Unknown, "GREETING (write reply:)"},
		{"not to be seen: weak", func(o *Observations) { o.Weak[0].Opaque, o.Weak[0].Shown = "write faults:", false }, standard.Unknown, "GREETING (write faults:)"},
		{"refuted beside not seen", func(o *Observations) { o.Strong[0].Opaque, o.Weak[1].Level.Lines = "x", 40 }, standard.Fail, "LOG_LEVEL"},
		{"the file is not enough", func(o *Observations) {
			o.Strong, o.Weak = nil, nil
			o.Refusal, o.Ordinary = &Outcome{Ended: true, Exit: 1, Last: "REDIS_URL is missing"}, Outcome{Served: true}
		}, standard.Fail, "REDIS_URL is missing"},
		{"it does not start at all", func(o *Observations) {
			o.Strong, o.Weak = nil, nil
			o.Refusal, o.Ordinary = &Outcome{Ended: true, Exit: 1}, Outcome{Ended: true, Exit: 1}
		}, standard.Unknown, "neither with the file nor without"},
	})
}

func TestEffectsCount(t *testing.T) {
	seen := judge(honest())[0].Seen
	if !strings.Contains(seen, "2 of 2 settings followed the file: GREETING, LOG_LEVEL; 1 settings have no key") {
		t.Errorf("seen %q", seen)
	}
}

func TestPrecedence(t *testing.T) {
	check(t, "config.file.precedence", []row{
		{"honest", func(*Observations) {}, standard.Pass, ""},
		{"nothing recorded", func(o *Observations) { *o = Observations{} }, standard.Unknown, "no setting with a key"},
		{"not seen with both", func(o *Observations) { o.Both.Sights = o.Both.Sights[1:] }, standard.Unknown, "GREETING (it was seen in one boot alone)"},
		{"an address of the file is tried", func(o *Observations) { o.Both = Contest{Tried: []string{"REDIS_URL"}} }, standard.Fail, "the file wins"},
		{"tried, but looked at", func(o *Observations) { o.Both.Tried = []string{"REDIS_URL"} }, standard.Pass, ""},
		{"the file wins", func(o *Observations) { o.Both.Sights[0].Shown, o.Both.Sights[0].Other = false, true }, standard.Fail, "GREETING: the file wins over the environment"},
		{"both show", func(o *Observations) { o.Both.Sights[0].Other = true }, standard.Fail, "GREETING: the file wins over the environment"},
		{"the environment is ignored", func(o *Observations) { o.Both.Sights[0].Shown = false }, standard.Fail, "the value of the environment does not show"},
		{"the file is ignored", func(o *Observations) { o.Weak[0].Shown = false }, standard.Fail, "GREETING: the value of the file does not show"},
		{"not to be seen with the file", func(o *Observations) { o.Weak[0].Opaque = "write reply:" }, standard.Unknown, "GREETING (write reply:)"},
		{"not to be seen with both", func(o *Observations) {
			o.Both.Sights[0].Opaque, o.Both.Sights[0].Shown, o.Both.Sights[0].Other = "write faults:", false, true
		}, standard.Unknown, "GREETING (write faults:)"},
		{"the file's level wins", func(o *Observations) { o.Both.Sights[1].Level.Lines = 6 }, standard.Fail, "the environment's DEBUG does no more than the file's ERROR alone"},
		{"the default level wins", func(o *Observations) { o.Weak[1].Level.Lines = 20 }, standard.Fail, "LOG_LEVEL: the default wins over the file"},
		{"a quiet default tells nothing", func(o *Observations) {
			o.Weak[1].Level.Lines, o.Default.Sights[1].Level.Lines = 0, 0
		}, standard.Pass, ""},
		{"no default, and the file is quiet", func(o *Observations) {
			o.Weak[1].Level.Lines, o.Default = 0, Baseline{}
		}, standard.Pass, ""},
		{"no default, and the file is not quiet", func(o *Observations) { o.Default = Baseline{} }, standard.Unknown, "too small to tell"},
		{"a value from nowhere", func(o *Observations) { o.Default.Sights[0].Other = true }, standard.Fail, "GREETING: a value shows that no source holds"},
	})
}

func TestPrecedenceSays(t *testing.T) {
	o := honest()
	seen := judge(o)[1].Seen
	if !strings.Contains(seen, "2 of 2 settings: GREETING, LOG_LEVEL; with neither it starts if it is given PORT") {
		t.Errorf("seen %q", seen)
	}
	o.Default.Served = false
	if seen := judge(o)[1].Seen; !strings.Contains(seen, "with neither it does not start") {
		t.Errorf("seen %q", seen)
	}
}

func TestBroken(t *testing.T) {
	check(t, "config.file.broken", []row{
		{"honest", func(*Observations) {}, standard.Pass, ""},
		{"nothing recorded", func(o *Observations) { *o = Observations{} }, standard.Unknown, "no broken file was tried"},
		{"it serves", func(o *Observations) { o.Broken = Outcome{Served: true, Port: 80} }, standard.Fail, "a broken file is not refused"},
		{"it hangs", func(o *Observations) { o.Broken = Outcome{After: 10} }, standard.Fail, "a broken file is not refused"},
		{"exit status 0", func(o *Observations) { o.Broken.Exit = 0 }, standard.Fail, "a broken file is not refused"},
		{"too late", func(o *Observations) { o.Broken.After = 10.1 }, standard.Fail, "a broken file is not refused"},
		{"just in time", func(o *Observations) { o.Broken.After = 10 }, standard.Pass, ""},
		{"names the line alone", func(o *Observations) { o.Broken.Pointer = 0 }, standard.Pass, ""},
		{"names the file alone", func(o *Observations) { o.Broken.At = false }, standard.Pass, ""},
		{"names neither", func(o *Observations) { o.Broken.At, o.Broken.Pointer = false, 0 }, standard.Fail, "neither the file nor line 7"},
		{"names the file at every start", func(o *Observations) { o.Broken.At, o.Intact.Pointer = false, 1 }, standard.Fail, "neither the file nor line 7"},
		{"an absent file is ignored", func(o *Observations) { *o.Absent = Outcome{Served: true} }, standard.Fail, "does not exist is not refused"},
		{"an absent file is noticed late", func(o *Observations) { o.Absent.After = 10.1 }, standard.Fail, "does not exist is not refused"},
		{"an absent file, just in time", func(o *Observations) { o.Absent.After = 10 }, standard.Pass, ""},
		{"the path is fixed", func(o *Observations) { o.Absent = nil }, standard.Pass, ""},
		{"it refuses every file", func(o *Observations) { o.Intact = Outcome{Ended: true, Exit: 1, How: "exit status 1"} }, standard.Unknown, "with a good file it does not start either"},
	})
}

func TestEnding(t *testing.T) {
	for want, o := range map[string]Outcome{
		"ended with exit status 1 after 0.5 s": {Ended: true, How: "exit status 1", After: 0.5},
		"served, on port 80":                   {Served: true, Status: 200, Port: 80},
		"went on and answered 503":             {Status: 503},
		"neither served nor ended within 10 s": {After: 10},
	} {
		if got := ending(o); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
