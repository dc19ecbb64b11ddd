package testcoverage

import (
	"go/parser"
	"go/token"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/roadworthy-dev/roadworthy/internal/bench"
	"github.com/roadworthy-dev/roadworthy/internal/coverage"
)

func chance() bench.Random {
	return bench.Random{Rand: rand.New(rand.NewPCG(1, 2))}
}

func sourceFile(name, text string) file {
	group, _ := familyOf(name)
	return file{Source: Source{Path: name, Named: true}, family: group, data: []byte(text)}
}

func TestMovedSourcesKeepTheirLines(t *testing.T) {
	for name, c := range map[string]struct {
		text  string
		head  string // what must stay in front
		shift bool
		plant bool
	}{
		"a.go":     {"package a\n\nfunc f() {}\n", "", true, true},
		"a.py":     {"#!/usr/bin/python3\n# -*- coding: latin-1 -*-\nx = 1\n", "#!/usr/bin/python3\n# -*- coding: latin-1 -*-\n", true, true},
		"b.py":     {"x = 1", "", true, true},
		"a.mjs":    {"#!/usr/bin/env node\nexport const x = 1;\n", "#!/usr/bin/env node\n", true, true},
		"a.ts":     {"import x from 'y';\n", "", true, true},
		"A.java":   {"class A {\n    int x;\n}\n", "", true, true},
		"a.kt":     {"fun f() {}\n", "", true, false},
		"a.rb":     {"x = 1\n__END__\ndata\n", "", true, false},
		"a.php":    {"<?php\n$x = 1;\n", "<?php\n", true, true},
		"b.php":    {"<p><?php echo 1 ?></p>\n", "", false, false},
		"a.vue":    {"<template>\n</template>\n", "", false, false},
		"bom.java": {"\xef\xbb\xbfclass A {\n}\n", "\xef\xbb\xbf", true, true},
	} {
		f := sourceFile(name, c.text)
		m := move(f, forms[0], chance())
		if (m.shift > 0) != c.shift || (len(m.planted) > 0) != c.plant || !strings.HasPrefix(string(m.data), c.head) {
			t.Errorf("%s: shift %d, planted %v:\n%s", name, m.shift, m.planted, m.data)
			continue
		}
		before, after := strings.Split(c.text, "\n"), strings.Split(string(m.data), "\n")
		row := strings.Count(c.head, "\n") // a line that moves
		if got := after[row+m.shift]; got != strings.TrimPrefix(before[row], "\xef\xbb\xbf") {
			t.Errorf("%s: line %d is %q where %q was expected", name, row+m.shift+1, got, before[row])
		}
		for _, line := range m.planted {
			if !isBody.MatchString(after[line-1]) {
				t.Errorf("%s: line %d, %q, is not of the body", name, line, after[line-1])
			}
		}
		if c.plant && len(m.planted) != 3 {
			t.Errorf("%s: planted %v", name, m.planted)
		}
	}
}

func TestMovedGoIsGo(t *testing.T) {
	f := sourceFile("a.go", "//go:build linux\n\npackage a\n\nimport \"fmt\"\n\nfunc f() { fmt.Println() }")
	for _, how := range forms {
		m := move(f, how, chance())
		if _, err := parser.ParseFile(token.NewFileSet(), "a.go", m.data, 0); err != nil {
			t.Errorf("%s: %v\n%s", how.name, err, m.data)
		}
	}
	if m := move(f, forms[3], chance()); string(m.data) != string(f.data) {
		t.Error("a file without an end of line got a comment in its last line")
	}
}

// The last form adds a line that moves nothing, and only where it is a comment.
func TestACommentAtTheEnd(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		more bool
	}{"a.go": {"package a\n", true}, "a.py": {"x = 1", false}, "a.php": {"<?php\n", false}, "a.vue": {"<template/>\n", false}} {
		m := move(sourceFile(name, c.text), forms[3], chance())
		if !strings.HasPrefix(string(m.data), c.text) || (strings.Count(string(m.data), "\n") == 2) != c.more || m.shift > 0 || m.planted != nil {
			t.Errorf("%s: %+v: %s", name, m, m.data)
		}
	}
}

func TestPlantedOnALineOfItsOwn(t *testing.T) {
	for _, text := range []string{"x = 1", "x = 1\n"} {
		m := move(sourceFile("a.py", text), forms[2], chance())
		if !strings.HasPrefix(string(m.data), "x = 1\n\n\n") || strings.Count(string(m.data), "\n") != 7 || len(m.planted) != 3 || m.planted[0] != 5 {
			t.Errorf("%q: %v:\n%s", text, m.planted, m.data)
		}
	}
}

func TestExportedWhereItMustBe(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"a.ts": {"import x from 'y';\n", "export function"}, "b.ts": {"declare const x: number;\n", "\nfunction"}, "a.js": {"import x from 'y';\n", "\nfunction"},
	} {
		if m := move(sourceFile(name, c.text), forms[2], chance()); !strings.Contains(string(m.data), c.want) || m.shift != 0 {
			t.Errorf("%s: %s", name, m.data)
		}
	}
}

func entryOf(covered []int, missed ...int) coverage.File {
	lines := map[int]int{}
	for _, n := range covered {
		lines[n] = 1
	}
	for _, n := range missed {
		lines[n] = 0
	}
	return coverage.File{Path: "a", Lines: lines}
}

func TestFollow(t *testing.T) {
	before := entryOf([]int{1, 2, 3}, 5)
	for name, c := range map[string]struct {
		after coverage.File
		m     moved
		want  Follow
		state entry
	}{
		"true":             {entryOf([]int{5, 6, 7}, 9, 12, 13, 14), moved{shift: 4, planted: []int{12, 13, 14}}, Follow{Shift: 4, Listed: 7, Kept: 4, Planted: 3, PlantListed: 3}, follows},
		"true, no plant":   {entryOf([]int{5, 6, 7}, 9), moved{shift: 4}, Follow{Shift: 4, Listed: 4, Kept: 4}, follows},
		"the old entry":    {before, moved{shift: 4, planted: []int{12}}, Follow{Shift: 4, Listed: 4, Same: true, Kept: 1, Planted: 1}, refuted},
		"all lines listed": {entryOf([]int{1, 2, 3, 4, 5, 6, 7, 8, 9}), moved{shift: 4}, Follow{Shift: 4, Listed: 9, Kept: 4}, follows},
		"plant covered":    {entryOf([]int{5, 6, 7, 12}, 9), moved{shift: 4, planted: []int{12}}, Follow{Shift: 4, Listed: 5, Kept: 4, Planted: 1, PlantListed: 1, PlantRan: 1}, refuted},
		"gone":             {coverage.File{}, moved{shift: 4, planted: []int{12}}, Follow{Shift: 4, Planted: 1}, strays},
		"other states":     {entryOf([]int{1, 2, 5}, 3), moved{shift: 4}, Follow{Shift: 4, Listed: 4, Kept: 1}, strays},
	} {
		got := follow(before, c.after, c.m)
		if got != c.want {
			t.Errorf("%s: got %+v, want %+v", name, got, c.want)
		}
		if state := (Source{Total: 4, Follow: &got}).state(); state != c.state {
			t.Errorf("%s: state %d, want %d", name, state, c.state)
		}
	}
	if !slices.Equal([]entry{unmoved, unmoved}, []entry{Source{}.state(), Source{Follow: &Follow{Overwritten: true, PlantRan: 1}}.state()}) {
		t.Error("a file that was not moved says something")
	}
}
