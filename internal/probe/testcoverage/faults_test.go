package testcoverage

import (
	"slices"
	"testing"

	"github.com/roadworthy-dev/roadworthy/internal/coverage"
	"github.com/roadworthy-dev/roadworthy/internal/sabotage"
)

func TestChoosePrefersCalmFaultsOfDifferentFunctions(t *testing.T) {
	of := func(function string, kind sabotage.Kind, calm bool) sabotage.Mutant {
		return sabotage.Mutant{File: "a.go", Function: function, Kind: kind, Calm: calm}
	}
	mutants := []sabotage.Mutant{
		of("a", sabotage.Negate, true), of("a", sabotage.Return, true), of("a", sabotage.Body, true), of("b", sabotage.Text, false),
		of("c", sabotage.Negate, true), of("d", sabotage.Return, true),
	}
	want := []int{1, 5, 2, 4, 3}
	var order []int
	for _, m := range choose(mutants) {
		order = append(order, slices.Index(mutants, m))
	}
	if !slices.Equal(order, want) {
		t.Errorf("got %v, want %v", order, want)
	}
	for range 20 {
		mutants = append(mutants, of(string(rune('e'+len(mutants))), sabotage.Return, true))
	}
	if got := choose(mutants); len(got) != wantFaults {
		t.Errorf("%d were chosen", len(got))
	}
}

const twoFunctions = "package a\n\nfunc f(a, b int) int {\n\treturn a + b\n}\n\nfunc g(s string) string {\n\treturn s + s\n}\n"

func planned(text string, covered ...int) file {
	lines := map[int]int{}
	for _, n := range covered {
		lines[n] = 1
	}
	f := sourceFile("a.go", text)
	f.entry = coverage.File{Path: "a.go", Lines: lines}
	return f
}

func TestThePlanDependsOnTheSourcesAlone(t *testing.T) {
	files := []file{planned(twoFunctions, 3, 4, 5, 7, 8, 9)}
	first, places := plan(files, nil)
	again, _ := plan(files, nil)
	if len(first) < 3 || !slices.Equal(first, again) || places.Covered != places.All || places.All < len(first) {
		t.Errorf("%v, then %v, of %+v", first, again, places)
	}
	if none, places := plan([]file{planned(twoFunctions)}, nil); len(none) > 0 || places.Covered > 0 || places.All == 0 {
		t.Errorf("nothing is covered, but %v of %+v", none, places)
	}
	if none, places := plan(files, []Twin{{Copy: "a.go"}}); len(none) > 0 || places.All > 0 {
		t.Errorf("a copy gave %v of %+v", none, places)
	}
}

func TestSettled(t *testing.T) {
	for _, c := range []struct {
		results map[string]int
		want    bool
	}{
		{map[string]int{}, false}, {map[string]int{ResultRed: 3}, false}, {map[string]int{ResultRed: 3, ResultLate: 1}, true},
		{map[string]int{ResultGreen: 4}, false}, {map[string]int{ResultGreen: 5}, true}, {map[string]int{ResultUnbuilt: 6, ResultRed: 1}, false},
	} {
		s := &saboteur{hurry: true, results: c.results}
		if s.settled(8) != c.want {
			t.Errorf("%v: want %v", c.results, c.want)
		}
		if s.hurry = false; s.settled(8) {
			t.Errorf("%v: settled without hurry", c.results)
		}
	}
}

func TestResults(t *testing.T) {
	for want, run := range map[string]Run{
		ResultRed: red(), ResultGreen: green(), ResultUnbuilt: {Done: true, Unbuilt: "why", Exit: 1}, ResultLate: {Done: true, TimedOut: true},
	} {
		if got := resultOf(run); got != want {
			t.Errorf("%+v is %s, want %s", run, got, want)
		}
	}
}
