package disposable

import (
	"fmt"
	"slices"
	"strings"

	"github.com/roadworthy-dev/roadworthy/internal/standard"
)

const (
	// share of the time since SIGTERM that the threads of an undisturbed
	// process cannot have waited for a processor.
	share      = 0.25
	fixSlow    = "declare a request that takes at least a second in roadworthy.yaml: faults: {slow: GET /slow}"
	fixTraffic = "in roadworthy.yaml let traffic: enter something and look at it again, such as \"POST /entries {message: $nonce}\" and then GET /"
)

func judge(o Observations) []standard.Finding {
	return []standard.Finding{started(o), terminated(o), killed(o)}
}

func started(o Observations) standard.Finding {
	f := standard.Finding{Claim: "disposable.start", Outcome: standard.Pass}
	if len(o.Starts) == 0 || o.Limit <= 0 {
		f.Outcome, f.Seen, f.Why = standard.Unknown, "no start", "nothing was recorded"
		return f
	}
	var took []float64
	var said []string
	slow, crowded := 0, 0
	for _, s := range o.Starts {
		s.Took += max(0, s.First.Took-o.Later.Took) // what answers, but not yet as it should
		took = append(took, s.Took)
		if !s.Ready || s.Took > o.Limit {
			slow++
			if s.crowded() {
				crowded++
			}
		}
		said = append(said, s.say())
	}
	slices.Sort(took)
	f.Did = fmt.Sprintf("timed %d starts until the first answer, and the session after it", len(o.Starts))
	f.Seen = strings.Join(said, ", ") + fmt.Sprintf("; median %.2f s", took[len(took)/2])
	switch {
	case 2*slow > len(o.Starts) && 2*(slow-crowded) <= len(o.Starts):
		f.Outcome, f.Why = standard.Unknown, "threads of the application waited for a processor in half of that time and more: check again when less runs beside it"
	case 2*slow > len(o.Starts):
		f.Outcome, f.Why = standard.Fail, fmt.Sprintf("%d of %d starts took longer than %g s or failed", slow, len(o.Starts), o.Limit)
	case len(o.Later.Statuses) == 0:
		f.Outcome, f.Why = standard.Unknown, "there is no process that was up for long to compare with"
	default:
		if what := o.early(); what != "" {
			f.Outcome, f.Seen, f.Why = standard.Fail, what, "what answers first is not the application yet"
		}
	}
	return f
}

// crowded reports that a start without an end was kept from running for so
// long that its length says little.
func (s Start) crowded() bool { return s.Exit == "" && s.Delayed > s.Took/2 }

func (s Start) say() string {
	switch {
	case s.Exit != "":
		return "ended with " + s.Exit + ": " + s.Tail
	case !s.Ready:
		return fmt.Sprintf("no answer after %.1f s %s", s.Took, s.Tail)
	}
	return fmt.Sprintf("%.2f s", s.Took)
}

// early says in what the sessions right after most starts differ from that on
// a process that was up for long: a placeholder answers at once.
func (o Observations) early() string {
	differ, what := 0, ""
	for _, s := range o.Starts {
		if s.Ready && (!slices.Equal(s.First.Statuses, o.Later.Statuses) || !slices.Equal(s.First.Own, o.Later.Own)) {
			differ++
			what = fmt.Sprintf("right after the start the session gave statuses %v with its own text %v times, later %v and %v",
				s.First.Statuses, s.First.Own, o.Later.Statuses, o.Later.Own)
		}
	}
	if 2*differ > len(o.Starts) {
		return what
	}
	return ""
}

// terminated fails if any one of the rounds lost a request or did not end by itself.
func terminated(o Observations) standard.Finding {
	f := standard.Finding{Claim: "disposable.term", Outcome: standard.Pass}
	counts := map[bool]int{}
	var all Term // the rounds together
	crowded := ""
	for _, t := range o.Terms {
		if !t.Started {
			continue
		}
		if t.crowded() {
			crowded = t.say()
			continue
		}
		counts[t.PID1]++
		all.join(t)
		if why := t.wrong(); why != "" && f.Outcome == standard.Pass {
			f.Outcome, f.Seen, f.Why = standard.Fail, t.say(), why
		}
	}
	f.Did = fmt.Sprintf("sent SIGTERM under load %d times as process 1 and %d times not, with %d slow requests in flight (%s)",
		counts[true], counts[false], all.Slow.Accepted, o.Stall)
	if f.Outcome == standard.Fail {
		return f
	}
	f.Seen = fmt.Sprintf("%d of %d slow and %d of %d ordinary requests answered, %d never accepted; it ended by itself each time, after at most %.1f s",
		all.Slow.Answered, all.Slow.Sent, all.Fast.Answered, all.Fast.Sent, all.Slow.Unseen+all.Fast.Unseen, all.Took)
	switch {
	case crowded != "":
		f.Outcome, f.Seen = standard.Unknown, crowded
		f.Why = "the machine had too much other work to tell: it wanted to run and got no processor; check again when less runs beside it"
	case counts[true] < 3 || counts[false] < 3:
		f.Outcome, f.Why = standard.Unknown, "it did not start often enough"
	case o.Stall == "":
		f.Outcome, f.Why = standard.Unknown, "no request takes long enough to be in flight at SIGTERM: "+fixSlow
	case all.Slow.Accepted < counts[true]+counts[false]:
		f.Outcome, f.Why = standard.Unknown, "too few slow requests were in flight at SIGTERM: "+fixSlow
	}
	return f
}

// join adds the requests of another round, and keeps the longer end.
func (t *Term) join(other Term) {
	for _, pair := range []struct{ into, from *Group }{{&t.Slow, &other.Slow}, {&t.Fast, &other.Fast}} {
		pair.into.Sent += pair.from.Sent
		pair.into.Accepted += pair.from.Accepted
		pair.into.Answered += pair.from.Answered
		pair.into.Unseen += pair.from.Unseen
	}
	t.Took = max(t.Took, other.Took)
}

func (t Term) mode() string {
	if t.PID1 {
		return "as process 1"
	}
	return "not as process 1"
}

func (t Term) say() string {
	end := fmt.Sprintf("still there after %.1f s", t.Took)
	if t.crowded() {
		end += fmt.Sprintf(", of which its threads waited %.1f s for a processor", t.Delayed)
	}
	if t.Exited {
		end = fmt.Sprintf("exit status %d after %.1f s", t.Code, t.Took)
		if t.Signal != "" {
			end = fmt.Sprintf("ended by %s after %.1f s", t.Signal, t.Took)
		}
	}
	text := fmt.Sprintf("%s: %d of %d slow and %d of %d ordinary requests answered, %s", t.mode(), t.Slow.Answered, t.Slow.Sent, t.Fast.Answered, t.Fast.Sent, end)
	if unseen := t.Slow.Unseen + t.Fast.Unseen; unseen > 0 {
		text += fmt.Sprintf(", %d never accepted", unseen)
	}
	return text
}

// crowded reports that the process stayed, lost nothing, and was kept from
// running for so long that its staying says little.
func (t Term) crowded() bool {
	return !t.Exited && t.Slow.Lost+t.Fast.Lost == 0 && t.Delayed > share*t.Took
}

// wrong says what a round refutes, "" for nothing.
func (t Term) wrong() string {
	lost := append(slices.Clone(t.Slow.How), t.Fast.How...)
	switch {
	case t.Slow.Lost > 0:
		return fmt.Sprintf("%s it lost %d slow requests that it had accepted: %s", t.mode(), t.Slow.Lost, strings.Join(lost, "; "))
	case t.Fast.Lost > 0:
		return fmt.Sprintf("%s it lost %d requests that it had accepted: %s", t.mode(), t.Fast.Lost, strings.Join(lost, "; "))
	case !t.Exited:
		return t.mode() + " it did not end after SIGTERM"
	case t.Signal != "" && t.Signal != "SIGTERM":
		return t.mode() + " it was ended by " + t.Signal
	case t.Signal == "" && t.Code != 0 && t.Code != 143:
		return fmt.Sprintf("%s it ended with exit status %d: %s", t.mode(), t.Code, t.Tail)
	}
	return ""
}

func killed(o Observations) standard.Finding {
	k := o.Kill
	f := standard.Finding{Claim: "disposable.kill", Outcome: standard.Pass}
	f.Did = fmt.Sprintf("killed it with SIGKILL right after a session and with slow requests in flight (%d), and started it again on its files", k.InFlight)
	f.Seen = fmt.Sprintf("the last page shows the sessions' texts %v times before and %v times after", k.Shown, k.Still)
	switch {
	case len(k.Before.Statuses) == 0:
		f.Outcome, f.Seen, f.Why = standard.Unknown, "no session", "nothing was recorded"
	case slices.ContainsFunc(k.Before.Statuses, bad):
		f.Outcome, f.Seen = standard.Unknown, fmt.Sprintf("statuses %v", k.Before.Statuses)
		f.Why = "the session did not work before the kill: correct traffic: in roadworthy.yaml"
	case !k.Restarted:
		f.Outcome, f.Seen, f.Why = standard.Fail, Start{Exit: k.Exit, Tail: k.Tail}.say(), "it does not start again after kill -9"
	case k.Status == 0 || k.Status >= 400:
		f.Outcome, f.Seen, f.Why = standard.Fail, fmt.Sprintf("status %d", k.Status), "it starts again, but does not serve the page that it had served"
	case fewer(k.Still, k.Shown):
		f.Outcome, f.Why = standard.Fail, "what it had acknowledged and shown is gone"
	case !slices.Equal(k.After.Statuses, k.Before.Statuses) || fewer(k.After.Own, k.Before.Own):
		f.Outcome, f.Why = standard.Fail, "a session after the restart does not go as before"
		f.Seen = fmt.Sprintf("statuses %v before, %v after", k.Before.Statuses, k.After.Statuses)
	case len(k.Stores) > 0 && !slices.ContainsFunc(k.Shown, func(n int) bool { return n > 0 }):
		f.Outcome, f.Why = standard.Unknown, strings.Join(k.Stores, ", ")+" keeps something, but no page of the session shows it: "+fixTraffic
	}
	return f
}

func bad(status int) bool { return status == 0 || status >= 400 }

// fewer reports whether any count is lower than it was.
func fewer(now, then []int) bool {
	for i, n := range then {
		if i >= len(now) || now[i] < n {
			return true
		}
	}
	return false
}
