package sabotage

import (
	"cmp"
	"math/rand"
	"slices"

	"github.com/roadworthy-dev/roadworthy/internal/coverage"
)

// Plan chooses up to n mutants on covered lines. Each file gives one in turn,
// and each function of a file one before any gives a second; within a function
// the strong kinds come first. Test files, generated files and files of other
// languages give none. The same arguments give the same plan.
//
// The report's paths must be those of the files: see coverage.Report.Relative
// and Resolve.
func Plan(files []Source, report coverage.Report, n int, rng *rand.Rand) []Mutant {
	var queues [][]Mutant
	for _, s := range files {
		covered, ok := report.File(s.Path)
		if !ok || !isOurs(s.Path, s.Data) {
			continue
		}
		if queue := fileQueue(s, covered.Lines, rng); len(queue) > 0 {
			queues = append(queues, queue)
		}
	}
	rng.Shuffle(len(queues), func(i, j int) { queues[i], queues[j] = queues[j], queues[i] })
	return dealOut(queues, n)
}

// All returns every mutant of one file on lines that the function calls
// covered, in the order of the file.
func All(s Source, covered func(line int) bool) []Mutant {
	var all []Mutant
	for _, f := range faults(s) {
		if covered(f.line) {
			all = append(all, f.mutant(s))
		}
	}
	slices.SortStableFunc(all, func(a, b Mutant) int { return cmp.Compare(a.Offset, b.Offset) })
	return all
}

// fileQueue orders the faults of one file: the best of each function, then
// the second best of each, and so on. Ties are broken by chance.
func fileQueue(s Source, lines map[int]int, rng *rand.Rand) []Mutant {
	byFunction := map[function][]fault{}
	var order []function
	for _, f := range faults(s) {
		if lines[f.line] <= 0 {
			continue
		}
		if byFunction[f.function] == nil {
			order = append(order, f.function)
		}
		byFunction[f.function] = append(byFunction[f.function], f)
	}
	rng.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	var rows [][]Mutant
	best := map[function]int{}
	for _, fn := range order {
		group := byFunction[fn]
		rng.Shuffle(len(group), func(i, j int) { group[i], group[j] = group[j], group[i] })
		slices.SortStableFunc(group, func(a, b fault) int { return cmp.Compare(a.rank, b.rank) })
		best[fn] = group[0].rank
	}
	slices.SortStableFunc(order, func(a, b function) int { return cmp.Compare(best[a], best[b]) })
	for _, fn := range order {
		row := make([]Mutant, 0, len(byFunction[fn]))
		for _, f := range byFunction[fn] {
			row = append(row, f.mutant(s))
		}
		rows = append(rows, row)
	}
	return dealOut(rows, -1)
}

// dealOut takes one of each row in turn, until n are taken or all rows are
// empty; n < 0 takes all.
func dealOut(rows [][]Mutant, n int) []Mutant {
	var dealt []Mutant
	for i := 0; ; i++ {
		more := false
		for _, row := range rows {
			if len(dealt) == n {
				return dealt
			}
			if i < len(row) {
				more = true
				dealt = append(dealt, row[i])
			}
		}
		if !more {
			return dealt
		}
	}
}

// faults returns the candidates of a file, whatever is covered. A file that
// its reader does not understand has none.
func faults(s Source) []fault {
	read := readers[extension(s.Path)]
	if read == nil {
		return nil
	}
	var kept []fault
	for _, f := range read(s.Data) {
		if !isQuiet(f.function.name) {
			kept = append(kept, f)
		}
	}
	return kept
}
