package testcoverage

import (
	"fmt"
	"strings"

	"github.com/roadworthy-dev/roadworthy/internal/standard"
)

func judge(o Observations) []standard.Finding {
	findings := []standard.Finding{runs(o), reported(o), sabotaged(o)}
	for i, claim := range []string{"test.coverage.runs", "test.coverage.report", "test.coverage.sabotage"} {
		findings[i].Claim = claim
		if !o.Declared {
			findings[i] = standard.Finding{
				Claim: claim, Outcome: standard.Fail, Did: "read the manifest", Seen: "no test: in it", Why: "no test suite is declared",
			}
		}
	}
	return findings
}

// runs passes if the suite ended well and says that tests ran.
func runs(o Observations) standard.Finding {
	f := standard.Finding{Outcome: standard.Fail, Did: fmt.Sprintf("ran %q after the build of a clean checkout", o.Command)}
	f.Seen = fmt.Sprintf("exit code %d after %.1f s, %d tests (%s)", o.Suite.Exit, o.Suite.Seconds, o.Tests.Count, o.Tests.Runner)
	if !o.Tests.Known {
		f.Seen = fmt.Sprintf("exit code %d after %.1f s, no number of tests", o.Suite.Exit, o.Suite.Seconds)
	}
	switch {
	case !o.Suite.Done:
		f.Outcome, f.Seen, f.Why = standard.Unknown, "", "the suite was not run"
	case o.Suite.TimedOut:
		f.Why = fmt.Sprintf("it did not end within %.0f s", o.Suite.Limit)
	case !o.Suite.passed():
		f.Why = "it does not pass in a clean checkout; its last lines:\n" + o.Suite.Last
	case len(o.Failed) > 0:
		f.Why = "it exits with zero although tests fail: " + strings.Join(o.Failed, "; ")
	case !o.Tests.Known:
		f.Why = "its output does not tell how many tests ran"
	case o.Tests.Count <= 0:
		f.Why = "no test ran"
	default:
		f.Outcome = standard.Pass
	}
	return f
}

// sabotaged passes if at least half of the faults that build turn the suite
// red. One that was left out counts as not found.
func sabotaged(o Observations) standard.Finding {
	f := standard.Finding{Outcome: standard.Unknown}
	n := map[string]int{}
	var green []string
	for _, fault := range o.Faults {
		n[fault.Result]++
		if fault.Result == ResultGreen {
			green = append(green, survivor(fault))
		}
	}
	red := n[ResultRed] + n[ResultLate]
	built := len(o.Faults) - n[ResultUnbuilt]
	f.Did = fmt.Sprintf("injected %d faults into covered code, one at a time, and ran the suite with each", len(o.Faults))
	f.Seen = fmt.Sprintf("%d of %d faults that build turned the suite red", red, built) + others(n)
	if len(green) > 0 {
		f.Seen += "; it stayed green with " + strings.Join(green, "; ")
	}
	switch {
	case !o.Suite.passed():
		f.Why = "a suite that does not pass cannot be sabotaged"
	case o.Report.Format == "":
		f.Why = "no report tells which lines of the application are covered"
	case !o.Repeat.passed():
		f.Why = "the suite cannot be repeated in a copy of the checkout: " + trouble(o.Repeat)
	case o.Moved.Tail && !o.Moved.Run.passed():
		f.Outcome, f.Why = standard.Fail, "it turns red when a mere comment is added to the sources: it looks at their text, not at what they do"
	case scattered(o):
		f.Outcome, f.Why = standard.Fail, fmt.Sprintf("only %d of %d places where a fault could be injected are covered", o.Places.Covered, o.Places.All)
		f.Why += copies(o)
	case built < fewest:
		f.Why = fmt.Sprintf("only %d faults could be injected into covered code and built, too few to judge by", built)
	case !o.After.passed():
		f.Why = "the suite did not pass at the end, without any fault: " + trouble(o.After)
	case 2*red < built:
		f.Outcome, f.Why = standard.Fail, fmt.Sprintf("%d of %d faults were not noticed", built-red, built)
	default:
		f.Outcome = standard.Pass
	}
	return f
}

const (
	fewest     = 3  // faults that a verdict can rest on
	manyPlaces = 12 // of which so few are covered only where the suite runs none of the application
)

// scattered reports whether there is much to break and the suite runs next to
// none of it.
func scattered(o Observations) bool {
	return o.Places.All >= manyPlaces && o.Places.Covered < fewest
}

func copies(o Observations) string {
	if len(o.Twins) == 0 {
		return ""
	}
	return fmt.Sprintf("; the suite covers %s, which is a copy of %s", o.Twins[0].Copy, o.Twins[0].Of)
}

func survivor(f Fault) string {
	return fmt.Sprintf("%s %s: %s → %s", f.At, f.Kind, oneLine(f.Before), oneLine(f.After))
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// others tells of the results that are neither red nor green.
func others(n map[string]int) string {
	var parts []string
	for _, row := range []struct{ result, says string }{
		{ResultLate, "of them by not ending in time"}, {ResultUnbuilt, "do not build"}, {ResultUnrun, "were left out, since the verdict was settled"},
	} {
		if n[row.result] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n[row.result], row.says))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return " (" + strings.Join(parts, ", ") + ")"
}

// trouble says why a run did not pass.
func trouble(r Run) string {
	switch {
	case !r.Done:
		return "it was not run"
	case r.Unbuilt != "":
		return "a build step failed: " + r.Unbuilt
	case r.TimedOut:
		return fmt.Sprintf("not ended within %.0f s", r.Limit)
	}
	return fmt.Sprintf("exit code %d: %s", r.Exit, r.Last)
}
