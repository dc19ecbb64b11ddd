package trace

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// group is what a test keeps of a Group.
type group struct {
	text, language string
	lines          int
	truncated      bool
}

// groupsOf feeds a text to a grouper, a millisecond between lines.
func groupsOf(limits Limits, text string) []group {
	var got []group
	g := NewGrouper(limits, func(group2 Group) {
		got = append(got, group{string(group2.Text), group2.Language, group2.Lines, group2.Truncated})
	})
	now := time.Unix(1_700_000_000, 0)
	for l := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
		g.Add([]byte(l), now)
		now = now.Add(time.Millisecond)
	}
	g.Flush(now, true)
	return got
}

func traceGroups(all []group) []group {
	return slices.DeleteFunc(slices.Clone(all), func(g group) bool { return g.language == "" })
}

func joined(all []group) string {
	texts := make([]string, 0, len(all))
	for _, g := range all {
		texts = append(texts, g.text)
	}
	return strings.Join(texts, "\n")
}

// What Find finds in the outputs of real runtimes is grouped too, and no line
// is lost or moved.
func TestGrouperOnTheOutputsOfFind(t *testing.T) {
	for name, want := range samples {
		t.Run(name, func(t *testing.T) {
			text := strings.TrimSuffix(load(t, name), "\n")
			got := groupsOf(Limits{}, text)
			if joined(got) != text {
				t.Errorf("the lines changed:\n%s\n---\n%s", text, joined(got))
			}
			traces := traceGroups(got)
			if len(traces) != len(want) {
				t.Fatalf("%d traces, want %d:\n%s", len(traces), len(want), dump(got))
			}
			for i, w := range want {
				if traces[i].language != w.language {
					t.Errorf("%s, want %s", traces[i].language, w.language)
				}
			}
		})
	}
}

func dump(all []group) string {
	var b strings.Builder
	for _, g := range all {
		fmt.Fprintf(&b, "[%s %d]\n%s\n", g.language, g.lines, g.text)
	}
	return b.String()
}
