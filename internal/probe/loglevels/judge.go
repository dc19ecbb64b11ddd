package loglevels

import (
	"fmt"
	"slices"
	"strings"

	"github.com/roadworthy-dev/roadworthy/internal/standard"
)

// errorSeconds is the limit of the pass rule.
const errorSeconds = 2.0

// fewestWords is how many words make a record that can be told from others.
const fewestWords = 3

func judge(o Observations) []standard.Finding {
	if o.Setting == "" {
		const why = "no setting of the manifest changes the level"
		return []standard.Finding{
			{Claim: "log.levels.nested", Outcome: standard.Fail, Seen: "nothing to set", Why: why},
			{Claim: "log.levels.errors", Outcome: standard.Fail, Seen: "nothing to set", Why: why},
		}
	}
	return []standard.Finding{o.nested(), o.errors()}
}

// at gives the boots at a level.
func (o Observations) at(level string) (boots []Boot) {
	for _, b := range o.Boots {
		if b.Level == level {
			boots = append(boots, b)
		}
	}
	return boots
}

// stable lists the templates that came with every round of requests and never
// by themselves.
func (b Boot) stable() (list []string) {
	for _, t := range b.Templates {
		if t.Count >= b.Rounds && b.Rounds > 0 && t.Idle == 0 {
			list = append(list, t.Text)
		}
	}
	return list
}

// unsteady counts the lines that came with requests in forms that did not come
// with every round.
func (b Boot) unsteady() (n int) {
	for _, t := range b.Templates {
		if t.Count < b.Rounds && t.Idle == 0 {
			n += t.Count
		}
	}
	return n
}

// holds reports whether a template came at all in one of the boots, with more
// or with less detail.
func holds(boots []Boot, text string) bool {
	words := wordsOf(text)
	for _, b := range boots {
		for _, t := range b.Templates {
			others := wordsOf(t.Text)
			if t.Text == text || within(words, others) || within(others, words) {
				return true
			}
		}
	}
	return false
}

func wordsOf(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" \t,{}", r) })
}

// within reports whether the words of a record stand in another one in the
// same order: loggers may add the place in the source at a lower level. Too
// few words are in everything.
func within(some, all []string) bool {
	if len(some) < fewestWords {
		return false
	}
	for _, word := range all {
		if len(some) > 0 && word == some[0] {
			some = some[1:]
		}
	}
	return len(some) == 0
}

// noise lists the templates that were stable in one boot at INFO and absent in
// the other.
func (o Observations) noise() (list []string) {
	info := o.at("INFO")
	for i, b := range info {
		others := slices.Delete(slices.Clone(info), i, i+1)
		for _, text := range b.stable() {
			if !holds(others, text) {
				list = append(list, text)
			}
		}
	}
	return list
}

// nested passes if each level shows all that the next higher one shows, and
// one of them more.
func (o Observations) nested() standard.Finding {
	f := standard.Finding{Claim: "log.levels.nested", Outcome: standard.Pass}
	order := []string{"ERROR", "WARNING", "INFO", "DEBUG"}
	noise, total, unsteady := o.noise(), 0, 0
	var counts, more []string
	outside := ""
	for i, level := range order {
		boots := o.at(level)
		if len(boots) == 0 || level == "INFO" && len(boots) < 2 {
			f.Outcome, f.Why = standard.Unknown, "there was no boot at "+level
			return f
		}
		if lost := boots[0].lost(); lost != "" {
			f.Outcome, f.Why = standard.Unknown, lost
			return f
		}
		stable := without(boots[0].stable(), noise)
		total, unsteady = total+len(stable), unsteady+boots[0].unsteady()
		counts = append(counts, fmt.Sprintf("%s %d", level, len(stable)))
		if i > 0 {
			more = append(more, absent(stable, o.at(order[i-1]))...)
		}
		if i < len(order)-1 && outside == "" {
			if gone := absent(stable, o.at(order[i+1])); len(gone) > 0 {
				outside = fmt.Sprintf("%q shows at %s and not at %s", gone[0], level, order[i+1])
			}
		}
	}
	f.Did = fmt.Sprintf("ran the same requests in a boot at each level of %s, and in a second one at INFO", o.Setting)
	f.Seen = fmt.Sprintf("templates that come with every request: %s; %d left out as noise", strings.Join(counts, ", "), len(noise))
	switch {
	case outside != "":
		f.Outcome, f.Why = standard.Fail, outside
	case len(more) > 0:
		f.Seen += fmt.Sprintf("; more at a lower level: %d, such as %q", len(more), more[0])
	case total == 0 && unsteady > 0:
		f.Outcome, f.Why = standard.Unknown, "no line came with every round of requests, so levels cannot be compared"
	default:
		f.Outcome, f.Why = standard.Fail, "the requests are logged alike at every level"
	}
	return f
}

// lost says what of a boot was not kept; "" if everything was.
func (b Boot) lost() string {
	switch {
	case b.Dropped > 0:
		return fmt.Sprintf("at %s it wrote too much to keep: %d lines were not looked at", b.Level, b.Dropped)
	case b.More > 0:
		return fmt.Sprintf("at %s it wrote too many kinds of lines: %d were not looked at", b.Level, b.More)
	}
	return ""
}

func without(list, leave []string) []string {
	return slices.DeleteFunc(list, func(text string) bool { return slices.Contains(leave, text) })
}

// absent lists the templates that came in none of the boots.
func absent(list []string, boots []Boot) (gone []string) {
	for _, text := range list {
		if !holds(boots, text) {
			gone = append(gone, text)
		}
	}
	return gone
}

// errors passes if every induced error shows at ERROR in time.
func (o Observations) errors() standard.Finding {
	f := standard.Finding{Claim: "log.levels.errors", Outcome: standard.Pass}
	boots := o.at("ERROR")
	if len(boots) == 0 || len(boots[0].Errors) == 0 {
		f.Outcome, f.Why = standard.Unknown, "no error was induced at ERROR"
		return f
	}
	boot := boots[0]
	shown, missing, example := 0, Induced{}, ""
	for _, e := range boot.Errors {
		if e.shown(boot.Ordinary) {
			shown++
			example = e.Records[0].Text
		} else if missing.Target == "" {
			missing = e
		}
	}
	f.Did = fmt.Sprintf("induced the declared exception %d times with %s set to %s", len(boot.Errors), o.Setting, boot.Name)
	f.Seen = fmt.Sprintf("%d of %d errors show within %.0f s", shown, len(boot.Errors), errorSeconds)
	switch {
	case shown == len(boot.Errors):
		f.Seen += fmt.Sprintf(", such as %q", example[:min(len(example), 160)])
	case boot.Dropped > 0:
		f.Outcome, f.Why = standard.Unknown, boot.lost()
	case missing.Status > 0 && missing.Status < 500:
		f.Outcome, f.Why = standard.Unknown, fmt.Sprintf("%s was answered with %d, so it may have raised nothing", missing.Target, missing.Status)
	default:
		f.Outcome, f.Why = standard.Fail, "nothing but what every request gets was logged of "+missing.Target
	}
	return f
}

// shown reports whether a record that only the error can have made came in
// time: a trace that names the exception, or a line with its nonce of another
// form than the lines of ordinary requests.
func (e Induced) shown(ordinary []string) bool {
	return slices.ContainsFunc(e.Records, func(r Record) bool {
		if r.After > errorSeconds {
			return false
		}
		return r.Trace && r.Type != "" || !r.Trace && !slices.Contains(ordinary, r.Form)
	})
}
