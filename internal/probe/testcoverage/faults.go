package testcoverage

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/roadworthy-dev/roadworthy/internal/bench"
	"github.com/roadworthy-dev/roadworthy/internal/coverage"
	"github.com/roadworthy-dev/roadworthy/internal/sabotage"
)

const (
	wantFaults = 8                // that are injected
	candidates = 200              // that they are chosen from
	leastLimit = 10 * time.Second // of a run with a fault
	leastBuild = time.Minute      // of a build with a fault
	slowSuite  = 20.0             // seconds; beyond it no run is made once the verdict is settled
)

// plan chooses the faults. The source of chance is the content of the sources:
// equal sources have equal faults.
func plan(files []file, skip []Twin) ([]sabotage.Mutant, Places) {
	copies := map[string]bool{}
	for _, twin := range skip {
		copies[twin.Copy] = true
	}
	var sources []sabotage.Source
	var report coverage.Report
	var places Places
	sum := sha256.New()
	for _, f := range files {
		if copies[f.Path] {
			continue
		}
		source := sabotage.Source{Path: f.Path, Data: f.data}
		sources = append(sources, source)
		report.Files = append(report.Files, coverage.File{Path: f.Path, Lines: f.entry.Lines})
		fmt.Fprintf(sum, "%s %d\n%s", f.Path, len(f.data), f.data)
		places.All += len(sabotage.All(source, func(int) bool { return true }))
		places.Covered += len(sabotage.All(source, func(line int) bool { return f.entry.Lines[line] > 0 }))
	}
	seed := int64(binary.LittleEndian.Uint64(sum.Sum(nil)))
	mutants := sabotage.Plan(sources, report.Relative("/", ""), candidates, rand.New(rand.NewSource(seed))) //nolint:gosec // it must repeat
	return choose(mutants), places
}

// choose takes the faults in their order: those of different functions first,
// and of these the calm ones. A condition that goes the other way often ends
// in an exception, which a suite without assertions notices too.
func choose(mutants []sabotage.Mutant) []sabotage.Mutant {
	preferences := []func(sabotage.Mutant) bool{
		func(m sabotage.Mutant) bool { return m.Calm && m.Kind != sabotage.Negate },
		func(m sabotage.Mutant) bool { return m.Calm },
		func(sabotage.Mutant) bool { return true },
	}
	var chosen []sabotage.Mutant
	taken, perFunction := map[int]bool{}, map[string]int{}
	for _, preferred := range preferences {
		for limit := 1; limit <= 2; limit++ {
			for i, m := range mutants {
				function := m.File + "\x00" + m.Function
				if len(chosen) == wantFaults || taken[i] || !preferred(m) || perFunction[function] >= limit {
					continue
				}
				taken[i] = true
				perFunction[function]++
				chosen = append(chosen, m)
			}
		}
	}
	return chosen
}

func describe(m sabotage.Mutant) Fault {
	return Fault{
		At: fmt.Sprintf("%s:%d", m.File, m.Line), Function: cut(m.Function, 80), Kind: string(m.Kind),
		Before: cut(m.Before, 60), After: cut(m.After, 60), Calm: m.Calm, Result: ResultUnrun,
	}
}

// saboteur injects faults, each in a copy of its own.
type saboteur struct {
	suite    suite
	shop     *bench.Workshop
	sources  map[string][]byte
	together int
	hurry    bool // leave out what cannot change the verdict
	mu       sync.Mutex
	results  map[string]int
}

// inject runs the suite with each fault. Amid those that run together it also
// runs without any: clash is true where that does not pass, since then runs
// get in each other's way and red says nothing.
func (s *saboteur) inject(ctx context.Context, mutants []sabotage.Mutant) (faults []Fault, clash bool, err error) {
	faults = make([]Fault, len(mutants))
	s.results = map[string]int{}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(s.together)
	for i, m := range mutants {
		faults[i] = describe(m)
		if s.together > 1 && i == len(mutants)/2 {
			group.Go(func() error {
				run, err := s.one(ctx, nil)
				clash = !run.passed()
				return err
			})
		}
		group.Go(func() error {
			if s.settled(len(mutants)) {
				return nil
			}
			run, err := s.one(ctx, &m)
			if err != nil {
				return fmt.Errorf("inject a fault: %w", err)
			}
			faults[i].Result, faults[i].Seconds = resultOf(run), run.Seconds
			s.mu.Lock()
			s.results[faults[i].Result]++
			s.mu.Unlock()
			return nil
		})
	}
	err = group.Wait()
	return faults, clash, err
}

// settled reports whether no further fault can change the verdict: half of
// all are found, or more than half are not.
func (s *saboteur) settled(all int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.results[ResultRed] + s.results[ResultLate]
	return s.hurry && (2*found >= all || 2*s.results[ResultGreen] > all)
}

// one builds and tests with a fault, or without one where it is nil.
func (s *saboteur) one(ctx context.Context, m *sabotage.Mutant) (run Run, err error) {
	c, err := s.shop.Copy(ctx)
	if err != nil {
		return Run{}, err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	if m != nil {
		data, err := m.Apply(s.sources[m.File])
		if err != nil {
			return Run{}, err
		}
		if err := c.Write(ctx, m.File, data); err != nil {
			return Run{}, err
		}
	}
	return s.suite.whole(ctx, c)
}

func resultOf(run Run) string {
	switch {
	case run.Unbuilt != "":
		return ResultUnbuilt
	case run.TimedOut:
		return ResultLate
	case run.passed():
		return ResultGreen
	}
	return ResultRed
}
