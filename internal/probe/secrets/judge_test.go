package secrets

import (
	"strings"
	"testing"

	"github.com/roadworthy-dev/roadworthy/internal/artifact"
	"github.com/roadworthy-dev/roadworthy/internal/bench"
	"github.com/roadworthy-dev/roadworthy/internal/standard"
)

// honest is what an honest application leaves.
func honest() Observations {
	return Observations{
		Runtime: Runtime{
			Secrets: []string{"SECRET_KEY"}, Situations: []string{"a session"}, Traced: true, Answered: 5,
			Searched: bench.Searched{Lines: 10, Frames: 4, Replies: 6, Arguments: 2},
		},
		History: &Scan{Read: 20}, Files: &Scan{Read: 10},
	}
}

func verify(t *testing.T, claim string, cases map[string]struct {
	edit func(*Observations)
	want standard.Outcome
	why  string
	seen string
}) {
	t.Helper()
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			o := honest()
			c.edit(&o)
			for _, f := range judge(o) {
				if f.Claim != claim {
					continue
				}
				if f.Outcome != c.want || !strings.Contains(f.Why, c.why) || !strings.Contains(f.Seen, c.seen) {
					t.Errorf("got %s because %q, seen %q; want %s because of %q, seen %q", f.Outcome, f.Why, f.Seen, c.want, c.why, c.seen)
				}
				return
			}
			t.Error("no finding")
		})
	}
}

func TestNothingRecordedNeverPasses(t *testing.T) {
	for _, f := range judge(Observations{}) {
		if f.Outcome != standard.Unknown || f.Why == "" {
			t.Errorf("%s: %s because %q", f.Claim, f.Outcome, f.Why)
		}
	}
}

func TestRuntime(t *testing.T) {
	leak := bench.Leak{Secret: "SECRET_KEY", Where: "mail", Form: "base64", Excerpt: "key=(SECRET_KEY)"}
	verify(t, "secrets.runtime", map[string]struct {
		edit func(*Observations)
		want standard.Outcome
		why  string
		seen string
	}{
		"honest":       {func(*Observations) {}, standard.Pass, "", "nowhere in 10 lines"},
		"leak":         {func(o *Observations) { o.Runtime.Leaks = []bench.Leak{leak} }, standard.Fail, "SECRET_KEY shows in mail", "in mail (base64): key=(SECRET_KEY)"},
		"leak, silent": {func(o *Observations) { o.Runtime.Leaks, o.Runtime.Answered = []bench.Leak{leak}, 0 }, standard.Fail, "shows in mail", ""},
		"many leaks":   {func(o *Observations) { o.Runtime.Leaks = []bench.Leak{leak, leak, leak, leak, leak, leak} }, standard.Fail, "", "; "},
		"no secret":    {func(o *Observations) { o.Runtime.Secrets = nil }, standard.Unknown, "no secret", ""},
		"no answer":    {func(o *Observations) { o.Runtime.Answered = 0 }, standard.Unknown, "did not answer", ""},
		"no reply":     {func(o *Observations) { o.Runtime.Searched.Replies = 0 }, standard.Unknown, "did not answer", ""},
		"no process":   {func(o *Observations) { o.Runtime.Searched.Arguments = 0 }, standard.Unknown, "did not answer", ""},
		"no log":       {func(o *Observations) { o.Runtime.Searched.Lines, o.Runtime.Searched.Frames = 0, 0 }, standard.Unknown, "nothing was logged", ""},
		"syslog alone": {func(o *Observations) { o.Runtime.Searched.Lines = 0 }, standard.Pass, "", ""},
		"missed":       {func(o *Observations) { o.Runtime.Searched.Missed = []string{"a large file"} }, standard.Unknown, "a large file", ""},
		"no strace":    {func(o *Observations) { o.Runtime.Traced = false }, standard.Pass, "", "without strace"},
	})
	if strings.Contains(judge(honest())[0].Seen, "without strace") {
		t.Error("strace is said to be missing")
	}
}

func TestHistory(t *testing.T) {
	found := Finding{Commit: strings.Repeat("a", 40), Path: "deploy.pem", Line: 3, Kind: "private-key", Redacted: "-----BEGIN…"}
	fixture := found
	fixture.Fixture = true
	local := Finding{Path: ".env", Line: 1, Kind: "env", Redacted: "TOKEN=…"}
	verify(t, "secrets.history", map[string]struct {
		edit func(*Observations)
		want standard.Outcome
		why  string
		seen string
	}{
		"honest":          {func(*Observations) {}, standard.Pass, "", "10 files of the artifact and 20 versions of files in the history hold none"},
		"in the history":  {func(o *Observations) { o.History.Findings, o.History.Total = []Finding{found}, 1 }, standard.Fail, "kept", "deploy.pem:3 (private-key) -----BEGIN… since commit aaaaaaaaaa"},
		"in the artifact": {func(o *Observations) { o.Files.Findings, o.Files.Total = []Finding{local}, 1 }, standard.Fail, "kept", ".env:1 (env) TOKEN=… in the artifact"},
		"counted only":    {func(o *Observations) { o.Files.Total = 1 }, standard.Fail, "kept", ""},
		"found only":      {func(o *Observations) { o.Files.Findings = []Finding{local} }, standard.Fail, "kept", ".env"},
		"fixture":         {func(o *Observations) { o.History.Findings = []Finding{fixture} }, standard.Pass, "", "but for 1 in files of tests"},
		"found and missed": {func(o *Observations) {
			o.Files.Findings, o.History.Missed = []Finding{local}, []string{"the clone is shallow"}
		}, standard.Fail, "kept", ".env"},
		"shallow":       {func(o *Observations) { o.History.Missed = []string{"the clone is shallow"} }, standard.Unknown, "shallow", ""},
		"too much":      {func(o *Observations) { o.Files.Missed = []string{"past the bound"} }, standard.Unknown, "past the bound", ""},
		"large":         {func(o *Observations) { o.Files.Larger = 2 }, standard.Pass, "", "2 above 1 MiB were not read"},
		"no repository": {func(o *Observations) { o.History = nil }, standard.Pass, "", "10 files of the artifact hold none"},
		"not searched":  {func(o *Observations) { o.Files = nil }, standard.Unknown, "nothing was searched", ""},
		"no file":       {func(o *Observations) { o.History.Read, o.Files.Read = 0, 0 }, standard.Unknown, "no file", ""},
	})
	if seen := judge(honest())[1].Seen; strings.Contains(seen, "above") || strings.Contains(seen, "but for") {
		t.Errorf("seen: %s", seen)
	}
	o := honest()
	o.History = nil
	if did := judge(o)[1].Did; !strings.Contains(did, "there is no repository") {
		t.Errorf("did: %s", did)
	}
}

func TestScanKeepsWhatCounts(t *testing.T) {
	var h artifact.History
	for range 2 * maxFindings {
		h.Findings = append(h.Findings, artifact.Finding{Path: "tests/key.pem", Fixture: true})
	}
	h.Findings = append(h.Findings, artifact.Finding{Path: "z.pem"})
	h.Missed = []string{"2 versions of files are larger than 1024 KiB", "the clone is shallow"}
	s := scanOf(h)
	if s.Total != 1 || len(s.Findings) != maxFindings || s.Findings[0].Path != "z.pem" {
		t.Errorf("total %d, %d kept, first %+v", s.Total, len(s.Findings), s.Findings[0])
	}
	if len(s.Missed) != 1 || s.Missed[0] != "the clone is shallow" {
		t.Errorf("missed %q", s.Missed)
	}
}
