package configfile

import (
	"fmt"
	"slices"
	"strings"

	"github.com/roadworthy-dev/roadworthy/internal/standard"
)

func judge(o Observations) []standard.Finding {
	return []standard.Finding{effects(o), precedence(o), broken(o)}
}

// tally sorts settings by what was seen of them.
type tally struct{ shown, wrong, opaque []string }

// conclude gives the finding that a tally leads to.
func (t tally) conclude(f *standard.Finding) {
	switch {
	case len(t.wrong) > 0:
		f.Outcome, f.Why = standard.Fail, strings.Join(t.wrong, "; ")
	case len(t.opaque) > 0:
		f.Outcome, f.Why = standard.Unknown, "the effect cannot be seen: "+strings.Join(t.opaque, "; ")
	case len(t.shown) == 0:
		f.Outcome, f.Why = standard.Unknown, "no setting with a key in the file was seen"
	}
}

// find returns the sight of a setting.
func find(sights []Sight, setting string) (Sight, bool) {
	i := slices.IndexFunc(sights, func(s Sight) bool { return s.Setting == setting })
	if i < 0 {
		return Sight{}, false
	}
	return sights[i], true
}

// effects passes if every setting with a key showed the value of its own file.
func effects(o Observations) standard.Finding {
	f := standard.Finding{Claim: "config.file.effect", Outcome: standard.Pass}
	f.Did = fmt.Sprintf("gave %d settings different fresh values in the files of two boots", len(o.Strong))
	if o.Refusal != nil {
		return unread(f, o)
	}
	var t tally
	for _, strong := range o.Strong {
		weak, ok := find(o.Weak, strong.Setting)
		switch {
		case !ok:
			t.opaque = append(t.opaque, strong.Setting+" (it was seen in one boot alone)")
		case refuted(strong):
			t.wrong = append(t.wrong, ignored(strong))
		case refuted(weak):
			t.wrong = append(t.wrong, ignored(weak))
		case strong.Opaque != "" || weak.Opaque != "":
			t.opaque = append(t.opaque, strong.Setting+" ("+first(strong.Opaque, weak.Opaque)+")")
		case strong.Measured() && !strong.More(weak):
			t.wrong = append(t.wrong, fmt.Sprintf("%s; with %s %s", ignored(strong), weak.Value, weak.How))
		default:
			t.shown = append(t.shown, strong.Setting)
		}
	}
	f.Seen = fmt.Sprintf("the effects of %d of %d settings followed the file: %s; %d settings have no key in it",
		len(t.shown), len(o.Strong), join(t.shown), len(o.Keyless))
	t.conclude(&f)
	return f
}

// unread judges an application that does not start with its settings in the
// file. It refutes the claim if the environment is enough for it.
func unread(f standard.Finding, o Observations) standard.Finding {
	f.Did = "gave every setting that has a key in the file, and then in the environment"
	f.Seen = "with the file it " + ending(*o.Refusal) + "; with the environment it " + ending(o.Ordinary)
	f.Outcome, f.Why = standard.Unknown, "the application does not start, neither with the file nor without it"
	if o.Ordinary.Served {
		f.Outcome, f.Why = standard.Fail, fmt.Sprintf("the file is not enough to start with; its last words: %q", o.Refusal.Last)
	}
	return f
}

// refuted reports whether a sight alone speaks against the application.
func refuted(s Sight) bool { return s.Opaque == "" && !s.Measured() && !s.Only() }

func ignored(s Sight) string {
	return fmt.Sprintf("%s does not show the value of the file: with %s %s", s.Setting, s.Value, s.How)
}

func first(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return ""
}

func join(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// precedence passes if the environment's value shows where both hold one, and
// the file's where it alone does.
func precedence(o Observations) standard.Finding {
	f := standard.Finding{Claim: "config.file.precedence", Outcome: standard.Pass}
	f.Did = fmt.Sprintf("gave %d settings in the file alone, then in file and environment with different values, then in neither", len(o.Weak))
	if len(o.Both.Sights) == 0 && len(o.Both.Tried) > 0 {
		f.Outcome = standard.Fail
		f.Seen = "it tried the address in the file of " + strings.Join(o.Both.Tried, ", ")
		f.Why = "the file wins over the environment"
		return f
	}
	var t tally
	for _, file := range o.Weak {
		both, ok := find(o.Both.Sights, file.Setting)
		if !ok {
			t.opaque = append(t.opaque, file.Setting+" (it was seen in one boot alone)")
			continue
		}
		compare(&t, file, both, o.Default)
	}
	f.Seen = fmt.Sprintf("the environment won over the file, and the file over the default, for %d of %d settings: %s; %s",
		len(t.shown), len(o.Weak), join(t.shown), base(o.Default))
	t.conclude(&f)
	return f
}

func base(d Baseline) string {
	if !d.Served {
		return "with neither it does not start"
	}
	return "with neither it starts if it is given " + join(d.Required)
}

// compare sorts one setting by the boots that it was seen in.
func compare(t *tally, file, both Sight, d Baseline) {
	switch {
	case both.Opaque == "" && both.Other:
		t.wrong = append(t.wrong, fmt.Sprintf("%s: the file wins over the environment: with both %s", both.Setting, both.How))
	case refuted(both):
		t.wrong = append(t.wrong, fmt.Sprintf("%s: the value of the environment does not show beside a file: %s", both.Setting, both.How))
	case refuted(file):
		t.wrong = append(t.wrong, fmt.Sprintf("%s: the value of the file does not show: %s", file.Setting, file.How))
	case file.Opaque != "" || both.Opaque != "":
		t.opaque = append(t.opaque, file.Setting+" ("+first(file.Opaque, both.Opaque)+")")
	case file.Measured() && !both.More(file):
		t.wrong = append(t.wrong, fmt.Sprintf("%s: with both, the environment's %s does no more than the file's %s alone: %s; %s",
			file.Setting, both.Value, file.Value, both.How, file.How))
	default:
		overDefault(t, file, d)
	}
}

// overDefault looks whether the threshold that the file holds was not the
// default all the same. A fresh text that showed needs no such look, and a
// number of workers that differs from the environment's was compared already.
func overDefault(t *tally, file Sight, d Baseline) {
	base, ok := find(d.Sights, file.Setting)
	switch {
	case file.Level == nil || file.Level.Silent():
	case !ok:
		t.opaque = append(t.opaque, file.Setting+" (without it in any source the application does not start, and its effect is too small to tell)")
		return
	case base.Level != nil && !base.More(file):
		t.wrong = append(t.wrong, fmt.Sprintf("%s: the default wins over the file: with the file's %s %s, without it %s",
			file.Setting, file.Value, file.How, base.How))
		return
	}
	if ok && base.Other {
		t.wrong = append(t.wrong, file.Setting+": a value shows that no source holds")
		return
	}
	t.shown = append(t.shown, file.Setting)
}

// broken passes if a broken file and a missing one both ended it, the first
// with words that say where.
func broken(o Observations) standard.Finding {
	f := standard.Finding{Claim: "config.file.broken", Outcome: standard.Pass}
	f.Did = fmt.Sprintf("started it with a file that breaks off in line %d", o.Line)
	f.Seen = "with the broken file it " + ending(o.Broken)
	if o.Absent != nil {
		f.Did += ", and with the name of a file that does not exist"
		f.Seen += "; without the file it " + ending(*o.Absent)
	}
	located := o.Broken.At || o.Broken.Pointer > o.Intact.Pointer
	switch {
	case o.Line == 0:
		f.Outcome, f.Why = standard.Unknown, "no broken file was tried"
	case !o.Broken.Refused() || o.Broken.After > 10:
		f.Outcome, f.Why = standard.Fail, "a broken file is not refused"
	case !located:
		f.Outcome, f.Why = standard.Fail, fmt.Sprintf("its last words name neither the file nor line %d: %q", o.Line, o.Broken.Last)
	case o.Absent != nil && (!o.Absent.Refused() || o.Absent.After > 10):
		f.Outcome, f.Why = standard.Fail, "a file that is named and does not exist is not refused"
	case !o.Intact.Served:
		f.Outcome, f.Why = standard.Unknown, "with a good file it does not start either: it "+ending(o.Intact)
	}
	return f
}

// ending says how a start went.
func ending(o Outcome) string {
	switch {
	case o.Ended:
		return fmt.Sprintf("ended with %s after %.1f s", o.How, o.After)
	case o.Served:
		return fmt.Sprintf("served, on port %d", o.Port)
	case o.Status > 0:
		return fmt.Sprintf("went on and answered %d", o.Status)
	}
	return fmt.Sprintf("neither served nor ended within %.0f s", o.After)
}
