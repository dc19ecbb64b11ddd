package configenv

import (
	"fmt"
	"strings"

	"github.com/roadworthy-dev/roadworthy/internal/standard"
)

func judge(o Observations) []standard.Finding {
	return []standard.Finding{effects(o), refusals(o)}
}

// effects passes if every setting showed the value of its own boot, in both.
func effects(o Observations) standard.Finding {
	f := standard.Finding{Claim: "config.env.effect", Outcome: standard.Pass}
	f.Did = fmt.Sprintf("gave %d variables different fresh values in two boots", len(o.Strong))
	var shown, wrong, opaque []string
	for i, strong := range o.Strong {
		if i >= len(o.Weak) || o.Weak[i].Setting != strong.Setting {
			opaque = append(opaque, strong.Setting+" (it was seen in one boot alone)")
			continue
		}
		weak := o.Weak[i]
		switch {
		case refuted(strong) || refuted(weak):
			wrong = append(wrong, strong.Setting+" ("+reason(strong, weak)+")")
		case strong.Opaque != "" || weak.Opaque != "":
			opaque = append(opaque, strong.Setting+" ("+strong.Opaque+weakOnly(strong, weak)+")")
		case strong.Measured() && !strong.More(weak):
			wrong = append(wrong, fmt.Sprintf("%s (%s; with %s %s)", strong.Setting, with(strong), weak.Value, weak.How))
		default:
			shown = append(shown, strong.Setting)
		}
	}
	f.Seen = fmt.Sprintf("the effects of %d of %d variables followed their values: %s", len(shown), len(o.Strong), join(shown))
	switch {
	case len(wrong) > 0:
		f.Outcome, f.Why = standard.Fail, "no effect of the given value: "+strings.Join(wrong, "; ")
	case len(opaque) > 0:
		f.Outcome, f.Why = standard.Unknown, "the effect cannot be seen: "+strings.Join(opaque, "; ")
	case len(shown) == 0:
		f.Outcome, f.Why = standard.Unknown, "no variable is declared; write config: {settings: {PORT: {}}} in roadworthy.yaml"
	}
	return f
}

// refuted reports whether a sight alone speaks against the application.
func refuted(s Sight) bool { return s.Opaque == "" && !s.Measured() && !s.Only() }

func reason(strong, weak Sight) string {
	if refuted(strong) {
		return with(strong)
	}
	return with(weak)
}

func with(s Sight) string { return "with " + s.Value + " " + s.How }

func weakOnly(strong, weak Sight) string {
	if strong.Opaque == "" {
		return weak.Opaque
	}
	return ""
}

func join(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// refusals passes if every wrong value ended the application with its name.
func refusals(o Observations) standard.Finding {
	f := standard.Finding{Claim: "config.env.invalid", Outcome: standard.Pass}
	var wrong, said []string
	slowest := 0.0
	for _, a := range o.Attempts {
		said = append(said, a.Setting+"="+a.Value)
		slowest = max(slowest, a.Outcome.After)
		if why := accepted(a, o.Attempts); why != "" {
			wrong = append(wrong, fmt.Sprintf("with %s=%s it %s", a.Setting, a.Value, why))
		}
	}
	f.Did = "started it once with each of " + join(said)
	f.Seen = fmt.Sprintf("%d of %d wrong values ended it with a status other than zero and the variable's name, the slowest after %.1f s",
		len(o.Attempts)-len(wrong), len(o.Attempts), slowest)
	switch {
	case len(o.Attempts) == 0:
		f.Outcome, f.Why = standard.Unknown, "no variable is declared that can be wrong; write invalid: VALUE under config.settings"
	case len(wrong) > 0:
		f.Outcome, f.Why = standard.Fail, strings.Join(wrong, "; ")
	}
	return f
}

// accepted says how a wrong value was not refused as it must be, or "".
func accepted(a Attempt, all []Attempt) string {
	o := a.Outcome
	switch {
	case o.Served && !o.Ended:
		return fmt.Sprintf("served, on port %d", o.Port)
	case !o.Ended && o.Status > 0:
		return fmt.Sprintf("went on and answered %d", o.Status)
	case !o.Ended:
		return fmt.Sprintf("neither served nor ended within %.0f s", o.After)
	case o.Exit == 0:
		return "ended with exit status 0"
	case o.After > 10:
		return fmt.Sprintf("ended only after %.1f s", o.After)
	case o.Naming[a.Setting] == 0:
		return fmt.Sprintf("ended (%s) without naming the variable; its last words: %q", o.How, o.Last)
	case always(a, all):
		return "named the variable, but does so whatever is wrong"
	}
	return ""
}

// always reports whether the variable is named as often where others are wrong.
func always(a Attempt, all []Attempt) bool {
	others := 0
	for _, other := range all {
		if other.Setting == a.Setting {
			continue
		}
		others++
		if other.Outcome.Naming[a.Setting] < a.Outcome.Naming[a.Setting] {
			return false
		}
	}
	return others >= 2
}
