package logstdout

import (
	"testing"

	"github.com/roadworthy-dev/roadworthy/internal/bench/sandbox"
)

// TestOnlyWhatEachRequestOverwritesIsASession shows three looks, after the
// requests 0 to 1, 2 to 3 and 4 to 5.
func TestOnlyWhatEachRequestOverwritesIsASession(t *testing.T) {
	for name, test := range map[string]struct {
		hits [rounds][]int
		sent bool
		want bool
	}{
		"a session":                {[rounds][]int{{1}, {3}, {5}}, true, true},
		"a log":                    {[rounds][]int{{0, 1}, {0, 1, 2, 3}, {0, 1, 2, 3, 4, 5}}, true, false},
		"one request was logged":   {[rounds][]int{{1}, {1}, {1}}, true, false},
		"not the last one":         {[rounds][]int{{0}, {2}, {4}}, true, false},
		"it came later":            {[rounds][]int{nil, {3}, {5}}, true, false},
		"nothing was asked for it": {[rounds][]int{{1}, {3}, {5}}, false, false},
	} {
		var looks []look
		var o Observations
		for i, hits := range test.hits {
			file := sandbox.Written{Path: "/app/storage/x", Kind: "file", Hits: hits}
			looks = append(looks, lookAt([]sandbox.Written{file}, 2*i+1, test.sent))
			o.Files = nil
			o.keep(file, looks)
		}
		if len(o.Files) != 1 || o.Files[0].Newest != test.want {
			t.Errorf("%s: got %+v", name, o.Files)
		}
	}
}
