package probe_test

import (
	"context"
	"testing"

	"github.com/roadworthy-dev/roadworthy/internal/bench"
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
	record, err := p.Run(t.Context(), nil)
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
