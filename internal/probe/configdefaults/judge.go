package configdefaults

import (
	"fmt"
	"slices"
	"strings"

	"github.com/roadworthy-dev/roadworthy/internal/standard"
)

// bareEnd is an end that may have another cause than the setting left out.
const bareEnd = "ends without naming it, and its release commands had failed before: what they make may be all that is missing"

func judge(o Observations) []standard.Finding {
	return []standard.Finding{begins(o), behaves(o.Posture), standsIn(o), locked(o.Credential)}
}

// begins passes if it serves on defaults, or ended and asked for exactly what
// it then started with.
func begins(o Observations) standard.Finding {
	f := standard.Finding{Claim: "config.defaults.start", Outcome: standard.Pass, Did: "started it with nothing but a port"}
	if len(o.Tries) == 0 {
		f.Outcome, f.Why = standard.Unknown, "it was not started"
		return f
	}
	bare := o.Tries[0]
	f.Seen = "it " + ending(bare.Outcome)
	asked := missing(bare)
	switch {
	case bare.Outcome.Served:
		f.Seen += fmt.Sprintf("; production must override none of its %d settings", o.Settings)
		return f
	case !bare.Outcome.Refused() || bare.Outcome.After > max(10, 10*o.Took):
		f.Outcome, f.Why = standard.Fail, "it neither serves nor ends with a status other than zero"
		return f
	case len(asked) == 0:
		f.Outcome, f.Why = standard.Fail, fmt.Sprintf("it ends without naming what is missing; its last words: %q", bare.Outcome.Last)
		return f
	}
	f.Seen += " and asked for " + strings.Join(asked, ", ")
	f.Did += ", then with " + strings.Join(asked, ", ") + " as well"
	enough(&f, o, asked)
	return f
}

// missing lists what a start named and was not given.
func missing(t Try) []string {
	var list []string
	for name, lines := range t.Outcome.Naming {
		if lines > 0 && !slices.Contains(t.Given, name) {
			list = append(list, name)
		}
	}
	slices.Sort(list)
	return list
}

// enough looks whether what was asked for is all that is missing, and not more.
func enough(f *standard.Finding, o Observations, asked []string) {
	if len(o.Tries) < 2 {
		f.Outcome, f.Why = standard.Unknown, "it was not started with what it asked for"
		return
	}
	second := o.Tries[1].Outcome
	var idle []string
	for _, w := range o.Without {
		if w.Outcome.Served {
			idle = append(idle, w.Setting)
		}
	}
	f.Seen += fmt.Sprintf("; with them it %s; production must override %d of %d settings", ending(second), len(asked)-len(idle), o.Settings)
	switch {
	case second.Ended && len(missing(o.Tries[1])) > 0:
		f.Outcome, f.Why = standard.Fail, "with all that it asked for it asks for more: "+strings.Join(missing(o.Tries[1]), ", ")
	case !second.Served:
		f.Outcome, f.Why = standard.Fail, fmt.Sprintf("with all that it asked for it does not serve: it %s: %q", ending(second), second.Last)
	case len(o.Without) == 0:
		f.Outcome, f.Why = standard.Unknown, "it was not tried whether it needs what it asked for"
	case len(idle) >= len(o.Without)-len(idle):
		f.Outcome, f.Why = standard.Fail, "half or more of what it lists is not missing: it serves without "+strings.Join(idle, ", ")
	}
}

// ending says how a start went.
func ending(o Outcome) string {
	switch {
	case o.Ended:
		return fmt.Sprintf("ended with %s after %.1f s", o.How, o.After)
	case o.Served:
		return fmt.Sprintf("served after %.1f s", o.After)
	case o.Status > 0:
		return fmt.Sprintf("went on and answered %d", o.Status)
	}
	return fmt.Sprintf("neither served nor ended within %.0f s", o.After)
}

// behaves passes if errors were answered as errors, no reply told what only
// developers should see, and the log held no record at DEBUG.
func behaves(p Posture) standard.Finding {
	f := standard.Finding{Claim: "config.defaults.posture", Outcome: standard.Pass}
	f.Did = "gave it nothing but what it needs, induced the exception and sent unknown paths and malformed requests"
	f.Seen = fmt.Sprintf("%d replies without a stack trace or a setting in them, the exception answered with %s, no record at DEBUG in %d lines",
		p.Replies, strings.Trim(fmt.Sprint(p.Errors), "[]"), p.Lines)
	var why []string
	for _, t := range p.Telling {
		if says := tells(t); says != "" {
			why = append(why, fmt.Sprintf("the reply to %s (%d) holds %s", t.Request, t.Status, says))
		}
	}
	for _, status := range p.Errors {
		if status < 500 {
			why = append(why, fmt.Sprintf("the exception was answered with %d", status))
			break
		}
	}
	if len(p.Debug) > 0 {
		why = append(why, fmt.Sprintf("it logs at DEBUG: %q", p.Debug[0]))
	} else if loud(p) {
		why = append(why, fmt.Sprintf("it logs by default as under DEBUG: %s; under INFO %s", p.ByDefault.How, p.AtInfo.How))
	}
	switch {
	case len(why) > 0:
		f.Outcome, f.Why = standard.Fail, strings.Join(why[:min(len(why), 4)], "; ")
		f.Seen = fmt.Sprintf("%d of %d replies tell too much, the exception is answered with %s, %d or more records at DEBUG",
			len(p.Telling), p.Replies, strings.Trim(fmt.Sprint(p.Errors), "[]"), len(p.Debug))
	case len(p.Errors) == 0:
		f.Outcome, f.Why = standard.Unknown, "no exception was induced"
	}
	return f
}

func tells(t Telling) string {
	var parts []string
	if t.Frames > 0 {
		parts = append(parts, fmt.Sprintf("a stack trace of %d frames", t.Frames))
	}
	if len(t.Values) > 0 {
		parts = append(parts, "the value of "+strings.Join(t.Values, ", "))
	}
	if len(t.Names) > 2 {
		parts = append(parts, "a list of settings: "+strings.Join(t.Names, ", "))
	}
	return strings.Join(parts, " and ")
}

// loud reports whether it logs by default as much as under DEBUG, where that
// is more than under INFO, by a line for each session at the least.
func loud(p Posture) bool {
	if !p.Levelled || p.ByDefault == nil || p.AtDebug == nil || p.AtInfo == nil {
		return false
	}
	return p.AtDebug.More(*p.AtInfo) && p.ByDefault.More(*p.AtInfo) && !p.AtDebug.More(*p.ByDefault)
}

// standsIn passes if, without the address of each service, it ended and named
// the setting, or kept what it was given.
func standsIn(o Observations) standard.Finding {
	f := standard.Finding{Claim: "config.defaults.stand-in", Outcome: standard.Pass}
	var names, seen, wrong, unseen []string
	for _, s := range o.StandIns {
		names = append(names, s.Service)
		seen = append(seen, fmt.Sprintf("without %s it %s", strings.Join(s.Settings, ", "), ending(s.Outcome)))
		if why, known := instead(s, o); why != "" && known {
			wrong = append(wrong, fmt.Sprintf("without %s it %s", strings.Join(s.Settings, ", "), why))
		} else if why != "" {
			unseen = append(unseen, fmt.Sprintf("%s: %s", s.Service, why))
		}
	}
	f.Did = "left out the address of each service in turn: " + strings.Join(names, ", ")
	f.Seen = strings.Join(seen, "; ")
	switch {
	case o.Settings == 0:
		f.Outcome, f.Why = standard.Unknown, "no setting is declared"
	case len(o.StandIns) == 0:
		f.Outcome, f.Seen, f.Why = standard.NotApplicable, "no service is declared", "it uses no service that a setting names"
	case len(wrong) > 0:
		f.Outcome, f.Why = standard.Fail, strings.Join(wrong, "; ")
	case len(unseen) > 0:
		f.Outcome, f.Why = standard.Unknown, strings.Join(unseen, "; ")
	}
	return f
}

// instead says what stood in for a service, or "". Where known is false, it
// could not be seen.
func instead(s StandIn, o Observations) (why string, known bool) {
	usual := o.Usual
	strange := slices.DeleteFunc(slices.Clone(s.Strange), func(address string) bool { return slices.Contains(o.Elsewhere, address) })
	named := slices.ContainsFunc(s.Settings, func(name string) bool { return s.Outcome.Naming[name] > 0 })
	switch {
	case len(strange) > 0:
		return "tries an address that nobody gave: " + strings.Join(strange[:min(len(strange), 5)], ", "), true
	case s.Outcome.Refused() && !named && s.Bare:
		return bareEnd, false
	case s.Outcome.Refused() && !named:
		return fmt.Sprintf("ends without naming it; its last words: %q", s.Outcome.Last), true
	case s.Outcome.Refused():
		return "", true
	case !s.Outcome.Served:
		return ending(s.Outcome), true
	case s.Type == "syslog":
		return "", true // standard output has the same records
	case s.Type == "smtp" && !named:
		return "serves, and does not say that no mail is sent", true
	case s.Type == "smtp":
		return "", true
	}
	return forgets(s, usual, named)
}

// forgets says what of a session is not kept without a service, or "". Where
// other services keep something, what is there may be theirs.
func forgets(s StandIn, usual Memory, named bool) (why string, known bool) {
	before, after, there := s.Memory.Before, s.Memory.After, usual.After > 0
	if usual.Before == 0 {
		before, after, there = s.Memory.OwnOnce, s.Memory.OwnLast, usual.OwnOnce > 0 && usual.OwnLast > 0
	}
	switch {
	case !there:
		return "the session stores nothing that a declared GET step shows", false
	case before == 0:
		return "serves with the feature silently off: nothing of a session is kept", true
	case after == 0:
		return "serves, and what a session stored is gone after a restart", true
	case s.Memory.loses() && !usual.loses():
		return "serves, and a part of what a session stored is gone after a restart", true
	case s.Others > 0 && !named:
		return "serves without naming it, and another service may keep what the session shows: require the address, or say what is used instead", false
	}
	return "", true
}

// loses reports whether a restart takes something away.
func (m Memory) loses() bool { return m.After < m.Before || m.OwnLast < m.OwnOnce }

// locked passes if nothing opened the status route without a token.
func locked(c Credential) standard.Finding {
	f := standard.Finding{Claim: "config.defaults.credential", Outcome: standard.Pass}
	f.Did = fmt.Sprintf("started it without %s and with an empty one, and asked for the status with %d tokens",
		c.Setting, c.Unset.Asked+c.Empty.Asked)
	f.Seen = fmt.Sprintf("without %s it %s; with an empty one it %s", c.Setting, ending(c.Unset.Outcome), ending(c.Empty.Outcome))
	var why []string
	unknown := ""
	for i, o := range []Opening{c.Unset, c.Empty} {
		name := []string{"without " + c.Setting, "with an empty " + c.Setting}[i]
		switch {
		case len(o.Opened) > 0:
			why = append(why, name+" the status route is opened by "+strings.Join(o.Opened, ", "))
		case o.Outcome.Served && o.Asked == 0:
			unknown = name + " nobody asked"
		case o.Outcome.Served && !o.Control:
			unknown = name + " every request was refused, but so was the right token where one was set"
		case o.Outcome.Refused() && o.Bare && o.Outcome.Naming[c.Setting] == 0:
			unknown = name + " it " + bareEnd
		case !o.Outcome.Served && !o.Outcome.Refused():
			unknown = name + " it " + ending(o.Outcome)
		}
	}
	switch {
	case len(why) > 0:
		f.Outcome, f.Why = standard.Fail, strings.Join(why, "; ")
	case c.Setting == "":
		f.Outcome, f.Why = standard.Unknown, "nothing was tried"
	case unknown != "":
		f.Outcome, f.Why = standard.Unknown, unknown
	}
	return f
}
