package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/roadworthy-dev/roadworthy/internal/problem"
	"github.com/roadworthy-dev/roadworthy/internal/term"
)

// Format writes a run in one form.
type Format interface {
	// Write writes the whole document. The run is not changed. Errors are those of w.
	Write(w io.Writer, run Run) error
}

// Settings is what a format may take into account.
type Settings struct {
	Terminal *term.Terminal // for text: width, colour, character set; nil: 80 columns, plain
	Verbose  bool           // for text: show what passed too
}

// Entry is one format of [Formats].
type Entry struct {
	Name  string // as in --format
	Means string // in a few words, for help
	File  string // usual name of a file that holds it
	New   func(Settings) Format
}

// Formats lists every format.
var Formats = []Entry{
	{"text", "for people, in a terminal", "check.txt", func(s Settings) Format { return NewText(s) }},
	{"json", "one document with a published schema", "check.json", func(Settings) Format { return jsonFormat{} }},
	{"sarif", "SARIF 2.1.0, for code scanning", "check.sarif", func(Settings) Format { return sarifFormat{} }},
	{"junit", "JUnit XML, for CI test pages", "check.xml", func(Settings) Format { return junitFormat{} }},
	{"markdown", "a summary for CI job pages", "check.md", func(Settings) Format { return markdownFormat{} }},
	{"badge", "an SVG badge", "badge.svg", func(Settings) Format { return badgeFormat{} }},
	{"html", "one self-contained page", "check.html", func(Settings) Format { return htmlFormat{} }},
}

// New returns the format of that name. An unknown name is a problem RW-U01.
func New(name string, settings Settings) (Format, error) {
	names := make([]string, len(Formats))
	for i, entry := range Formats {
		if entry.Name == name {
			return entry.New(settings), nil
		}
		names[i] = entry.Name
	}
	return nil, &problem.Problem{
		Code: "RW-U01", Summary: "there is no such format", Got: fmt.Sprintf("--format %q", name),
		Want: strings.Join(names, ", "), Fix: "roadworthy check --format json",
	}
}
