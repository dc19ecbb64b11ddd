package evidence

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"github.com/roadworthy-dev/roadworthy/internal/standard"
)

func TestRecheckRefusesADifferentJudge(t *testing.T) {
	b := opened(t, written(t, testKey("signer"), sample(t)), testKey("signer").Public())
	errJudge := errors.New("judge \x1b[31mbroke")
	for name, c := range map[string]struct {
		change func(string, []standard.Verdict) []standard.Verdict
		at     string
	}{
		"outcome": {func(_ string, v []standard.Verdict) []standard.Verdict {
			v[1].Outcome = standard.Unknown
			return v
		}, "log.stdout.form"},
		"a word of what was seen": {func(p string, v []standard.Verdict) []standard.Verdict {
			if p == "log.syslog" {
				v[0].Seen += "."
			}
			return v
		}, "log.syslog.arrives"},
		"missing": {func(p string, v []standard.Verdict) []standard.Verdict {
			if p == "log.syslog" {
				return v[:1]
			}
			return v
		}, "log.syslog.form"},
		"extra": {func(p string, v []standard.Verdict) []standard.Verdict {
			if p == "log.stdout" {
				return append(v, standard.Verdict{Claim: "log.stdout.new", Outcome: standard.Pass})
			}
			return v
		}, "log.stdout.new"},
		"twice": {func(p string, v []standard.Verdict) []standard.Verdict {
			if p == "log.syslog" {
				return append(v, v[0])
			}
			return v
		}, "log.syslog.arrives"},
		"from another probe too": {func(p string, v []standard.Verdict) []standard.Verdict {
			v[0].Claim = "same.claim"
			return v
		}, "same.claim"},
		"nothing": {func(string, []standard.Verdict) []standard.Verdict { return nil }, "log.stdout.arrives"},
	} {
		t.Run(name, func(t *testing.T) {
			err := b.Recheck(func(probe string, observation []byte) ([]standard.Verdict, error) {
				verdicts, err := judgeLines(probe, observation)
				return c.change(probe, verdicts), err
			})
			if p := wantCode(t, err, codeVerdict); p.At != c.at {
				t.Errorf("at %s, want %s", p.At, c.at)
			}
		})
	}
	err := b.Recheck(func(string, []byte) ([]standard.Verdict, error) { return nil, errJudge })
	if p := wantCode(t, err, codeVerdict); !errors.Is(err, errJudge) || bytes.ContainsRune([]byte(p.Got), 0x1b) {
		t.Errorf("judge's error: %q", p.Got)
	}
}

func TestRecheckDoesNotMindOrder(t *testing.T) {
	b := opened(t, written(t, testKey("signer"), sample(t)))
	err := b.Recheck(func(probe string, observation []byte) ([]standard.Verdict, error) {
		verdicts, err := judgeLines(probe, observation)
		slices.Reverse(verdicts)
		return verdicts, err
	})
	if err != nil {
		t.Error(err)
	}
}

// A signer who lies about a verdict is found by the observations.
func TestRecheckFindsASignedLie(t *testing.T) {
	content := sample(t)
	i := slices.IndexFunc(content.Verdicts, func(v standard.Verdict) bool { return v.Claim == "log.stdout.arrives" })
	content.Verdicts[i].Outcome, content.Verdicts[i].Why, content.Verdicts[i].Remedy = standard.Pass, "", ""
	b := opened(t, written(t, testKey("signer"), content), testKey("signer").Public())
	if p := wantCode(t, b.Recheck(judgeLines), codeVerdict); p.At != "log.stdout.arrives" {
		t.Errorf("at %s", p.At)
	}
}

// What was verified is what is judged, even if the file is replaced meanwhile.
func TestRecheckReadsWhatWasVerified(t *testing.T) {
	data := written(t, testKey("signer"), sample(t))
	b := opened(t, data)
	at := bytes.LastIndex(data, []byte("grüße"))
	data[at] = 'G'
	wantCode(t, b.Recheck(judgeLines), codeTampered)
}
