package report

import (
	"fmt"

	"github.com/roadworthy-dev/roadworthy/internal/standard"
)

// State is what a whole run says of its application.
type State string

// The states.
const (
	Ready     State = "ready"        // every requirement of the standard passes or does not apply
	Partly    State = "partly ready" // every requirement that was asked does, but not all were asked
	NotReady  State = "not ready"    // a requirement failed
	Broken    State = "tool error"   // none failed, but the tool broke
	NotProven State = "not proven"   // none failed, but something could not be proven
)

// The exit codes of a check.
const (
	ExitReady     = 0
	ExitFailed    = 1
	ExitBroken    = 2
	ExitNotProven = 3
	ExitUsage     = 64 // EX_USAGE of sysexits(3)
)

// State returns what the run says. Outcomes are taken from the verdicts.
func (r Run) State() State {
	switch r.outcome() {
	case standard.Fail:
		return NotReady
	case standard.Error:
		return Broken
	case standard.Unknown:
		return NotProven
	}
	if r.whole() {
		return Ready
	}
	return Partly
}

// ExitCode returns what a check of this run exits with.
func (r Run) ExitCode() int {
	return map[State]int{
		Ready: ExitReady, Partly: ExitReady, NotReady: ExitFailed, Broken: ExitBroken, NotProven: ExitNotProven,
	}[r.State()]
}

// Counts returns how many requirements have each outcome.
func (r Run) Counts() map[standard.Outcome]int {
	counts := map[standard.Outcome]int{}
	for _, requirement := range r.Requirements {
		counts[requirement.settled().Outcome]++
	}
	return counts
}

// Verdict returns the state with its number: "not ready: 3", "ready".
func (r Run) Verdict() string {
	counts, state := r.Counts(), r.State()
	switch state {
	case NotReady:
		return fmt.Sprintf("%s: %d", state, counts[standard.Fail])
	case Broken:
		return fmt.Sprintf("%s: %d", state, counts[standard.Error])
	case NotProven:
		return fmt.Sprintf("%s: %d", state, counts[standard.Unknown])
	case Partly:
		return fmt.Sprintf("%s: %d of %d asked", state, len(r.Requirements), len(standard.Requirements))
	}
	return string(state)
}

// sentence returns the state with what it rests on.
func (r Run) sentence() string {
	counts, state, asked := r.Counts(), r.State(), count(len(r.Requirements), "requirement")
	switch state {
	case NotReady:
		return fmt.Sprintf("%s: %d of %s failed", state, counts[standard.Fail], asked)
	case Broken:
		return fmt.Sprintf("%s: %d of %s could not be judged", state, counts[standard.Error], asked)
	case NotProven:
		return fmt.Sprintf("%s: %d of %s", state, counts[standard.Unknown], asked)
	case Partly:
		return fmt.Sprintf("%s: %s of %d asked, and none refused", state, asked, len(standard.Requirements))
	}
	return fmt.Sprintf("%s: all %s hold or do not apply", state, asked)
}

func (r Run) outcome() standard.Outcome {
	outcomes := make([]standard.Outcome, len(r.Requirements))
	for i, requirement := range r.Requirements {
		outcomes[i] = requirement.settled().Outcome
	}
	return standard.Worst(outcomes...)
}

// whole reports whether every requirement of the standard was asked.
func (r Run) whole() bool {
	asked := map[string]bool{}
	for _, requirement := range r.Requirements {
		asked[requirement.ID] = true
	}
	for _, requirement := range standard.Requirements {
		if !asked[requirement.ID] {
			return false
		}
	}
	return r.Mode == Full
}

// outcome maps a state to the outcome whose mark it is shown with.
func (s State) outcome() standard.Outcome {
	switch s {
	case Ready:
		return standard.Pass
	case NotReady:
		return standard.Fail
	case Broken:
		return standard.Error
	case Partly:
		return standard.NotApplicable
	}
	return standard.Unknown
}
