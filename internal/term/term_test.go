package term

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/roadworthy-dev/roadworthy/internal/standard"
)

func environment(pairs ...string) func(string) string {
	return func(name string) string {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1]
			}
		}
		return ""
	}
}

func TestColourIsOffInAPipeAndOnWhenAskedFor(t *testing.T) {
	for _, c := range []struct {
		mode Mode
		env  []string
		want bool
	}{
		{Auto, nil, false},
		{Always, nil, true},
		{Always, []string{"NO_COLOR", "1"}, true},
		{Always, []string{"TERM", "dumb"}, true},
		{Never, nil, false},
	} {
		terminal := New(&bytes.Buffer{}, environment(c.env...), c.mode)
		if terminal.Colour() != c.want {
			t.Errorf("%s with %v: colour %v, want %v", c.mode, c.env, terminal.Colour(), c.want)
		}
		if terminal.Live() {
			t.Errorf("%s with %v: a buffer is not a live terminal", c.mode, c.env)
		}
	}
}

func TestAFileThatIsNotATerminalIsNotLive(t *testing.T) {
	file, err := os.CreateTemp(t.TempDir(), "out")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if terminal := New(file, environment("TERM", "xterm"), Auto); terminal.Live() || terminal.Colour() {
		t.Error("a plain file was taken for a terminal")
	}
}

func TestParseModeRefusesOtherWords(t *testing.T) {
	if _, err := ParseMode("sometimes"); err == nil || !strings.Contains(err.Error(), "always") {
		t.Errorf("got %v, want an error that lists the modes", err)
	}
	if mode, err := ParseMode("never"); err != nil || mode != Never {
		t.Errorf("got %v, %v", mode, err)
	}
}

func TestTheLocaleDecidesTheCharacterSet(t *testing.T) {
	for _, c := range []struct {
		env  []string
		want bool
	}{
		{[]string{"LANG", "en_GB.UTF-8"}, true},
		{[]string{"LANG", "de_DE.utf8"}, true},
		{[]string{"LANG", "C"}, false},
		{[]string{"LC_ALL", "POSIX", "LANG", "en_GB.UTF-8"}, false},
		{[]string{"LC_CTYPE", "C.UTF-8", "LANG", "C"}, true},
		{nil, true},
		{[]string{"TERM", "dumb"}, false},
	} {
		if got := New(&bytes.Buffer{}, environment(c.env...), Auto).UTF8(); got != c.want {
			t.Errorf("%v: UTF-8 %v, want %v", c.env, got, c.want)
		}
	}
}

func TestWidthComesFromColumnsWhereThereIsNoTerminal(t *testing.T) {
	for value, want := range map[string]int{"": 80, "x": 80, "-3": 80, "132": 132, "3": 20} {
		if got := New(&bytes.Buffer{}, environment("COLUMNS", value), Auto).Width(); got != want {
			t.Errorf("COLUMNS=%q: %d, want %d", value, got, want)
		}
	}
}

func TestEveryOutcomeHasItsOwnShapeAndWordAndOnlyPassIsGreen(t *testing.T) {
	shapes, plains, words := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, outcome := range standard.Outcomes {
		mark := MarkOf(outcome)
		shapes[mark.Shape], plains[mark.Plain], words[mark.Word] = true, true, true
		if Width(mark.Shape) != 1 || Width(mark.Word) > 14 {
			t.Errorf("%s: mark %q %q does not fit its column", outcome, mark.Shape, mark.Word)
		}
		if (mark.Style == Good) != (outcome == standard.Pass) {
			t.Errorf("%s: style %v", outcome, mark.Style)
		}
	}
	if n := len(standard.Outcomes); len(shapes) != n || len(plains) != n || len(words) != n {
		t.Errorf("shapes %v, plain %v, words %v: want %d of each", shapes, plains, words, n)
	}
	if MarkOf("green").Style == Good {
		t.Error("an outcome from outside the list is shown as good")
	}
}

var hostile = map[string]string{
	"\x1b[2J\x1b[31mowned":  `\x1b[2J\x1b[31mowned`,
	"\u009b31m":             `\u009b31m`,
	"a\x9bb":                `a\x9bb`,
	"\x1b]0;title\x07":      `\x1b]0;title\x07`,
	"back\b\bspace\x7f":     `back\x08\x08space\x7f`,
	"admin\u202etxt.exe":    `admin\u202etxt.exe`,
	"\u2066isolate\u2069":   `\u2066isolate\u2069`,
	"over\rwrite":           `over\rwrite`,
	"zero\u200bwidth\ufeff": `zero\u200bwidth\ufeff`,
	"tag\U000e0041":         `tag\U000e0041`,
	"cut \xe2\x82":          `cut \xe2\x82`,
	"tab\tstop":             "tab    stop",
	"two\r\nlines":          "two\nlines",
	"naïve 漢字 👩‍🚒 e\u0301":  "naïve 漢字 👩‍🚒 e\u0301",
	"nul\x00byte":           `nul\x00byte`,
	"separator\u2028here":   `separator\u2028here`,
}

func TestCleanLeavesNothingThatSteersATerminal(t *testing.T) {
	for in, want := range hostile {
		if got := Clean(in); got != want {
			t.Errorf("Clean(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzClean(f *testing.F) {
	for in := range hostile {
		f.Add(in)
	}
	f.Fuzz(func(t *testing.T, in string) {
		for _, out := range []string{Clean(in), Line(in), ASCII(Clean(in))} {
			if !utf8.ValidString(out) {
				t.Fatalf("%q is not valid UTF-8", out)
			}
			for _, r := range out {
				if r != '\n' && Unsafe(r) {
					t.Fatalf("%q kept %U", out, r)
				}
			}
		}
		if strings.Contains(Line(in), "\n") {
			t.Fatalf("Line(%q) has a line break", in)
		}
		for _, line := range Wrap(Clean(in), 20) {
			if Width(line) > 20 {
				t.Fatalf("line %q is %d wide", line, Width(line))
			}
		}
	})
}

func TestASCIIHasAPlainFormForOurPunctuation(t *testing.T) {
	if got, want := ASCII("“a … b” – 3 × 4 ≤ 5 é"), `"a ... b" - 3 x 4 <= 5 \u00e9`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestWidthCountsColumnsNotBytes(t *testing.T) {
	for s, want := range map[string]int{"": 0, "abc": 3, "naïve": 5, "e\u0301": 1, "漢字": 4, "🚒": 2, "…": 1} {
		if got := Width(s); got != want {
			t.Errorf("Width(%q) = %d, want %d", s, got, want)
		}
	}
}

func TestWrapKeepsWhatFitsAndBreaksTheRestBetweenWords(t *testing.T) {
	got := Wrap("a  b\n    at main.go:3 in some function of a long name\nabcdefghijklmnopqrstuvwxyz", 20)
	want := []string{
		"a  b",
		"    at main.go:3 in", "    some function of", "    a long name",
		"abcdefghijklmnopqrst", "uvwxyz",
	}
	if strings.Join(got, "|") != strings.Join(want, "|") {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestTruncateEndsInATailWithinTheWidth(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"short", "short"}, {"exactly ten", "exactly t…"}, {"漢字漢字漢字", "漢字漢字…"},
	} {
		if got := Truncate(c.in, 10, "…"); got != c.want {
			t.Errorf("Truncate(%q) = %q, want %q", c.in, got, c.want)
		}
	}
}

func TestATableAlignsColumnsAndShortensTheFlexibleOne(t *testing.T) {
	terminal := Fixed(nil, 30, false, true)
	lines := terminal.Lines(Table{Indent: 2, Right: []int{2}, Flex: 1, Rows: [][]Cell{
		{{Text: "漢字"}, {Text: "a title that is much too long"}, {Text: "1.2s"}},
		{{Text: "b"}, {Text: "short"}, {Text: "85ms"}},
		{{Text: "c"}, {Text: "short"}, {Text: "9s"}},
	}})
	want := []string{
		"  漢字  a title that is…  1.2s",
		"  b     short             85ms",
		"  c     short               9s",
	}
	if strings.Join(lines, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(lines, "\n"), strings.Join(want, "\n"))
	}
}
