package stateless

import (
	"strings"
	"testing"

	"github.com/roadworthy-dev/roadworthy/internal/replay"
	"github.com/roadworthy-dev/roadworthy/internal/standard"
)

// played is a session that entered something and shows it.
func played(change ...func(replay.Session)) replay.Session {
	s := replay.Session{
		{Step: 0, Request: "GET /", Status: 200, Pieces: []string{"welcome"}},
		{Step: 1, Request: "POST /m", Status: 303, Head: "/"},
		{Step: 1, Request: "GET /", Status: 200, Own: 1, Carried: true, Pieces: []string{"welcome", "$nonce"}},
	}
	for _, c := range change {
		c(s)
	}
	return s
}

func forgets(s replay.Session) { s[2].Own, s[2].Carried = 0, false }
func refuses(s replay.Session) { s[1].Status = 403 }
func fails(s replay.Session)   { s[1].Err = "cut off" }
func silent(s replay.Session)  { s[1].Status = 0 }
func plainly(s replay.Session) { forgets(s); s[2].Pieces = []string{"welcome", "x"} }

func runs(list ...replay.Session) []replay.Session { return list }

func TestJudge(t *testing.T) {
	good := Observations{Plain: runs(played(), played()), Alternating: runs(played()), Restarted: runs(played()), Stores: []string{"REDIS_URL"}}
	edit := func(change func(*Observations)) Observations { o := good; change(&o); return o }
	for name, c := range map[string]struct {
		o    Observations
		want standard.Outcome
		why  string
	}{
		"honest":             {good, standard.Pass, ""},
		"nothing recorded":   {Observations{}, standard.Unknown, "not played often enough"},
		"one plain run":      {edit(func(o *Observations) { o.Plain = runs(played()) }), standard.Unknown, "not played often enough"},
		"never alternated":   {edit(func(o *Observations) { o.Alternating = nil }), standard.Unknown, "not played often enough"},
		"never restarted":    {edit(func(o *Observations) { o.Restarted = nil }), standard.Unknown, "not played often enough"},
		"empty sessions":     {edit(func(o *Observations) { o.Plain = runs(nil, nil) }), standard.Unknown, "not played often enough"},
		"sessions in memory": {edit(func(o *Observations) { o.Alternating = runs(played(forgets)); o.Restarted = runs(played(forgets)) }), standard.Fail, "in turn"},
		"only the other":     {edit(func(o *Observations) { o.Alternating = runs(played(forgets)) }), standard.Fail, "in turn"},
		"local disk":         {edit(func(o *Observations) { o.Restarted = runs(played(forgets)) }), standard.Fail, "fresh start"},
		"two of three runs":  {edit(func(o *Observations) { o.Restarted = runs(played(forgets), played(), played(forgets)) }), standard.Fail, "2 of 3"},
		"one of three runs":  {edit(func(o *Observations) { o.Restarted = runs(played(forgets), played(), played()) }), standard.Pass, ""},
		"one of two runs":    {edit(func(o *Observations) { o.Restarted = runs(played(forgets), played()) }), standard.Pass, ""},
		"refused on one":     {edit(func(o *Observations) { o.Plain = runs(played(), played(refuses)) }), standard.Unknown, "not even work"},
		"cut off on one":     {edit(func(o *Observations) { o.Plain = runs(played(fails), played()) }), standard.Unknown, "not even work"},
		"silent on one":      {edit(func(o *Observations) { o.Plain = runs(played(silent), played(silent)) }), standard.Unknown, "not even work"},
		"plain runs differ":  {edit(func(o *Observations) { o.Plain = runs(played(), played(forgets)) }), standard.Unknown, "do not agree"},
		"carries nothing": {Observations{
			Plain: runs(played(plainly), played(plainly)), Alternating: runs(played(plainly)), Restarted: runs(played(plainly)), Stores: []string{"REDIS_URL"},
		}, standard.Unknown, "does not touch it"},
		"keeps a file of its own": {Observations{
			Plain: runs(played(plainly), played(plainly)), Alternating: runs(played(plainly)), Restarted: runs(played(plainly)), Files: []string{"/app/data.json"},
		}, standard.Unknown, "/app/data.json"},
		"has nothing to carry": {Observations{
			Plain: runs(played(plainly), played(plainly)), Alternating: runs(played(plainly)), Restarted: runs(played(plainly)),
		}, standard.Pass, ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := judge(c.o)
			if len(f) != 1 || f[0].Claim != "stateless.replay" || f[0].Outcome != c.want || !strings.Contains(f[0].Why, c.why) {
				t.Errorf("got %+v, want %s with %q", f, c.want, c.why)
			}
		})
	}
}
