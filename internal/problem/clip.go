package problem

import (
	"strconv"
	"unicode/utf8"
)

// maxShown bounds what a problem repeats of a stranger's text, in bytes.
const maxShown = 80

// Clip shortens a stranger's text for a message.
func Clip(s string) string {
	if len(s) <= maxShown {
		return s
	}
	cut := maxShown
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}

// Quote puts a shortened text into quotes, with control characters escaped.
func Quote(s string) string { return strconv.Quote(Clip(s)) }
