package coverage

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func read(t *testing.T, name string) Report {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	r, err := Read(name, data)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func hitLines(f File) (hit, missed []int) {
	for _, n := range slices.Sorted(maps.Keys(f.Lines)) {
		if f.Lines[n] > 0 {
			hit = append(hit, n)
		} else {
			missed = append(missed, n)
		}
	}
	return hit, missed
}

// Reports of real tools on programs that were run for this test.
func TestReadRealReports(t *testing.T) {
	checkout := []string{"bill/bill.go", "text/text.go", "shop/bill.py", "shop/__init__.py", "src/bill.js", "src/main/java/com/example/shop/Bill.java"}
	goHit, goMissed := []int{4, 5, 6, 7, 8, 9, 10, 11, 12}, []int{16, 17, 18}
	pyHit, pyMissed := []int{4, 6, 7, 8, 9, 10, 11, 14}, []int{15}
	for _, c := range []struct {
		name, format, path string
		hit, missed        []int
	}{
		{"go-set.out", FormatGo, "bill/bill.go", goHit, goMissed},
		{"go-count.out", FormatGo, "bill/bill.go", goHit, goMissed},
		{"go-atomic.out", FormatGo, "bill/bill.go", goHit, goMissed},
		{"cobertura.xml", FormatCobertura, "shop/bill.py", pyHit, pyMissed},
		{"coveragepy.lcov", FormatLCOV, "shop/bill.py", slices.Concat([]int{1}, pyHit), pyMissed},
		{"coveragepy.json", FormatCoveragePy, "shop/bill.py", slices.Concat([]int{1}, pyHit), pyMissed},
		{"node.lcov", FormatLCOV, "src/bill.js", []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 15}, []int{12, 13, 14}},
		{"jacoco.xml", FormatJaCoCo, "src/main/java/com/example/shop/Bill.java", []int{5, 6, 7, 9, 10, 12}, []int{3, 16}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := read(t, c.name).Relative("/src/shop-py", "example.com/shop").Resolve(checkout)
			if r.Format != c.format {
				t.Fatalf("format %q, want %q", r.Format, c.format)
			}
			f, ok := r.File(c.path)
			if !ok {
				t.Fatalf("%s is not among %v", c.path, paths(r))
			}
			// Line 1 of the module is its docstring, which only some formats count.
			hit, missed := hitLines(f)
			if !slices.Equal(hit, c.hit) || !slices.Equal(missed, c.missed) {
				t.Errorf("hit %v missed %v, want %v and %v", hit, missed, c.hit, c.missed)
			}
			if f.Covered() != len(c.hit) || f.Total() != len(c.hit)+len(c.missed) || f.Share() != float64(len(c.hit))/float64(f.Total()) {
				t.Errorf("covered %d of %d, share %v", f.Covered(), f.Total(), f.Share())
			}
		})
	}
}

func paths(r Report) (all []string) {
	for _, f := range r.Files {
		all = append(all, f.Path)
	}
	return all
}

func TestHitsAreCounts(t *testing.T) {
	bill, _ := read(t, "go-count.out").File("example.com/shop/bill/bill.go")
	if bill.Lines[12] != 3 || bill.Lines[10] != 1 {
		t.Errorf("Go counts: %v", bill.Lines)
	}
	js, _ := read(t, "node.lcov").File("src/bill.js")
	if js.Lines[2] != 3 || js.Lines[8] != 1 {
		t.Errorf("LCOV counts: %v", js.Lines)
	}
}

// A line of several blocks ran as often as the block of it that ran most, in
// whatever order they stand.
func TestGoBlocksShareLines(t *testing.T) {
	for _, profile := range []string{"a.go:1.1,3.9 1 2\na.go:3.9,4.2 1 0\na.go:4.2,4.9 1 1\n", "a.go:4.2,4.9 1 1\na.go:3.9,4.2 1 0\na.go:1.1,3.9 1 2\n"} {
		r, err := Read("r", []byte("mode: count\n"+profile+"a.go:9.1,9.3 0 0\n"))
		if err != nil || !maps.Equal(r.Files[0].Lines, map[int]int{1: 2, 2: 2, 3: 2, 4: 1}) {
			t.Errorf("%v %v", r.Files, err)
		}
	}
}

func TestShareOfReport(t *testing.T) {
	r := read(t, "go-set.out")
	if r.Covered() != 9 || r.Total() != 13 || r.Share() != 9.0/13 {
		t.Errorf("%d of %d, share %v", r.Covered(), r.Total(), r.Share())
	}
	if (Report{}).Share() != 0 {
		t.Error("nothing covered has a share")
	}
}

func TestReadRefuses(t *testing.T) {
	for name, c := range map[string]struct{ data, says string }{
		"empty":           {"", "empty"},
		"text":            {"PASS: everything\n", "begins with"},
		"clover":          {`<coverage><project/></coverage>`, "Clover"},
		"html":            {`<html><body/></html>`, "root <html>"},
		"go mode":         {"mode: all\n", "line 1"},
		"go block":        {"mode: set\na.go:1.1,2.2 1 1\na.go:1.1 1 1\n", "line 3"},
		"go negative":     {"mode: set\na.go:1.1,2.2 1 -1\n", "line 2"},
		"go backwards":    {"mode: set\na.go:9.1,2.2 1 1\n", "line 2"},
		"go huge line":    {"mode: set\na.go:1.1,99999999999.2 1 1\n", "line 2"},
		"go cut":          {"mode: set\na.go:1.1,2.", "line 2"},
		"lcov cut":        {"TN:\nSF:a.js\nDA:1,1\n", "cut off"},
		"lcov no file":    {"TN:\nDA:1,1\n", "line 2"},
		"lcov record":     {"SF:a\nWHAT:1\nend_of_record\n", "line 2"},
		"lcov negative":   {"SF:a\nDA:1,-4\nend_of_record\n", "line 2"},
		"lcov zero":       {"SF:a\nDA:0,4\nend_of_record\n", "line 2"},
		"xml cut":         {"<coverage>\n<packages>\n<package>", "line 3"},
		"xml entity":      {"<!DOCTYPE coverage [<!ENTITY a \"b\">]>\n<coverage><packages/></coverage>", "entities"},
		"xml deep":        {"<coverage><packages>" + strings.Repeat("<a>", 100), "deeper"},
		"xml unknown ref": {"<coverage><packages>&lol;</packages></coverage>", "lol"},
		"cobertura bare":  {"<coverage></coverage>", "no <packages>"},
		"cobertura line":  {"<coverage><packages><class filename='a'>\n<line number='x' hits='1'/></class></packages></coverage>", "line 2"},
		"cobertura hits":  {"<coverage><packages><class filename='a'>\n<line number='1'/></class></packages></coverage>", "no hits"},
		"jacoco outside":  {"<report><sourcefile name='A.java'/></report>", "outside"},
		"jacoco line":     {"<report><package name='p'><line nr='1' ci='1'/></package></report>", "outside"},
		"json cut":        {"{\"meta\": {},\n\"files\": {", "line 2"},
		"json other":      {`{"total": 3}`, "meta"},
		"json type":       {"{\"meta\":{},\n\"files\":{\"a\":{\"executed_lines\":[\"x\"]}}}", "line 2"},
		"json negative":   {`{"meta":{},"files":{"a":{"executed_lines":[-1]}}}`, "out of range"},
		"json null file":  {`{"meta":{},"files":{"a":null}}`, "no lines"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Read("report", []byte(c.data))
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v, want a message with %q", err, c.says)
			}
		})
	}
}

func TestReadRefusesTooMuch(t *testing.T) {
	if _, err := Read("big", make([]byte, MaxBytes+1)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("64 MiB and a byte: %v", err)
	}
	for name, line := range map[string]string{"repeated": "a.go:1.1,900000.1 1 1\n", "spread": "%.go:1.1,900000.1 1 1\n"} {
		wide := "mode: set\n"
		for i := range 30 {
			wide += strings.ReplaceAll(line, "%", strings.Repeat("x", i+1))
		}
		if _, err := Read(name, []byte(wide)); !errors.Is(err, ErrTooLarge) {
			t.Errorf("%s blocks without end: %v", name, err)
		}
	}
}

func TestFullCounterStaysFull(t *testing.T) {
	r, err := Read("r", []byte("SF:a\nDA:1,99999999999999999999999\nDA:1,5\nend_of_record\n"))
	if err != nil || r.Files[0].Lines[1] != int(^uint(0)>>1) {
		t.Errorf("%v %v", r, err)
	}
}

func TestRelativeAndResolve(t *testing.T) {
	lines := map[int]int{1: 1}
	report := func(format string, names ...string) Report {
		r := Report{Format: format}
		for _, n := range names {
			r.Files = append(r.Files, File{n, lines})
		}
		return r
	}
	for _, c := range []struct {
		got  Report
		want []string
	}{
		{report(FormatGo, "example.com/a/b.go", "/app/c.go", "example.com/ab/d.go").Relative("/app", "example.com/a"), []string{"b.go", "c.go", "example.com/ab/d.go"}},
		{report(FormatLCOV, "/app/src/a.js", "/apple/a.js", "./b.js").Relative("/app/", ""), []string{"/apple/a.js", "b.js", "src/a.js"}},
		{report(FormatLCOV, "/a.js").Relative("/", ""), []string{"a.js"}},
		{report(FormatLCOV, "C:/app/a.js", `lib\b.js`).Relative("C:/app", ""), []string{"a.js", "lib/b.js"}},
		{report(FormatJaCoCo, "p/A.java", "p/B.java").Resolve([]string{"x/p/A.java", "x/p/B.java", "y/p/B.java", "xp/A.java"}), []string{"p/B.java", "x/p/A.java"}},
		{report(FormatLCOV, "/usr/lib/a.js", "b.js").Resolve([]string{"a.js", "b.js", "src/b.js"}), []string{"/usr/lib/a.js", "b.js"}},
	} {
		if got := paths(c.got); !slices.Equal(slices.Sorted(slices.Values(got)), c.want) {
			t.Errorf("got %v, want %v", got, c.want)
		}
	}
}

func TestRenamedFilesMerge(t *testing.T) {
	r, err := Read("r", []byte("SF:/app/a.js\nDA:1,2\nDA:2,0\nend_of_record\nSF:a.js\nDA:1,1\nDA:3,1\nend_of_record\n"))
	if err != nil {
		t.Fatal(err)
	}
	r = r.Relative("/app", "")
	if len(r.Files) != 1 || !maps.Equal(r.Files[0].Lines, map[int]int{1: 2, 2: 0, 3: 1}) {
		t.Errorf("%v", r.Files)
	}
}

func TestCoberturaTakesEachLineOnce(t *testing.T) {
	r, err := Read("r", []byte(`<coverage><sources><source>/a</source><source>/b</source></sources><packages><package><classes>
<class filename="x.cs"><methods><method><lines><line number="3" hits="2"/></lines></method></methods><lines><line number="3" hits="2"/></lines></class>
<class filename="x.cs"><lines><line number="3" hits="0"/><line number="9" hits="0"/></lines></class>
</classes></package></packages></coverage>`))
	if err != nil || len(r.Files) != 1 || r.Files[0].Path != "x.cs" || !maps.Equal(r.Files[0].Lines, map[int]int{3: 2, 9: 0}) {
		t.Errorf("%v %v", r, err)
	}
}
