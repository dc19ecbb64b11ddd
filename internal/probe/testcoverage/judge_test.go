package testcoverage

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/roadworthy-dev/roadworthy/internal/standard"
)

func green() Run { return Run{Done: true, Seconds: 1, Limit: 600} }
func red() Run   { return Run{Done: true, Exit: 1, Last: "the end", Limit: 600} }

func moving(planted, listed, ran int) *Follow {
	return &Follow{Shift: 5, Listed: 18, Kept: 10, Planted: planted, PlantListed: listed, PlantRan: ran}
}

func faultsOf(results string) []Fault {
	words := map[rune]string{'r': ResultRed, 'l': ResultLate, 'g': ResultGreen, 'u': ResultUnbuilt, 'x': ResultUnrun}
	var faults []Fault
	for _, letter := range results {
		faults = append(faults, Fault{At: "a.go:7", Kind: "body", Before: "{\n  a", After: "{ b", Result: words[letter]})
	}
	return faults
}

// honest is a record on which every claim passes.
func honest() Observations {
	return Observations{
		Declared: true, Command: "go test ./...", Suite: green(), Tests: Tests{Known: true, Count: 12, Runner: "go test"},
		Report: Report{Path: "coverage.out", Written: true, Format: "go", Files: 2, Covered: 12, Total: 20},
		Sources: []Source{
			{Path: "a.go", Lines: 60, Named: true, Covered: 8, Total: 10, Follow: moving(3, 3, 0)},
			{Path: "b.go", Lines: 30, Named: true, Covered: 4, Total: 10, Follow: moving(0, 0, 0)},
			{Path: "c.go", Lines: 10},
		},
		Repeat: green(), After: green(), Together: 2, Places: Places{All: 40, Covered: 20}, Faults: faultsOf("rrrrgggg"),
		Moved: Moved{Run: green(), Form: "lines at the top", Files: 2},
	}
}

const pass, fail, unknown = standard.Pass, standard.Fail, standard.Unknown

// cases change the honest record; want has the outcomes of runs, report and
// sabotage, and says is a text of the last one that does not pass.
var cases = []struct {
	name   string
	change func(o *Observations)
	want   [3]standard.Outcome
	says   string
}{
	{"honest", func(*Observations) {}, [3]standard.Outcome{pass, pass, pass}, ""},
	{"no suite", func(o *Observations) { o.Declared = false }, [3]standard.Outcome{fail, fail, fail}, "no test suite"},
	{"nothing was run", func(o *Observations) { *o = Observations{Declared: true} }, [3]standard.Outcome{unknown, unknown, unknown}, "cannot be sabotaged"},

	{"the suite fails", func(o *Observations) { o.Suite = red() }, [3]standard.Outcome{fail, unknown, unknown}, "does not pass"},
	{"the suite is late", func(o *Observations) { o.Suite.TimedOut = true }, [3]standard.Outcome{fail, unknown, unknown}, ""},
	{"zero although tests fail", func(o *Observations) { o.Failed = []string{"not ok 3"} }, [3]standard.Outcome{fail, pass, pass}, "not ok 3"},
	{"no number of tests", func(o *Observations) { o.Tests.Known = false }, [3]standard.Outcome{fail, pass, pass}, "does not tell"},
	{"zero tests", func(o *Observations) { o.Tests.Count = 0 }, [3]standard.Outcome{fail, pass, pass}, "no test ran"},
	{"one test", func(o *Observations) { o.Tests.Count = 1 }, [3]standard.Outcome{pass, pass, pass}, ""},

	{"no report declared", func(o *Observations) { o.Report = Report{} }, [3]standard.Outcome{pass, fail, unknown}, "no report tells"},
	{"no report written", func(o *Observations) { o.Report = Report{Path: "c", Before: true} }, [3]standard.Outcome{pass, fail, unknown}, ""},
	{"a report of no format", func(o *Observations) { o.Report = Report{Path: "c", Written: true, Err: "no report"} }, [3]standard.Outcome{pass, fail, unknown}, ""},
	{"it names strangers", func(o *Observations) { o.Sources, o.Report.Strange = nil, []string{"x.go"} }, [3]standard.Outcome{pass, fail, pass}, "names x.go"},
	{"it names none of ours", func(o *Observations) { o.Sources = []Source{{Path: "a.go", Lines: 9}} }, [3]standard.Outcome{pass, fail, pass}, "no source file"},
	{"nothing is covered", func(o *Observations) { o.Report.Covered, o.Places.Covered, o.Faults = 0, 0, nil }, [3]standard.Outcome{pass, fail, fail}, "only 0 of 40"},
	{"a copied report", func(o *Observations) { o.Sources[0].Follow = &Follow{Shift: 5, Planted: 3, Same: true, Kept: 9} }, [3]standard.Outcome{pass, fail, pass}, "stand where they were"},
	{"everything is called covered", func(o *Observations) { o.Sources[0].Follow = moving(3, 3, 1) }, [3]standard.Outcome{pass, fail, pass}, "nobody calls"},
	{"a small file does not follow", func(o *Observations) {
		o.Sources = append(o.Sources, Source{Path: "d.go", Lines: 8, Named: true, Total: 3, Follow: moving(3, 3, 1)})
	}, [3]standard.Outcome{pass, pass, pass}, ""},
	{"the second report is of something else", func(o *Observations) { o.Sources[0].Follow = &Follow{Shift: 5, Kept: 8, Listed: 10} }, [3]standard.Outcome{pass, fail, pass}, "followed only 30 of 90"},
	{"nine of ten lines were kept", func(o *Observations) { o.Sources[0].Follow = &Follow{Shift: 5, Kept: 9, Listed: 12} }, [3]standard.Outcome{pass, pass, pass}, ""},
	{"written anew by the build", func(o *Observations) {
		o.Sources[0].Follow, o.Sources[1].Follow = &Follow{Shift: 5, Same: true, Overwritten: true}, nil
	}, [3]standard.Outcome{pass, unknown, pass}, "could be moved"},
	{"half is named", func(o *Observations) { o.Sources[2].Lines = 90 }, [3]standard.Outcome{pass, pass, pass}, ""},
	{"less than half is named", func(o *Observations) { o.Sources[2].Lines = 91 }, [3]standard.Outcome{pass, fail, pass}, "not named are c.go"},
	{"less than half with the rest", func(o *Observations) { o.Rest = Rest{Files: 3, Lines: 200, Named: 50} }, [3]standard.Outcome{pass, fail, pass}, "names 140 of 300"},
	{"half with the rest", func(o *Observations) { o.Rest = Rest{Files: 3, Lines: 200, Named: 60} }, [3]standard.Outcome{pass, pass, pass}, ""},
	{"what is refuted does not count", func(o *Observations) {
		o.Sources[2].Lines = 91
		o.Sources = append(o.Sources, Source{Path: "d.go", Lines: 9, Named: true, Total: 3, Follow: moving(3, 3, 1)})
	}, [3]standard.Outcome{pass, fail, pass}, "names 90 of 190"},
	{"sources narrowed down", func(o *Observations) { o.Default = 201 }, [3]standard.Outcome{pass, unknown, pass}, "leaves out 101 of 201"},
	{"sources narrowed down a little", func(o *Observations) { o.Default = 200 }, [3]standard.Outcome{pass, pass, pass}, ""},
	{"no second report", func(o *Observations) { o.Moved.Err = "not there" }, [3]standard.Outcome{pass, fail, pass}, "not there"},
	{"moved sources turn it red", func(o *Observations) { o.Moved.Run = red() }, [3]standard.Outcome{pass, unknown, pass}, "does not pass when"},
	{"moved sources do not build", func(o *Observations) { o.Moved.Run = Run{Done: true, Unbuilt: "why"} }, [3]standard.Outcome{pass, unknown, pass}, "why"},
	{"a comment turns it red", func(o *Observations) { o.Moved.Run, o.Moved.Tail = red(), true }, [3]standard.Outcome{pass, unknown, fail}, "mere comment"},
	{"only a comment leaves it green", func(o *Observations) {
		o.Moved.Tail, o.Sources[0].Follow, o.Sources[1].Follow = true, nil, nil
	}, [3]standard.Outcome{pass, unknown, pass}, "could be moved"},

	{"half are found", func(o *Observations) { o.Faults = faultsOf("rrrlgggg") }, [3]standard.Outcome{pass, pass, pass}, ""},
	{"less than half are found", func(o *Observations) { o.Faults = faultsOf("rrrggggg") }, [3]standard.Outcome{pass, pass, fail}, "5 of 8"},
	{"faults that do not build", func(o *Observations) { o.Faults = faultsOf("rrgguuuu") }, [3]standard.Outcome{pass, pass, pass}, ""},
	{"faults that were left out", func(o *Observations) { o.Faults = faultsOf("rrrggxxx") }, [3]standard.Outcome{pass, pass, fail}, "5 of 8"},
	{"settled early", func(o *Observations) { o.Faults = faultsOf("rrrrxxxx") }, [3]standard.Outcome{pass, pass, pass}, ""},
	{"two that build", func(o *Observations) { o.Faults = faultsOf("rruuuuuu") }, [3]standard.Outcome{pass, pass, unknown}, "only 2 faults"},
	{"three that build", func(o *Observations) { o.Faults = faultsOf("rrruuuuu") }, [3]standard.Outcome{pass, pass, pass}, ""},
	{"no language to break", func(o *Observations) { o.Places, o.Faults = Places{}, nil }, [3]standard.Outcome{pass, pass, unknown}, "only 0 faults"},
	{"little to break", func(o *Observations) { o.Places, o.Faults = Places{11, 2}, faultsOf("rr") }, [3]standard.Outcome{pass, pass, unknown}, "only 2 faults"},
	{"much to break, next to nothing covered", func(o *Observations) {
		o.Places, o.Faults, o.Twins = Places{12, 2}, faultsOf("rr"), []Twin{{"copy.go", "a.go"}}
	}, [3]standard.Outcome{pass, pass, fail}, "copy.go, which is a copy of a.go"},
	{"three places are covered", func(o *Observations) { o.Places.Covered = 3 }, [3]standard.Outcome{pass, pass, pass}, ""},
	{"not repeatable", func(o *Observations) { o.Repeat = red() }, [3]standard.Outcome{pass, unknown, unknown}, "exit code 1: the end"},
	{"not rebuildable", func(o *Observations) { o.Repeat = Run{Done: true, Unbuilt: "no network"} }, [3]standard.Outcome{pass, unknown, unknown}, "no network"},
	{"not repeated", func(o *Observations) { o.Repeat = Run{} }, [3]standard.Outcome{pass, unknown, unknown}, "not run"},
	{"red at the end", func(o *Observations) { o.After = red() }, [3]standard.Outcome{pass, pass, unknown}, "at the end"},
	{"late at the end", func(o *Observations) { o.After.TimedOut = true }, [3]standard.Outcome{pass, pass, unknown}, "not ended within 600 s"},
}

func TestJudge(t *testing.T) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			o := honest()
			c.change(&o)
			// A live check judges the encoded record too.
			raw, err := json.Marshal(o)
			if err != nil {
				t.Fatal(err)
			}
			var again Observations
			if err := json.Unmarshal(raw, &again); err != nil {
				t.Fatal(err)
			}
			said := ""
			for i, f := range judge(again) {
				if f.Outcome != c.want[i] {
					t.Errorf("%s: %s (%s), want %s", f.Claim, f.Outcome, f.Why, c.want[i])
				}
				if (f.Why == "") != (f.Outcome == pass) {
					t.Errorf("%s: %s with the reason %q", f.Claim, f.Outcome, f.Why)
				}
				if f.Outcome != pass {
					said = f.Why
				}
			}
			if !strings.Contains(said, c.says) {
				t.Errorf("the reason is %q, want %q in it", said, c.says)
			}
		})
	}
}

func TestEveryClaimIsJudgedOnce(t *testing.T) {
	claims := New().Claims
	for i, f := range judge(honest()) {
		if len(claims) != 3 || f.Claim != claims[i].ID {
			t.Errorf("finding %d is of %s", i, f.Claim)
		}
	}
}

func TestNothingRecordedNeverPasses(t *testing.T) {
	for _, raw := range []string{"null", "{}", `{"declared": true}`, `{"declared": true, "suite": {"done": true}}`} {
		record, err := json.Marshal(standard.Record{Observations: json.RawMessage(raw)})
		if err != nil {
			t.Fatal(err)
		}
		verdicts, err := New().Judge(record)
		if err != nil || len(verdicts) != 3 {
			t.Fatalf("%s: %v %v", raw, verdicts, err)
		}
		for _, v := range verdicts {
			if v.Outcome == pass {
				t.Errorf("%s: %s passes", raw, v.Claim)
			}
		}
	}
}

func TestSurvivorsAreListed(t *testing.T) {
	o := honest()
	o.Faults = faultsOf("rrrglu")
	seen := sabotaged(o).Seen
	if seen != "4 of 5 faults that build turned the suite red (1 of them by not ending in time, 1 do not build); it stayed green with a.go:7 body: { a → { b" {
		t.Errorf("got %q", seen)
	}
}

func TestWhatWasSeenOfTheSuite(t *testing.T) {
	o := honest()
	if seen := runs(o).Seen; seen != "exit code 0 after 1.0 s, 12 tests (go test)" {
		t.Errorf("got %q", seen)
	}
	o.Tests.Known = false
	if seen := runs(o).Seen; seen != "exit code 0 after 1.0 s, no number of tests" {
		t.Errorf("got %q", seen)
	}
}
