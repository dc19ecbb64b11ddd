package probe_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestEveryConditionOfAJudgeMatters turns each condition of each judge around,
// one at a time, and asks the judge's own tests: one of them must fail. A
// condition that nobody misses decides nothing, or nobody looked whether it
// decides rightly. Conditions that choose words alone are left out.
//
// All mutants of a judge are compiled at once; the environment says which one
// lives (mutant schemata: Untch, Offutt and Harrold, ISSTA 1993).
func TestEveryConditionOfAJudgeMatters(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles each probe once more")
	}
	judges, err := filepath.Glob("*/judge.go")
	if err != nil || len(judges) == 0 {
		t.Fatalf("found no judge: %v", err)
	}
	for _, judge := range judges {
		folder := filepath.Dir(judge)
		t.Run(folder, func(t *testing.T) {
			t.Parallel()
			m := mutate(t, folder)
			if len(m.conditions) == 0 {
				t.Fatal("found no condition to turn around")
			}
			if out, died := m.run(t, ""); died {
				t.Fatalf("the tests fail without a mutant:\n%s", out)
			}
			for n, condition := range m.conditions {
				if _, died := m.run(t, fmt.Sprint(n)); died {
					continue
				}
				if why := immaterial[folder+": "+condition.text]; why == "" {
					t.Errorf("%s: nothing notices when this is turned around: %s", condition.place, condition.text)
				}
			}
		})
	}
}

// immaterial are conditions that may be turned around without another verdict,
// each with the reason.
var immaterial = map[string]string{
	`admin: reason != ""`:           "leaves an empty reason out of the list of reasons",
	`buildrun: c.Kind == "removed"`: "says what happened to the file",
	`buildrun: c.Created`:           "says what happened to the file",
	`dependencies: len(pinned) > 0`: "says what was pinned",
	`dependencies: len(used) > 8`:   "says how many more there are",
	`logstdout: missing == ""`:      "names the first of the missing requests instead of the last",
	`processes: w.Stopped`:          "says that it had to be killed; disposable.term judges that",
	`testcoverage: r.Before`:        "says that an older report was removed",
	`workers: o.Supervised`:         "says who started the workers",
}

type mutants struct {
	folder, program, tests string
	conditions             []condition
}

type condition struct{ place, text string }

// mutate compiles the probe's tests with a switch at each condition.
func mutate(t *testing.T, folder string) *mutants {
	t.Helper()
	m := &mutants{folder: folder, program: filepath.Join(t.TempDir(), "judge.test")}
	files, err := filepath.Glob(folder + "/judge*.go")
	if err != nil {
		t.Fatal(err)
	}
	replace, tests := map[string]string{}, []string{}
	temp := t.TempDir()
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(file, "_test.go") {
			for _, name := range regexp.MustCompile(`(?m)^func (Test\w+)`).FindAllSubmatch(source, -1) {
				tests = append(tests, string(name[1]))
			}
			continue
		}
		replace[absolute(t, file)] = write(t, filepath.Join(temp, filepath.Base(file)), m.switches(t, file, source))
	}
	m.tests = "^(" + strings.Join(tests, "|") + ")$"
	replace[absolute(t, filepath.Join(folder, "mutant.go"))] = write(t, filepath.Join(temp, "mutant.go"), fmt.Appendf(nil, `package %s
import "os"
var mutant = os.Getenv("MUTANT")
func mutated(n string, c bool) bool { return c != (n == mutant) }
`, packageName(t, folder)))
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	where := write(t, filepath.Join(temp, "overlay.json"), overlay)
	out, err := exec.CommandContext(t.Context(), "go", "test", "-c", "-vet=off", "-overlay", where, "-o", m.program, "./"+folder).CombinedOutput()
	if err != nil {
		t.Fatalf("compile the mutants: %v\n%s", err, out)
	}
	return m
}

// run runs the judge's tests with one mutant and reports whether they failed.
func (m *mutants) run(t *testing.T, mutant string) (out string, died bool) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), m.program, "-test.run", m.tests, "-test.timeout", "60s", "-test.failfast")
	cmd.Dir = m.folder
	cmd.Env = append(os.Environ(), "MUTANT="+mutant)
	text, err := cmd.CombinedOutput()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return string(text), err != nil
}

// switches wraps each condition of the file in a call that can turn it around.
func (m *mutants) switches(t *testing.T, file string, source []byte) []byte {
	t.Helper()
	set := token.NewFileSet()
	parsed, err := parser.ParseFile(set, file, source, 0)
	if err != nil {
		t.Fatal(err)
	}
	type insertion struct {
		at   int
		text string
	}
	var insertions []insertion
	for _, declaration := range parsed.Decls {
		function, ok := declaration.(*ast.FuncDecl)
		if !ok || wording(function.Type) {
			continue
		}
		for _, expr := range atoms(function.Body) {
			from, to := set.Position(expr.Pos()).Offset, set.Position(expr.End()).Offset
			insertions = append(insertions, insertion{from, fmt.Sprintf("mutated(%q, ", fmt.Sprint(len(m.conditions)))}, insertion{to, ")"})
			m.conditions = append(m.conditions, condition{set.Position(expr.Pos()).String(), string(source[from:to])})
		}
	}
	slices.SortStableFunc(insertions, func(a, b insertion) int { return a.at - b.at })
	var out bytes.Buffer
	last := 0
	for _, i := range insertions {
		out.Write(source[last:i.at])
		out.WriteString(i.text)
		last = i.at
	}
	out.Write(source[last:])
	return out.Bytes()
}

// wording reports a function that returns nothing but text: it decides how a
// thing is said.
func wording(f *ast.FuncType) bool {
	if f.Results == nil {
		return false
	}
	return !slices.ContainsFunc(f.Results.List, func(field *ast.Field) bool {
		name, ok := field.Type.(*ast.Ident)
		return !ok || name.Name != "string"
	})
}

// atoms are the smallest conditions of a function: comparisons, and whatever
// else stands where a truth is wanted.
func atoms(body *ast.BlockStmt) (found []ast.Expr) {
	var wanted func(ast.Expr)
	seen := map[ast.Expr]bool{}
	wanted = func(e ast.Expr) {
		switch e := e.(type) {
		case *ast.ParenExpr:
			wanted(e.X)
		case *ast.UnaryExpr:
			wanted(e.X)
		case *ast.BinaryExpr:
			if e.Op == token.LAND || e.Op == token.LOR {
				wanted(e.X)
				wanted(e.Y)
			} else if !seen[e] {
				seen[e] = true
				found = append(found, e)
			}
		default:
			if !seen[e] {
				seen[e] = true
				found = append(found, e)
			}
		}
	}
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.IfStmt:
			wanted(n.Cond)
		case *ast.SwitchStmt:
			if n.Tag == nil {
				for _, clause := range n.Body.List {
					for _, e := range clause.(*ast.CaseClause).List {
						wanted(e)
					}
				}
			}
		case *ast.BinaryExpr:
			switch n.Op {
			case token.LAND, token.LOR, token.EQL, token.NEQ, token.LSS, token.LEQ, token.GTR, token.GEQ:
				wanted(n)
			}
		}
		return true
	})
	return found
}

func packageName(t *testing.T, folder string) string {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), filepath.Join(folder, "judge.go"), nil, parser.PackageClauseOnly)
	if err != nil {
		t.Fatal(err)
	}
	return parsed.Name.Name
}

func absolute(t *testing.T, path string) string {
	t.Helper()
	full, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return full
}

func write(t *testing.T, path string, content []byte) string {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
