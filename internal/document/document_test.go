package document_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/document"
)

var limits = document.Limits{Bytes: 1 << 16, Values: 5000}

// lines writes a tree as one text, each value behind its dotted way, with its line.
func lines(key string, n *document.Node) string {
	var b strings.Builder
	if n == nil {
		return "nothing"
	}
	for i, item := range n.Items {
		b.WriteString(lines(fmt.Sprintf("%s[%d]", key, i), item))
	}
	for _, e := range n.Entries {
		b.WriteString(lines(key+"."+e.Key, e.Value))
	}
	if n.Scalar() || n.Kind == document.Nothing {
		fmt.Fprintf(&b, "%s=%q@%d ", key, n.Text, n.At.Line)
	}
	return b.String()
}

func TestTextsStayAsTheyStand(t *testing.T) {
	for text, want := range map[string]string{
		"":                       `=""@1 `,
		"# nothing\n":            `=""@1 `,
		"a: 1.10\nb: True\nc:\n": `.a="1.10"@1 .b="True"@2 .c=""@3 `,
		"a: {b: [x, 'y z']}":     `.a.b[0]="x"@1 .a.b[1]="y z"@1 `,
		"a: &x one\nb: *x\n":     `.a="one"@1 .b="one"@1 `,
		"a: !!str 10\n":          `.a="10"@1 `,

		// In JSON a tab is a blank wherever one may stand.
		"{\"a\"\t: [\t1,\n\t2\t]\t}\n":               `.a[0]="1"@1 .a[1]="2"@2 `,
		"\t{\"a\": \"\\t\"}":                         `.a="\t"@1 `,
		"{\"a\":" + strings.Repeat("\t", 200) + "1}": `.a="1"@1 `,

		// An alias is what stood before it (YAML 1.2, 7.1), however often it is read.
		"a: &x {p: &y 1}\nb: &y 2\nc: *x\nd: *y\n": `.a.p="1"@1 .b="2"@2 .c.p="1"@1 .d="2"@2 `,
		"o: &y 1\na: &x {q: *y}\nb: &y 2\nc: *x\n": `.o="1"@1 .a.q="1"@1 .b="2"@3 .c.q="1"@1 `,
		"o: &y 1\na: &x {q: *y}\nb: &y [*x]\n":     `.o="1"@1 .a.q="1"@1 .b[0].q="1"@1 `,

		"\ufeffa: b\n":                         `.a="b"@1 `,
		"{\n\t\"a\": [\n\t\t1\n\t]\n}":         `.a[0]="1"@3 `,
		`{"a": "\u0041\/\n\"\\ \ud83d\ude00"}`: `.a="A/\n\"\\ 😀"@1 `,
	} {
		root, faults := document.Read("x", []byte(text), limits)
		if len(faults) > 0 || lines("", root) != want {
			t.Errorf("%q gives %s, %v; want %s", text, lines("", root), faults, want)
		}
	}
}

func TestSeveralDocumentsAreRefused(t *testing.T) {
	for text, want := range map[string]struct {
		line int
		fix  string
	}{
		"---\n---\nport: 9\n":               {2, "remove line 2"},
		"# a\n---\n# b\n--- # c\nport: 9\n": {4, "remove line 4"},
		"%YAML 1.2\n---\n---\nport: 9\n":    {3, "remove line 3"},
		"a: 1\n---\nb: 2\n":                 {2, "remove line 2 and what follows it"},
		"a: 1\n...\nb: 2\n":                 {3, "remove line 3 and what follows it"},
		"---\na: 1\n---\nb: 2\n---\nc: 3\n": {3, "remove line 3 and what follows it"},
		"a: 1\n...\n...\n...\n":             {3, "remove line 3 and what follows it"},
	} {
		root, faults := document.Read("x", []byte(text), limits)
		if root != nil || len(faults) != 1 || faults[0].Summary != "the file holds several documents" || faults[0].At.Line != want.line || faults[0].Fix != want.fix {
			t.Errorf("%q gives %s, %+v", text, lines("", root), faults)
		}
	}
	for _, text := range []string{"---\na: 1\n", "---\na: 1\n...\n", "# c\n--- # d\na: 1\n", "---\n...\na: 1\n"} {
		if root, faults := document.Read("x", []byte(text), limits); root.Get("a").String() != "1" || len(faults) > 0 {
			t.Errorf("%q gives %s, %+v", text, lines("", root), faults)
		}
	}
}

// Of a text without quotes the lexer drops the tabs; behind one in double
// quotes it skips a sign for each.
func TestNothingIsLostByATab(t *testing.T) {
	for text, want := range map[string]string{
		"a: \"x\t\t\t\t\ty\"\nb: 1\nc: 2\n":    "fault@1",
		"- z\n- \"x\t\t\t\ty\"\n- 2\n- 3\n":    "fault@2",
		"a: \"x\n  y\tz\"\nb: 1\n":             "fault@1",
		"a: [\"x\t\t\", 2]\n":                  "fault@1",
		"a: x\ty\n":                            "fault@1",
		"a: [x\ty]\n":                          "fault@1",
		"a: 80\t80\n":                          "fault@1",
		"a: 1\nb\tc: 2\n":                      "fault@2",
		"a: x\n  y\tz\n":                       "fault@1",
		"a: \"x\t\"\nb: 1\n":                   `.a="x\t"@1 .b="1"@2 `,
		"a: \"x\t \n y\"\nb: 1\n":              `.a="x y"@1 .b="1"@3 `,
		"a:\t\"x\"\t# \"\ty\"\nb: 1\n":         `.a="x"@1 .b="1"@2 `,
		"a: \"\\\tx\"\nb: 1\n":                 `.a="\tx"@1 .b="1"@2 `,
		"a: 'x\ty'\n":                          `.a="x\ty"@1 `,
		"a: |\n  x\ty\nb: 1\n":                 `.a="x\ty\n"@1 .b="1"@3 `,
		"a: >\n  x\ty\n\n  z\nb: 1\n":          `.a="x\ty\nz\n"@1 .b="1"@5 `,
		"a:\tx\t# y\tz\nb:\t[\tx\t,\ty\t]\t\n": `.a="x"@1 .b[0]="x"@2 .b[1]="y"@2 `,
	} {
		root, faults := document.Read("x", []byte(text), limits)
		got := lines("", root)
		if len(faults) > 0 {
			got = fmt.Sprintf("fault@%d", faults[0].At.Line)
		}
		if got != want || len(faults) > 0 && (len(faults) > 1 || root != nil || faults[0].Kind != document.NotYAML || !strings.Contains(faults[0].Fix, `\t`)) {
			t.Errorf("%q gives %s, %+v; want %s", text, got, faults, want)
		}
	}
}

// What the library's lexer goes back over is refused before it sees it: of
// each of these texts it would read every sign as often as there are signs.
func TestWhatTheLexerIsSlowWithIsRefused(t *testing.T) {
	many := limits.Bytes / 2
	for text, at := range map[string]document.Place{
		"a: |\n x" + strings.Repeat("\n", many):            {Line: 3, Column: 1},
		"a: |\r\n x" + strings.Repeat("\r\n", many/2):      {Line: 3, Column: 1},
		"a: |\n x" + strings.Repeat("\n ", many/2):         {Line: 3, Column: 1},
		"a: 1\nb: \"" + strings.Repeat("\t", many) + "x\"": {Line: 2, Column: 105},
		"a: \"" + strings.Repeat("x\t", many/2) + "x\"":    {Line: 1, Column: 206},
		"a: " + strings.Repeat("<", many):                  {Line: 1, Column: 104},
	} {
		root, faults := document.Read("x", []byte(text), limits)
		if root != nil || len(faults) != 1 || faults[0].Kind != document.TooMuch || faults[0].At != at || faults[0].Got == "" || faults[0].Want == "" || faults[0].Fix == "" {
			t.Errorf("%.12q gives %.20s, %+v; want it at %v", text, lines("", root), faults, at)
		}
	}
	for _, text := range []string{
		"a: |\n x\n" + strings.Repeat("\n", 20) + " y\n" + strings.Repeat("\n", 90),
		"a: |\r\n x\r\n" + strings.Repeat("\r\n", 90),
		"a: " + strings.Repeat("MIIB", many/4) + "\n",
		"a: \"x\"\n# " + strings.Repeat("x\t", 90) + "\n# " + strings.Repeat("x\t", 90),
		"{\n" + strings.Repeat("\t\t\"k\": [\n\t\t\t1\n\t\t],\n", 1) + strings.Repeat("\t\t\n", 50) + "\t\"a\": 1\n}",
		"a: \"<<<<<<< HEAD\"\nb: \"" + strings.Repeat("<<x", 1000) + "\"",
	} {
		if root, faults := document.Read("x", []byte(text), limits); root.Get("a").String() == "" || len(faults) > 0 {
			t.Errorf("%.12q gives %.20s, %+v", text, lines("", root), faults)
		}
	}
}

// Whoever reads a tree writes dotted keys, as the parser does, once for each
// value below a key.
func TestLongKeysAreRefused(t *testing.T) {
	long := strings.Repeat("k", document.MaxKey+1)
	half := strings.Repeat("k", document.MaxKey/2+1)
	for text, at := range map[string]document.Place{
		"a: 1\n" + long + ": [1, 2]\n":              {Line: 2, Column: 1},
		"{a: {\"" + long + "\" : 1}}":               {Line: 1, Column: 6},
		"? " + long + " # c\n: 1\n":                 {Line: 1, Column: 3},
		"{a: {" + long + "}}":                       {Line: 1, Column: 6},
		half + ":\n  b: 1\n  " + half + ": 2\n":     {Line: 3, Column: 3},
		"a: &x {" + half + ": 1}\n" + half + ": *x": {Line: 2, Column: len(half) + 3},
	} {
		root, faults := document.Read("x", []byte(text), limits)
		if root != nil || len(faults) != 1 || faults[0].Kind != document.TooMuch || faults[0].At != at || faults[0].Got == "" || faults[0].Want == "" || faults[0].Fix == "" {
			t.Errorf("%.12q gives %.20s, %+v; want it at %v", text, lines("", root), faults, at)
		}
	}
	text := half + ": 1\n2" + half + ": {b: {c: 2}}\n"
	if root, faults := document.Read("x", []byte(text), limits); len(root.Entries) != 2 || len(faults) > 0 {
		t.Errorf("%.12q gives %+v", text, faults)
	}
}

// What an alias repeats costs whoever reads the tree as much as what is written.
func TestAliasesAddNoMoreThanAFileHolds(t *testing.T) {
	long := strings.Repeat("x", limits.Bytes/10)
	for text, want := range map[string]int{ // the line of the alias that is one too many, 0 for none
		"a: &x " + long + "\n" + "b: [*x, *x, *x]\n":                                                      0,
		"a: &x " + long + "\nb: [" + strings.Repeat("*x, ", 9) + "\n*x,\n*x,\n*x]\n":                      4,
		"a: &x {" + long[:1000] + ": y}\nb: [" + strings.Repeat("*x, ", 64) + "\n*x,\n*x, *x]\n":          4,
		"a: &x {k: 1, k: 2, k: 3, !a b: c}\nb: [" + strings.Repeat("*x, ", 700) + "\n*x]\n":               0,
		"a: &x {" + strings.Repeat("k: , ", 500) + "}\nb: [*x, *x, *x, *x, *x, *x, *x, *x,\n*x,\n*x, *x]": 3,
	} {
		root, faults := document.Read("x", []byte(text), limits)
		if last := len(faults) - 1; want > 0 && (root != nil || last < 0 || faults[last].Kind != document.TooMuch || faults[last].At.Line != want) || want == 0 && root == nil {
			t.Errorf("%.12q gives %.20s, %d faults; want one on line %d", text, lines("", root), len(faults), want)
		}
		if len(faults) > 500 {
			t.Errorf("%.12q tells %d faults: what an alias repeats is told already", text, len(faults))
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, seed := range []string{"a: 1", "a: &b [*b]", "? x\n: y", "a: [1, {b: c}]", "\"\\x\": 1", "a: >-\n  b", "- - - -", "{\t\"a\":\n\t1}"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		begin := time.Now()
		root, faults := document.Read("x", []byte(text), limits)
		if took := time.Since(begin); took > 5*time.Second {
			t.Errorf("it took %v", took)
		}
		if root == nil && len(faults) == 0 {
			t.Error("neither a tree nor a fault")
		}
		for _, fault := range faults {
			if fault.Fix == "" || fault.Summary == "" || fault.At.Line < 1 || fault.At.Column < 1 {
				t.Errorf("half a fault: %+v", fault)
			}
		}
	})
}
