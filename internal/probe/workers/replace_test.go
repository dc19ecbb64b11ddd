package workers

import (
	"testing"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/bench"
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
