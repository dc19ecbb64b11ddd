package processes

import (
	"fmt"
	"slices"
	"strings"

	"github.com/roadworthy-dev/roadworthy/internal/standard"
)

func judge(o Observations) []standard.Finding {
	return []standard.Finding{scales(o.Pairs), foreground(o.Watches)}
}

// worst takes the worst of what the types gave.
func worst(f standard.Finding, n int, one func(i int) (standard.Outcome, string, string)) standard.Finding {
	if n == 0 {
		f.Outcome, f.Seen, f.Why = standard.Unknown, "no process type was started", "nothing was recorded"
		return f
	}
	var outcomes []standard.Outcome
	var seen, why []string
	for i := range n {
		outcome, s, w := one(i)
		outcomes, seen = append(outcomes, outcome), append(seen, s)
		if w != "" {
			why = append(why, w)
		}
	}
	f.Outcome, f.Seen, f.Why = standard.Worst(outcomes...), strings.Join(seen, "; "), strings.Join(why, "; ")
	return f
}

func scales(pairs []Pair) standard.Finding {
	f := standard.Finding{Claim: "processes.scales"}
	var types []string
	for _, p := range pairs {
		types = append(types, p.Type)
	}
	f.Did = "started two of each type side by side: " + strings.Join(types, ", ")
	return worst(f, len(pairs), func(i int) (standard.Outcome, string, string) { return pairs[i].decide() })
}

func (p Pair) decide() (outcome standard.Outcome, seen, why string) {
	if !p.First.Ready {
		return standard.Unknown, p.Type + ": " + p.First.say(), "one " + p.Type + " alone did not stay up, so that two say nothing"
	}
	switch {
	case !p.Second.Ready:
		return standard.Fail, fmt.Sprintf("%s: the first was there after %.1f s, the second %s", p.Type, p.First.After, p.Second.say()),
			"a second " + p.Type + " does not come up beside the first"
	case p.Second.Exit != "":
		return standard.Fail, p.Type + ": the second " + p.Second.say(), "a second " + p.Type + " does not stay beside the first"
	case p.First.Exit != "":
		return standard.Fail, p.Type + ": the first " + p.First.say(), "the first " + p.Type + " ends when a second one comes or goes"
	}
	if !p.Serves {
		return standard.Pass, fmt.Sprintf("%s: both stayed up", p.Type), ""
	}
	if len(p.First.Alone) == 0 || slices.Contains(p.First.Alone, 0) {
		return standard.Unknown, fmt.Sprintf("%s: one alone answered the session with %v", p.Type, p.First.Alone), "the session does not work on one " + p.Type
	}
	for _, beside := range []struct {
		name string
		got  Session
	}{{"the first beside the second", p.First.Beside}, {"the second", p.Second.Beside}, {"the first after the second had gone", p.After}} {
		if !slices.Equal(beside.got, p.First.Alone) {
			return standard.Fail, fmt.Sprintf("%s: statuses of the session on %s %v, on one alone %v", p.Type, beside.name, beside.got, p.First.Alone),
				beside.name + " does not answer as one alone does"
		}
	}
	return standard.Pass, fmt.Sprintf("%s: both answered the session, the first also after the second had gone", p.Type), ""
}

// say tells how a process fared that was not ready.
func (s Single) say() string {
	text := fmt.Sprintf("was not there after %.1f s", s.After)
	if s.Exit != "" {
		text = "ended with " + s.Exit
	}
	if s.Tail != "" {
		text += ": " + s.Tail
	}
	return text
}

func foreground(watches []Watch) standard.Finding {
	f := standard.Finding{Claim: "processes.foreground"}
	return worst(f, len(watches), func(i int) (standard.Outcome, string, string) { return watches[i].decide() })
}

func (w Watch) decide() (outcome standard.Outcome, seen, why string) {
	for _, left := range w.Left {
		if !w.Lived && left.Serves {
			return standard.Fail, fmt.Sprintf("%s: the started process ended with %s, and %s goes on serving", w.Type, w.Exit, left.Program), "it puts itself into the background"
		}
	}
	for _, left := range w.Left {
		how := map[string]string{"orphan": "its parent has ended", "session": "it made a session of its own"}[left.How]
		return standard.Fail, fmt.Sprintf("%s: the process %s: %s", w.Type, left.Program, how), "a process leaves the session that was started"
	}
	for _, file := range w.PIDFiles {
		if file.Named || len(file.Roots) > 1 {
			return standard.Fail, fmt.Sprintf("%s: %s held the id of one of its processes", w.Type, file.Path), "it writes a PID file"
		}
	}
	if len(w.Outlived) > 0 {
		return standard.Fail, w.Type + ": still there after the started process had ended: " + strings.Join(w.Outlived, "; "), "the service outlives the process that was started"
	}
	if !w.Started || !w.Lived || w.Seen == 0 {
		return standard.Unknown, fmt.Sprintf("%s: started %t, ended with %q: %s", w.Type, w.Started, w.Exit, w.Tail), "it did not stay up, so that it could not be watched"
	}
	seen = w.Type + ": all in the session of the started process, no file with a process id"
	if !w.Stopped {
		seen += "; it had to be killed"
	}
	return standard.Pass, seen, ""
}
