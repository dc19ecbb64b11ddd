package codebase

import (
	"testing"

	"github.com/roadworthy-dev/roadworthy/internal/standard"
)

func TestJudge(t *testing.T) {
	const commit = "0123456789abcdef0123456789abcdef01234567"
	honest := Observations{Commit: commit, Labelled: commit, Repository: true}
	with := func(change func(*Observations)) Observations { o := honest; change(&o); return o }
	for name, test := range map[string]struct {
		record         Observations
		tracked, clean standard.Outcome
	}{
		"honest":               {honest, standard.Pass, standard.Pass},
		"nothing was recorded": {Observations{}, standard.Fail, standard.Unknown},
		"no commit":            {with(func(o *Observations) { o.Commit, o.Labelled = "", "" }), standard.Fail, standard.Pass},
		"a working tree":       {with(func(o *Observations) { o.Dirty = true }), standard.Fail, standard.Pass},
		"another label":        {with(func(o *Observations) { o.Labelled = "fff" }), standard.Fail, standard.Pass},
		"only pointers":        {with(func(o *Observations) { o.LFS = []string{"a.bin"} }), standard.Fail, standard.Pass},
		"a changed file":       {with(func(o *Observations) { o.Changes = []string{"a is modified"} }), standard.Pass, standard.Fail},
		"no repository":        {with(func(o *Observations) { o.Repository = false }), standard.Fail, standard.Unknown},
	} {
		got := judge(test.record)
		if len(got) != 2 || got[0].Outcome != test.tracked || got[1].Outcome != test.clean {
			t.Errorf("%s: got %+v", name, got)
		}
	}
}
