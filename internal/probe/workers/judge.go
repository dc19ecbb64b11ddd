package workers

import (
	"fmt"
	"slices"
	"strings"

	"github.com/roadworthy-dev/roadworthy/internal/replay"
	"github.com/roadworthy-dev/roadworthy/internal/standard"
)

const (
	ratio      = 0.1 // of the time that workers are held: the longest median wait
	rounds     = 3   // that must say the same, of at most five
	leastWaits = 3   // ordinary requests of a level
	apartFrom  = 3   // how many times longer than with no worker held a wait must be to tell of a lock
	helpers    = 1   // child processes that threads have beside them: workers would be several
	fixTraffic = "in roadworthy.yaml let traffic: enter something and look at it again, such as \"POST /entries {message: $nonce}\" and then GET /"
)

func judge(o Observations) []standard.Finding {
	return []standard.Finding{parallel(o), replaced(o), shared(o), scaled(o)}
}

// workers says what stood for the workers.
func (o Observations) workers() string {
	if o.Supervised {
		return fmt.Sprintf("one process that was told to run %d workers", o.Workers)
	}
	return fmt.Sprintf("%d processes side by side, with ordinary requests sent to those that are not held", o.Workers)
}

// apart reports that processes do not start side by side, which says nothing of workers.
func (o Observations) apart() bool {
	return !o.Supervised && o.Scale.Many.Set > 0 && !o.Scale.Many.Started
}

func parallel(o Observations) standard.Finding {
	f := standard.Finding{Claim: "workers.parallel", Outcome: standard.Pass}
	f.Did = fmt.Sprintf("held workers with %s, in %d rounds; %s", o.Stall, len(o.Rounds), o.workers())
	switch {
	case o.apart():
		f.Outcome, f.Seen, f.Why = standard.Unknown, "only one process", "a second process does not start beside the first"
		return f
	case o.Workers < 2 || len(o.Rounds) == 0:
		f.Outcome, f.Seen, f.Why = standard.Unknown, "no round", "nothing was recorded"
		return f
	}
	longest, good, bad, untested, crowded := 0.0, 0, 0, 0, 0.0
	for i, round := range o.Rounds {
		share, why := round.delays(o.Workers)
		switch {
		case why != "":
			bad++
			f.Seen, f.Why = fmt.Sprintf("in round %d of %d %s", i+1, len(o.Rounds), why), "ordinary requests wait for slow ones on other workers"
		case !round.tests(o.Workers, o.Usual):
			untested++
			if round.crowded() {
				crowded = max(crowded, median(round.Calm))
			}
		default:
			good++
			longest = max(longest, share)
		}
	}
	switch {
	case bad >= rounds:
		f.Outcome = standard.Fail
	case good >= rounds:
		f.Why = ""
		f.Seen = fmt.Sprintf("in %d of %d rounds ordinary requests waited at most %.1f %% of the time that workers were held, by median", good, len(o.Rounds), 100*longest)
	case crowded > 0:
		f.Outcome, f.Seen = standard.Unknown, fmt.Sprintf("with no worker held an ordinary request waited %.0f ms by median", 1000*crowded)
		f.Why = "the machine had too much other work to tell: check again when less runs beside it"
	case untested > 0:
		f.Outcome, f.Seen = standard.Unknown, fmt.Sprintf("%d of %d rounds were too short", untested, len(o.Rounds))
		f.Why = "the slow requests were over before enough others could be measured: declare one in roadworthy.yaml that takes at least a second: faults: {slow: GET /slow}"
	default:
		f.Outcome, f.Why = standard.Unknown, "too few rounds were measured"
	}
	return f
}

// delays says whether ordinary requests of a round had to wait for the slow
// ones: most of a level, and more than workers were held. It also gives how
// long at most, as a part of the time that those were held.
func (r Round) delays(workers int) (longest float64, why string) {
	for _, l := range r.Levels {
		if len(l.Waits) == 0 || l.For <= 0 {
			continue
		}
		share := median(l.Waits) / l.For
		longest = max(longest, share)
		if 2*l.Bad > len(l.Waits) {
			why = fmt.Sprintf("%d of %d ordinary requests got no whole reply while %d of %d workers were held", l.Bad, len(l.Waits), l.Held, workers)
		} else if share > ratio && l.slow() > l.Held && !r.calmlyAs(l) {
			why = fmt.Sprintf("an ordinary request waited %.0f ms by median while %d of %d workers were held for %.0f ms", 1000*median(l.Waits), l.Held, workers, 1000*l.For)
		}
	}
	return longest, why
}

// crowded reports that requests of the round waited too long, and not much
// longer than with no worker held.
func (r Round) crowded() bool {
	return slices.ContainsFunc(r.Levels, func(l Level) bool {
		return len(l.Waits) > 0 && median(l.Waits) > ratio*l.For && r.calmlyAs(l)
	})
}

// calmlyAs reports that requests waited nearly as long with no worker held.
func (r Round) calmlyAs(l Level) bool {
	return len(r.Calm) > 0 && median(l.Waits) < apartFrom*median(r.Calm)
}

// slow counts the ordinary requests that waited. Who hands connections to
// workers in turn may give each held one a single further request before it
// knows that it is held; a busy machine, on which few are sent, sees little else.
func (l Level) slow() int {
	n := 0
	for _, wait := range l.Waits {
		if wait > ratio*l.For {
			n++
		}
	}
	return n
}

// tests reports whether a round is worth a pass: each number of held workers
// came, for five times as long as an ordinary request takes, with enough requests.
func (r Round) tests(workers int, usual float64) bool {
	for i, l := range r.Levels {
		if l.Held != i+1 || len(l.Waits) < leastWaits || l.For < 5*usual || l.For <= 0 || median(l.Waits) > ratio*l.For {
			return false
		}
	}
	return len(r.Levels) == workers-1 && len(r.Calm) > 0
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

func replaced(o Observations) standard.Finding {
	f := standard.Finding{Claim: "workers.replace", Outcome: standard.Pass}
	r := o.Replace
	switch {
	case !o.Supervised && o.Workers > 0:
		f.Outcome, f.Seen = standard.NotApplicable, "the manifest has no setting for a number of workers"
		f.Why = "it supervises no workers: to replace a process that was killed is the business of the runtime"
		return f
	case !r.Tried:
		f.Outcome, f.Seen, f.Why = standard.Unknown, "no worker", "nothing was recorded"
		return f
	case r.Found == 0 && r.Children > helpers:
		f.Outcome, f.Seen, f.Why = standard.Unknown, "no child process accepts connections", hidden(r.Children)
		return f
	case r.Found == 0:
		f.Outcome, f.Seen = standard.NotApplicable, "no child process accepts connections"
		f.Why = "its workers are threads of one process: to replace that is the business of the runtime"
		return f
	}
	f.Did = fmt.Sprintf("killed %d workers, one after the other, with requests in flight (%s)", len(r.Kills), o.Stall)
	f.Seen = r.say()
	for i, k := range r.Kills {
		if why := k.wrong(); why != "" {
			f.Outcome, f.Why = standard.Fail, fmt.Sprintf("kill %d: %s", i+1, why)
			return f
		}
	}
	switch {
	case len(r.Kills) < min(r.Found, 4) || r.Last == 0:
		f.Outcome, f.Why = standard.Unknown, fmt.Sprintf("only %d of %d workers could be told apart and killed", len(r.Kills), r.Found)
	case r.Alone < r.Last:
		f.Outcome, f.Why = standard.Fail, fmt.Sprintf("in the end only %d of %d workers answer when all others are stopped", r.Alone, r.Last)
	}
	return f
}

// hidden says that workers are there and that nobody saw which they are.
func hidden(children int) string {
	return fmt.Sprintf("its workers could not be told apart: %d child processes run and none accepts connections, so that they may be fed through pipes or unix sockets", children)
}

func (r Replace) say() string {
	slowest, lost, held := 0.0, 0, 0
	for _, k := range r.Kills {
		slowest, lost, held = max(slowest, k.Took), lost+k.Lost+k.LaterBad, held+k.Held
	}
	return fmt.Sprintf("the killed workers held %d requests and %d were lost; as many workers as before ran after at most %.2f s, and %d of %d answer alone",
		held, lost, slowest, r.Alone, r.Last)
}

// wrong says what a kill refutes, "" for nothing. One request may have been
// handed to the worker between the look at it and its end, or all that were
// sent then.
func (k Kill) wrong() string {
	switch {
	case k.Ended != "":
		return "the process that was started ended as well, with " + k.Ended
	case k.Others > 0:
		return fmt.Sprintf("%d other workers ended as well", k.Others)
	case k.After < k.Before:
		return fmt.Sprintf("only %d of %d workers ran %.0f s later", k.After, k.Before, k.Took)
	case k.Lost+k.LaterBad > k.Held+max(1, k.Between):
		return fmt.Sprintf("%d requests were lost, of which the worker held %d: %s", k.Lost+k.LaterBad, k.Held, k.Error)
	}
	return ""
}

func shared(o Observations) standard.Finding {
	f := standard.Finding{Claim: "workers.sessions", Outcome: standard.Pass}
	s := o.Sessions
	f.Did = fmt.Sprintf("played the session %d times on one worker and %d times with each request on another; %s", len(s.Plain), len(s.Spread), o.workers())
	if o.apart() {
		f.Outcome, f.Seen, f.Why = standard.Unknown, "only one process", "a second process does not start beside the first"
		return f
	}
	if len(s.Plain) < 2 || len(s.Spread) == 0 || len(s.Plain[0]) == 0 {
		f.Outcome, f.Seen, f.Why = standard.Unknown, "too few runs", "the session was not played often enough to compare"
		return f
	}
	f.Seen = fmt.Sprintf("%d replies, the same on all workers; %s", len(s.Plain[0]), s.reach(o.Supervised))
	refused, unsteady := replay.Refused(s.Plain), replay.Unsteady(s.Plain)
	departing, first := replay.Departing(s.Plain, s.Spread)
	stores := slices.Concat(s.Stores, s.Files)
	switch {
	case refused != "":
		f.Outcome, f.Seen, f.Why = standard.Unknown, refused, "the session does not even work on one worker: "+fixTraffic
	case len(unsteady) > 0:
		f.Outcome, f.Seen, f.Why = standard.Unknown, unsteady[0].String(), "two runs on one worker do not agree, so that nothing can be compared with them"
	case 2*departing > len(s.Spread):
		f.Outcome, f.Seen, f.Why = standard.Fail, first.String(), fmt.Sprintf("the session goes otherwise when another worker answers, in %d of %d runs", departing, len(s.Spread))
	case !replay.Carries(s.Plain[0]) && len(stores) > 0:
		f.Outcome, f.Why = standard.Unknown, strings.Join(stores, ", ")+" keeps something, but the session does not touch it: "+fixTraffic
	case s.Found == 0 && s.Children > helpers:
		f.Outcome, f.Why = standard.Unknown, hidden(s.Children)
	case s.Found > 0 && s.Answered < 2:
		f.Outcome, f.Why = standard.Unknown, "no second worker answered, so that nothing was spread"
	}
	return f
}

// reach says how far the session was spread.
func (s Sessions) reach(supervised bool) string {
	switch {
	case !supervised:
		return fmt.Sprintf("spread over %d processes", s.Found)
	case s.Found == 0 && s.Children > helpers:
		return fmt.Sprintf("none of %d child processes accepts connections", s.Children)
	case s.Found == 0:
		return "its workers are no processes of their own, so that nobody can tell them apart"
	}
	return fmt.Sprintf("%d of %d workers answered while all others were stopped", s.Answered, s.Found)
}

func scaled(o Observations) standard.Finding {
	f := standard.Finding{Claim: "workers.scale", Outcome: standard.Pass}
	low, high := o.Scale.Few, o.Scale.Many
	if low.Set == 0 || high.Set <= low.Set {
		f.Outcome, f.Seen, f.Why = standard.Unknown, "no two numbers of workers", "nothing was recorded"
		return f
	}
	f.Did = fmt.Sprintf("started it with %d and with %d workers", low.Set, high.Set)
	if !o.Supervised {
		f.Did = fmt.Sprintf("started %d process, and %d side by side, of which all but one were stopped in turn", low.Set, high.Set)
	}
	f.Seen = low.say() + "; " + high.say()
	more := high.accepting() >= high.Set && high.accepting() > low.accepting()
	twice := low.Served > 0 && high.Served >= 2*low.Served
	measured := low.Served > 0 && low.Served < low.Sent // one worker that answers all leaves nothing to compare
	switch {
	case !low.Started:
		f.Outcome, f.Why = standard.Fail, fmt.Sprintf("it does not start with %d: %s", low.Set, low.Tail)
	case !high.Started:
		f.Outcome, f.Why = standard.Fail, fmt.Sprintf("it does not start with %d: %s", high.Set, high.Tail)
	case twice || more && !measured:
	case more && high.Served > low.Served: // a busy machine serves fewer in time
	case more:
		f.Outcome, f.Why = standard.Unknown, "as many processes as were set hold connections, but no more slow requests are answered at once"
	case low.Sent > 0 && low.Served == 0 && low.accepting() == high.accepting():
		f.Outcome, f.Why = standard.Unknown, "with one worker not even one slow request was answered in time"
	default:
		f.Outcome, f.Why = standard.Fail, fmt.Sprintf("%d workers do no more in parallel than %d", high.Set, low.Set)
	}
	return f
}

func (w Width) accepting() int { return max(w.Accept, w.Alone) }

func (w Width) say() string {
	text := fmt.Sprintf("with %d: %d accept connections", w.Set, w.accepting())
	if w.Sent > 0 {
		text += fmt.Sprintf(", %d of %d slow requests answered within one and a half slow times", w.Served, w.Sent)
	}
	return text
}
