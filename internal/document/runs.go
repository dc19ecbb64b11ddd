package document

import (
	"fmt"
	"strings"
)

// maxRun is how often a text may repeat what the library's lexer goes back
// over each time: it takes the line breaks at the end of a block of text off
// one by one and copies the block for each, reads on to the end of the line at
// each tab within quotes, and to the end of the row at each "<". Within this
// bound its time grows with the text alone.
const maxRun = 100

// runs refuses a text with more of that before the lexer sees it.
func (r *reader) runs(text string) bool {
	at := Place{1, 0}
	breaks, tabs, less := 0, 0, 0 // breaks with only blanks between, tabs of the line, "<" in a row
	for i, c := range text {
		at.Column++
		switch {
		case c == '\n', c == '\r' && !strings.HasPrefix(text[i+1:], "\n"):
			breaks++
			tabs = 0
		case c == '\t':
			tabs++
		case c != ' ' && c != '\r':
			breaks = 0
		}
		less++
		if c != '<' {
			less = 0
		}
		if breaks > maxRun || tabs > maxRun || less > maxRun {
			r.tooLong(at, breaks > maxRun, tabs > maxRun)
			return false
		}
		if c == '\n' {
			at = Place{at.Line + 1, 0}
		}
	}
	return true
}

// tooLong says which run passes its bound at a place.
func (r *reader) tooLong(at Place, breaks, tabs bool) {
	most := fmt.Sprintf("at most %d", maxRun)
	got := fmt.Sprintf("more than %d", maxRun)
	switch {
	case breaks:
		first := Place{max(1, at.Line-maxRun+1), 1}
		r.tooMuch(first, "too many empty lines follow each other", got, most, fmt.Sprintf("remove the empty lines from line %d on", first.Line))
	case tabs:
		r.tooMuch(at, "a line has too many tabs", got, most, fmt.Sprintf(`on line %d write the tabs as \t within double quotes, or as blanks`, at.Line))
	default:
		r.tooMuch(at, "too many < follow each other", got, most, fmt.Sprintf("on line %d remove some of them", at.Line))
	}
}
