package problem

// maxCompared bounds the names that are compared, in bytes: a longer one is
// near to nothing that we know.
const maxCompared = 64

// Nearest returns the word of known with the smallest edit distance to got,
// the first of them on a tie, if it is near enough to be what was meant.
func Nearest(got string, known []string) (string, bool) {
	if len(got) > maxCompared {
		return "", false
	}
	best, at := "", len(got)/2+2
	for _, word := range known {
		if d := distance(got, word); d < at && d < max(len(got), len(word)) {
			best, at = word, d
		}
	}
	return best, best != ""
}

// distance counts the insertions, deletions, replacements and swaps of
// neighbours between two texts (optimal string alignment).
func distance(a, b string) int {
	s, t := []rune(a), []rune(b)
	two, one := make([]int, len(t)+1), make([]int, len(t)+1)
	for j := range one {
		one[j] = j
	}
	for i := 1; i <= len(s); i++ {
		row := make([]int, len(t)+1)
		row[0] = i
		for j := 1; j <= len(t); j++ {
			cost := 1
			if s[i-1] == t[j-1] {
				cost = 0
			}
			row[j] = min(one[j]+1, row[j-1]+1, one[j-1]+cost)
			if i > 1 && j > 1 && s[i-1] == t[j-2] && s[i-2] == t[j-1] {
				row[j] = min(row[j], two[j-2]+1)
			}
		}
		two, one = one, row
	}
	return one[len(t)]
}
