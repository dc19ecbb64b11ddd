package logsyslog

import (
	"testing"
	"time"
)

func TestHowLongALoadLasts(t *testing.T) {
	const lasts = 2 * time.Second
	for name, row := range map[string]struct {
		passed      time.Duration
		sent, least int
		slowest     float64
		over        bool
	}{
		"its time":                      {lasts + 1, 1500, 1500, 0.01, true},
		"its time, of a short one":      {lasts + 1, 3, 0, 0.01, true},
		"within its time":               {lasts, 1500, 1500, 0.01, false},
		"too few":                       {3 * lasts, 1499, 1500, 0.3, false},
		"few, and it lasted":            {longest*lasts + 1, fewest, 1500, 0.3, true},
		"hardly any":                    {longest*lasts + 1, fewest - 1, 1500, 0.6, false},
		"hardly any, for they block":    {longest*lasts + 1, 9, 1500, 4, true},
		"hardly any, whatever is given": {farthest*lasts + 1, 9, 1500, 0.6, true},
	} {
		if got := over(row.passed, lasts, row.sent, row.least, row.slowest); got != row.over {
			t.Errorf("%s: got %v", name, got)
		}
	}
}
