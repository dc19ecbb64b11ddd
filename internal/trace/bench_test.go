package trace

import (
	"math/rand/v2"
	"testing"
	"time"
)

var testTime = time.Unix(1_700_000_000, 0)

// plainLines are records of one format without any keyword, 132 bytes each as
// in the measurements of other tools.
func plainLines(count int) [][]byte {
	r := rand.New(rand.NewPCG(1, 1))
	var all [][]byte
	for range count {
		l := formats[1](r, "INFO", "GET /items/1881 200 in 12 ms for user 42 with agent Mozilla/5.0 (X11; Linux x86_64) and id 0123456789")
		all = append(all, []byte(l + "        ")[:132])
	}
	return all
}

// What an ordinary line costs: the goal is below 333 ns and no allocation.
func BenchmarkGrouperOrdinary(b *testing.B) {
	lines := plainLines(1000)
	g := NewGrouper(Limits{}, func(Group) {})
	b.SetBytes(132)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		g.Add(lines[i%1000], testTime)
		i++
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "lines/s")
}

// The same with one trace and one lone line of an error in a hundred records.
func BenchmarkGrouperMixed(b *testing.B) {
	lines := plainLines(100)
	lines = append(lines, []byte("2024-01-01 10:00:00,123 ERROR shop.app: payment failed"))
	lines = append(lines, plainLines(100)...)
	lines = append(lines, []byte("2024-01-01 10:00:00,123 ERROR shop.app: failed"))
	for _, l := range splitLines(declined) {
		if l != "" {
			lines = append(lines, []byte(l))
		}
	}
	g := NewGrouper(Limits{}, func(Group) {})
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		g.Add(lines[i%len(lines)], testTime)
		i++
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "lines/s")
}

// All lines of the corpus, two thirds of which are of traces.
func BenchmarkGrouperCorpus(b *testing.B) {
	var lines [][]byte
	for file := range spans(b) {
		for _, l := range corpusLines(b, file) {
			lines = append(lines, []byte(l))
		}
	}
	g := NewGrouper(Limits{}, func(Group) {})
	i := 0
	for b.Loop() {
		g.Add(lines[i%len(lines)], testTime)
		i++
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "lines/s")
}
