package workers

import (
	"maps"
	"testing"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/bench"
	"github.com/roadworthy-dev/roadworthy/internal/bench/sandbox"
)

func TestWhatAVictimMayHave(t *testing.T) {
	at := time.Now()
	seen := look{at: at, elsewhere: map[string]bool{"b": true}}
	for name, row := range map[string]struct {
		sent  time.Duration // before the look
		lasts time.Duration
		local string
		want  bool
	}{
		"in flight, of nobody":        {time.Second, 2 * time.Second, "a", true},
		"in flight, not connected":    {time.Second, 2 * time.Second, "", true},
		"in flight, of another":       {time.Second, 2 * time.Second, "b", false},
		"over before":                 {time.Second, time.Second / 2, "a", false},
		"sent after":                  {-time.Second, time.Second, "a", false},
		"over before, kept elsewhere": {time.Second, time.Second / 2, "b", false},
	} {
		if got := seen.mayHave(at.Add(-row.sent), bench.Reply{Duration: row.lasts, Local: row.local}); got != row.want {
			t.Errorf("%s: got %v", name, got)
		}
	}
}

// What a victim has counts as its own, whoever has it besides: a child that it
// forked holds its connections too.
func TestWhatOthersHaveAlone(t *testing.T) {
	held := map[int][]string{1: {"own", "shared"}, 2: {"shared", "other"}, 3: {"third"}}
	now := []sandbox.ProcessInfo{{PID: 2}, {PID: 1}, {PID: 3}}
	got := elsewhere(now, 1, func(info sandbox.ProcessInfo) []string { return held[info.PID] })
	if want := map[string]bool{"other": true, "third": true}; !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
