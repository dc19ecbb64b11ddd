package cli

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/roadworthy-dev/roadworthy/internal/report"
	"github.com/roadworthy-dev/roadworthy/internal/standard"
	"github.com/roadworthy-dev/roadworthy/internal/term"
)

// repeatCheck checks several times, each with another seed, and tells which
// claims got different verdicts. Verdicts that differ are the tool's fault.
func (a *app) repeatCheck(ctx context.Context, f checkFlags) error {
	seen := map[string]map[standard.Outcome]int{} // by claim
	var last report.Run
	for n := range f.repeat {
		result, err := a.oneCheck(ctx, f)
		if err != nil {
			return fmt.Errorf("check %d of %d: %w", n+1, f.repeat, err)
		}
		last = result.Run
		if err := result.Close(); err != nil {
			return err
		}
		for _, r := range last.Requirements {
			for _, claim := range r.Claims {
				v := claim.Verdict
				if seen[claim.ID] == nil {
					seen[claim.ID] = map[standard.Outcome]int{}
				} else if seen[claim.ID][v.Outcome] == 0 { // the bundle of this check is about to be replaced
					fmt.Fprintf(a.Err, "check %d of %d: %s is now %s: %s: %s\n", n+1, f.repeat, claim.ID, v.Outcome, term.Clean(v.Why), term.Clean(v.Seen))
				}
				seen[claim.ID][v.Outcome]++
			}
		}
		fmt.Fprintf(a.Err, "check %d of %d: %s\n", n+1, f.repeat, last.Verdict())
		f.options.Seed++
	}
	differing := 0
	for _, id := range slices.Sorted(maps.Keys(seen)) {
		if len(seen[id]) > 1 {
			differing++
			fmt.Fprintf(a.Out, "differs  %-24s %s\n", id, tally(seen[id]))
		}
	}
	fmt.Fprintf(a.Out, "%d of %d claims got the same verdict in all %d checks\n", len(seen)-differing, len(seen), f.repeat)
	last.Repeats = f.repeat
	a.exit = last.ExitCode()
	if differing > 0 {
		a.exit = report.ExitBroken
	}
	return nil
}

func tally(outcomes map[standard.Outcome]int) string {
	var parts []string
	for _, outcome := range standard.Outcomes {
		if n := outcomes[outcome]; n > 0 {
			parts = append(parts, fmt.Sprintf("%s %d×", outcome, n))
		}
	}
	return strings.Join(parts, ", ")
}
