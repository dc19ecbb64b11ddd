package logsyslog

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"

	"github.com/roadworthy-dev/roadworthy/internal/standard"
)

// requests are those of an honest boot.
func requests() []Request {
	return []Request{
		{Kind: Ordinary, Target: "GET /?q=a", Status: 200, Arrived: true, After: 0.01, Severities: []int{6, 7}},
		{Kind: Ordinary, Target: "GET /?q=b&note=error", Status: 302, Arrived: true, After: 5, Severities: []int{5}},
		{Kind: Ordinary, Target: "GET /?q=c", Arrived: false},
		{Kind: Missing, Target: "GET /c", Status: 404, Arrived: true, Severities: []int{4, 6}},
		{Kind: Induced, Target: "GET /fault?q=d", Status: 500, Arrived: true, Severities: []int{6, 3}},
	}
}

func boot(transport, facility string) Boot {
	return Boot{
		Transport: transport, Facility: facility, Requests: requests(), Frames: 9,
		Facilities: map[int]int{map[string]int{"local1": 17, "local3": 19, "local4": 20, "local7": 23}[facility]: 9}, Elsewhere: map[string]int{"tcp": 0},
	}
}

func stall(transport string) Stall {
	return Stall{
		Transport: transport, Healthy: Load{Sent: 700, Slowest: 0.1}, Silent: Load{Sent: 2500, Slowest: 0.6}, Dead: Load{Sent: 80, Slowest: 0.6},
		PerRequest: 1.5, Lost: 1000, Told: []Told{{"stderr", "syslog: 1500 records lost"}}, AfterStall: 0.2, AfterDeath: 0,
	}
}

func honest() Observations {
	return Observations{
		Collector: true, Facility: "SYSLOG_FACILITY", Exception: true,
		Boots:  []Boot{boot("unix", "local1"), boot("udp", "local4"), boot("tcp", "local7")},
		Stalls: []Stall{stall("tcp"), stall("unix")},
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
		got[strings.TrimPrefix(f.Claim, "log.syslog.")] = f.Outcome
		why += f.Claim + ": " + f.Why + "\n"
	}
	return got, why
}

const (
	pass    = standard.Pass
	fail    = standard.Fail
	unknown = standard.Unknown
)

var allPass = map[string]standard.Outcome{"unix": pass, "udp": pass, "tcp": pass, "severity": pass, "stalled": pass}

func TestJudge(t *testing.T) {
	udp, tcp := 1, 2
	for name, c := range map[string]struct {
		change func(*Observations)
		want   map[string]standard.Outcome // what is not a pass
		why    string
	}{
		"honest": {func(*Observations) {}, nil, ""},
		"nothing recorded": {func(o *Observations) { *o = Observations{Collector: true} },
			map[string]standard.Outcome{"unix": unknown, "udp": unknown, "tcp": unknown, "severity": fail, "stalled": fail}, ""},
		"no setting leads to a collector": {func(o *Observations) { o.Collector, o.Boots, o.Stalls = false, o.Boots[:1], nil; o.Facility = "" },
			map[string]standard.Outcome{"udp": fail, "tcp": fail, "severity": fail, "stalled": fail}, noCollector},
		"nothing was answered": {func(o *Observations) {
			o.Boots[udp].Requests = []Request{{Kind: Ordinary}, {Kind: Missing}}
		}, map[string]standard.Outcome{"udp": unknown}, "no request was answered"},
		"one request is not there": {func(o *Observations) { o.Boots[udp].Requests[1].Arrived = false }, map[string]standard.Outcome{"udp": fail}, "note=error within 5 s\n"},
		"one is late":              {func(o *Observations) { o.Boots[tcp].Requests[1].After = 5.1 }, map[string]standard.Outcome{"tcp": fail}, ""},
		"one came elsewhere": {func(o *Observations) {
			o.Boots[udp].Requests[0].Arrived, o.Boots[udp].Elsewhere = false, map[string]int{"unix": 7}
		}, map[string]standard.Outcome{"udp": fail}, "7 frames came over unix"},
		"one is not there among too many": {func(o *Observations) {
			o.Boots[udp].Requests[1].Arrived, o.Boots[udp].Unrecorded = false, 1
		}, map[string]standard.Outcome{"udp": unknown}, ""},
		"too many, but all there": {func(o *Observations) { o.Boots[udp].Unrecorded = 1 }, nil, ""},
		"a failing request without a reply is not there": {func(o *Observations) {
			r := &o.Boots[udp].Requests[4]
			r.Status, r.Arrived = 0, false
		}, map[string]standard.Outcome{"udp": fail}, ""},
		"a facility that is none": {func(o *Observations) {
			o.Boots[udp].Facility, o.Boots[udp].Facilities = "local9", map[int]int{-1: 9}
		}, map[string]standard.Outcome{"severity": fail}, "facility -1"},
		"not syslog":             {func(o *Observations) { o.Boots[0].Unparsed, o.Boots[0].Bad = 1, "no priority" }, map[string]standard.Outcome{"unix": fail}, "no priority"},
		"two records in a frame": {func(o *Observations) { o.Boots[tcp].Merged = 1 }, map[string]standard.Outcome{"tcp": fail}, "several records"},
		"always info": {func(o *Observations) {
			for i := range o.Boots {
				o.Boots[i].Requests[4].Severities = []int{6, 6}
			}
		}, map[string]standard.Outcome{"severity": fail}, "severity 6 at worst"},
		"an exception is a warning": {func(o *Observations) { o.Boots[udp].Requests[4].Severities = []int{4} }, map[string]standard.Outcome{"severity": fail}, "severity 4"},
		"a request is a warning":    {func(o *Observations) { o.Boots[udp].Requests[1].Severities = []int{6, 4} }, map[string]standard.Outcome{"severity": fail}, "severity 4"},
		"no priority":               {func(o *Observations) { o.Boots[udp].Requests[1].Severities = []int{-1} }, map[string]standard.Outcome{"severity": fail}, ""},
		"a refused request is a warning": {func(o *Observations) {
			for i := range o.Boots {
				o.Boots[i].Requests[1].Status, o.Boots[i].Requests[1].Severities = 400, []int{4}
			}
		}, nil, ""},
		"an unanswered request is a warning": {func(o *Observations) { o.Boots[udp].Requests[2].Severities = []int{4} }, nil, ""},
		"the exception was never seen": {func(o *Observations) {
			for i := range o.Boots {
				o.Boots[i].Requests[4].Severities = nil
			}
		}, map[string]standard.Outcome{"severity": unknown}, ""},
		"the declared exception is a missing page": {func(o *Observations) {
			for i := range o.Boots {
				o.Boots[i].Requests[4].Status, o.Boots[i].Requests[4].Severities = 404, []int{4, 6}
			}
		}, map[string]standard.Outcome{"severity": unknown}, ""},
		"no ordinary request was seen": {func(o *Observations) {
			for i := range o.Boots {
				o.Boots[i].Requests[0].Severities, o.Boots[i].Requests[1].Severities = nil, nil
			}
		}, map[string]standard.Outcome{"severity": unknown}, ""},
		"no exception is declared, a missing page warns": {func(o *Observations) { withoutException(o, []int{4, 6}) }, nil, ""},
		"no exception is declared, a missing page does not": {func(o *Observations) { withoutException(o, []int{5, 6}) },
			map[string]standard.Outcome{"severity": unknown}, ""},
		"an exception is declared and a missing page warns in its place": {func(o *Observations) {
			withoutException(o, []int{4, 6})
			o.Exception = true
		}, map[string]standard.Outcome{"severity": unknown}, ""},
		"a fixed facility": {func(o *Observations) {
			for i := range o.Boots {
				o.Boots[i].Facilities = map[int]int{16: 9}
			}
		}, map[string]standard.Outcome{"severity": fail}, "facility 16"},
		"one frame of another facility": {func(o *Observations) { o.Boots[udp].Facilities = map[int]int{20: 8, 1: 1} },
			map[string]standard.Outcome{"severity": fail}, "facility 1 20"},
		"no setting for the facility": {func(o *Observations) { o.Facility = "" }, map[string]standard.Outcome{"severity": fail}, "no setting chooses"},
		"one facility only": {func(o *Observations) {
			for i := range o.Boots {
				o.Boots[i] = boot(o.Boots[i].Transport, "local3")
			}
		}, map[string]standard.Outcome{"severity": fail}, "one facility only"},
		"an empty boot has no facility": {func(o *Observations) {
			o.Boots[udp].Frames, o.Boots[udp].Facilities = 0, nil
			o.Boots[udp].Requests[0].Arrived = false
		}, map[string]standard.Outcome{"udp": fail}, ""},
		"nothing arrives over TCP": {func(o *Observations) {
			o.Boots[tcp].Frames, o.Boots[tcp].Requests[0].Arrived, o.Stalls = 0, false, nil
		}, map[string]standard.Outcome{"tcp": fail, "stalled": fail}, "cannot arrive again"},
		"it was not stalled":        {func(o *Observations) { o.Stalls = nil }, map[string]standard.Outcome{"stalled": unknown}, ""},
		"only the socket stalled":   {func(o *Observations) { o.Stalls = o.Stalls[1:] }, map[string]standard.Outcome{"stalled": unknown}, ""},
		"the socket was not needed": {func(o *Observations) { o.Stalls = o.Stalls[:1] }, nil, ""},
		"nothing over TCP at all":   {func(o *Observations) { o.Stalls = nil; o.Boots = o.Boots[:2] }, map[string]standard.Outcome{"tcp": unknown, "stalled": fail}, ""},
		"too few for a queue":       {func(o *Observations) { o.Stalls[0].Silent.Sent, o.Stalls[0].Lost, o.Stalls[0].Told = 249, 0, nil }, map[string]standard.Outcome{"stalled": unknown}, "only 249 requests"},
		"few, and counted": {func(o *Observations) {
			o.Stalls[0].Silent.Sent, o.Stalls[0].Lost, o.Stalls[0].Told = 249, 100, []Told{{"stderr", "150 records lost"}}
		}, nil, ""},
		"just enough for a queue": {func(o *Observations) { o.Stalls[0].Silent.Sent, o.Stalls[0].Lost, o.Stalls[0].Told = 250, 0, nil }, nil, ""},
		"the local socket blocks": {func(o *Observations) { o.Stalls[1].Silent.Slowest = 0.61 }, map[string]standard.Outcome{"stalled": fail}, "610 ms while the collector was silent"},
		"a second round is faster": {func(o *Observations) {
			slow := stall("tcp")
			slow.Silent.Slowest = 3
			o.Stalls = append([]Stall{slow}, o.Stalls...)
		}, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			o := honest()
			c.change(&o)
			want := maps.Clone(allPass)
			maps.Copy(want, c.want)
			got, why := outcomes(t, o)
			if !maps.Equal(got, want) || !strings.Contains(why, c.why) {
				t.Errorf("got %v, want %v with %q\n%s", got, want, c.why, why)
			}
		})
	}
}

func withoutException(o *Observations, missing []int) {
	o.Exception = false
	for i := range o.Boots {
		o.Boots[i].Requests = o.Boots[i].Requests[:4]
		o.Boots[i].Requests[3].Severities = missing
	}
}

func TestHarm(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Stall)
		want   standard.Outcome
		why    string
	}{
		"honest":              {func(*Stall) {}, pass, ""},
		"nothing was sent":    {func(s *Stall) { s.Healthy.Sent = 0 }, unknown, ""},
		"nothing in silence":  {func(s *Stall) { s.Silent.Sent = 0 }, unknown, ""},
		"nothing in death":    {func(s *Stall) { s.Dead.Sent = 0 }, unknown, ""},
		"it failed when well": {func(s *Stall) { s.Healthy.Failed = 1 }, unknown, "while the collector was healthy"},
		"it fails in silence": {func(s *Stall) { s.Silent.Failed, s.Silent.Failure = 3, "EOF" }, fail, "3 of 2500 requests failed while the collector was silent: EOF"},
		"it waits in silence": {func(s *Stall) { s.Silent.Slowest = 0.601 }, fail, "silent"},
		"it waits in death":   {func(s *Stall) { s.Dead.Slowest = 0.601 }, fail, "gone"},
		"it is back at once":  {func(s *Stall) { s.AfterStall = 0 }, pass, ""},
		"it never comes back": {func(s *Stall) { s.AfterStall = -1 }, fail, "read again"},
		"it dies":             {func(s *Stall) { s.Dead.Failed = 80 }, fail, "80 of 80 requests failed while the collector was gone"},
		"it stays away":       {func(s *Stall) { s.AfterDeath = -1 }, fail, "was there again"},
		"it loses in silence": {func(s *Stall) { s.Told = nil }, fail, "1000 of 2500 records were lost and nothing says how many"},
		"it wrote too much":   {func(s *Stall) { s.Told, s.Dropped = nil, 1 }, unknown, ""},
		"much, but it told":   {func(s *Stall) { s.Dropped = 1 }, pass, ""},
		"it says one":         {func(s *Stall) { s.Told[0].Text = "1 records lost" }, fail, "it speaks of 1"},
		"too few":             {func(s *Stall) { s.Told[0].Text = "879 records lost" }, fail, "879"},
		"just enough":         {func(s *Stall) { s.Told[0].Text = "880 records lost" }, pass, ""},
		"too many":            {func(s *Stall) { s.Told[0].Text = "3101 records lost" }, fail, "3101"},
		"just not too many":   {func(s *Stall) { s.Told[0].Text = "3100 records lost" }, pass, ""},
		"less than a record":  {func(s *Stall) { s.PerRequest, s.Told[0].Text = 0.5, "2100 records lost" }, pass, ""},
		"what sockets held":   {func(s *Stall) { s.Lost, s.Told = 20, nil }, pass, ""},
		"more than they held": {func(s *Stall) { s.Lost, s.Told = 21, nil }, fail, ""},
		"each worker tells": {func(s *Stall) {
			s.Told = []Told{{"stderr", "dropped 500"}, {"stderr", "dropped 500"}, {"stderr", "dropped 500"}}
		}, pass, ""},
		"told in the collector": {func(s *Stall) { s.Told = []Told{{"syslog", "lost=700"}, {"syslog", "lost=800"}} }, pass, ""},
		"told on stdout":        {func(s *Stall) { s.Told = []Told{{"stdout", "lost=700"}, {"stdout", "lost=800"}} }, pass, ""},
		"never added across":    {func(s *Stall) { s.Told = []Told{{"stdout", "lost=500"}, {"stderr", "lost=500"}} }, fail, ""},
		"the sum so far, again": {func(s *Stall) {
			s.Told = []Told{{"stderr", "1200 dropped"}, {"stderr", "1400 dropped"}, {"stderr", "1500 dropped"}}
		}, pass, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := stall("tcp")
			c.change(&s)
			got, why := s.harm()
			if got != c.want || !strings.Contains(why, c.why) {
				t.Errorf("got %s %q, want %s %q", got, why, c.want, c.why)
			}
		})
	}
}

func TestDescribeQuotesWhatWasTold(t *testing.T) {
	s := stall("tcp")
	if got := s.describe(); !strings.Contains(got, `1 words of a loss such as "syslog: 1500 records lost"`) {
		t.Errorf("got %s", got)
	}
	s.Told = nil
	if got := s.describe(); !strings.Contains(got, "no word of a loss") {
		t.Errorf("got %s", got)
	}
}

func TestNumberOf(t *testing.T) {
	for text, want := range map[string]int{
		"syslog: 12 records lost":                 12,
		"syslog: 312 log messages were dropped":   312,
		"rsyslogd: dropped 44 messages":           44,
		`{"level":"warn","dropped":71}`:           71,
		"lost=9 queue=1000":                       9,
		"messages suppressed: 5":                  5,
		"queue overflow, some records are gone":   0,
		"connection lost":                         0,
		"lost the connection to 10.1.2.3 in 2026": 0,
	} {
		if got := numberOf(text); got != want && want > 0 {
			t.Errorf("%q: got %d, want %d", text, got, want)
		}
	}
}

func TestWhatSpeaksOfLoss(t *testing.T) {
	for text, want := range map[string]bool{
		"syslog: 12 records lost": true, `{"dropped_records":3}`: true, "5 messages suppressed": true, "queue overflowed": true,
		"GET / 200": false, "the last one": false, "droplet": false,
	} {
		if got := speaksOfLoss.MatchString(text); got != want {
			t.Errorf("%q: got %t", text, got)
		}
	}
}
