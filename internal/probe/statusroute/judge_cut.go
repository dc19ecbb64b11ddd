package statusroute

import (
	"fmt"
	"slices"
	"strings"

	"github.com/roadworthy-dev/roadworthy/internal/standard"
)

const tolerance = 1.0 // seconds for the polls themselves, beyond the declared time

// cut passes if there was no false alarm and each service showed and healed
// in each mode.
func cut(o Observations) standard.Finding {
	f := standard.Finding{Claim: "status.route.cut", Outcome: standard.Pass}
	all := names(o.Services)
	if len(all) == 0 {
		f.Outcome, f.Why = standard.NotApplicable, "no backing service is declared that a status route could tell of"
		return f
	}
	var wrongs []string
	if len(o.Clean) > 0 {
		wrongs = append(wrongs, "a false alarm while nothing was cut: "+o.Clean[0].said())
	}
	proven, slowest, longest, skipped := map[string]bool{}, 0.0, 0.0, 0
	for _, c := range o.Cuts {
		if c.Skipped {
			skipped++
			continue
		}
		if wrong := c.wrong(o.Services); wrong != "" {
			wrongs = append(wrongs, fmt.Sprintf("%s %s: %s", c.Service, c.Mode, wrong))
			continue
		}
		proven[c.Service] = true
		slowest, longest = max(slowest, c.Unwell.At), max(longest, c.Back.At)
	}
	f.Did = fmt.Sprintf("polled %d times in peace, then cut %s in %s", o.Polls, strings.Join(all, ", "), modesOf(o.Cuts))
	f.Seen = fmt.Sprintf("each of %d cuts was told after at most %.1f s and healed after at most %.1f s", len(o.Cuts), slowest, longest)
	switch {
	case len(wrongs) > 0:
		f.Outcome, f.Why = standard.Fail, wrongs[0]
		f.Seen = strings.Join(wrongs[:min(len(wrongs), 4)], "; ")
	case len(proven) < len(all) || skipped > 0 || o.Polls == 0 || !complete(o):
		f.Outcome, f.Why = standard.Unknown, "not every service was cut in every way"
	}
	return f
}

// complete reports whether each service was cut as often as its kind asks for.
func complete(o Observations) bool {
	for _, s := range o.Services {
		want, got := 6, 0
		if s.Type == "sqlite" {
			want = 1
		}
		for _, c := range o.Cuts {
			if c.Service == s.Name {
				got++
			}
		}
		if s.Named && got < want {
			return false
		}
	}
	return true
}

func modesOf(cuts []Cut) string {
	var list []string
	for _, c := range cuts {
		if !slices.Contains(list, c.Mode) && !c.Skipped {
			list = append(list, c.Mode)
		}
	}
	return fmt.Sprintf("%d ways: %s", len(list), strings.Join(list, ", "))
}

// wrong says what is wrong with how a cut was told; "" for nothing.
func (c Cut) wrong(services []Service) string {
	all := names(services)
	within := 0.0
	for _, s := range services {
		if s.Name == c.Service {
			within = s.Within
		}
	}
	switch {
	case len(c.Healthy) < 3:
		return "all was never well before the cut" + c.last()
	case slices.ContainsFunc(c.Healthy, func(p Poll) bool { return !p.healthy(all) }):
		return "a false alarm before the cut"
	case c.Unwell == nil:
		return "nothing was asked after the cut"
	case !c.noticed(services):
		return c.unnoticed(within)
	case c.Unwell.At > within+tolerance:
		return fmt.Sprintf("it was told only after %.1f s; %.0f s are declared", c.Unwell.At, within)
	}
	if wrong := c.unsteady(all); wrong != "" {
		return wrong
	}
	switch {
	case c.Ended:
		return "the application ended"
	case c.Back == nil || !well(*c.Back, c.Healthy, all):
		return fmt.Sprintf("it was not well again %.0f s after the service had returned%s", within, c.last())
	case c.Back.At > within+tolerance:
		return fmt.Sprintf("it was well again only %.1f s after the service had returned; %.0f s are declared", c.Back.At, within)
	}
	return ""
}

// unsteady says what is wrong with the further polls: most of them must say
// the same, and none may blame another service.
func (c Cut) unsteady(all []string) string {
	steady := 0
	for _, p := range c.Confirm {
		if unwell(p, c.Healthy, c.Service, all) {
			steady++
		}
	}
	if steady == 0 || steady*2 < len(c.Confirm) {
		return fmt.Sprintf("it was told once, but %d of %d further polls did not tell it", len(c.Confirm)-steady, len(c.Confirm))
	}
	for _, p := range append([]Poll{*c.Unwell}, c.Confirm...) {
		for _, other := range all {
			if other != c.Service && p.answered() && fell(p, c.Healthy, other, all) {
				return "it marked " + other + " as well, which was not cut"
			}
		}
	}
	return ""
}

// unnoticed says how the last poll failed to tell of the cut.
func (c Cut) unnoticed(within float64) string {
	if c.Silent == c.Polls {
		return fmt.Sprintf("the status route did not answer within %.0f s", within+tolerance)
	}
	if c.Unwell.Status != 0 && c.Unwell.Form == "" {
		return "no machine can read what it answered: " + c.Unwell.said()
	}
	return fmt.Sprintf("after %.0f s it did not say that %s fails%s", within, c.Service, ": "+c.Unwell.said())
}

func (c Cut) last() string {
	if c.Back == nil {
		return ""
	}
	return ": " + c.Back.said()
}

func (p Poll) said() string {
	if p.Status == 0 {
		return "no answer (" + p.Err + ")"
	}
	return fmt.Sprintf("%d %s", p.Status, strings.TrimSpace(p.Body))
}
