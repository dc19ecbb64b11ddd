package standard_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/roadworthy-dev/roadworthy/internal/standard"
)

var claims = []standard.Claim{
	{ID: "a.one", PassRule: "rule one", Stimulus: "did one", Remedy: "mend one", Strength: standard.Observed},
	{ID: "a.two", PassRule: "rule two", Stimulus: "did two", Remedy: "mend two", Strength: standard.Observed},
}

func outcomes(verdicts []standard.Verdict) []standard.Outcome {
	var list []standard.Outcome
	for _, v := range verdicts {
		list = append(list, v.Outcome)
	}
	return list
}

func TestTheWorstOutcomeWins(t *testing.T) {
	if got := standard.Worst(); got != standard.Unknown {
		t.Errorf("of nothing: got %s", got)
	}
	if got := standard.Worst(standard.Pass, "made up"); got.Ready() {
		t.Errorf("an outcome that does not exist let it through: %s", got)
	}
	rapid.Check(t, func(t *rapid.T) {
		list := rapid.SliceOfN(rapid.SampledFrom(standard.Outcomes), 1, 8).Draw(t, "outcomes")
		worst := standard.Worst(list...)
		ready := !slices.ContainsFunc(list, func(o standard.Outcome) bool { return !o.Ready() })
		if worst.Ready() != ready {
			t.Fatalf("%v: worst %s", list, worst)
		}
		reversed := slices.Clone(list)
		slices.Reverse(reversed)
		if standard.Worst(reversed...) != worst {
			t.Fatalf("%v: the order matters", list)
		}
	})
}

func TestEveryClaimGetsExactlyOneVerdict(t *testing.T) {
	pass := standard.Finding{Claim: "a.one", Outcome: standard.Pass, Seen: "seen"}
	for name, test := range map[string]struct {
		findings []standard.Finding
		want     []standard.Outcome
	}{
		"a claim without a finding is an error":      {[]standard.Finding{pass}, []standard.Outcome{standard.Pass, standard.Error}},
		"a claim with two findings is an error":      {[]standard.Finding{pass, pass}, []standard.Outcome{standard.Error, standard.Error}},
		"a finding for no claim helps nobody":        {[]standard.Finding{{Claim: "b.one", Outcome: standard.Pass}}, []standard.Outcome{standard.Error, standard.Error}},
		"an outcome that does not exist is an error": {[]standard.Finding{{Claim: "a.one", Outcome: "great"}}, []standard.Outcome{standard.Error, standard.Error}},
		"an outcome that was forgotten is an error":  {[]standard.Finding{{Claim: "a.one"}}, []standard.Outcome{standard.Error, standard.Error}},
	} {
		if got := outcomes(standard.Complete(claims, test.findings, nil)); !slices.Equal(got, test.want) {
			t.Errorf("%s: got %v", name, got)
		}
	}
}

func TestAFailureIsNeverAPassWhateverTheJudgeSays(t *testing.T) {
	findings := []standard.Finding{{Claim: "a.one", Outcome: standard.Pass}, {Claim: "a.two", Outcome: standard.Pass}}
	for kind, want := range map[standard.FailureKind]standard.Outcome{
		standard.FailureHost: standard.Unknown, standard.FailureStart: standard.Unknown, standard.FailureOpaque: standard.Unknown,
		standard.FailureTool: standard.Error, "new kind": standard.Error, "": standard.Error,
	} {
		got := standard.Complete(claims, findings, map[string]standard.Failure{"a.one": {Kind: kind, Message: "because", Fix: "do"}})
		if got[0].Outcome != want || got[0].Why != "because" || got[0].Remedy != "do" || got[1].Outcome != standard.Pass {
			t.Errorf("%s: got %+v", kind, got)
		}
	}
}

func TestAVerdictSpeaksInTheWordsOfItsClaim(t *testing.T) {
	got := standard.Complete(claims[:1], []standard.Finding{{Claim: "a.one", Outcome: standard.Fail, Seen: "nothing came"}}, nil)[0]
	want := standard.Verdict{
		Claim: "a.one", Outcome: standard.Fail, Strength: standard.Observed, By: standard.ByApplication,
		Did: "did one", Expected: "rule one", Seen: "nothing came", Why: "nothing came", Remedy: "mend one",
	}
	if got != want {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
	if got.Requirement() != "a" || standard.RequirementOf("log.syslog.udp") != "log.syslog" || standard.RequirementOf("port") != "port" {
		t.Error("the requirement of a claim is wrong")
	}
}

func TestOverallTakesTheWorstOfEachRequirement(t *testing.T) {
	got := standard.Overall([]standard.Verdict{
		{Claim: "a.one", Outcome: standard.Pass}, {Claim: "a.two", Outcome: standard.Fail}, {Claim: "b.one", Outcome: standard.NotApplicable},
	})
	if len(got) != 2 || got["a"] != standard.Fail || got["b"] != standard.NotApplicable {
		t.Errorf("got %v", got)
	}
}

func TestOriginsAreKnownByTheWordsInTheirNames(t *testing.T) {
	for host, want := range map[string]bool{
		"packages.example.com": true, "GitHub.example": true, "cdn.example.org": true, "dl-3.example.org": true,
		"telemetry.example.com": false, "kv-abc.internal": false, "mygithubfan.example": false, "": false,
	} {
		if got := standard.Origin(host); got != want {
			t.Errorf("%q: got %v", host, got)
		}
	}
}

func TestRequirementsAreFoundById(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range standard.Requirements {
		if found, ok := standard.Find(r.ID); !ok || found != r || seen[r.ID] || r.Title == "" || r.Validity <= 0 {
			t.Errorf("%+v", r)
		}
		seen[r.ID] = true
	}
	if _, ok := standard.Find("nonsense"); ok {
		t.Error("nonsense was found")
	}
}
