package sabotage

import (
	"context"
	"fmt"
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/coverage"
)

// language is a sample with a suite that can run with its assertions and
// without.
type language struct {
	folder, file, as string
	others           map[string]string // further files, by their name in the workspace
	compile          [][]string
	strict, loose    []string
}

var languages = []language{
	{
		folder: "go", file: "stock.go", as: "stock.go", others: map[string]string{"go.mod": "go.mod.txt", "stock_test.go": "stock_test.go"},
		compile: [][]string{{"go", "vet", "."}, {"go", "test", "-c", "-o", "suite", "."}},
		strict:  []string{"./suite", "-test.run", "Strict"}, loose: []string{"./suite", "-test.run", "Loose"},
	},
	{
		folder: "python", file: "stock.py", as: "stock.py", others: map[string]string{"test_stock.py": "test_stock.py"},
		compile: [][]string{{"python3", "-m", "py_compile", "stock.py"}},
		strict:  []string{"python3", "test_stock.py", "--strict"}, loose: []string{"python3", "test_stock.py"},
	},
	{
		folder: "node", file: "stock.js", as: "stock.js", others: map[string]string{"suite.js": "suite.js"},
		compile: [][]string{{"node", "--check", "stock.js"}},
		strict:  []string{"node", "suite.js", "--strict"}, loose: []string{"node", "suite.js"},
	},
	{
		folder: "java", file: "Stock.java", as: "Stock.java", others: map[string]string{"Suite.java": "Suite.java"},
		compile: [][]string{{"javac", "-J-XX:TieredStopAtLevel=1", "-Xlint:none", "-d", ".", "Stock.java", "Suite.java"}},
		strict:  []string{"java", "-XX:TieredStopAtLevel=1", "-cp", ".", "Suite", "strict"}, loose: []string{"java", "-XX:TieredStopAtLevel=1", "-cp", ".", "Suite"},
	},
}

// run reports whether a command ends well within its time.
func run(t *testing.T, folder string, command []string) (string, bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	c := exec.CommandContext(ctx, command[0], command[1:]...)
	c.Dir = folder
	c.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1", "GOFLAGS=-mod=mod", "GOWORK=off")
	output, err := c.CombinedOutput()
	if _, missing := exec.LookPath(command[0]); missing != nil && strings.IndexByte(command[0], '/') < 0 {
		t.Skipf("SKIP: %s is not installed", command[0])
	}
	return string(output), err == nil
}

func (l language) workspace(t *testing.T) (folder string, source []byte) {
	t.Helper()
	folder = t.TempDir()
	for as, name := range l.others {
		copyFile(t, filepath.Join("testdata", l.folder, name), filepath.Join(folder, as))
	}
	source, err := os.ReadFile(filepath.Join("testdata", l.folder, l.file))
	if err != nil {
		t.Fatal(err)
	}
	return folder, source
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	data, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// score counts what a suite did with mutants.
type score struct{ all, strict, loose int }

// Every mutant compiles; of the kinds that are not strong three are tried, or
// all where SABOTAGE_ALL is set, which takes minutes. A suite with assertions notices most; one without
// notices only what crashes, and nothing that is offered as calm.
func TestMutantsAgainstRealSuites(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIP: builds some hundred mutants")
	}
	for _, l := range languages {
		t.Run(l.folder, func(t *testing.T) {
			folder, source := l.workspace(t)
			l.build(t, folder, source, "the unchanged sample")
			for _, suite := range [][]string{l.strict, l.loose} {
				if output, ok := run(t, folder, suite); !ok {
					t.Fatalf("%v fails on the unchanged sample:\n%s", suite, output)
				}
			}
			scores := map[string]*score{}
			s := Source{l.as, source}
			perKind := map[Kind]int{}
			for _, f := range faults(s) {
				if perKind[f.kind]++; f.rank == strong || perKind[f.kind] <= 3 || os.Getenv("SABOTAGE_ALL") != "" {
					l.try(t, folder, s, f, scores)
				}
			}
			report(t, scores)
		})
	}
}

// A plan made from the report of a real run, and the suite that ran, agree.
func TestPlanOnRealReport(t *testing.T) {
	l := languages[0]
	folder, source := l.workspace(t)
	l.build(t, folder, source, "the unchanged sample")
	if output, ok := run(t, folder, []string{"go", "test", "-run", "Strict", "-coverprofile=coverage.out", "."}); !ok {
		t.Fatal(output)
	}
	data, err := os.ReadFile(filepath.Join(folder, "coverage.out"))
	if err != nil {
		t.Fatal(err)
	}
	report, err := coverage.Read("coverage.out", data)
	if err != nil {
		t.Fatal(err)
	}
	plan := Plan([]Source{{l.as, source}}, report.Relative(folder, "example.com/stock"), 3, rand.New(rand.NewSource(7)))
	if len(plan) != 3 {
		t.Fatalf("%d mutants", len(plan))
	}
	for _, m := range plan {
		changed, err := m.Apply(source)
		if err != nil {
			t.Fatal(err)
		}
		if l.build(t, folder, changed, m.String()) {
			if _, ok := run(t, folder, l.strict); ok {
				t.Errorf("survives: %s", m)
			}
		}
	}
}

func (l language) build(t *testing.T, folder string, source []byte, what string) bool {
	t.Helper()
	if err := os.WriteFile(filepath.Join(folder, l.as), source, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, command := range l.compile {
		if output, ok := run(t, folder, command); !ok {
			t.Errorf("%s does not compile:\n%s", what, output)
			return false
		}
	}
	return true
}

func (l language) try(t *testing.T, folder string, s Source, f fault, scores map[string]*score) {
	t.Helper()
	m := f.mutant(s)
	changed, err := m.Apply(s.Data)
	if err != nil {
		t.Fatal(err)
	}
	if !l.build(t, folder, changed, m.String()) {
		return
	}
	_, strictOK := run(t, folder, l.strict)
	looseOutput, looseOK := run(t, folder, l.loose)
	for _, key := range []string{string(m.Kind), fmt.Sprint("rank ", f.rank)} {
		if scores[key] == nil {
			scores[key] = &score{}
		}
		scores[key].add(!strictOK, !looseOK)
	}
	if strictOK {
		t.Logf("survives: %s", m)
	}
	if !looseOK && f.rank == strong {
		t.Errorf("crashes, though it is offered as calm: %s\n%s", m, looseOutput)
	}
}

func (s *score) add(strict, loose bool) {
	s.all++
	if strict {
		s.strict++
	}
	if loose {
		s.loose++
	}
}

func report(t *testing.T, scores map[string]*score) {
	t.Helper()
	for key, s := range scores {
		t.Logf("%-11s %3d mutants, %3d noticed with assertions, %3d without", key, s.all, s.strict, s.loose)
	}
	for _, key := range []string{string(Body), string(Return), string(Negate)} {
		s := scores[key]
		if s == nil || s.all < 3 {
			t.Errorf("too few mutants of kind %s", key)
			continue
		}
		if float64(s.strict) < 0.8*float64(s.all) {
			t.Errorf("%s: the suite with assertions notices only %d of %d", key, s.strict, s.all)
		}
	}
}
