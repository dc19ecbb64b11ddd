package evidence

import (
	"fmt"
	"maps"
	"slices"

	"github.com/roadworthy-dev/roadworthy/internal/standard"
)

// Judge gives the verdicts that follow from a probe's observation. It is pure:
// the same observation always gives the same verdicts.
type Judge func(probe string, observation []byte) ([]standard.Verdict, error)

// Recheck judges every observation again and compares the verdicts with those
// that were signed, field by field. Their order does not matter, but none may
// be missing and none may be new. A difference, and a judge that fails, is a
// problem, RW-E03, at the first such claim or probe.
//
// One observation at a time is held in memory.
func (b *Bundle) Recheck(judge Judge) error {
	given := map[string]standard.Verdict{}
	for _, o := range b.Check.Observations {
		observation, err := b.Observation(o.Probe)
		if err != nil {
			return err
		}
		verdicts, err := judge(o.Probe, observation)
		if err != nil {
			return refuted(o.Probe, "the observation cannot be judged", printable(err), "", err)
		}
		for _, v := range verdicts {
			if v, err = throughJSON(v); err != nil {
				return err
			}
			if _, twice := given[v.Claim]; twice {
				return refuted(v.Claim, "the observations give two verdicts on one claim", "", "", nil)
			}
			given[v.Claim] = v
		}
	}
	return compareVerdicts(b.Check.Verdicts, given)
}

func compareVerdicts(signed []standard.Verdict, given map[string]standard.Verdict) error {
	for _, v := range signed {
		other, found := given[v.Claim]
		if !found {
			return refuted(v.Claim, "the bundle has a verdict that no observation gives", describe(v), "no verdict", nil)
		}
		if other != v {
			return refuted(v.Claim, "the observations give another verdict than the bundle has", describe(v), describe(other), nil)
		}
		delete(given, v.Claim)
	}
	for _, claim := range slices.Sorted(maps.Keys(given)) {
		return refuted(claim, "the bundle lacks a verdict that its observations give", "no verdict", describe(given[claim]), nil)
	}
	return nil
}

func describe(v standard.Verdict) string {
	return fmt.Sprintf("%s, %q, by %q\ndid: %q\nexpected: %q\nseen: %q\nwhy: %q\nremedy: %q",
		v.Outcome, v.Strength, v.By, v.Did, v.Expected, v.Seen, v.Why, v.Remedy)
}
