package errormail

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

func traced() []Trace {
	return []Trace{{Language: "python", Type: "RuntimeError", Frames: []string{"web.py:76", "web.py:131"}}}
}

// mailed is what an honest application does with one exception.
func mailed(recipients ...string) Mailing {
	return Mailing{
		Recipients: recipients, Target: "GET /fault?q=n", Status: 500, Logged: traced(),
		Mails: []Mail{{To: recipients, After: 10, Nonce: true, Path: true, Traces: traced()}},
	}
}

func storm() Storm {
	to := []string{"a@x.example", "b@y.example"}
	return Storm{
		Recipients: to, Sent: 300, Raised: 300, Total: 2, Stopped: true,
		Mails: []Mail{{To: to, Traces: traced()}, {To: to, Counts: []string{"299 more", "300 errors"}}},
	}
}

func harm(mode string) Harm {
	return Harm{
		Mode: mode, Healthy: Load{Sent: 20, Slowest: 0.1}, Ordinary: Load{Sent: 40, Slowest: 0.6}, Failing: Load{Sent: 50, Slowest: 2}, Attempts: 1,
	}
}

func honest() Observations {
	return Observations{
		Setting: "ERROR_MAIL", First: mailed("a@x.example", "b@y.example"), Second: mailed("c@z.example", "d@z.example", "e@z.example"),
		Storm: storm(), Dead: []Harm{harm("reject"), harm("stall-data"), harm("closed")},
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
		got[strings.TrimPrefix(f.Claim, "error.mail.")] = f.Outcome
		why += f.Claim + ": " + f.Seen + ": " + f.Why + "\n"
	}
	return got, why
}

func TestJudge(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Observations)
		want   map[string]standard.Outcome // what is not a pass
		why    string
	}{
		"honest": {func(*Observations) {}, nil, "1 mails, the first after 10.0 s to a@x.example, b@y.example with 2 frames of python"},
		"no setting": {func(o *Observations) { *o = Observations{} },
			map[string]standard.Outcome{"trace": fail, "recipients": fail, "storm": fail, "dead": fail}, "no setting of the manifest"},
		"nothing recorded": {func(o *Observations) { *o = Observations{Setting: "ERROR_MAIL"} },
			map[string]standard.Outcome{"trace": unknown, "recipients": unknown, "storm": unknown, "dead": unknown}, ""},
		"no mail":      {func(o *Observations) { o.First.Mails = nil }, map[string]standard.Outcome{"trace": fail}, "no mail to a@x.example"},
		"a late mail":  {func(o *Observations) { o.First.Mails[0].After = 10.1 }, map[string]standard.Outcome{"trace": fail}, "within 10 s"},
		"no exception": {func(o *Observations) { o.First.Mails, o.First.Status = nil, 404 }, map[string]standard.Outcome{"trace": unknown}, "404"},
		"no reply and no mail": {func(o *Observations) { o.First.Mails, o.First.Status = nil, 0 },
			map[string]standard.Outcome{"trace": fail}, ""},
		"one recipient is left out": {func(o *Observations) { o.First.Mails[0].To = o.First.Recipients[:1] }, map[string]standard.Outcome{"trace": fail}, "b@y.example"},
		"a stranger":                {func(o *Observations) { o.First.Mails[0].To = append([]string{"x@v.example"}, o.First.Recipients...) }, map[string]standard.Outcome{"trace": fail}, "x@v.example, who"},
		"a late copy to a stranger": {func(o *Observations) {
			o.First.Mails = append(o.First.Mails, Mail{To: []string{"x@v.example"}, After: 12})
		}, map[string]standard.Outcome{"trace": fail}, "x@v.example"},
		"upper case is the same": {func(o *Observations) { o.First.Mails[0].To = []string{"A@x.example", "b@Y.example"} }, nil, ""},
		"one mail each": {func(o *Observations) {
			m := o.First.Mails[0]
			other := m
			m.To, other.To = m.To[:1], m.To[1:]
			o.First.Mails = []Mail{m, other}
		}, nil, ""},
		"one mail each, one without a trace": {func(o *Observations) {
			m := o.First.Mails[0]
			other := m
			m.To, other.To, other.Traces = m.To[:1], m.To[1:], nil
			o.First.Mails = []Mail{m, other}
		}, map[string]standard.Outcome{"trace": fail}, "the mail to b@y.example holds no stack trace"},
		"a second mail has the trace": {func(o *Observations) {
			m := o.First.Mails[0]
			m.Traces = nil
			o.First.Mails = append([]Mail{m}, o.First.Mails...)
		}, nil, ""},
		"no trace":                        {func(o *Observations) { o.First.Mails[0].Traces = nil }, map[string]standard.Outcome{"trace": fail}, "no stack trace"},
		"the path alone":                  {func(o *Observations) { o.First.Mails[0].Nonce = false }, nil, ""},
		"the nonce alone":                 {func(o *Observations) { o.First.Mails[0].Path = false }, nil, ""},
		"neither":                         {func(o *Observations) { o.First.Mails[0].Nonce, o.First.Mails[0].Path = false, false }, map[string]standard.Outcome{"trace": fail}, "neither the failing request"},
		"another request":                 {func(o *Observations) { o.First.Mails[0].Nonce, o.First.Mails[0].Other = false, "GET /?q=o" }, map[string]standard.Outcome{"trace": fail}, "another request: GET /?q=o"},
		"another request beside this one": {func(o *Observations) { o.First.Mails[0].Other = "GET /?q=o" }, nil, ""},
		"nothing was logged":              {func(o *Observations) { o.First.Logged = nil }, nil, ""},
		"a trace of another type": {func(o *Observations) {
			o.First.Mails[0].Traces = []Trace{{Type: "Canned", Frames: traced()[0].Frames}}
		}, map[string]standard.Outcome{"trace": fail}, `a trace of "Canned"`},
		"a trace without a type": {func(o *Observations) { o.First.Mails[0].Traces = []Trace{{Frames: traced()[0].Frames[1:]}} }, nil, ""},
		"logged without a type":  {func(o *Observations) { o.First.Logged[0].Type = "" }, nil, ""},
		"a trace of other places": {func(o *Observations) {
			o.First.Mails[0].Traces = []Trace{{Type: "RuntimeError", Frames: []string{"start.py:1"}}}
		}, map[string]standard.Outcome{"trace": fail}, "holds a trace"},
		"the second of several traces": {func(o *Observations) {
			o.First.Mails[0].Traces = append([]Trace{{Type: "Other", Frames: []string{"x:1"}}}, traced()...)
		}, nil, ""},

		"the second list is ignored":  {func(o *Observations) { o.Second.Mails = o.First.Mails }, map[string]standard.Outcome{"recipients": fail}, "not on the list"},
		"no mail to the second list":  {func(o *Observations) { o.Second.Mails = nil }, map[string]standard.Outcome{"recipients": fail}, "no mail to c@z.example"},
		"two of three":                {func(o *Observations) { o.Second.Mails[0].To = o.Second.Recipients[:2] }, map[string]standard.Outcome{"recipients": fail}, "e@z.example"},
		"no trace to the second list": {func(o *Observations) { o.Second.Mails[0].Traces = nil }, nil, ""},
		"a list of the same length":   {func(o *Observations) { o.Second = mailed("c@z.example", "d@z.example") }, map[string]standard.Outcome{"recipients": unknown}, "no other one"},
		"a list with an old name": {func(o *Observations) { o.Second = mailed("a@x.example", "d@z.example", "e@z.example") },
			map[string]standard.Outcome{"recipients": unknown}, "no other one"},

		"nothing failed":   {func(o *Observations) { o.Dead = nil }, map[string]standard.Outcome{"dead": unknown}, "no mail server failed"},
		"the last is slow": {func(o *Observations) { o.Dead[2].Failing.Slowest = 2.1 }, map[string]standard.Outcome{"dead": fail}, "under closed a failing request took 2100 ms"},
		"a slow round is repeated": {func(o *Observations) {
			slow := harm("reject")
			slow.Failing.Slowest = 3
			o.Dead = append([]Harm{slow}, o.Dead...)
		}, nil, ""},
		"a second round is slow as well": {func(o *Observations) {
			slow := harm("closed")
			slow.Failing.Slowest = 3
			o.Dead = append(o.Dead, slow)
		}, map[string]standard.Outcome{"dead": fail}, ""},
		"unknown does not hide a failure": {func(o *Observations) { o.Dead[0].Failing.Failed, o.Dead[1].Attempts = 1, 0 }, map[string]standard.Outcome{"dead": fail}, "got no reply under reject"},
		"a failure counts after unknown":  {func(o *Observations) { o.Dead[0].Attempts, o.Dead[1].Failing.Failed = 0, 1 }, map[string]standard.Outcome{"dead": fail}, "under stall-data"},
		"the worst is shown": {func(o *Observations) { o.Dead[0].Failing.Slowest, o.Dead[2].Failing.Slowest = 0.4, 0.3 }, nil,
			"at worst, with a mail server in mode stall-data"},
	} {
		t.Run(name, func(t *testing.T) {
			o := honest()
			c.change(&o)
			want := map[string]standard.Outcome{"trace": pass, "recipients": pass, "storm": pass, "dead": pass}
			maps.Copy(want, c.want)
			got, why := outcomes(t, o)
			if !maps.Equal(got, want) || !strings.Contains(why, c.why) {
				t.Errorf("got %v, want %v with %q\n%s", got, want, c.why, why)
			}
		})
	}
}

func TestJudgeStorm(t *testing.T) {
	both := storm().Recipients
	first := Mail{To: both, Traces: traced()}
	summary := func(counts ...string) Mail { return Mail{To: both, Counts: counts} }
	for name, c := range map[string]struct {
		change func(*Storm)
		want   standard.Outcome
		why    string
	}{
		"honest":           {func(*Storm) {}, pass, "2 mails with the counts"},
		"no storm":         {func(s *Storm) { s.Raised, s.Sent = 199, 199 }, unknown, "no storm"},
		"just a storm":     {func(s *Storm) { s.Raised, s.Sent, s.Mails[1] = 200, 200, summary("200 errors") }, pass, ""},
		"no mail":          {func(s *Storm) { s.Mails, s.Total = nil, 0 }, fail, "no mail at all to a@x.example"},
		"to one alone":     {func(s *Storm) { s.Mails[0].To, s.Mails[1].To = both[:1], both[:1] }, fail, "no mail at all to b@y.example"},
		"counts for one":   {func(s *Storm) { s.Mails[1].To = both[:1] }, fail, "do not add up"},
		"one mail each":    {func(s *Storm) { s.Mails, s.Total = many(first, 300), 300 }, fail, "300 mails for 300 exceptions"},
		"41 with a count":  {func(s *Storm) { s.Total = 41 }, fail, "41 mails"},
		"40 for two":       {func(s *Storm) { s.Total = 40 }, pass, ""},
		"21 to each":       {func(s *Storm) { s.Mails = append(many(first, 20), summary("300 errors")) }, fail, ""},
		"20 to each":       {func(s *Storm) { s.Mails = append(many(first, 19), summary("300 errors")) }, pass, ""},
		"requests failed":  {func(s *Storm) { s.Sent = 306 }, unknown, "6 of 306 requests did not end"},
		"it was not ended": {func(s *Storm) { s.Stopped, s.Mails = false, s.Mails[:1] }, unknown, "not stopped"},
		"told before":      {func(s *Storm) { s.Stopped = false }, pass, ""},
		"silence":          {func(s *Storm) { s.Mails = s.Mails[:1] }, fail, "no mail states 300 errors"},
		"wrong":            {func(s *Storm) { s.Mails[1] = summary("298 more") }, fail, ""},
		"too many":         {func(s *Storm) { s.Mails[1] = summary("301 errors") }, fail, ""},
		"nobody":           {func(s *Storm) { s.Recipients = nil; s.Total = 2 }, fail, ""},
		"all, in the last": {func(s *Storm) { s.Sent, s.Mails[1] = 305, summary("305 errors") }, pass, ""},
		"those without a mail": {func(s *Storm) {
			s.Mails = []Mail{first, first, summary("298 more")}
		}, pass, ""},
		"with separators": {func(s *Storm) { s.Raised, s.Sent, s.Mails[1] = 1300, 1300, summary("1,300 errors") }, pass, ""},
		"three workers tell the others": {func(s *Storm) {
			s.Mails = []Mail{first, first, first, summary("99 more"), summary("99 more"), summary("99 more")}
		}, pass, ""},
		"three workers tell all of theirs": {func(s *Storm) {
			s.Mails = []Mail{first, first, first, summary("90 errors"), summary("110 errors"), summary("100 errors")}
		}, pass, ""},
		"three workers tell both": {func(s *Storm) {
			s.Mails = []Mail{first, first, first, summary("100 errors", "99 more"), summary("101 errors", "100 more"), summary("99 errors", "98 more")}
		}, pass, ""},
		"the sum so far, twice": {func(s *Storm) {
			s.Mails = []Mail{first, summary("100 errors"), summary("300 errors")}
		}, pass, ""},
		"the others so far, twice": {func(s *Storm) {
			s.Mails = []Mail{first, summary("99 more"), summary("299 more")}
		}, pass, ""},
		"workers tell the others beside larger numbers": {func(s *Storm) {
			s.Mails = []Mail{first, first, summary("149 more", "400 events"), summary("149 more", "400 events")}
		}, pass, ""},
		"workers tell the others beside smaller numbers": {func(s *Storm) {
			s.Mails = []Mail{first, first, summary("149 more", "7 times"), summary("149 more", "7 times")}
		}, pass, ""},
		"workers tell all of theirs beside smaller numbers": {func(s *Storm) {
			s.Mails = []Mail{first, first, summary("150 errors", "7 times"), summary("150 errors", "7 times")}
		}, pass, ""},
		"two of three workers": {func(s *Storm) {
			s.Mails = []Mail{first, first, first, summary("99 more"), summary("99 more")}
		}, fail, ""},
		"a summary with a trace": {func(s *Storm) {
			s.Mails = []Mail{first, {To: both, Counts: []string{"299 more"}, Traces: traced()}}
		}, pass, ""},
		"a mail of one error": {func(s *Storm) {
			s.Mails = []Mail{{To: both, Counts: []string{"1 error"}, Traces: traced()}, summary("299 more")}
		}, pass, ""},
		"a mail without trace and count is none of an error": {func(s *Storm) {
			s.Mails = []Mail{first, {To: both}, summary("298 more")}
		}, fail, ""},
		"firsts alone add up to nothing": {func(s *Storm) { s.Raised, s.Sent, s.Mails = 200, 200, many(first, 20) }, fail, "none with a count"},
	} {
		t.Run(name, func(t *testing.T) {
			o := honest()
			c.change(&o.Storm)
			got, why := outcomes(t, o)
			if got["storm"] != c.want || !strings.Contains(why, c.why) {
				t.Errorf("got %v, want %v with %q\n%s", got["storm"], c.want, c.why, why)
			}
		})
	}
}

func many(m Mail, n int) (list []Mail) {
	for range n {
		list = append(list, m)
	}
	return list
}

func TestHarm(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Harm)
		want   standard.Outcome
		why    string
	}{
		"honest":                     {func(*Harm) {}, pass, ""},
		"nothing before":             {func(h *Harm) { h.Healthy.Sent = 0 }, unknown, "before the mail server did"},
		"it failed before":           {func(h *Harm) { h.Healthy.Failed = 1 }, unknown, ""},
		"it ended":                   {func(h *Harm) { h.Ended = "bye" }, fail, "it ended when the mail server failed by drop: bye"},
		"ordinary ones fail":         {func(h *Harm) { h.Ordinary.Failed = 1 }, fail, "1 of 40 ordinary requests failed"},
		"failing ones get no reply":  {func(h *Harm) { h.Failing.Failed = 1 }, fail, "1 of 50 failing requests got no reply"},
		"ordinary ones wait":         {func(h *Harm) { h.Ordinary.Slowest = 0.601 }, fail, "an ordinary request took 601 ms"},
		"failing ones wait":          {func(h *Harm) { h.Failing.Slowest = 2.001 }, fail, "a failing request took 2001 ms"},
		"no ordinary request":        {func(h *Harm) { h.Ordinary.Sent = 0 }, unknown, "no request was sent"},
		"no failing request":         {func(h *Harm) { h.Failing.Sent = 0 }, unknown, "no request was sent"},
		"no mail was tried":          {func(h *Harm) { h.Attempts = 0 }, unknown, "no mail was tried under drop"},
		"the machine is busy":        {func(h *Harm) { h.Ordinary.Slowest, h.Delayed = 0.9, 2 }, standard.Unknown, "waited 2.0 s for a processor"},
		"it waits for longer":        {func(h *Harm) { h.Failing.Slowest, h.Delayed = 3, 2.5 }, fail, ""},
		"busy, and one fails":        {func(h *Harm) { h.Ordinary.Failed, h.Delayed = 1, 9 }, fail, ""},
		"busy, but not too slow":     {func(h *Harm) { h.Delayed = 9 }, standard.Pass, ""},
		"no mail, but requests wait": {func(h *Harm) { h.Attempts, h.Failing.Slowest = 0, 3 }, fail, ""},
	} {
		t.Run(name, func(t *testing.T) {
			h := harm("drop")
			c.change(&h)
			got, why := h.judge()
			if got != c.want || !strings.Contains(why, c.why) {
				t.Errorf("got %s %q, want %s %q", got, why, c.want, c.why)
			}
		})
	}
}
