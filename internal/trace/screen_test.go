package trace

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"
)

// hasKeyword is what the screen does, told plainly.
func hasKeyword(l []byte) bool {
	folded := bytes.Map(func(c rune) rune {
		if c >= 'A' && c <= 'Z' {
			c |= 0x20
		}
		return c
	}, bytes.Map(func(c rune) rune { return min(c, 0x7f) }, l))
	for _, list := range keywords.places {
		for _, p := range list {
			if bytes.Contains(folded, []byte(p.word)) {
				return true
			}
		}
	}
	return false
}

// The screen finds each keyword at each place of a line of any length, in any
// case of letters, and nothing else.
func TestTheScreenFindsKeywordsAndNothingElse(t *testing.T) {
	for _, list := range keywords.places {
		for _, p := range list {
			for before := range 40 {
				for after := range 40 {
					l := append(append(bytes.Repeat([]byte{'x'}, before), p.word...), bytes.Repeat([]byte{'x'}, after)...)
					if !keywords.in(l) || !keywords.in(bytes.ToUpper(l)) {
						t.Fatalf("%q is not found", l)
					}
					if l[before+keywordLength-1]++; keywords.in(l) != hasKeyword(l) {
						t.Fatalf("%q is found", l)
					}
				}
			}
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		l := rapid.SliceOfN(rapid.SampledFrom([]byte("erolxcpfatniXE :`'\x12\x05\xe5W]R")), 0, 80).Draw(t, "line")
		if got, want := keywords.in(l), hasKeyword(l); got != want {
			t.Fatalf("%q: %v, want %v", l, got, want)
		}
	})
}
