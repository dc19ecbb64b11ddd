package statusroute

import (
	"fmt"
	"slices"
	"strings"

	"github.com/roadworthy-dev/roadworthy/internal/standard"
)

func judge(o Observations) []standard.Finding {
	if !o.Declared {
		return undeclared()
	}
	return []standard.Finding{refuses(o), answers(o), cut(o), rotate(o), private(o)}
}

// undeclared fails every claim: the standard asks for the route.
func undeclared() []standard.Finding {
	var list []standard.Finding
	for _, claim := range []string{"refuses", "answers", "cut", "rotate", "private"} {
		list = append(list, standard.Finding{
			Claim: "status.route." + claim, Outcome: standard.Fail, Did: "looked into the manifest",
			Seen: "no status route is declared",
			Why:  "no status route is declared: give the application one and add status: {path: /status, token: STATUS_TOKEN} to roadworthy.yaml",
		})
	}
	return list
}

// refuses passes if every wrong attempt was refused and told nothing, also
// while a service was cut and where no token is set.
func refuses(o Observations) standard.Finding {
	f := standard.Finding{Claim: "status.route.refuses", Outcome: standard.Pass}
	f.Did = fmt.Sprintf("asked for %s with %d wrong tokens, methods and paths, while services were cut, and in a boot without a token", o.Path, len(o.Attempts))
	var wrongs []string
	statuses := map[int]bool{}
	for _, a := range o.Attempts {
		statuses[a.Status] = true
		wrongs = append(wrongs, a.wrong(o.Absent.Status)...)
	}
	if o.Unset != nil {
		for _, a := range o.Unset.Attempts {
			if a.Status < 500 || len(a.Holds) > 0 {
				wrongs = append(wrongs, a.wrong(o.Absent.Status)...)
			}
		}
	}
	for _, c := range o.Cuts {
		wrongs = append(wrongs, c.betrays(o.Absent)...)
	}
	f.Seen = fmt.Sprintf("%d attempts, answered with %s, and nothing told", len(o.Attempts), list(statuses))
	switch {
	case len(wrongs) > 0:
		f.Outcome, f.Why, f.Seen = standard.Fail, wrongs[0], strings.Join(wrongs[:min(len(wrongs), 4)], "; ")
	case len(o.Attempts) == 0 || o.Unset == nil:
		f.Outcome, f.Why = standard.Unknown, "nothing was tried"
	case !o.Unset.Started && !o.Unset.Ended && len(o.Unset.Attempts) == 0:
		f.Outcome, f.Why = standard.Unknown, "where no token is set it neither served nor ended within the declared boot time, so that nothing could be asked"
	case !o.Answer.answered() || o.Answer.Status != 200:
		f.Outcome, f.Why = standard.Unknown, "with the token it does not answer either, so that a refusal says nothing"
	}
	return f
}

// wrong says what is wrong with the answer to an attempt.
func (a Attempt) wrong(absent int) []string {
	var list []string
	refused := a.Status == 401 || a.Status == 403 || a.Status == 404
	if a.Aside {
		refused = a.Status >= 300 && a.Status < 500 || a.Status == 501 || a.Status == absent
	}
	if !refused {
		list = append(list, fmt.Sprintf("%s: answered with %s", a.Name, a.said()))
	}
	if len(a.Holds) > 0 {
		list = append(list, fmt.Sprintf("%s: the reply tells %s", a.Name, strings.Join(a.Holds, ", ")))
	}
	return list
}

func (a Attempt) said() string {
	if a.Status == 0 {
		return "nothing (" + a.Err + ")"
	}
	return fmt.Sprint(a.Status)
}

// betrays says how the refusals of a cut tell that a service is cut.
func (c Cut) betrays(absent Attempt) []string {
	if len(c.Refusals) < 3 {
		return nil
	}
	before, again, during := c.Refusals[0], c.Refusals[1], c.Refusals[2]
	during.Holds = slices.DeleteFunc(slices.Clone(during.Holds), func(held string) bool { return slices.Contains(absent.Holds, held) })
	during.Name = fmt.Sprintf("no token, with %s %s", c.Service, c.Mode)
	wrongs := during.wrong(absent.Status)
	steady := before.Print == again.Print && before.Status == again.Status
	if len(wrongs) == 0 && steady && (during.Print != before.Print || during.Status != before.Status) {
		wrongs = append(wrongs, during.Name+": the refusal is another one than before the cut")
	}
	return wrongs
}

func list(statuses map[int]bool) string {
	var all []int
	for status := range statuses {
		all = append(all, status)
	}
	slices.Sort(all)
	return strings.Trim(fmt.Sprint(all), "[]")
}

// answers passes if the right token gets 200 and a body that names every service.
func answers(o Observations) standard.Finding {
	f := standard.Finding{Claim: "status.route.answers", Outcome: standard.Pass, Did: "asked for " + o.Path + " with the token of this boot"}
	named, all := []string{}, names(o.Services)
	var missing []string
	for _, name := range all {
		if len(o.Answer.fragment(name, all)) > 0 {
			named = append(named, name)
		} else {
			missing = append(missing, name)
		}
	}
	f.Seen = fmt.Sprintf("%d, a body of %s that names %s", o.Answer.Status, o.Answer.Form, strings.Join(named, ", "))
	switch {
	case o.Answer.Status == 0:
		f.Outcome, f.Why, f.Seen = standard.Fail, "it did not answer: "+o.Answer.Err, "no answer"
	case o.Answer.Status != 200:
		f.Outcome, f.Why, f.Seen = standard.Fail, fmt.Sprintf("it answered %d", o.Answer.Status), fmt.Sprintf("%d: %s", o.Answer.Status, o.Answer.Body)
	case o.Answer.Form == "":
		f.Outcome, f.Why, f.Seen = standard.Fail, "no machine can read the body", "200: "+o.Answer.Body
	case len(missing) > 0:
		f.Outcome, f.Why, f.Seen = standard.Fail, "the body does not name "+strings.Join(missing, ", "), "200: "+o.Answer.Body
	}
	return f
}

// rotate passes if each token works at the start that it was given to alone.
func rotate(o Observations) standard.Finding {
	r := o.Rotation
	f := standard.Finding{Claim: "status.route.rotate", Outcome: standard.Pass}
	f.Did = "stopped it and started it again in the same place with another token"
	f.Seen = fmt.Sprintf("first start: its token %d, the other %d; second start: its token %d, the first %d", r.OldBefore, r.NewBefore, r.NewAfter, r.OldAfter)
	refused := func(status int) bool { return status == 401 || status == 403 || status == 404 }
	took := func(status int) bool { return status == 200 || status >= 500 } // 503: it tells of something else
	switch {
	case !took(r.OldBefore):
		f.Outcome, f.Why = standard.Fail, "the token that it was given is not accepted"
	case !refused(r.NewBefore):
		f.Outcome, f.Why = standard.Fail, "a token that it was not given is not refused"
	case !r.Started:
		f.Outcome, f.Why = standard.Fail, "with another token it did not start again: "+r.Err
	case !took(r.NewAfter):
		f.Outcome, f.Why = standard.Fail, "the new token is not accepted"
	case !refused(r.OldAfter):
		f.Outcome, f.Why = standard.Fail, "the old token is not refused"
	}
	return f
}

// private passes if something was logged and the token was nowhere in it.
func private(o Observations) standard.Finding {
	f := standard.Finding{Claim: "status.route.private", Outcome: standard.Pass}
	s := o.Private.Searched
	f.Did = fmt.Sprintf("sent %d requests with the token, at log level DEBUG, and searched what was written", o.Private.Used)
	f.Seen = fmt.Sprintf("nowhere in %d lines of output, %d frames of syslog, %d mails and %d written files", s.Lines, s.Frames, s.Mails, s.Files)
	if len(o.Private.Leaks) > 0 {
		leak := o.Private.Leaks[0]
		f.Outcome, f.Why = standard.Fail, fmt.Sprintf("%s is in %s (%s)", leak.Secret, leak.Where, leak.Form)
		f.Seen = fmt.Sprintf("%s: %s", leak.Where, leak.Excerpt)
		return f
	}
	switch {
	case o.Private.Used == 0 || !o.Answer.answered():
		f.Outcome, f.Why = standard.Unknown, "the token was not used"
	case len(s.Missed) > 0:
		f.Outcome, f.Why = standard.Unknown, "not searched: "+strings.Join(s.Missed, ", ")
	case s.Lines+s.Frames == 0:
		f.Outcome, f.Why = standard.Unknown, "nothing was logged, so that nothing could be searched"
	}
	return f
}
