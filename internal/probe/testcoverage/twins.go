package testcoverage

import (
	"cmp"
	"slices"
	"strings"
)

const (
	telling   = 12  // a shorter line is in many files by chance
	twinLines = 10  // how many lines two files must have in common
	twinShare = 0.6 // of the smaller one
	maxTwins  = 20
)

// twins finds files that are largely copies of others which the suite covers
// less. Tests of a copy say nothing of what runs in production.
func twins(files []file) []Twin {
	shared, counts := inCommon(files)
	var found []Twin
	for pair, lines := range shared {
		a, b := pair[0], pair[1]
		if lines < twinLines || float64(lines) < twinShare*float64(min(counts[a], counts[b])) {
			continue
		}
		if files[a].entry.Share() < files[b].entry.Share() {
			a, b = b, a
		}
		if files[a].entry.Share() > 2*files[b].entry.Share() {
			found = append(found, Twin{Copy: files[a].Path, Of: files[b].Path})
		}
	}
	slices.SortFunc(found, func(a, b Twin) int {
		return cmp.Or(strings.Compare(a.Copy, b.Copy), strings.Compare(a.Of, b.Of))
	})
	return found[:min(len(found), maxTwins)]
}

// inCommon counts the telling lines that each two files share, by their
// indices, and those of each file.
func inCommon(files []file) (shared map[[2]int]int, counts []int) {
	in := map[string][]int{} // files that hold a line
	counts = make([]int, len(files))
	for i, f := range files {
		for _, line := range codeLines(f.data, f.family) {
			if len(line) >= telling && !slices.Contains(in[line], i) && len(in[line]) < 5 {
				in[line] = append(in[line], i)
				counts[i]++
			}
		}
	}
	shared = map[[2]int]int{}
	for _, holders := range in {
		for i, a := range holders {
			for _, b := range holders[i+1:] {
				shared[[2]int{a, b}]++
			}
		}
	}
	return shared, counts
}
