package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/roadworthy-dev/roadworthy/"

// layers names each room's layer. A room imports only rooms of lower layers.
// A room with a slash at its end stands for all the rooms below it.
var layers = map[string]int{
	"internal/problem":           0,
	"internal/standard":          0,
	"internal/trace":             1,
	"internal/replay":            1,
	"internal/document":          1,
	"internal/coverage":          1,
	"internal/debian":            1,
	"internal/evidence":          1,
	"internal/artifact":          1,
	"internal/term":              1,
	"internal/socketfile":        1,
	"internal/logs":              1,
	"internal/backlog":           1,
	"internal/syslog":            1,
	"internal/mail":              1,
	"internal/worker":            1,
	"internal/front/upstream":    1,
	"internal/front/health":      1,
	"internal/front/pool":        2,
	"internal/front":             3,
	"internal/runner":            4,
	"app":                        4,
	"internal/manifest":          2, // all three read through document
	"internal/settings":          2,
	"internal/flatfile":          2,
	"internal/sabotage":          2, // asks coverage where to strike
	"internal/report":            2, // prints through term
	"internal/manifest/scaffold": 3,
	"internal/bench/fault":       2,
	"internal/bench/mailsink":    2,
	"internal/bench/syslogsink":  2,
	"internal/bench/dnssink":     2,
	"internal/bench/sandbox":     2,
	"internal/bench/scratch":     2,
	"internal/bench":             3,
	"internal/probe":             4,
	"internal/probe/start":       5, // what several probes observe with
	"internal/probe/effect":      6,
	"internal/probe/":            7, // one room for each requirement
	"internal/check":             8,
	"internal/cli":               9,
	"cmd/roadworthy":             10,
	"bench/run/peer":             9,  // what these share
	"bench/run/":                 10, // programs that measure
	"fixtures":                   0,
	"internal/archtest":          10,
}

func layerOf(room string) (int, bool) {
	if layer, ok := layers[room]; ok {
		return layer, true
	}
	for _, above := range []string{"internal/probe/", "bench/run/"} {
		if strings.HasPrefix(room, above) {
			return layers[above], true
		}
	}
	return 0, false
}

type source struct {
	path string // below the module's root
	room string
	file *ast.File
	set  *token.FileSet
}

func sources(t *testing.T) []source {
	t.Helper()
	var all []source
	err := filepath.WalkDir("../..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		below := filepath.ToSlash(strings.TrimPrefix(path, "../../"))
		if entry.IsDir() {
			skip := entry.Name() == "testdata" || entry.Name() == "honest" || entry.Name() == "node_modules" || below == "examples" || below == "tools" || strings.HasPrefix(entry.Name(), ".") && path != "../.."
			if skip {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") {
			return nil
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, path, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		room, _ := filepath.Split(below)
		all = append(all, source{below, strings.TrimSuffix(room, "/"), file, set})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 100 {
		t.Fatalf("only %d files were found: the walk is broken", len(all))
	}
	return all
}

func (s source) test() bool { return strings.HasSuffix(s.path, "_test.go") }

func (s source) imports() []string {
	var list []string
	for _, spec := range s.file.Imports {
		list = append(list, strings.Trim(spec.Path.Value, `"`))
	}
	return list
}

func TestRoomsImportOnlyLowerLayers(t *testing.T) {
	for _, s := range sources(t) {
		if s.test() || s.room == "" {
			continue
		}
		own, ok := layerOf(s.room)
		if !ok {
			t.Errorf("%s: the room %s has no layer: give it one in layers", s.path, s.room)
			continue
		}
		for _, path := range s.imports() {
			room, ours := strings.CutPrefix(path, module)
			if !ours {
				continue
			}
			if layer, ok := layerOf(room); !ok || layer >= own {
				t.Errorf("%s (layer %d) imports %s (layer %d)", s.path, own, room, layer)
			}
		}
	}
}

// pure lists all that a judge and the standard may import.
var pure = []string{
	"bytes", "cmp", "encoding/json", "errors", "fmt", "maps", "math", "net/netip", "path", "regexp", "slices", "sort", "strconv", "strings", "unicode", "unicode/utf8",
	module + "internal/standard", module + "internal/trace", module + "internal/coverage", module + "internal/replay",
}

func TestJudgesArePure(t *testing.T) {
	judges := 0
	for _, s := range sources(t) {
		judge := strings.HasPrefix(s.room, "internal/probe/") && strings.HasPrefix(filepath.Base(s.path), "judge") && !s.test()
		if !judge && (s.room != "internal/standard" || s.test()) {
			continue
		}
		judges++
		for _, path := range s.imports() {
			duration := s.path == "internal/standard/standard.go" && path == "time" // a validity, not a clock
			if !slices.Contains(pure, path) && !duration {
				t.Errorf("%s imports %s: a judge is a function of its record alone", s.path, path)
			}
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			if call, ok := n.(*ast.SelectorExpr); ok && call.Sel.Name == "Now" {
				t.Errorf("%s asks for the time", s.path)
			}
			return true
		})
	}
	if judges < 10 {
		t.Fatalf("only %d judges were found", judges)
	}
}

func TestEveryPackageSaysWhatItIsFor(t *testing.T) {
	comments, files := map[string][]string{}, map[string]int{}
	for _, s := range sources(t) {
		if s.test() || s.room == "" {
			continue
		}
		files[s.room]++
		if s.file.Doc != nil {
			comments[s.room] = append(comments[s.room], s.file.Doc.Text())
		}
	}
	for room := range files {
		if n := len(comments[room]); n != 1 {
			t.Errorf("%s has %d package comments, want 1", room, n)
			continue
		}
		if lines := strings.Count(comments[room][0], "\n"); lines < 4 || lines > 42 {
			t.Errorf("%s: the package comment has %d lines, want 5 to 40", room, lines)
		}
	}
}

func TestFunctionsAndFilesStayShort(t *testing.T) {
	over, functions := 0, 0
	for _, s := range sources(t) {
		if s.test() {
			continue
		}
		if lines := s.set.Position(s.file.End()).Line; lines > 500 {
			t.Errorf("%s has %d lines, want at most 500", s.path, lines)
		}
		for _, declaration := range s.file.Decls {
			f, ok := declaration.(*ast.FuncDecl)
			if !ok {
				continue
			}
			functions++
			lines := s.set.Position(f.End()).Line - s.set.Position(f.Pos()).Line + 1
			if lines > 60 {
				t.Errorf("%s: %s has %d lines, want at most 60", s.path, f.Name.Name, lines)
			}
			if lines > 35 {
				over++
			}
		}
	}
	if over*10 > functions {
		t.Errorf("%d of %d functions have more than 35 lines, want at most one in ten", over, functions)
	}
}

func TestThereIsNoInitAndNoForeignRoom(t *testing.T) {
	vague := []string{"util", "utils", "common", "helper", "helpers", "manager", "misc", "base"}
	for _, s := range sources(t) {
		if slices.Contains(vague, filepath.Base(s.room)) {
			t.Errorf("%s: a room of that name says nothing", s.room)
		}
		if s.test() {
			continue
		}
		for _, declaration := range s.file.Decls {
			if f, ok := declaration.(*ast.FuncDecl); ok && f.Name.Name == "init" && f.Recv == nil {
				t.Errorf("%s has an init function: wire it where it is read", s.path)
			}
		}
	}
}
