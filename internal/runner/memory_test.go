package runner

import (
	"fmt"
	"slices"
	"testing"

	"github.com/roadworthy-dev/roadworthy/internal/logs"
)

// The memory keeps the last lines, in so many bytes, however many came.
func TestTheMemoryKeepsTheLastLines(t *testing.T) {
	m := newMemory(10 * (perLine + 4))
	source := &logs.Source{Type: "web", Slot: 1}
	for n := range 1000 {
		if _, err := m.write(t.Context(), []logs.Record{{Source: source, Text: fmt.Appendf(nil, "%04d", n), Lines: 1}}); err != nil {
			t.Fatal(err)
		}
		var got []string
		if err := m.read(t.Context(), LogQuery{Last: -1, Level: everything}, func(l LogLine) error { got = append(got, l.Text); return nil }); err != nil {
			t.Fatal(err)
		}
		var want []string
		for k := max(0, n-9); k <= n; k++ {
			want = append(want, fmt.Sprintf("%04d", k))
		}
		if !slices.Equal(got, want) || len(m.lines) > 25 {
			t.Fatalf("after %d lines: kept %v, %d in all", n+1, got, len(m.lines))
		}
	}
}
