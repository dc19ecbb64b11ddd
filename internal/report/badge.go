package report

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"github.com/roadworthy-dev/roadworthy/internal/term"
)

// badgeFormat writes an SVG badge of two halves. Only a ready run is green.
type badgeFormat struct{}

const badge = `<svg xmlns="http://www.w3.org/2000/svg" width="%[1]d" height="20" role="img" aria-label="%[2]s">
<title>%[3]s</title>
<clipPath id="r"><rect width="%[1]d" height="20" rx="3"/></clipPath>
<g clip-path="url(#r)"><rect width="%[4]d" height="20" fill="#2f3431"/><rect x="%[4]d" width="%[5]d" height="20" fill="%[6]s"/></g>
<g fill="#fff" font-family="Verdana,Geneva,DejaVu Sans,sans-serif" font-size="11">
<text x="%[7]d" y="14" textLength="%[8]d">%[9]s</text>
<text x="%[10]d" y="14" textLength="%[11]d">%[12]s</text>
</g>
</svg>
`

const badgeMargin = 6

// Write writes one SVG document.
func (badgeFormat) Write(w io.Writer, run Run) error {
	run = run.bounded()
	left, right := "roadworthy", run.Verdict()
	title := fmt.Sprintf("%s: %s (%s, %s, %s)", left, right,
		run.Application.Name, run.Application.ShortDigest(), run.Started.UTC().Format("2006-01-02 15:04 UTC"))
	leftText, rightText := badgeColumns(left), badgeColumns(right)
	leftBox, rightBox := leftText+2*badgeMargin, rightText+2*badgeMargin
	_, err := fmt.Fprintf(w, badge, leftBox+rightBox, xmlText(left+": "+right), xmlText(title),
		leftBox, rightBox, run.State().fill(),
		badgeMargin, leftText, xmlText(left), leftBox+badgeMargin, rightText, xmlText(right))
	return err
}

// fill returns a colour on which white text has a contrast of at least 5.7:1.
func (s State) fill() string {
	switch s {
	case Ready:
		return "#166b2f"
	case NotReady, Broken:
		return "#a61b12"
	case NotProven:
		return "#7a4f00"
	}
	return "#4e565e"
}

// advance holds how far each character of Verdana moves on, in 1/2048 of the
// size of the type; others are taken to be as wide as a digit.
var advance = map[rune]int{
	' ': 720, ':': 930, '-': 930, '.': 745, ',': 745, '(': 930, ')': 930,
	'a': 1230, 'b': 1276, 'c': 1067, 'd': 1276, 'e': 1220, 'f': 720, 'g': 1276, 'h': 1296, 'i': 562,
	'j': 705, 'k': 1212, 'l': 562, 'm': 1992, 'n': 1296, 'o': 1243, 'p': 1276, 'q': 1276, 'r': 874,
	's': 1067, 't': 807, 'u': 1296, 'v': 1212, 'w': 1676, 'x': 1212, 'y': 1212, 'z': 1076,
}

// badgeColumns returns the width of text in pixels at 11 pixels, rounded up.
func badgeColumns(text string) int {
	units := 0
	for _, r := range text {
		if w, ok := advance[r]; ok {
			units += w
		} else {
			units += 1302
		}
	}
	return (units*11 + 2047) / 2048
}

// xmlText makes text safe inside an element or an attribute.
func xmlText(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(term.Line(s))) // a Builder never fails
	return b.String()
}
