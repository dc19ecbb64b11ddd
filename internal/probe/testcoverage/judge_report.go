package testcoverage

import (
	"fmt"
	"strings"

	"github.com/roadworthy-dev/roadworthy/internal/standard"
)

// entry is what is known of the report's entry for one file.
type entry int

// The states of an entry.
const (
	unmoved entry = iota // nothing can be said: the file was not moved, or written anew
	follows              // the second report is of the moved file
	strays               // it is neither the old entry nor one of the moved file
	refuted              // it is the old entry, or calls covered what nobody called
)

func (s Source) state() entry {
	f := s.Follow
	switch {
	case f == nil || f.Overwritten:
		return unmoved
	case f.PlantRan > 0:
		return refuted
	case f.PlantListed > 0:
		return follows
	case f.Same:
		return refuted
	case 10*f.Kept >= 9*s.Total:
		return follows
	}
	return strays
}

// tally sums up lines of sources by what is known of their entries.
type tally struct {
	lines, named int
	by           [refuted + 1]int // lines of named sources
	untrue       []string         // the first of the refuted
	missing      []string         // the largest that are not named
}

func tallyOf(o Observations) tally {
	t := tally{lines: o.Rest.Lines, named: o.Rest.Named}
	for _, s := range o.Sources {
		t.lines += s.Lines
		switch {
		case !s.Named:
			if len(t.missing) < 5 {
				t.missing = append(t.missing, s.Path)
			}
			continue
		case s.state() == refuted && len(t.untrue) < 5:
			t.untrue = append(t.untrue, why(s))
		}
		t.named += s.Lines
		t.by[s.state()] += s.Lines
	}
	return t
}

func why(s Source) string {
	if s.Follow.PlantRan > 0 {
		return s.Path + ": a function that nobody calls is called covered"
	}
	return s.Path + ": lines that were moved stand where they were"
}

// reported passes if the run wrote a report that names most of the
// application, and that moves when the sources do.
func reported(o Observations) standard.Finding {
	t, r := tallyOf(o), o.Report
	f := standard.Finding{Outcome: standard.Fail}
	f.Did = fmt.Sprintf("removed %s, ran the suite, and ran it again with %s of %d files", r.Path, o.Moved.Form, o.Moved.Files)
	f.Seen = fmt.Sprintf("%s report of %d files: %d of %d lines covered; it names %d of %d source lines, and followed %d of them when they were moved",
		r.Format, r.Files, r.Covered, r.Total, t.named, t.lines, t.by[follows])
	switch {
	case !o.Suite.passed():
		f.Outcome, f.Seen, f.Why = standard.Unknown, "", "the suite does not pass, so that its report says nothing"
		f.Did = "ran the suite"
	case r.Path == "":
		f.Did, f.Seen, f.Why = "read the manifest", "no test.coverage in it", "no coverage report is declared"
	case !r.Written:
		f.Seen, f.Why = r.Path+" is not there after the run", "the run wrote no report"
		if r.Before {
			f.Seen += "; the one from before was removed"
		}
	case r.Err != "":
		f.Seen, f.Why = r.Err, "the report cannot be read"
	case len(o.Sources) == 0 || t.named == 0:
		f.Why = "it names no source file of the application" + strangers(r)
	case r.Covered == 0:
		f.Why = "not one line of the application is covered"
	default:
		f.Outcome, f.Why = moves(o, t)
	}
	return f
}

// moves decides on a report that can be read and covers something.
func moves(o Observations, t tally) (standard.Outcome, string) {
	tried := t.by[follows] + t.by[strays] + t.by[refuted]
	believed := t.named - t.by[refuted]
	switch {
	case !o.Repeat.passed():
		return standard.Unknown, "the suite cannot be repeated in a copy of the checkout, so that the report cannot be compared: " + trouble(o.Repeat)
	case o.Moved.Files > 0 && !o.Moved.Run.passed():
		return standard.Unknown, "the suite does not pass when " + o.Moved.Form + " are added to its sources, so that the report cannot be compared: " + trouble(o.Moved.Run)
	case o.Moved.Err != "":
		return standard.Fail, "the second run wrote no such report: " + o.Moved.Err
	case 10*t.by[refuted] > t.named:
		return standard.Fail, "the report does not follow the sources: " + strings.Join(t.untrue, "; ")
	case tried == 0:
		return standard.Unknown, "no file that it names could be moved, so that nothing shows whether the report is true"
	case 2*t.by[follows] < tried:
		return standard.Fail, fmt.Sprintf("the report followed only %d of %d lines that were moved", t.by[follows], tried)
	case 2*believed < t.lines:
		return standard.Fail, fmt.Sprintf("it names %d of %d source lines; not named are %s", believed, t.lines, strings.Join(t.missing, ", "))
	case 2*t.lines < o.Default:
		return standard.Unknown, fmt.Sprintf("test.sources leaves out %d of %d source lines, and nothing shows that those belong to something else", o.Default-t.lines, o.Default)
	}
	return standard.Pass, ""
}

func strangers(r Report) string {
	if len(r.Strange) == 0 {
		return ""
	}
	return "; it names " + strings.Join(r.Strange, ", ")
}
