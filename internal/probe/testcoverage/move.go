package testcoverage

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/roadworthy-dev/roadworthy/internal/bench"
	"github.com/roadworthy-dev/roadworthy/internal/coverage"
)

// form is a way to move sources. A suite may refuse one and bear another:
// those that test line numbers refuse new lines at the top, those that run a
// linter refuse a function that nobody calls. The last moves nothing; a suite
// that refuses even that looks at the text and not at what it does.
type form struct {
	name               string
	shift, plant, tail bool
}

var forms = []form{
	{name: "comment lines at the top and a function that nobody calls at the end", shift: true, plant: true},
	{name: "comment lines at the top", shift: true},
	{name: "a function that nobody calls at the end", plant: true},
	{name: "a comment line at the end", tail: true},
}

// moved is a source file with lines added.
type moved struct {
	data    []byte
	shift   int   // lines that were put at the top
	planted []int // lines inside the function that nobody calls
}

// move adds to a source file what the form asks for. What a language has no
// place for is left out.
func move(f file, how form, r bench.Random) moved {
	m := moved{data: f.data}
	if how.shift {
		m.data, m.shift = shiftDown(m.data, f.family, r)
	}
	if how.plant {
		m.data, m.planted = plant(f.Path, m.data, f.family, r)
	}
	if how.tail && !isMarkup(f.data) && f.family.name != "PHP" && bytes.HasSuffix(f.data, []byte("\n")) {
		m.data = slices.Concat(f.data, []byte(f.family.comment+" "+r.Word(12)+"\n"))
	}
	return m
}

// first matches lines that must stay the first ones: an interpreter, a coding
// (Python language reference, section 2.1.4), the tag that PHP begins with.
var first = regexp.MustCompile(`^(#!|\s*#.*coding[:=]|\s*<\?php)`)

// shiftDown puts comment lines at the top.
func shiftDown(data []byte, group family, r bench.Random) ([]byte, int) {
	at := 0
	if bytes.HasPrefix(data, []byte("\xef\xbb\xbf")) {
		at = 3
	}
	for range 2 {
		end := bytes.IndexByte(data[at:], '\n')
		if end < 0 || !first.Match(data[at:at+end]) {
			break
		}
		at += end + 1
	}
	if at == 0 && (group.name == "PHP" || isMarkup(data)) {
		return data, 0 // text in front of the code would be output
	}
	count := 3 + r.IntN(5)
	var top strings.Builder
	for range count {
		fmt.Fprintf(&top, "%s %s\n", group.comment, r.Word(12))
	}
	top.WriteByte('\n')
	return slices.Concat(data[:at], []byte(top.String()), data[at:]), count + 1
}

func isMarkup(data []byte) bool { return bytes.HasPrefix(bytes.TrimSpace(data), []byte("<")) }

// functions are what is planted, by family. $name is a fresh name; the lines of
// the body are those that speak of n.
var functions = map[string]string{
	"Go":         "\nfunc $name() int {\n\tn := 1\n\tn += 2\n\treturn n\n}\n",
	"Python":     "\n\ndef $name():\n    n = 1\n    n += 2\n    return n\n",
	"JavaScript": "\nfunction $name() {\n  let n = 1;\n  n += 2;\n  return n;\n}\n",
	"TypeScript": "\nfunction $name(): number {\n  let n = 1;\n  n += 2;\n  return n;\n}\n",
	"Java":       "\n    static int $name() {\n        int n = 1;\n        n += 2;\n        return n;\n    }\n",
	"Ruby":       "\ndef $name\n  n = 1\n  n += 2\n  n\nend\n",
	"PHP":        "\nfunction $name()\n{\n    $n = 1;\n    $n += 2;\n    return $n;\n}\n",
}

var (
	isModule = regexp.MustCompile(`(?m)^(import|export)\b`)
	isBody   = regexp.MustCompile(`\bn\b`)
)

// plant puts a function that nobody calls at the end of a file, or at the end
// of the last class in it.
func plant(name string, data []byte, group family, r bench.Random) ([]byte, []int) {
	kind, end := group.name, len(data)
	dot := strings.LastIndexByte(name, '.') + 1
	switch extension := name[dot:]; {
	case kind == "JavaScript" && slices.Contains([]string{"vue", "svelte"}, extension), kind == "Java" && extension != "java",
		kind == "Ruby" && bytes.Contains(data, []byte("\n__END__")), kind == "PHP" && bytes.Contains(data, []byte("?>")):
		return data, nil
	case kind == "Java":
		if end = bytes.LastIndexByte(data, '}'); end < 0 {
			return data, nil
		}
	case kind == "JavaScript" && strings.Contains(extension, "ts"):
		kind = "TypeScript"
	}
	text, known := functions[kind]
	if !known {
		return data, nil
	}
	if kind == "TypeScript" && isModule.Match(data) { // a local one would be refused as unused
		text = strings.Replace(text, "function", "export function", 1)
	}
	text = strings.ReplaceAll(text, "$name", r.Word(12))
	if end > 0 && data[end-1] != '\n' {
		text = "\n" + text
	}
	var body []int
	line := bytes.Count(data[:end], []byte("\n"))
	for i, row := range strings.Split(text, "\n") {
		if isBody.MatchString(row) {
			body = append(body, line+i+1)
		}
	}
	return slices.Concat(data[:end], []byte(text), data[end:]), body
}

// follow compares the entry of a moved file with the one before it.
func follow(before, after coverage.File, m moved) Follow {
	f := Follow{Shift: m.shift, Listed: after.Total(), Planted: len(m.planted), Same: before.Total() == after.Total()}
	for line, hits := range before.Lines {
		if _, listed := after.Lines[line+m.shift]; listed {
			f.Kept++
		}
		again, listed := after.Lines[line]
		if !listed || (hits > 0) != (again > 0) {
			f.Same = false
		}
	}
	for _, line := range m.planted {
		if hits, listed := after.Lines[line]; listed {
			f.PlantListed++
			if hits > 0 {
				f.PlantRan++
			}
		}
	}
	return f
}
