package probe_test

import (
	"context"
	"strings"
	"testing"

	"github.com/roadworthy-dev/roadworthy/internal/bench"
	"github.com/roadworthy-dev/roadworthy/internal/manifest"
	"github.com/roadworthy-dev/roadworthy/internal/probe"
	"github.com/roadworthy-dev/roadworthy/internal/standard"
)

const definition = `
requirement: port
why: a test
claims:
  - {id: port.given, strength: proven, stimulus: s, pass: p}
  - {id: port.other, strength: proven, stimulus: s, pass: p}
`

// A judge that panics is a broken tool: no verdict, no crash, and the same
// when the record is judged again.
func TestJudgeThatPanicsIsAnError(t *testing.T) {
	p := probe.New([]byte(definition),
		func(_ context.Context, _ *bench.Bench, r *probe.Recorder) ([]int, error) {
			r.Opaque("port.other", "it cannot be seen", "")
			return nil, nil
		},
		func(list []int) []standard.Finding {
			return []standard.Finding{{Claim: "port.given", Why: string(rune(list[3]))}}
		})
	record, err := p.Run(t.Context(), &bench.Bench{Manifest: &manifest.Manifest{}})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		verdicts, err := p.Judge(record)
		if err != nil || len(verdicts) != 2 || verdicts[0].Outcome != standard.Error || verdicts[1].Outcome != standard.Unknown {
			t.Errorf("got %+v, %v", verdicts, err)
		}
	}
}

// What roadworthy run supplies is said in the record, so that it is said again
// when the record is judged again.
func TestVerdictsSayWhoSuppliedTheFeature(t *testing.T) {
	p := probe.New([]byte(strings.ReplaceAll(definition, "port", "workers")),
		func(context.Context, *bench.Bench, *probe.Recorder) (int, error) { return 0, nil },
		func(int) []standard.Finding {
			return []standard.Finding{{Claim: "workers.given", Outcome: standard.Pass}, {Claim: "workers.other", Outcome: standard.Pass}}
		})
	for _, row := range []struct {
		run  *manifest.Run
		want string
	}{{nil, standard.ByApplication}, {&manifest.Run{}, standard.ByRoadworthy}, {&manifest.Run{Leave: []string{"workers"}}, standard.ByApplication}} {
		record, err := p.Run(t.Context(), &bench.Bench{Manifest: &manifest.Manifest{Run: row.run}})
		if err != nil {
			t.Fatal(err)
		}
		verdicts, err := p.Judge(record)
		if err != nil || len(verdicts) != 2 || verdicts[0].By != row.want || verdicts[1].By != row.want {
			t.Errorf("with %+v got %+v, %v", row.run, verdicts, err)
		}
	}
}
