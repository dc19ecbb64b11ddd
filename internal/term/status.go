package term

import "github.com/roadworthy-dev/roadworthy/internal/standard"

// Style is a meaning that has a colour.
type Style int

// The styles. They are taken from the sixteen colours, so that the reader's
// own theme decides how they look.
const (
	Plain Style = iota
	Bold
	Muted
	Accent // commands to type, links
	Good
	Bad
	Warn
)

func (s Style) codes() string {
	return [...]string{"", "1", "2", "36", "32", "1;31", "33"}[s]
}

// Paint gives text a style where colour is used. The text must be clean.
func (t *Terminal) Paint(style Style, text string) string {
	if !t.colour || style == Plain || text == "" {
		return text
	}
	return "\x1b[" + style.codes() + "m" + text + "\x1b[0m"
}

// Mark is how an outcome is shown: a shape, a word and a colour.
type Mark struct {
	Shape string // one column, such as "●"
	Plain string // the shape in ASCII
	Word  string // at most 14 columns
	Style Style
}

// MarkOf returns the mark of an outcome. A value that is not an outcome is
// shown as a tool error.
func MarkOf(outcome standard.Outcome) Mark {
	switch outcome {
	case standard.Pass:
		return Mark{"●", "+", "ok", Good}
	case standard.Fail:
		return Mark{"◆", "x", "failed", Bad}
	case standard.Unknown:
		return Mark{"▲", "?", "not proven", Warn}
	case standard.NotApplicable:
		return Mark{"○", "-", "not applicable", Muted}
	}
	return Mark{"■", "!", "tool error", Bad}
}

// Shape returns an outcome's shape alone, painted.
func (t *Terminal) Shape(outcome standard.Outcome) string {
	mark := MarkOf(outcome)
	if !t.utf8 {
		return t.Paint(mark.Style, mark.Plain)
	}
	return t.Paint(mark.Style, mark.Shape)
}

// Status returns an outcome's shape and word, painted, filled up to columns.
func (t *Terminal) Status(outcome standard.Outcome, columns int) string {
	mark := MarkOf(outcome)
	shape := mark.Shape
	if !t.utf8 {
		shape = mark.Plain
	}
	text := shape + " " + mark.Word
	return t.Paint(mark.Style, text) + Pad("", columns-Width(text))
}
