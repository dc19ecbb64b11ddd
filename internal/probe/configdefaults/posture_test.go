package configdefaults

import (
	"slices"
	"testing"

	"github.com/roadworthy-dev/roadworthy/internal/manifest"
)

// TestNamed: what a step needs is given, and nothing else.
func TestNamed(t *testing.T) {
	m := &manifest.Manifest{Config: manifest.Config{Settings: map[string]manifest.Setting{"A": {}, "B": {}, "C": {}, "D": {}, "E": {}}}}
	got := named(m, manifest.Step{
		Path: "/fault?q=$nonce&a=$A", JSON: `{"b": "$B"}`, Form: [][2]string{{"c", "$C"}}, Headers: map[string]string{"Authorization": "Bearer $D", "X": "$5"},
	})
	if slices.Sort(got); !slices.Equal(got, []string{"A", "B", "C", "D"}) {
		t.Errorf("got %v", got)
	}
}
