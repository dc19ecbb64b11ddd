package stateless

import (
	"fmt"
	"slices"
	"strings"

	"github.com/roadworthy-dev/roadworthy/internal/replay"
	"github.com/roadworthy-dev/roadworthy/internal/standard"
)

const fixTraffic = "in roadworthy.yaml let traffic: enter something and look at it again, such as \"POST /entries {message: $nonce}\" and then GET /"

func judge(o Observations) []standard.Finding {
	f := standard.Finding{Claim: "stateless.replay", Outcome: standard.Pass}
	f.Did = fmt.Sprintf("played the session %d times on one process, %d times on two in turn, %d times with a fresh start between the steps",
		len(o.Plain), len(o.Alternating), len(o.Restarted))
	f.Outcome, f.Seen, f.Why = decide(o)
	return []standard.Finding{f}
}

func decide(o Observations) (outcome standard.Outcome, seen, why string) {
	if len(o.Plain) < 2 || len(o.Alternating) == 0 || len(o.Restarted) == 0 || len(o.Plain[0]) == 0 {
		return standard.Unknown, "too few runs", "the session was not played often enough to compare"
	}
	if refused := replay.Refused(o.Plain); refused != "" {
		return standard.Unknown, refused, "the session does not even work on one process: " + fixTraffic
	}
	if unsteady := replay.Unsteady(o.Plain); len(unsteady) > 0 {
		return standard.Unknown, unsteady[0].String(), "two plain runs on one process do not agree, so that nothing can be compared with them"
	}
	var seens, whys []string
	for _, kind := range []struct {
		name string
		runs []replay.Session
	}{{"on two processes in turn", o.Alternating}, {"with a fresh start between the steps", o.Restarted}} {
		if differing, first := replay.Departing(o.Plain, kind.runs); 2*differing > len(kind.runs) {
			seens = append(seens, kind.name+": "+first.String())
			whys = append(whys, fmt.Sprintf("%s the session goes otherwise, in %d of %d runs", kind.name, differing, len(kind.runs)))
		}
	}
	if len(whys) > 0 {
		return standard.Fail, strings.Join(seens, "; "), strings.Join(whys, "; ")
	}
	if stores := slices.Concat(o.Stores, o.Files); !replay.Carries(o.Plain[0]) && len(stores) > 0 {
		return standard.Unknown, "no reply of the session shows what an earlier request had entered, and no cookie was set",
			strings.Join(stores, ", ") + " keeps something, but the session does not touch it: " + fixTraffic
	}
	return standard.Pass, fmt.Sprintf("%d replies, the same in every run", len(o.Plain[0])), ""
}
