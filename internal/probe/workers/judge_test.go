package workers

import (
	"strings"
	"testing"

	"github.com/roadworthy-dev/roadworthy/internal/replay"
	"github.com/roadworthy-dev/roadworthy/internal/standard"
)

func round(change ...func(*Round)) Round {
	r := Round{Calm: []float64{0.01, 0.02, 0.01}, Levels: []Level{
		{Held: 1, For: 1, Waits: []float64{0.01, 0.01, 0.9}},
		{Held: 2, For: 1, Waits: []float64{0.02, 0.01, 0.01}},
	}}
	for _, c := range change {
		c(&r)
	}
	return r
}

func blocks(r *Round)    { r.Levels[1].Waits = []float64{0.8, 0.01, 0.7, 0.9} }
func handed(r *Round)    { r.Levels[1].Waits = []float64{0.8, 0.01, 0.7} } // one to each held worker, in turn
func blocksOne(r *Round) { r.Levels[0].Waits = []float64{0.2, 0.2, 0.2} }
func silent(r *Round)    { r.Levels[1].Bad = 2 }
func short(r *Round)     { r.Levels[0].Waits = r.Levels[0].Waits[:2] }
func brief(r *Round)     { r.Levels[0].For, r.Levels[0].Waits = 0.04, []float64{0.001, 0.001, 0.001} }
func oneLevel(r *Round)  { r.Levels = r.Levels[:1] }
func wrongOrder(r *Round) {
	r.Levels[0].Held = 2
}
func noCalm(r *Round) { r.Calm = nil }
func crowded(r *Round) {
	r.Levels[1].Waits, r.Calm = []float64{0.2, 0.2, 0.2, 0.2}, []float64{0.07, 0.07, 0.07}
}
func lockedToo(r *Round) {
	r.Levels[1].Waits, r.Calm = []float64{0.2, 0.2, 0.2, 0.2}, []float64{0.06, 0.06, 0.07}
}
func noWaits(r *Round) { r.Levels[0].Waits = nil }

func played(change ...func(replay.Session)) replay.Session {
	s := replay.Session{{Request: "POST /m", Status: 303}, {Request: "GET /", Status: 200, Own: 1, Carried: true}}
	for _, c := range change {
		c(s)
	}
	return s
}

func forgets(s replay.Session) { s[1].Own, s[1].Carried = 0, false }
func refuses(s replay.Session) { s[0].Status = 403 }

func supervised() Observations {
	k := Kill{Held: 1, Sent: 3, Lost: 1, Later: 9, Before: 3, After: 3, Took: 0.1}
	return Observations{
		Supervised: true, Workers: 3, Usual: 0.01, Takes: 1, Rounds: []Round{round(), round(), round()},
		Replace: Replace{Tried: true, Found: 3, Kills: []Kill{k, k, k}, Alone: 3, Last: 3},
		Sessions: Sessions{
			Plain: []replay.Session{played(), played()}, Spread: []replay.Session{played()}, Found: 3, Answered: 3, Stores: []string{"REDIS_URL"},
		},
		Scale: Scale{
			Few:  Width{Set: 1, Started: true, Accept: 1, Alone: 1, Sent: 4, Served: 1},
			Many: Width{Set: 4, Started: true, Accept: 4, Alone: 4, Sent: 4, Served: 4},
		},
	}
}

func unsupervised() Observations {
	o := supervised()
	o.Supervised, o.Replace = false, Replace{}
	o.Scale = Scale{Few: Width{Set: 1, Started: true, Alone: 1}, Many: Width{Set: 3, Started: true, Alone: 3}}
	return o
}

type row struct {
	base   func() Observations
	change func(*Observations)
	want   standard.Outcome
	why    string
}

func same(*Observations) {}

func nothing() Observations { return Observations{} }

func check(t *testing.T, claim int, id string, rows map[string]row) {
	t.Helper()
	for name, c := range rows {
		t.Run(name, func(t *testing.T) {
			o := c.base()
			c.change(&o)
			f := judge(o)[claim]
			if f.Claim != id || f.Outcome != c.want || !strings.Contains(f.Why, c.why) || (c.want == standard.Pass) != (f.Why == "") {
				t.Errorf("got %+v, want %s with %q", f, c.want, c.why)
			}
		})
	}
}

func TestParallel(t *testing.T) {
	rounds := func(list ...Round) func(*Observations) { return func(o *Observations) { o.Rounds = list } }
	b := round(blocks)
	check(t, 0, "workers.parallel", map[string]row{
		"honest":                    {supervised, same, standard.Pass, ""},
		"honest processes":          {unsupervised, same, standard.Pass, ""},
		"nothing recorded":          {nothing, same, standard.Unknown, "nothing was recorded"},
		"no rounds":                 {supervised, rounds(), standard.Unknown, "nothing was recorded"},
		"one worker":                {supervised, func(o *Observations) { o.Workers = 1 }, standard.Unknown, "nothing was recorded"},
		"two rounds":                {supervised, rounds(round(), round()), standard.Unknown, "too few rounds"},
		"global lock":               {supervised, rounds(b, b, b), standard.Fail, "wait for slow ones"},
		"blocked by the first":      {supervised, rounds(round(blocksOne), round(blocksOne), round(blocksOne)), standard.Fail, "wait for slow ones"},
		"mostly blocked":            {supervised, rounds(round(), b, b, round(), b), standard.Fail, "wait for slow ones"},
		"a busy machine":            {supervised, rounds(round(), b, round(), b, round()), standard.Pass, ""},
		"one more for each held":    {supervised, rounds(round(handed), round(handed), round(handed)), standard.Unknown, "over before"},
		"as long when none is held": {supervised, rounds(round(crowded), round(crowded), round(crowded), round(), round()), standard.Unknown, "too much other work"},
		"longer than with none":     {supervised, rounds(round(lockedToo), round(lockedToo), round(lockedToo)), standard.Fail, "wait for slow ones"},
		"none without held ones":    {supervised, rounds(round(noCalm), round(noCalm), round(noCalm)), standard.Unknown, "over before"},
		"and others at once":        {supervised, rounds(round(handed), round(), round(handed), round(), round()), standard.Pass, ""},
		"undecided":                 {supervised, rounds(round(), b, round(), b), standard.Unknown, "too few rounds"},
		"no replies":                {supervised, rounds(round(silent), round(silent), round(silent)), standard.Fail, "wait for slow ones"},
		"too few requests":          {supervised, rounds(round(short), round(short), round(short)), standard.Unknown, "over before"},
		"hardly slower":             {supervised, rounds(round(brief), round(brief), round(brief)), standard.Unknown, "over before"},
		"one level":                 {supervised, rounds(round(oneLevel), round(oneLevel), round(oneLevel)), standard.Unknown, "over before"},
		"levels in another order":   {supervised, rounds(round(wrongOrder), round(wrongOrder), round(wrongOrder)), standard.Unknown, "over before"},
		"nothing waited":            {supervised, rounds(round(noWaits), round(noWaits), round(noWaits)), standard.Unknown, "over before"},
		"do not start together":     {unsupervised, func(o *Observations) { o.Scale.Many.Started = false }, standard.Unknown, "does not start beside"},
		"at the limit": {supervised, func(o *Observations) {
			for i := range o.Rounds {
				o.Rounds[i].Levels[0].Waits = []float64{0.1, 0.1, 0.1}
			}
		}, standard.Pass, ""},
	})
}

func TestReplace(t *testing.T) {
	kill := func(change func(*Kill)) func(*Observations) {
		return func(o *Observations) { change(&o.Replace.Kills[1]) }
	}
	check(t, 1, "workers.replace", map[string]row{
		"honest":                  {supervised, same, standard.Pass, ""},
		"processes":               {unsupervised, same, standard.NotApplicable, "the business of the runtime"},
		"threads":                 {supervised, func(o *Observations) { o.Replace = Replace{Tried: true} }, standard.NotApplicable, "threads"},
		"threads and a helper":    {supervised, func(o *Observations) { o.Replace = Replace{Tried: true, Children: 1} }, standard.NotApplicable, "threads"},
		"fed by pipes":            {supervised, func(o *Observations) { o.Replace = Replace{Tried: true, Children: 2} }, standard.Unknown, "its workers could not be told apart: 2 child processes run"},
		"nothing recorded":        {nothing, same, standard.Unknown, "nothing was recorded"},
		"not tried":               {supervised, func(o *Observations) { o.Replace = Replace{} }, standard.Unknown, "nothing was recorded"},
		"no kill":                 {supervised, func(o *Observations) { o.Replace.Kills = nil }, standard.Unknown, "only 0 of 3"},
		"two kills of three":      {supervised, func(o *Observations) { o.Replace.Kills = o.Replace.Kills[:2] }, standard.Unknown, "only 2 of 3"},
		"none counted in the end": {supervised, func(o *Observations) { o.Replace.Last, o.Replace.Alone = 0, 0 }, standard.Unknown, "could be told apart"},
		"never replaced":          {supervised, kill(func(k *Kill) { k.After = 2 }), standard.Fail, "only 2 of 3 workers"},
		"master exits":            {supervised, kill(func(k *Kill) { k.Ended = "exit status 1" }), standard.Fail, "the process that was started"},
		"others restart":          {supervised, kill(func(k *Kill) { k.Others = 2 }), standard.Fail, "2 other workers"},
		"one on its way":          {supervised, kill(func(k *Kill) { k.Lost = 2 }), standard.Pass, ""},
		"sent before its end":     {supervised, kill(func(k *Kill) { k.Lost, k.Between = 4, 3 }), standard.Pass, ""},
		"more than were sent":     {supervised, kill(func(k *Kill) { k.Lost, k.Between = 5, 3 }), standard.Fail, "5 requests were lost"},
		"loses those of others":   {supervised, kill(func(k *Kill) { k.Lost = 3 }), standard.Fail, "3 requests were lost"},
		"loses later ones":        {supervised, kill(func(k *Kill) { k.LaterBad = 2 }), standard.Fail, "3 requests were lost"},
		"dummy replacement":       {supervised, func(o *Observations) { o.Replace.Alone = 2 }, standard.Fail, "only 2 of 3 workers answer"},
	})
}

func TestSessions(t *testing.T) {
	s := func(change func(*Sessions)) func(*Observations) { return func(o *Observations) { change(&o.Sessions) } }
	runs := func(list ...replay.Session) []replay.Session { return list }
	check(t, 2, "workers.sessions", map[string]row{
		"honest":                {supervised, same, standard.Pass, ""},
		"honest processes":      {unsupervised, same, standard.Pass, ""},
		"nothing recorded":      {nothing, same, standard.Unknown, "not played often enough"},
		"one plain run":         {supervised, s(func(s *Sessions) { s.Plain = s.Plain[:1] }), standard.Unknown, "not played often enough"},
		"never spread":          {supervised, s(func(s *Sessions) { s.Spread = nil }), standard.Unknown, "not played often enough"},
		"empty":                 {supervised, s(func(s *Sessions) { s.Plain = runs(nil, nil) }), standard.Unknown, "not played often enough"},
		"in a worker's memory":  {supervised, s(func(s *Sessions) { s.Spread = runs(played(forgets)) }), standard.Fail, "in 1 of 1 runs"},
		"most runs":             {supervised, s(func(s *Sessions) { s.Spread = runs(played(forgets), played(), played(forgets)) }), standard.Fail, "in 2 of 3 runs"},
		"one run":               {supervised, s(func(s *Sessions) { s.Spread = runs(played(forgets), played(), played()) }), standard.Pass, ""},
		"refused":               {supervised, s(func(s *Sessions) { s.Plain = runs(played(refuses), played(refuses)) }), standard.Unknown, "not even work"},
		"unsteady":              {supervised, s(func(s *Sessions) { s.Plain = runs(played(), played(forgets)) }), standard.Unknown, "do not agree"},
		"one worker answered":   {supervised, s(func(s *Sessions) { s.Answered = 1 }), standard.Unknown, "no second worker"},
		"threads":               {supervised, s(func(s *Sessions) { s.Found, s.Answered = 0, 0 }), standard.Pass, ""},
		"threads and a helper":  {supervised, s(func(s *Sessions) { s.Found, s.Answered, s.Children = 0, 0, 1 }), standard.Pass, ""},
		"fed by pipes":          {supervised, s(func(s *Sessions) { s.Found, s.Answered, s.Children = 0, 0, 3 }), standard.Unknown, "its workers could not be told apart: 3 child processes run"},
		"fed by pipes, and bad": {supervised, s(func(s *Sessions) { s.Found, s.Answered, s.Children, s.Plain[0][0].Status = 0, 0, 3, 500 }), standard.Unknown, "does not even work"},
		"do not start together": {unsupervised, func(o *Observations) { o.Scale.Many.Started = false }, standard.Unknown, "does not start beside"},
		"carries nothing": {supervised, s(func(s *Sessions) {
			s.Plain, s.Spread = runs(played(forgets), played(forgets)), runs(played(forgets))
		}), standard.Unknown, "does not touch it"},
		"carries no files": {supervised, s(func(s *Sessions) {
			s.Plain, s.Spread, s.Stores, s.Files = runs(played(forgets), played(forgets)), runs(played(forgets)), nil, []string{"/app/data.json"}
		}), standard.Unknown, "/app/data.json keeps something"},
		"nothing to carry": {supervised, s(func(s *Sessions) {
			s.Plain, s.Spread, s.Stores = runs(played(forgets), played(forgets)), runs(played(forgets)), nil
		}), standard.Pass, ""},
	})
}

func TestScale(t *testing.T) {
	many := func(change func(*Width)) func(*Observations) { return func(o *Observations) { change(&o.Scale.Many) } }
	check(t, 3, "workers.scale", map[string]row{
		"honest":                 {supervised, same, standard.Pass, ""},
		"honest processes":       {unsupervised, same, standard.Pass, ""},
		"nothing recorded":       {nothing, same, standard.Unknown, "nothing was recorded"},
		"only one number":        {supervised, many(func(w *Width) { w.Set = 1 }), standard.Unknown, "nothing was recorded"},
		"setting ignored":        {supervised, many(func(w *Width) { w.Accept, w.Alone, w.Served = 1, 1, 1 }), standard.Fail, "no more in parallel"},
		"by requests alone":      {supervised, many(func(w *Width) { w.Accept, w.Alone, w.Served = 1, 0, 2 }), standard.Pass, ""},
		"not quite twofold":      {supervised, func(o *Observations) { o.Scale.Few.Served = 2; o.Scale.Many = Width{Set: 4, Started: true, Served: 3} }, standard.Fail, "no more"},
		"by processes alone":     {supervised, many(func(w *Width) { w.Alone, w.Served = 0, 1 }), standard.Unknown, "no more slow requests"},
		"by sweeping alone":      {supervised, many(func(w *Width) { w.Accept, w.Served = 1, 1 }), standard.Unknown, "no more slow requests"},
		"by processes, busy":     {supervised, func(o *Observations) { o.Scale.Few.Served, o.Scale.Many.Served = 2, 3 }, standard.Pass, ""},
		"one worker suffices":    {supervised, func(o *Observations) { o.Scale.Few.Served, o.Scale.Many.Served = 4, 4 }, standard.Pass, ""},
		"by processes, untold":   {supervised, func(o *Observations) { o.Scale.Few.Sent, o.Scale.Few.Served, o.Scale.Many.Served = 0, 0, 0 }, standard.Pass, ""},
		"one process too few":    {supervised, many(func(w *Width) { w.Accept, w.Alone, w.Served = 3, 3, 1 }), standard.Fail, "no more"},
		"as many before":         {supervised, func(o *Observations) { o.Scale.Few.Accept, o.Scale.Many.Served = 4, 1 }, standard.Fail, "no more"},
		"does not start at many": {supervised, many(func(w *Width) { w.Started, w.Tail = false, "no" }), standard.Fail, "does not start with 4: no"},
		"does not start at one":  {supervised, func(o *Observations) { o.Scale.Few.Started = false }, standard.Fail, "does not start with 1"},
		"second does not start":  {unsupervised, many(func(w *Width) { w.Started, w.Tail = false, "locked" }), standard.Fail, "does not start with 3: locked"},
		"one process does all":   {unsupervised, many(func(w *Width) { w.Alone = 1 }), standard.Fail, "no more in parallel"},
		"too slow to tell": {supervised, func(o *Observations) {
			o.Scale.Few.Served = 0
			o.Scale.Many.Served = 0
			o.Scale.Many.Accept, o.Scale.Many.Alone = 1, 1
		},
			standard.Unknown, "not even one slow request"},
		"nobody served, more accept": {supervised, func(o *Observations) { o.Scale.Few.Served, o.Scale.Many.Served = 0, 0 }, standard.Pass, ""},
	})
}
