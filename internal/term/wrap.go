package term

import (
	"strings"
	"unicode"

	"golang.org/x/text/width"
)

// Width returns the columns that clean text without styles takes: 0 for
// combining marks and joiners, 2 for East Asian wide characters and emoji
// (Unicode UAX #11), 1 for everything else.
func Width(s string) int {
	columns := 0
	for _, r := range s {
		columns += runeWidth(r)
	}
	return columns
}

func runeWidth(r rune) int {
	switch {
	case r < 0x7f:
		return 1
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return 0
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}

// Truncate shortens a line to at most columns, ending in tail where something
// was left out.
func Truncate(s string, columns int, tail string) string {
	if Width(s) <= columns {
		return s
	}
	head, _ := split(s, max(columns-Width(tail), 0))
	return strings.TrimRight(head, " ") + tail
}

// split cuts s after the last rune that ends within columns.
func split(s string, columns int) (head, rest string) {
	used := 0
	for i, r := range s {
		used += runeWidth(r)
		if used > columns {
			return s[:i], s[i:]
		}
	}
	return s, ""
}

// Pad fills a line with spaces on its right up to columns.
func Pad(s string, columns int) string {
	return s + strings.Repeat(" ", max(columns-Width(s), 0))
}

// PadLeft fills a line with spaces on its left up to columns.
func PadLeft(s string, columns int) string {
	return strings.Repeat(" ", max(columns-Width(s), 0)) + s
}

// Wrap breaks clean text into lines of at most columns, between words where it
// can. Lines that fit are kept as they are, spaces and all, and a line's
// indentation is repeated on what follows from it.
func Wrap(s string, columns int) []string {
	columns = max(columns, 8)
	var lines []string
	for line := range strings.SplitSeq(strings.TrimRight(s, "\n "), "\n") {
		lines = append(lines, wrapLine(strings.TrimRight(line, " "), columns)...)
	}
	return lines
}

func wrapLine(line string, columns int) []string {
	if Width(line) <= columns {
		return []string{line}
	}
	body := strings.TrimLeft(line, " ")
	indent := strings.Repeat(" ", min(len(line)-len(body), columns/2))
	room := columns - len(indent)
	var lines []string
	current := ""
	for word := range strings.FieldsSeq(body) {
		if current != "" && Width(current)+1+Width(word) <= room {
			current += " " + word
			continue
		}
		if current != "" {
			lines = append(lines, indent+current)
		}
		for Width(word) > room { // a word longer than a line is broken where the line ends
			head, rest := split(word, room)
			lines = append(lines, indent+head)
			word = rest
		}
		current = word
	}
	if current != "" {
		lines = append(lines, indent+current)
	}
	return lines
}
