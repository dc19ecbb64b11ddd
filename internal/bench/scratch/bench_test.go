package scratch

import (
	"context"
	"slices"
	"testing"
	"time"
)

// BenchmarkStart and its like report the median, which a busy machine moves
// less than the mean: go test -run '^$' -bench . -benchtime 10x.
func BenchmarkStart(b *testing.B) {
	for _, kind := range []Kind{Postgres, MariaDB, Redis} {
		b.Run(string(kind), func(b *testing.B) {
			o := options(b)
			mustStart(b, kind, o) // fills the template
			median(b, func() func() error {
				s := mustStart(b, kind, o)
				return s.Close
			})
		})
	}
}

func BenchmarkStartWithoutTemplate(b *testing.B) {
	for _, kind := range []Kind{Postgres, MariaDB} {
		b.Run(string(kind), func(b *testing.B) {
			o := options(b)
			o.Cache = ""
			median(b, func() func() error { return mustStart(b, kind, o).Close })
		})
	}
}

func BenchmarkProvision(b *testing.B) {
	for _, kind := range allKinds() {
		b.Run(string(kind), func(b *testing.B) {
			s := mustStart(b, kind, options(b))
			median(b, func() func() error { return mustProvision(b, s).Close })
		})
	}
}

func BenchmarkProvisionFrom(b *testing.B) {
	for _, kind := range []Kind{Postgres, MariaDB, Redis} {
		b.Run(string(kind), func(b *testing.B) {
			s := mustStart(b, kind, options(b))
			d := mustProvision(b, s)
			migrate(b, d)
			template, err := s.Snapshot(b.Context(), d)
			if err != nil {
				b.Fatal(err)
			}
			median(b, func() func() error {
				d, err := s.ProvisionFrom(context.Background(), template)
				if err != nil {
					b.Fatal(err)
				}
				return d.Close
			})
		})
	}
}

func BenchmarkSnapshot(b *testing.B) {
	for _, kind := range []Kind{Postgres, MariaDB, Redis} {
		b.Run(string(kind), func(b *testing.B) {
			s := mustStart(b, kind, options(b))
			d := mustProvision(b, s)
			migrate(b, d)
			median(b, func() func() error {
				if _, err := s.Snapshot(b.Context(), d); err != nil {
					b.Fatal(err)
				}
				return func() error { return nil }
			})
		})
	}
}

// median times do, not what do returns, and reports the median in ms.
func median(b *testing.B, do func() (undo func() error)) {
	b.Helper()
	var took []time.Duration
	for b.Loop() {
		began := time.Now()
		undo := do()
		took = append(took, time.Since(began))
		if err := undo(); err != nil {
			b.Fatal(err)
		}
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "median-ms")
}
