package processes

import (
	"strings"
	"testing"

	"github.com/roadworthy-dev/roadworthy/internal/bench/sandbox"
	"github.com/roadworthy-dev/roadworthy/internal/standard"
)

func webPair(change ...func(*Pair)) Pair {
	s := Session{200, 303, 200}
	p := Pair{Type: "web", Serves: true, First: Single{Ready: true, Alone: s, Beside: s}, Second: Single{Ready: true, Beside: s}, After: s}
	for _, c := range change {
		c(&p)
	}
	return p
}

func webWatch(change ...func(*Watch)) Watch {
	w := Watch{Type: "web", Started: true, Lived: true, Seen: 4, Stopped: true}
	for _, c := range change {
		c(&w)
	}
	return w
}

type row struct {
	o    Observations
	want standard.Outcome
	why  string
}

func check(t *testing.T, claim int, id string, rows map[string]row) {
	t.Helper()
	for name, c := range rows {
		t.Run(name, func(t *testing.T) {
			f := judge(c.o)[claim]
			if f.Claim != id || f.Outcome != c.want || !strings.Contains(f.Why, c.why) || (c.want == standard.Pass) != (f.Why == "") {
				t.Errorf("got %+v, want %s with %q", f, c.want, c.why)
			}
		})
	}
}

func TestScales(t *testing.T) {
	pairs := func(list ...Pair) Observations { return Observations{Pairs: list} }
	worker := Pair{Type: "worker", First: Single{Ready: true}, Second: Single{Ready: true}}
	locked := worker
	locked.Second = Single{Exit: "exit status 1", Tail: "locked"}
	check(t, 0, "processes.scales", map[string]row{
		"honest":              {pairs(webPair()), standard.Pass, ""},
		"honest two types":    {pairs(webPair(), worker), standard.Pass, ""},
		"nothing recorded":    {Observations{}, standard.Unknown, "nothing was recorded"},
		"empty pair":          {pairs(Pair{}), standard.Unknown, "alone did not stay up"},
		"first not ready":     {pairs(webPair(func(p *Pair) { p.First.Ready = false })), standard.Unknown, "alone did not stay up"},
		"second never there":  {pairs(webPair(func(p *Pair) { p.Second.Ready = false })), standard.Fail, "does not come up"},
		"second ended":        {pairs(webPair(func(p *Pair) { p.Second.Exit = "exit status 1" })), standard.Fail, "does not stay"},
		"first ended":         {pairs(webPair(func(p *Pair) { p.First.Exit = "exit status 1" })), standard.Fail, "the first web ends"},
		"worker locked":       {pairs(webPair(), locked), standard.Fail, "worker does not come up"},
		"session fails alone": {pairs(webPair(func(p *Pair) { p.First.Alone = Session{200, 0, 200} })), standard.Unknown, "does not work on one"},
		"no session":          {pairs(webPair(func(p *Pair) { p.First.Alone = nil })), standard.Unknown, "does not work on one"},
		"first suffers":       {pairs(webPair(func(p *Pair) { p.First.Beside = Session{200, 500, 200} })), standard.Fail, "the first beside"},
		"second suffers":      {pairs(webPair(func(p *Pair) { p.Second.Beside = Session{200, 500, 200} })), standard.Fail, "the second does not"},
		"socket was taken":    {pairs(webPair(func(p *Pair) { p.After = Session{502, 502, 502} })), standard.Fail, "after the second had gone"},
	})
}

func TestForeground(t *testing.T) {
	watches := func(list ...Watch) Observations { return Observations{Watches: list} }
	check(t, 1, "processes.foreground", map[string]row{
		"honest":           {watches(webWatch()), standard.Pass, ""},
		"had to be killed": {watches(webWatch(func(w *Watch) { w.Stopped = false })), standard.Pass, ""},
		"nothing recorded": {Observations{}, standard.Unknown, "nothing was recorded"},
		"empty watch":      {watches(Watch{}), standard.Unknown, "did not stay up"},
		"not started":      {watches(webWatch(func(w *Watch) { w.Started = false })), standard.Unknown, "did not stay up"},
		"did not live":     {watches(webWatch(func(w *Watch) { w.Lived = false })), standard.Unknown, "did not stay up"},
		"nobody seen":      {watches(webWatch(func(w *Watch) { w.Seen = 0 })), standard.Unknown, "did not stay up"},
		"forks and leaves": {watches(webWatch(func(w *Watch) { w.Lived, w.Left = false, []Left{{"python3", "orphan", true}} })), standard.Fail, "into the background"},
		"ended, orphan":    {watches(webWatch(func(w *Watch) { w.Lived, w.Left = false, []Left{{"cat", "orphan", false}} })), standard.Fail, "leaves the session"},
		"orphan":           {watches(webWatch(func(w *Watch) { w.Left = []Left{{"python3", "orphan", true}} })), standard.Fail, "leaves the session"},
		"own session":      {watches(webWatch(func(w *Watch) { w.Left = []Left{{"python3", "session", false}} })), standard.Fail, "leaves the session"},
		"second type":      {watches(webWatch(), webWatch(func(w *Watch) { w.Left = []Left{{"x", "session", false}} })), standard.Fail, "leaves the session"},
		"named pid file":   {watches(webWatch(func(w *Watch) { w.PIDFiles = []PIDFile{{"/tmp/a.pid", true, []int{7}}} })), standard.Fail, "PID file"},
		"twice right":      {watches(webWatch(func(w *Watch) { w.PIDFiles = []PIDFile{{"/tmp/a", false, []int{7, 9}}} })), standard.Fail, "PID file"},
		"once by chance":   {watches(webWatch(func(w *Watch) { w.PIDFiles = []PIDFile{{"/tmp/a", false, []int{7}}} })), standard.Pass, ""},
		"outlived":         {watches(webWatch(func(w *Watch) { w.Outlived = []string{"python3 on 1"} })), standard.Fail, "outlives"},
	})
}

func TestFileTellsIDsFromOtherNumbers(t *testing.T) {
	ids := map[int]bool{7: true, 9: true, 2: true}
	for _, c := range []struct {
		path, head   string
		found, named bool
	}{
		{"/tmp/app.pid", "7\n", true, true},
		{"/tmp/app.pid", "8\n", false, false},
		{"/tmp/app.pid", "2\n", false, false},
		{"/run/lock", "9", true, false},
		{"/run/lock", "9\nhost\n", true, false},
		{"/run/state", `{"pid": 7, "x": 1}`, true, false},
		{"/run/state", "pid=9", true, false},
		{"/run/state", "7 visits", false, false},
		{"/run/rapid", "7", true, false},
		{"/run/web_pid", "7", true, true},
		{"/run/empty.pid", "", false, false},
	} {
		w := Watch{}
		w.file(sandbox.Written{Path: c.path, Head: []byte(c.head)}, ids, 7)
		if (len(w.PIDFiles) > 0) != c.found || c.found && w.PIDFiles[0].Named != c.named {
			t.Errorf("%s with %q: got %+v", c.path, c.head, w.PIDFiles)
		}
		w.file(sandbox.Written{Path: c.path, Head: []byte(c.head)}, ids, 7)
		if c.found && len(w.PIDFiles[0].Roots) != 1 {
			t.Errorf("%s counts one start twice", c.path)
		}
	}
}

func TestSayTellsHowAProcessFared(t *testing.T) {
	for _, c := range []struct {
		single Single
		want   string
	}{
		{Single{After: 5}, "was not there after 5.0 s"},
		{Single{After: 5, Exit: "exit status 1"}, "ended with exit status 1"},
		{Single{After: 5, Exit: "exit status 1", Tail: "locked"}, "ended with exit status 1: locked"},
	} {
		if got := c.single.say(); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}
