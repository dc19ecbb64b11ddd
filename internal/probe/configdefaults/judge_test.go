package configdefaults

import (
	"strings"
	"testing"

	"github.com/roadworthy-dev/roadworthy/internal/probe/effect"
	"github.com/roadworthy-dev/roadworthy/internal/standard"
)

func refused(names ...string) Outcome {
	o := Outcome{Ended: true, Exit: 1, How: "exit status 1", After: 0.1, Naming: map[string]int{}}
	for _, name := range names {
		o.Naming[name] = 1
	}
	return o
}

func lines(n int) *effect.Sight {
	return &effect.Sight{Setting: "LOG_LEVEL", Level: &effect.Level{Sessions: 4, Lines: n}, How: "some lines"}
}

// honest is the record of an application that requires two settings.
func honest() Observations {
	served := Outcome{Served: true, Status: 200, Port: 80, After: 0.1}
	return Observations{
		Settings: 5,
		Tries: []Try{
			{Given: []string{"PORT"}, Outcome: refused("PORT", "REDIS_URL", "STATUS_TOKEN")},
			{Given: []string{"PORT", "REDIS_URL", "STATUS_TOKEN"}, Outcome: served},
		},
		Without: []Without{{"REDIS_URL", refused("REDIS_URL")}, {"STATUS_TOKEN", refused("STATUS_TOKEN")}},
		Posture: Posture{
			Given: []string{"PORT"}, Replies: 9, Errors: []int{500, 500, 500}, Lines: 90,
			Levelled: true, ByDefault: lines(20), AtDebug: lines(40), AtInfo: lines(20),
		},
		Usual: Memory{Before: 1, After: 1, OwnOnce: 2, OwnLast: 2},
		StandIns: []StandIn{
			{Service: "redis", Type: "redis", Settings: []string{"REDIS_URL"}, Outcome: refused("REDIS_URL")},
			{Service: "syslog", Type: "syslog", Settings: []string{"SYSLOG_URL"}, Outcome: served},
		},
		Credential: Credential{Setting: "STATUS_TOKEN", Unset: Opening{Outcome: refused("STATUS_TOKEN")},
			Empty: Opening{Outcome: served, Control: true, Asked: 60}},
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
				return
			}
			t.Fatal("no finding")
		})
	}
}

func TestStart(t *testing.T) {
	first := func(o *Observations) *Outcome { return &o.Tries[0].Outcome }
	check(t, "config.defaults.start", []row{
		{"honest", func(*Observations) {}, standard.Pass, ""},
		{"nothing recorded", func(o *Observations) { *o = Observations{} }, standard.Unknown, "not started"},
		{"serves on defaults", func(o *Observations) { o.Tries = o.Tries[1:]; o.Without = nil }, standard.Pass, ""},
		{"hangs", func(o *Observations) { *first(o) = Outcome{After: 10} }, standard.Fail, "neither serves nor ends"},
		{"answers errors", func(o *Observations) { *first(o) = Outcome{Status: 503} }, standard.Fail, "neither serves nor ends"},
		{"exit status 0", func(o *Observations) { first(o).Exit = 0 }, standard.Fail, "neither serves nor ends"},
		{"too late", func(o *Observations) { first(o).After = 10.1 }, standard.Fail, "neither serves nor ends"},
		{"late, but so is every start", func(o *Observations) { o.Took, first(o).After = 2, 20 }, standard.Pass, ""},
		{"too late for that", func(o *Observations) { o.Took, first(o).After = 2, 20.1 }, standard.Fail, "neither serves nor ends"},
		{"just in time", func(o *Observations) { first(o).After = 10 }, standard.Pass, ""},
		{"names nothing", func(o *Observations) { first(o).Naming = nil }, standard.Fail, "without naming what is missing"},
		{"names what it was given", func(o *Observations) { first(o).Naming = map[string]int{"PORT": 1, "REDIS_URL": 0} }, standard.Fail, "without naming what is missing"},
		{"names the first one alone", func(o *Observations) { o.Tries[1].Outcome = refused("SECRET_KEY") }, standard.Fail, "it asks for more: SECRET_KEY"},
		{"names one that it was given", func(o *Observations) { o.Tries[1].Outcome = refused("REDIS_URL") }, standard.Fail, "does not serve: it ended"},
		{"does not serve then", func(o *Observations) { o.Tries[1].Outcome = Outcome{Status: 503, Naming: map[string]int{"X": 1}} }, standard.Fail, "does not serve: it went on"},
		{"serves then, and warns", func(o *Observations) { o.Tries[1].Outcome.Naming = map[string]int{"X": 1} }, standard.Pass, ""},
		{"was not tried again", func(o *Observations) { o.Tries = o.Tries[:1] }, standard.Unknown, "not started with what it asked for"},
		{"was not tried without", func(o *Observations) { o.Without = nil }, standard.Unknown, "not tried whether it needs"},
		{"half of the list is idle", func(o *Observations) { o.Without[0].Outcome = Outcome{Served: true} }, standard.Fail, "it serves without REDIS_URL"},
		{"a third of the list is idle", func(o *Observations) {
			o.Without = append(o.Without, Without{"COLOUR", Outcome{Served: true}})
		}, standard.Pass, ""},
		{"all of the list is idle", func(o *Observations) {
			o.Without = []Without{{"REDIS_URL", Outcome{Served: true}}}
		}, standard.Fail, "half or more"},
	})
}

func TestStartCounts(t *testing.T) {
	o := honest()
	o.Without = append(o.Without, Without{"STATUS_TOKEN", refused()}, Without{"COLOUR", Outcome{Served: true}})
	f := judge(o)[0]
	if !strings.Contains(f.Seen, "asked for REDIS_URL, STATUS_TOKEN") || !strings.Contains(f.Seen, "override 1 of 5 settings") {
		t.Errorf("seen %q", f.Seen)
	}
	o.Tries = o.Tries[1:]
	if seen := judge(o)[0].Seen; !strings.Contains(seen, "none of its 5 settings") {
		t.Errorf("seen %q", seen)
	}
}

func TestPosture(t *testing.T) {
	tell := func(told Telling) func(*Observations) {
		return func(o *Observations) { o.Posture.Telling = []Telling{told} }
	}
	check(t, "config.defaults.posture", []row{
		{"honest", func(*Observations) {}, standard.Pass, ""},
		{"nothing recorded", func(o *Observations) { o.Posture = Posture{} }, standard.Unknown, "no exception was induced"},
		{"a stack trace", tell(Telling{Request: "GET /fault", Status: 500, Frames: 1}), standard.Fail, "GET /fault (500) holds a stack trace of 1 frames"},
		{"a value", tell(Telling{Values: []string{"SECRET_KEY"}}), standard.Fail, "the value of SECRET_KEY"},
		{"a list of settings", tell(Telling{Names: []string{"A", "B", "C"}}), standard.Fail, "a list of settings: A, B, C"},
		{"two names are no list", tell(Telling{Names: []string{"A", "B"}}), standard.Pass, ""},
		{"both", tell(Telling{Frames: 3, Values: []string{"A"}}), standard.Fail, "frames and the value of A"},
		{"an exception as success", func(o *Observations) { o.Posture.Errors[1] = 200 }, standard.Fail, "answered with 200"},
		{"an exception as the client's fault", func(o *Observations) { o.Posture.Errors[2] = 499 }, standard.Fail, "answered with 499"},
		{"an exception without a reply", func(o *Observations) { o.Posture.Errors[0] = 0 }, standard.Fail, "answered with 0"},
		{"records at DEBUG", func(o *Observations) { o.Posture.Debug = []string{"DEBUG x"} }, standard.Fail, `it logs at DEBUG: "DEBUG x"`},
		{"as loud as DEBUG", func(o *Observations) { o.Posture.ByDefault = lines(40) }, standard.Fail, "by default as under DEBUG"},
		{"nearly as loud as DEBUG", func(o *Observations) { o.Posture.ByDefault = lines(36) }, standard.Pass, ""},
		{"a few lines of something else", func(o *Observations) {
			o.Posture.AtInfo, o.Posture.ByDefault, o.Posture.AtDebug = lines(20), lines(23), lines(24)
		}, standard.Pass, ""},
		{"no records at DEBUG at all", func(o *Observations) { o.Posture.AtDebug = lines(20) }, standard.Pass, ""},
		{"levels were not compared", func(o *Observations) { o.Posture.Levelled, o.Posture.ByDefault = false, lines(40) }, standard.Pass, ""},
		{"one level is missing", func(o *Observations) { o.Posture.ByDefault, o.Posture.AtInfo = lines(40), nil }, standard.Pass, ""},
		{"another level is missing", func(o *Observations) { o.Posture.ByDefault, o.Posture.AtDebug = lines(40), nil }, standard.Pass, ""},
		{"the default is missing", func(o *Observations) { o.Posture.ByDefault = nil }, standard.Pass, ""},
	})
}

func TestStandIn(t *testing.T) {
	serves := func(m Memory) func(*Observations) {
		return func(o *Observations) {
			o.StandIns[0].Outcome, o.StandIns[0].Memory = Outcome{Served: true}, m
		}
	}
	check(t, "config.defaults.stand-in", []row{
		{"honest", func(*Observations) {}, standard.Pass, ""},
		{"nothing recorded", func(o *Observations) { *o = Observations{} }, standard.Unknown, "no setting is declared"},
		{"no services", func(o *Observations) { o.StandIns = nil }, standard.NotApplicable, "no service that a setting names"},
		{"without the name", func(o *Observations) { o.StandIns[0].Outcome = refused() }, standard.Fail, "ends without naming it"},
		{"without the name and its tables", func(o *Observations) {
			o.StandIns[0].Outcome, o.StandIns[0].Bare = refused(), true
		}, standard.Unknown, "redis: ends without naming it, and its release commands had failed"},
		{"without its tables", func(o *Observations) { o.StandIns[0].Bare = true }, standard.Pass, ""},
		{"exit status 0", func(o *Observations) { o.StandIns[0].Outcome.Exit = 0 }, standard.Fail, "REDIS_URL it ended"},
		{"hangs", func(o *Observations) { o.StandIns[0].Outcome = Outcome{After: 10} }, standard.Fail, "neither served nor ended"},
		{"durable by default", serves(Memory{Before: 1, After: 1}), standard.Pass, ""},
		{"in memory", serves(Memory{Before: 1}), standard.Fail, "gone after a restart"},
		{"silently off", serves(Memory{}), standard.Fail, "silently off"},
		{"a name in a cookie is no store", serves(Memory{OwnOnce: 1, OwnLast: 1}), standard.Fail, "silently off"},
		{"a fixed address", func(o *Observations) {
			o.StandIns[0].Strange = []string{"127.0.0.1:6379"}
		}, standard.Fail, "an address that nobody gave: 127.0.0.1:6379"},
		{"an address that it always tries", func(o *Observations) {
			o.Elsewhere, o.StandIns[0].Strange = []string{"news.example"}, []string{"news.example"}
		}, standard.Pass, ""},
		{"one more than it always tries", func(o *Observations) {
			o.Elsewhere, o.StandIns[0].Strange = []string{"news.example"}, []string{"news.example", "127.0.0.1:6379"}
		}, standard.Fail, "nobody gave: 127.0.0.1:6379"},
		{"seen with cookies alone", func(o *Observations) {
			o.Usual.Before, o.Usual.After = 0, 0
			serves(Memory{OwnOnce: 1, OwnLast: 1})(o)
		}, standard.Pass, ""},
		{"lost, seen with cookies alone", func(o *Observations) {
			o.Usual.Before, o.Usual.After = 0, 0
			serves(Memory{Before: 1, After: 1, OwnOnce: 1})(o)
		}, standard.Fail, "gone after a restart"},
		{"never to be seen", func(o *Observations) { o.Usual = Memory{}; serves(Memory{})(o) }, standard.Unknown, "redis: the session stores nothing"},
		{"never kept", func(o *Observations) { o.Usual.After = 0; serves(Memory{Before: 1, After: 1})(o) }, standard.Unknown, "redis: the session stores nothing"},
		{"never kept, with cookies", func(o *Observations) {
			o.Usual = Memory{OwnOnce: 1}
			serves(Memory{OwnOnce: 1, OwnLast: 1})(o)
		}, standard.Unknown, "redis: the session stores nothing"},
		{"never seen at once, with cookies", func(o *Observations) {
			o.Usual = Memory{OwnLast: 1}
			serves(Memory{})(o)
		}, standard.Unknown, "redis: the session stores nothing"},
		{"kept by another store", func(o *Observations) {
			o.StandIns[0].Others = 1
			serves(Memory{Before: 1, After: 1, OwnOnce: 2, OwnLast: 2})(o)
		}, standard.Unknown, "redis: serves without naming it, and another service may keep what the session shows"},
		{"kept by another store, and said", func(o *Observations) {
			o.StandIns[0].Others = 1
			serves(Memory{Before: 1, After: 1, OwnOnce: 2, OwnLast: 2})(o)
			o.StandIns[0].Outcome.Naming = map[string]int{"REDIS_URL": 1}
		}, standard.Pass, ""},
		{"a part is lost, seen with cookies", serves(Memory{Before: 1, After: 1, OwnOnce: 2, OwnLast: 1}), standard.Fail, "a part of what a session stored is gone after a restart"},
		{"a part is lost", serves(Memory{Before: 2, After: 1, OwnOnce: 2, OwnLast: 2}), standard.Fail, "a part of what a session stored is gone after a restart"},
		{"a part is always lost", func(o *Observations) {
			o.Usual = Memory{Before: 2, After: 1, OwnOnce: 3, OwnLast: 2}
			serves(o.Usual)(o)
		}, standard.Pass, ""},
		{"mail off in silence", func(o *Observations) { o.StandIns[1].Type = "smtp" }, standard.Fail, "does not say that no mail is sent"},
		{"mail off, and said", func(o *Observations) {
			o.StandIns[1].Type, o.StandIns[1].Outcome.Naming = "smtp", map[string]int{"SYSLOG_URL": 1}
		}, standard.Pass, ""},
		{"syslog to a fixed address", func(o *Observations) { o.StandIns[1].Strange = []string{"127.0.0.1:514"} }, standard.Fail, "127.0.0.1:514"},
		{"refuted beside unseen", func(o *Observations) {
			o.Usual = Memory{}
			serves(Memory{})(o)
			o.StandIns[1].Strange = []string{"x:1"}
		}, standard.Fail, "x:1"},
	})
}

func TestCredential(t *testing.T) {
	check(t, "config.defaults.credential", []row{
		{"honest", func(*Observations) {}, standard.Pass, ""},
		{"nothing recorded", func(o *Observations) { o.Credential = Credential{} }, standard.Unknown, "nothing was tried"},
		{"nothing of one recorded", func(o *Observations) { o.Credential.Unset = Opening{} }, standard.Unknown, "neither served nor ended"},
		{"open without", func(o *Observations) {
			o.Credential.Unset = Opening{Outcome: Outcome{Served: true}, Control: true, Asked: 9, Opened: []string{"no token"}}
		},
			standard.Fail, "without STATUS_TOKEN the status route is opened by no token"},
		{"open with an empty one", func(o *Observations) { o.Credential.Empty.Opened = []string{"an empty token"} }, standard.Fail, "with an empty STATUS_TOKEN"},
		{"opened, but no control", func(o *Observations) {
			o.Credential.Empty.Opened, o.Credential.Empty.Control = []string{"x"}, false
		}, standard.Fail, "opened by x"},
		{"the control failed", func(o *Observations) { o.Credential.Empty.Control = false }, standard.Unknown, "so was the right token"},
		{"nobody asked", func(o *Observations) { o.Credential.Empty.Asked = 0 }, standard.Unknown, "nobody asked"},
		{"hangs", func(o *Observations) { o.Credential.Unset.Outcome = Outcome{After: 10} }, standard.Unknown, "neither served nor ended"},
		{"exit status 0", func(o *Observations) { o.Credential.Unset.Outcome.Exit = 0 }, standard.Unknown, "ended with"},
		{"refuses without its tables", func(o *Observations) {
			o.Credential.Unset = Opening{Outcome: refused(), Bare: true}
		}, standard.Unknown, "without STATUS_TOKEN it ends without naming it, and its release commands had failed"},
		{"refuses by name without its tables", func(o *Observations) { o.Credential.Unset.Bare = true }, standard.Pass, ""},
		{"refuses in other words", func(o *Observations) { o.Credential.Unset.Outcome = refused() }, standard.Pass, ""},
		{"both refuse", func(o *Observations) { o.Credential.Empty = o.Credential.Unset }, standard.Pass, ""},
	})
}

func TestEnding(t *testing.T) {
	for want, o := range map[string]Outcome{
		"ended with exit status 1 after 0.5 s": {Ended: true, How: "exit status 1", After: 0.5},
		"served after 0.2 s":                   {Served: true, Status: 200, After: 0.2},
		"went on and answered 503":             {Status: 503},
		"neither served nor ended within 10 s": {After: 10},
	} {
		if got := ending(o); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
