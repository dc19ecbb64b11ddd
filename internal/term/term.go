// Package term is what the command line says things with: a terminal whose
// width, colour and character set are known, text made safe to print, wrapping
// and tables that count visible columns, the five status marks, and progress.
//
// # Rules of voice
//
//   - Data goes to standard output; everything else goes to standard error.
//   - Messages are lower case and end without a full stop.
//   - A hint is a command that can be pasted and run, never a description of one.
//   - A status is always a shape, a word and a colour; the word alone is enough.
//   - What passed is one line. What did not pass says what was done, expected
//     and seen, and how to mend it.
//   - The last line is the next command to type.
//
// The one invariant: no byte that an application under check produced reaches
// the terminal before [Clean] or [Line] has been over it, so that no such text
// can move the cursor, hide a line or turn its reading direction.
//
// The room decides nothing about requirements; it only knows how an outcome is
// shown. Read next: internal/report.
package term

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"golang.org/x/term"
)

// Mode is when colour is used.
type Mode string

// The modes of --color.
const (
	Auto   Mode = "auto"   // on a terminal that is not dumb, unless NO_COLOR is set
	Always Mode = "always" // even into a pipe; wins over NO_COLOR
	Never  Mode = "never"
)

// ParseMode reads the value of --color.
func ParseMode(text string) (Mode, error) {
	switch mode := Mode(text); mode {
	case Auto, Always, Never:
		return mode, nil
	}
	return Auto, fmt.Errorf("read --color: %q is not one of auto, always, never", text)
}

const defaultWidth = 80

// Terminal is an output of known abilities. It is safe for several goroutines
// as far as its writer is.
type Terminal struct {
	out    io.Writer
	size   func() (columns int, ok bool)
	colour bool
	utf8   bool
	live   bool
}

// New looks at out and the environment: an *os.File that is a terminal is
// asked for its width, COLUMNS counts otherwise, then 80. NO_COLOR, TERM=dumb
// and the locale (LC_ALL, LC_CTYPE, LANG) are respected.
func New(out io.Writer, env func(string) string, mode Mode) *Terminal {
	t := &Terminal{out: out, size: columnsFrom(env), utf8: speaksUTF8(env)}
	dumb := env("TERM") == "dumb"
	if file, ok := out.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		t.live = !dumb
		t.size = columnsOf(file, t.size)
		t.colour = !dumb && env("NO_COLOR") == ""
	}
	switch mode {
	case Always:
		t.colour = true
	case Never:
		t.colour = false
	}
	return t
}

// Fixed returns a terminal of given abilities that is never redrawn: for
// files, and for tests.
func Fixed(out io.Writer, width int, colour, utf8 bool) *Terminal {
	return &Terminal{
		out: out, colour: colour, utf8: utf8,
		size: func() (int, bool) { return width, true },
	}
}

func columnsFrom(env func(string) string) func() (int, bool) {
	n, err := strconv.Atoi(env("COLUMNS"))
	return func() (int, bool) { return n, err == nil && n > 0 }
}

func columnsOf(file *os.File, fallback func() (int, bool)) func() (int, bool) {
	return func() (int, bool) {
		if n, _, err := term.GetSize(int(file.Fd())); err == nil && n > 0 {
			return n, true
		}
		return fallback()
	}
}

// speaksUTF8 reads the locale in the order of POSIX (XBD section 8.2). Where
// none is set, as in most containers, the terminal at the other end is modern.
func speaksUTF8(env func(string) string) bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if value := env(name); value != "" {
			value = strings.ToLower(value)
			return strings.Contains(value, "utf-8") || strings.Contains(value, "utf8")
		}
	}
	return env("TERM") != "dumb" && env("TERM") != "linux"
}

// Write passes bytes on; what they hold is the caller's duty, see [Clean].
func (t *Terminal) Write(p []byte) (int, error) { return t.out.Write(p) }

// Width returns the columns that there are now; a window may change.
func (t *Terminal) Width() int {
	if n, ok := t.size(); ok {
		return max(n, 20)
	}
	return defaultWidth
}

// Colour reports whether colour is used.
func (t *Terminal) Colour() bool { return t.colour }

// UTF8 reports whether characters outside ASCII can be shown.
func (t *Terminal) UTF8() bool { return t.utf8 }

// Live reports whether lines can be redrawn.
func (t *Terminal) Live() bool { return t.live }

// Text makes foreign text safe and representable, line breaks kept.
func (t *Terminal) Text(s string) string { return t.plain(Clean(s)) }

// Line makes foreign text safe, representable and one line long.
func (t *Terminal) Line(s string) string { return t.plain(Line(s)) }

// Cut shortens a line to width columns, the last of them an ellipsis.
func (t *Terminal) Cut(s string, width int) string {
	if t.utf8 {
		return Truncate(s, width, "…")
	}
	return Truncate(s, width, "...")
}

func (t *Terminal) plain(s string) string {
	if t.utf8 {
		return s
	}
	return ASCII(s)
}
