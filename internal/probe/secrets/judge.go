package secrets

import (
	"fmt"
	"slices"
	"strings"

	"github.com/roadworthy-dev/roadworthy/internal/standard"
)

func judge(o Observations) []standard.Finding {
	return []standard.Finding{runtime(o.Runtime), history(o)}
}

// runtime passes if something left the application and no secret was in it.
func runtime(o Runtime) standard.Finding {
	f := standard.Finding{Claim: "secrets.runtime", Outcome: standard.Pass}
	f.Did = fmt.Sprintf("gave it %s fresh values, led it through %s, and searched all that left",
		strings.Join(o.Secrets, ", "), strings.Join(o.Situations, ", "))
	s := o.Searched
	f.Seen = fmt.Sprintf("nowhere in %d lines of output, %d frames of syslog, %d mails, %d replies, %d written files and %d argument lists",
		s.Lines, s.Frames, s.Mails, s.Replies, s.Files, s.Arguments)
	if !o.Traced {
		f.Seen += " (without strace: of programs that lived only for a moment none was seen)"
	}
	if len(o.Leaks) > 0 {
		var seen []string
		for _, leak := range o.Leaks[:min(len(o.Leaks), 4)] {
			seen = append(seen, strings.TrimSuffix(fmt.Sprintf("%s in %s (%s): %s", leak.Secret, leak.Where, leak.Form, leak.Excerpt), ": "))
		}
		f.Outcome, f.Seen = standard.Fail, strings.Join(seen, "; ")
		f.Why = fmt.Sprintf("%s shows in %s", o.Leaks[0].Secret, o.Leaks[0].Where)
		return f
	}
	switch {
	case len(o.Secrets) == 0:
		f.Outcome, f.Why = standard.Unknown, "it was given no secret"
	case o.Answered == 0 || s.Replies == 0 || s.Arguments == 0:
		f.Outcome, f.Why = standard.Unknown, "it did not answer, so that there was nothing to search"
	case s.Lines+s.Frames == 0:
		f.Outcome, f.Why = standard.Unknown, "nothing was logged, so that there was nothing to search"
	case len(s.Missed) > 0:
		f.Outcome, f.Why = standard.Unknown, "not searched: "+strings.Join(s.Missed, ", ")
	}
	return f
}

// history passes if every file was read and none holds a secret, files of
// tests and examples aside.
func history(o Observations) standard.Finding {
	f := standard.Finding{Claim: "secrets.history", Outcome: standard.Pass}
	if o.Files == nil {
		f.Outcome, f.Why = standard.Unknown, "nothing was searched"
		return f
	}
	scans, seen := []*Scan{o.Files}, []string{fmt.Sprintf("%d files of the artifact", o.Files.Read)}
	f.Did = "searched every file of the artifact; there is no repository"
	if o.History != nil {
		f.Did = "searched every version of every file in the history, and every file of the artifact"
		scans, seen = append(scans, o.History), append(seen, fmt.Sprintf("%d versions of files in the history", o.History.Read))
	}
	var found, missed []string
	total, fixtures, larger, read := 0, 0, 0, 0
	for _, s := range scans {
		total, larger, read, missed = total+s.Total, larger+s.Larger, read+s.Read, append(missed, s.Missed...)
		for _, finding := range s.Findings {
			if finding.Fixture {
				fixtures++
			} else if text := finding.String(); !slices.Contains(found, text) {
				found = append(found, text)
			}
		}
	}
	f.Seen = strings.Join(seen, " and ") + " hold none"
	if fixtures > 0 {
		f.Seen += fmt.Sprintf(", but for %d in files of tests or examples", fixtures)
	}
	if larger > 0 {
		f.Seen += fmt.Sprintf("; %d above 1 MiB were not read", larger)
	}
	switch {
	case total > 0 || len(found) > 0:
		f.Outcome, f.Seen = standard.Fail, strings.Join(found[:min(len(found), 5)], "; ")
		f.Why = "a secret is kept where it can be read"
	case len(missed) > 0:
		f.Outcome, f.Why = standard.Unknown, strings.Join(missed, "; ")
	case read == 0:
		f.Outcome, f.Why = standard.Unknown, "there was no file to read"
	}
	return f
}

// String says where a secret is.
func (f Finding) String() string {
	where := "in the artifact"
	if f.Commit != "" {
		where = "since commit " + f.Commit[:min(len(f.Commit), 10)]
	}
	return fmt.Sprintf("%s:%d (%s) %s %s", f.Path, f.Line, f.Kind, f.Redacted, where)
}
