package codebase

import (
	"strconv"
	"strings"

	"github.com/roadworthy-dev/roadworthy/internal/standard"
)

func judge(o Observations) []standard.Finding {
	return []standard.Finding{tracked(o), clean(o)}
}

func tracked(o Observations) standard.Finding {
	f := standard.Finding{Claim: "codebase.tracked", Outcome: standard.Pass}
	f.Seen = "the artifact was built from commit " + short(o.Commit) + ", and the image names it"
	switch {
	case !o.Repository:
		f.Outcome, f.Seen, f.Why = standard.Fail, o.Refusal, "no commit names what is checked"
	case o.Commit == "":
		f.Outcome, f.Seen, f.Why = standard.Fail, "the artifact was built from a folder that no commit holds", "no commit names what is checked"
	case o.Dirty:
		f.Outcome, f.Seen, f.Why = standard.Fail, "the artifact was built from the working tree, not from a commit", "commit, and check without --dirty"
	case o.Labelled != o.Commit:
		f.Outcome, f.Seen, f.Why = standard.Fail, "the image names "+short(o.Labelled)+" instead of "+short(o.Commit), "the artifact does not name its commit"
	case len(o.LFS) > 0:
		f.Outcome, f.Seen = standard.Fail, strings.Join(o.LFS, ", ")+" hold pointers, not their content"
		f.Why = "the commit does not hold all that it needs"
	}
	return f
}

func clean(o Observations) standard.Finding {
	f := standard.Finding{Claim: "codebase.clean", Outcome: standard.Pass, Seen: "the working tree is what the commit holds"}
	switch {
	case !o.Repository:
		f.Outcome, f.Why, f.Seen = standard.Unknown, "there is no commit to compare it with", "no commit"
	case len(o.Changes) > 0:
		f.Outcome, f.Seen = standard.Fail, strings.Join(o.Changes[:min(len(o.Changes), 8)], "; ")
		f.Why = strconv.Itoa(len(o.Changes)+o.More) + " files differ from the commit"
	}
	return f
}

func short(commit string) string { return commit[:min(len(commit), 12)] }
