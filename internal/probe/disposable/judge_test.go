package disposable

import (
	"net/http"
	"strings"
	"testing"

	"github.com/roadworthy-dev/roadworthy/internal/bench"
	"github.com/roadworthy-dev/roadworthy/internal/standard"
)

func usual() Shape { return Shape{Statuses: []int{200, 303, 200}, Own: []int{0, 0, 2}} }

func honest() Observations {
	o := Observations{Limit: 10, Later: usual(), Stall: "GET /slow"}
	for range 3 {
		o.Starts = append(o.Starts, Start{Ready: true, Took: 0.1, First: usual()})
	}
	for i := range 6 {
		o.Terms = append(o.Terms, Term{
			PID1: i%2 == 0, Started: true, Exited: true, Took: 1,
			Slow: Group{Sent: 2, Accepted: 2, Answered: 2}, Fast: Group{Sent: 20, Accepted: 9, Answered: 20},
		})
	}
	o.Kill = Kill{Before: usual(), Shown: []int{1, 1, 2}, Restarted: true, Status: 200, Still: []int{1, 1, 2}, After: usual()}
	return o
}

type row struct {
	change func(*Observations)
	want   standard.Outcome
	why    string
}

func check(t *testing.T, claim int, id string, rows map[string]row) {
	t.Helper()
	for name, c := range rows {
		t.Run(name, func(t *testing.T) {
			o := honest()
			c.change(&o)
			f := judge(o)[claim]
			if f.Claim != id || f.Outcome != c.want || !strings.Contains(f.Why, c.why) || (c.want == standard.Pass) != (f.Why == "") {
				t.Errorf("got %+v, want %s with %q", f, c.want, c.why)
			}
		})
	}
}

func TestStart(t *testing.T) {
	placeholder := Shape{Statuses: []int{200, 200, 200}, Own: []int{0, 0, 0}}
	check(t, 0, "disposable.start", map[string]row{
		"honest":           {func(*Observations) {}, standard.Pass, ""},
		"nothing recorded": {func(o *Observations) { *o = Observations{} }, standard.Unknown, "nothing was recorded"},
		"no limit":         {func(o *Observations) { o.Limit = 0 }, standard.Unknown, "nothing was recorded"},
		"one slow start":   {func(o *Observations) { o.Starts[0].Took = 11 }, standard.Pass, ""},
		"at the limit":     {func(o *Observations) { o.Starts[0].Took, o.Starts[1].Took = 10, 10 }, standard.Pass, ""},
		"two slow starts":  {func(o *Observations) { o.Starts[0].Took, o.Starts[2].Took = 11, 10.1 }, standard.Fail, "2 of 3"},
		"the machine is busy": {func(o *Observations) {
			o.Starts[0].Took, o.Starts[0].Delayed, o.Starts[2].Took = 11, 5.6, 10.1
		}, standard.Unknown, "waited for a processor"},
		"busy, and slow by itself": {func(o *Observations) {
			o.Starts[0].Took, o.Starts[0].Delayed, o.Starts[1].Took, o.Starts[2].Took = 11, 5.6, 11, 11
		}, standard.Fail, "3 of 3"},
		"busy, but fast enough": {func(o *Observations) {
			o.Starts[0].Delayed, o.Starts[1].Took, o.Starts[2].Took = 1, 11, 11
		}, standard.Fail, "2 of 3"},
		"a bit busy": {func(o *Observations) {
			o.Starts[0].Took, o.Starts[0].Delayed, o.Starts[2].Took = 11, 5.5, 10.1
		}, standard.Fail, "2 of 3"},
		"busy, and ends": {func(o *Observations) {
			for i := range o.Starts {
				o.Starts[i] = Start{Took: 2, Delayed: 2, Exit: "exit status 1"}
			}
		}, standard.Fail, "3 of 3"},
		"never there":                   {func(o *Observations) { o.Starts[0].Ready, o.Starts[1].Ready = false, false }, standard.Fail, "2 of 3"},
		"holds back the first requests": {func(o *Observations) { o.Starts[0].First.Took, o.Starts[1].First.Took = 11, 11 }, standard.Fail, "2 of 3"},
		"slow sessions always": {func(o *Observations) {
			o.Starts[0].First.Took, o.Starts[1].First.Took, o.Later.Took = 11, 11, 10.5
		}, standard.Pass, ""},
		"none to compare": {func(o *Observations) { o.Later = Shape{} }, standard.Unknown, "to compare with"},
		"placeholder": {func(o *Observations) { o.Starts[0].First, o.Starts[1].First = placeholder, placeholder },
			standard.Fail, "not the application yet"},
		"other texts": {func(o *Observations) { o.Starts[0].First.Own, o.Starts[1].First.Own = []int{0, 0, 0}, []int{0, 0, 0} },
			standard.Fail, "not the application yet"},
		"one odd session": {func(o *Observations) { o.Starts[2].First = placeholder }, standard.Pass, ""},
	})
	o := honest()
	o.Starts[0] = Start{Exit: "exit status 1", Tail: "no port"}
	if seen := judge(o)[0].Seen; !strings.Contains(seen, "no port") {
		t.Errorf("got %q", seen)
	}
}

func TestTerm(t *testing.T) {
	check(t, 1, "disposable.term", map[string]row{
		"honest":                {func(*Observations) {}, standard.Pass, ""},
		"nothing recorded":      {func(o *Observations) { o.Terms = nil }, standard.Unknown, "did not start often enough"},
		"never as process 1":    {func(o *Observations) { o.Terms[0].Started = false }, standard.Unknown, "did not start often enough"},
		"never as another":      {func(o *Observations) { o.Terms[1].Started = false }, standard.Unknown, "did not start often enough"},
		"nothing takes long":    {func(o *Observations) { o.Stall = "" }, standard.Unknown, "declare a request"},
		"too few in flight":     {func(o *Observations) { noneInFlight(o.Terms) }, standard.Unknown, "too few slow requests"},
		"one slow request lost": {func(o *Observations) { o.Terms[3].Slow.Lost = 1 }, standard.Fail, "not as process 1 it lost 1 slow"},
		"lost as process 1":     {func(o *Observations) { o.Terms[4].Slow.Lost = 2 }, standard.Fail, "as process 1 it lost 2 slow"},
		"ordinary request lost": {func(o *Observations) { o.Terms[5].Fast.Lost = 1 }, standard.Fail, "it lost 1 requests"},
		"unseen is not lost":    {func(o *Observations) { o.Terms[5].Fast.Unseen, o.Terms[5].Slow.Unseen = 3, 1 }, standard.Pass, ""},
		"lost after SIGTERM":    {func(o *Observations) { o.Terms[5].After.Lost = 3 }, standard.Pass, ""},
		"kept from ending":      {func(o *Observations) { o.Terms[2].Exited, o.Terms[2].Took, o.Terms[2].Delayed = false, 11, 2.8 }, standard.Unknown, "too much other work"},
		"and lost one": {func(o *Observations) {
			o.Terms[2].Exited, o.Terms[2].Took, o.Terms[2].Delayed, o.Terms[2].Slow.Lost = false, 11, 2.8, 1
		}, standard.Fail, "lost 1 slow"},
		"hardly kept":            {func(o *Observations) { o.Terms[2].Exited, o.Terms[2].Took, o.Terms[2].Delayed = false, 11, 2.7 }, standard.Fail, "did not end"},
		"ignores SIGTERM":        {func(o *Observations) { o.Terms[2].Exited = false }, standard.Fail, "as process 1 it did not end"},
		"crashes at the end":     {func(o *Observations) { o.Terms[2].Code = 1 }, standard.Fail, "exit status 1"},
		"143 is how shells say":  {func(o *Observations) { o.Terms[2].Code = 143 }, standard.Pass, ""},
		"ended by SIGTERM":       {func(o *Observations) { o.Terms[2].Code, o.Terms[2].Signal = -1, "SIGTERM" }, standard.Pass, ""},
		"ended by SIGKILL":       {func(o *Observations) { o.Terms[2].Code, o.Terms[2].Signal = -1, "SIGKILL" }, standard.Fail, "ended by SIGKILL"},
		"lost, nothing takes it": {func(o *Observations) { o.Stall = ""; o.Terms[2].Fast.Lost = 1 }, standard.Fail, "lost 1 requests"},
	})
	o := honest()
	o.Terms[0].Exited, o.Terms[0].Took = false, 10.2
	if seen := judge(o)[1].Seen; !strings.Contains(seen, "still there after 10.2 s") {
		t.Errorf("got %q", seen)
	}
	o.Terms[0].Exited, o.Terms[0].Signal, o.Terms[0].Slow.Unseen = true, "SIGSEGV", 1
	if seen := judge(o)[1].Seen; !strings.Contains(seen, "ended by SIGSEGV after 10.2 s, 1 never accepted") {
		t.Errorf("got %q", seen)
	}
	if seen := judge(honest())[1].Seen; !strings.Contains(seen, "12 of 12 slow and 120 of 120") {
		t.Errorf("got %q", seen)
	}
}

func noneInFlight(terms []Term) {
	for i := range terms {
		terms[i].Slow = Group{Sent: 2, Unseen: 2}
	}
	terms[0].Slow = Group{Sent: 5, Accepted: 5, Answered: 5}
}

func TestKill(t *testing.T) {
	check(t, 2, "disposable.kill", map[string]row{
		"honest":           {func(*Observations) {}, standard.Pass, ""},
		"nothing recorded": {func(o *Observations) { o.Kill = Kill{} }, standard.Unknown, "nothing was recorded"},
		"session refused":  {func(o *Observations) { o.Kill.Before.Statuses[1] = 403 }, standard.Unknown, "did not work before"},
		"session cut off":  {func(o *Observations) { o.Kill.Before.Statuses[1] = 0 }, standard.Unknown, "did not work before"},
		"stale lock":       {func(o *Observations) { o.Kill.Restarted = false }, standard.Fail, "does not start again"},
		"broken page":      {func(o *Observations) { o.Kill.Status = 500 }, standard.Fail, "does not serve"},
		"no page":          {func(o *Observations) { o.Kill.Status = 0 }, standard.Fail, "does not serve"},
		"data is gone":     {func(o *Observations) { o.Kill.Still = []int{1, 1, 1} }, standard.Fail, "is gone"},
		"all data is gone": {func(o *Observations) { o.Kill.Still = nil }, standard.Fail, "is gone"},
		"nothing to lose is shown": {func(o *Observations) {
			o.Kill.Shown, o.Kill.Still, o.Kill.Stores = []int{0, 0, 0}, []int{0, 0, 0}, []string{"DATABASE_URL"}
		},
			standard.Unknown, "DATABASE_URL keeps something, but no page of the session shows it"},
		"nothing is kept": {func(o *Observations) { o.Kill.Shown, o.Kill.Still = []int{0, 0, 0}, []int{0, 0, 0} }, standard.Pass, ""},
		"one of three is shown": {func(o *Observations) {
			o.Kill.Shown, o.Kill.Still, o.Kill.Stores = []int{0, 0, 1}, []int{0, 0, 1}, []string{"DATABASE_URL"}
		}, standard.Pass, ""},
		"nothing shown, and sick": {func(o *Observations) {
			o.Kill.Shown, o.Kill.Stores, o.Kill.Status = []int{0, 0, 0}, []string{"DATABASE_URL"}, 500
		}, standard.Fail, "does not serve"},
		"more than before":   {func(o *Observations) { o.Kill.Still = []int{2, 2, 2} }, standard.Pass, ""},
		"new session fails":  {func(o *Observations) { o.Kill.After.Statuses = []int{200, 500, 200} }, standard.Fail, "does not go as before"},
		"new session forgot": {func(o *Observations) { o.Kill.After.Own = []int{0, 0, 1} }, standard.Fail, "does not go as before"},
	})
}

// TestLastLook: the page to look at again is one that shows what was entered.
func TestLastLook(t *testing.T) {
	get := func(target, body string) bench.Reply {
		return bench.Reply{Method: http.MethodGet, Target: target, Body: body}
	}
	post := bench.Reply{Method: http.MethodPost, Target: "/entries", Body: "nonce"}
	for want, replies := range map[string][]bench.Reply{
		"/":            {get("/", ""), post, get("/", "nonce")},
		"/entries":     {get("/", ""), get("/entries", "nonce"), post, get("/thanks", "")},
		"/list":        {get("/list", "nonce"), get("/echo/nonce", "nonce")},
		"/entry/nonce": {get("/", ""), get("/entry/nonce", "nonce"), get("/", "")},
		"/thanks":      {get("/", ""), post, get("/thanks", "")},
	} {
		if got := lastLook(replies, "nonce"); got.Target != want {
			t.Errorf("got %s, want %s", got.Target, want)
		}
	}
	if got := lastLook([]bench.Reply{post}, "nonce"); got.Target != "/" || got.Method != http.MethodGet {
		t.Errorf("of no GET: %+v", got)
	}
}
