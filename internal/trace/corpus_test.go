package trace

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// span is where a trace of the corpus stands, by the marks of the program that
// made it: lines from 1, the last included.
type span struct {
	file     string
	from, to int
	name     string
}

func spans(t testing.TB) map[string][]span {
	t.Helper()
	data, err := os.ReadFile("testdata/corpus/index.txt")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]span{}
	for l := range strings.Lines(string(data)) {
		var s span
		if _, err := fmt.Sscan(l, &s.file, &s.from, &s.to, &s.name); err != nil {
			t.Fatalf("%q: %v", l, err)
		}
		all[s.file] = append(all[s.file], s)
	}
	return all
}

func corpusLines(t testing.TB, file string) []string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata/corpus", file))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")
}

// placed is a group with its lines in the file; lines without a group follow
// from their order.
type placed struct {
	group
	from, to int
}

func placedGroups(t testing.TB, lines []string) []placed {
	t.Helper()
	var all []placed
	at := 1
	g := NewGrouper(Limits{MaxLines: 1 << 20, MaxBytes: 1 << 30}, func(e Group) {
		all = append(all, placed{group{string(e.Text), e.Language, e.Lines, e.Truncated}, at, at + e.Lines - 1})
		at += e.Lines
	})
	now := time.Unix(1_700_000_000, 0)
	for _, l := range lines {
		g.Add([]byte(l), now)
		now = now.Add(10 * time.Microsecond)
	}
	g.Flush(now, true)
	if at != len(lines)+1 {
		t.Errorf("%d lines went in, %d came out", len(lines), at-1)
	}
	var out []string
	for _, p := range all {
		out = append(out, splitLines(p.text)...)
	}
	if !slices.Equal(out, lines) {
		t.Error("the lines came out changed, or in another order")
	}
	return all
}

// trimmed narrows a group to its lines that are not empty.
func (p placed) trimmed() (from, to int) {
	lines := strings.Split(p.text, "\n")
	from, to = p.from, p.to
	for len(lines) > 1 && strings.TrimSpace(lines[0]) == "" {
		lines, from = lines[1:], from+1
	}
	for len(lines) > 1 && strings.TrimSpace(lines[len(lines)-1]) == "" {
		lines, to = lines[:len(lines)-1], to-1
	}
	return from, to
}

var volatile = regexp.MustCompile(`0x[0-9a-f]+|\d+`)

// Each trace of the corpus is one record, with exactly its lines.
func TestCorpus(t *testing.T) {
	total, hits, extra := map[string]int{}, map[string]int{}, 0
	shapes := map[string]bool{}
	for file, want := range spans(t) {
		lines := corpusLines(t, file)
		language, _, _ := strings.Cut(file, "-")
		var found []placed
		for _, g := range placedGroups(t, lines) {
			if g.language != "" {
				found = append(found, g)
			}
		}
		matched := map[int]bool{}
		for _, w := range want {
			shapes[language+volatile.ReplaceAllString(strings.Join(lines[w.from-1:w.to], "\n"), "0")] = true
			total[language]++
			hit := slices.IndexFunc(found, func(p placed) bool {
				from, to := p.trimmed()
				return from == w.from && to == w.to && p.language == language
			})
			if hit >= 0 {
				hits[language]++
				matched[hit] = true
				continue
			}
			t.Logf("miss: %s:%d-%d %s; got %s", file, w.from, w.to, w.name, near(found, w))
		}
		for i, p := range found {
			if !matched[i] && !slices.ContainsFunc(want, func(w span) bool { return p.from <= w.to && p.to >= w.from }) {
				extra++
				t.Errorf("%s:%d-%d is no trace: %s", file, p.from, p.to, p.text)
			}
		}
	}
	all, hit := 0, 0
	for language := range total {
		t.Logf("%-7s %d of %d", language, hits[language], total[language])
		all, hit = all+total[language], hit+hits[language]
	}
	t.Logf("%d of %d traces (%.2f %%) are one record with exactly their lines; %d shapes; %d false groups", hit, all, 100*float64(hit)/float64(all), len(shapes), extra)
	if len(shapes) < 300 {
		t.Errorf("%d shapes, want 300", len(shapes))
	}
	if float64(hit) < .995*float64(all) {
		t.Error("the goal is 99.5 %")
	}
}

func near(found []placed, w span) string {
	var b bytes.Buffer
	for _, p := range found {
		if p.from <= w.to && p.to >= w.from {
			fmt.Fprintf(&b, "%s %d-%d ", p.language, p.from, p.to)
		}
	}
	return b.String()
}
