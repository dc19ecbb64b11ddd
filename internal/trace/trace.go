// Package trace recognises stack traces in text: in log lines, in mails, in
// replies.
//
// [Find] knows the forms that the runtimes of Python, Go, Java (and Kotlin),
// Node, Ruby, PHP, .NET and Rust print by themselves, with chains of causes,
// groups and suppressed exceptions; a chain is one trace. [FindAnywhere] looks
// into HTML and into quoted, escaped strings such as those of JSON as well.
//
// [Grouper] does it line by line in a stream, for the production log path: it
// joins the lines of one trace with the record that it belongs to. A [Group]
// can be read as a [Trace], which has a title and a fingerprint.
//
// The invariant: an ordinary log line is never a trace. What counts is the
// exact form of frames; a word such as "Error", "at" or "panic" counts for
// nothing. Text without any of the marks that frames need is dismissed by a
// search for plain substrings, before any line is looked at. The grouper emits
// each line exactly once, and an ordinary one at once and without a copy.
//
// Each language has one file with one parser: given the lines and an index, it
// returns a trace that has its first sure sign there, or none. Parsers look
// back for the headline, never beyond the trace before. The grouper has a
// screen of keywords (screen.go), signs (sign.go) and one automaton for each
// language (step_*.go); lines that may begin a trace wait in the window of
// their lane (lane.go). The room reads text and nothing else; it does not
// judge and has no clock. Read next: group.go, or internal/coverage, which is
// strict where this room is lenient.
package trace

import "strings"

// The languages, as [Trace.Language] gives them.
const (
	Python = "python"
	Go     = "go"
	Java   = "java" // Kotlin and Scala print the same form
	Node   = "node"
	Ruby   = "ruby"
	PHP    = "php"
	DotNet = "dotnet"
	Rust   = "rust"
)

// Trace is one stack trace with all its causes.
type Trace struct {
	Language string  // one of the constants
	Type     string  // of the exception that was reported; "panic" in Go and Rust; "" where the text does not say
	Message  string  // of the same exception, of several lines where it can be told; "" where it has none
	Frames   []Frame // of all the chain, in the order of the text: Python puts the innermost last, others first
	Text     string  // the lines of the trace, as they stand in the text that was searched
}

// Frame is one call.
type Frame struct {
	File     string // as written; "" where the text does not say
	Line     int    // from 1; 0 where the text does not say
	Function string // as written; "" where the text does not say
}

// parser tries to read a trace that shows itself at line i. It may begin at an
// earlier line, not before floor. It returns the lines [from, to) and ok.
type parser func(lines []string, i, floor int) (t Trace, from, to int, ok bool)

// parsers are tried in this order; the first that reads a trace wins.
var parsers = []parser{findPython, findGo, findPHP, findRust, findRuby, findAt}

// marks are substrings of which each trace has at least one.
var marks = []string{
	"Traceback (most recent call last):", "goroutine ", "at ", "Stack trace:", "[stacktrace]", "panicked at ", "tack backtrace:", ":in `", ":in '",
}

// maxLines bounds what is looked at in one text.
const maxLines = 200_000

// Find returns the traces in a text, in its order. They do not overlap.
func Find(text string) []Trace {
	if !hasMark(text) {
		return nil
	}
	lines := strings.SplitN(text, "\n", maxLines+1)
	lines = lines[:min(len(lines), maxLines)]
	for i, l := range lines {
		lines[i] = strings.TrimSuffix(l, "\r")
	}
	var found []Trace
	floor := 0
	for i := 0; i < len(lines); i++ {
		if !hasMark(lines[i]) {
			continue
		}
		for _, parse := range parsers {
			t, from, to, ok := parse(lines, i, floor)
			if !ok {
				continue
			}
			t.Text = strings.Join(lines[from:to], "\n")
			found = append(found, t)
			floor, i = to, to-1
			break
		}
	}
	return found
}

func hasMark(text string) bool {
	for _, m := range marks {
		if strings.Contains(text, m) {
			return true
		}
	}
	return false
}

// line returns a line, "" beyond the end.
func line(lines []string, i int) string {
	if i < 0 || i >= len(lines) {
		return ""
	}
	return lines[i]
}

// naturalNumber reads a line number of at most nine digits.
func naturalNumber(text string) (int, bool) {
	n := 0
	for _, c := range []byte(text) {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, text != "" && len(text) < 10
}

// fileLine splits "file:12" at the last colon.
func fileLine(text string) (file string, number int, ok bool) {
	colon := strings.LastIndexByte(text, ':')
	if colon <= 0 {
		return "", 0, false
	}
	number, ok = naturalNumber(text[colon+1:])
	return text[:colon], number, ok
}

// fileLineColumn splits "file:12:5".
func fileLineColumn(text string) (file string, number int, ok bool) {
	rest, _, ok := fileLine(text)
	if !ok {
		return "", 0, false
	}
	return fileLine(rest)
}

// isTypeName reports whether a text may name a type: words of letters, digits
// and underscores, joined by one of the separators.
func isTypeName(text, separators string) bool {
	if text == "" || len(text) > 200 {
		return false
	}
	atStart := true
	for _, c := range strings.ReplaceAll(text, "::", ":") {
		isLetter := c == '_' || (c|0x20 >= 'a' && c|0x20 <= 'z') || c > 0x7f
		switch {
		case isLetter || (!atStart && c >= '0' && c <= '9'):
			atStart = false
		case !atStart && strings.ContainsRune(separators, c):
			atStart = c != '$' && c != '`'
		default:
			return false
		}
	}
	return !atStart
}

// splitHead splits "Type: message" or "Type".
func splitHead(text, separators string) (typ, message string, ok bool) {
	typ, message, _ = strings.Cut(text, ": ")
	typ = strings.TrimSuffix(typ, ":")
	return typ, strings.TrimSpace(message), isTypeName(typ, separators)
}
