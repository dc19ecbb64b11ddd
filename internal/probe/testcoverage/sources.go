package testcoverage

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/roadworthy-dev/roadworthy/internal/coverage"
)

const (
	maxFiles  = 20_000  // of a checkout that are looked at
	maxSource = 2 << 20 // bytes of a source file
	maxListed = 200     // sources in the record
)

// family is a group of languages that one report measures together.
type family struct {
	name       string
	extensions []string
	comment    string // what begins a comment that ends with its line
	blocks     bool   // it has /* comments */ too
}

var families = []family{
	{"Go", []string{".go"}, "//", true},
	{"Python", []string{".py"}, "#", false},
	{"JavaScript", []string{".js", ".mjs", ".cjs", ".jsx", ".ts", ".mts", ".cts", ".tsx", ".vue", ".svelte"}, "//", true},
	{"Java", []string{".java", ".kt", ".scala", ".groovy"}, "//", true},
	{"Ruby", []string{".rb"}, "#", false},
	{"PHP", []string{".php"}, "//", true},
	{"Rust", []string{".rs"}, "//", true},
	{"C#", []string{".cs"}, "//", true},
	{"C", []string{".c", ".cc", ".cpp", ".cxx", ".h", ".hpp"}, "//", true},
	{"Elixir", []string{".ex", ".exs"}, "#", false},
	{"Swift", []string{".swift"}, "//", true},
	{"Dart", []string{".dart"}, "//", true},
}

// familyOf gives the family of a file; false for what is not source code.
func familyOf(name string) (family, bool) {
	extension := strings.ToLower(path.Ext(name))
	i := slices.IndexFunc(families, func(f family) bool { return slices.Contains(f.extensions, extension) })
	if i < 0 {
		return family{}, false
	}
	return families[i], true
}

var (
	testFile   = regexp.MustCompile(`(_test\.go|/test_[^/]*\.py|_tests?\.py|/(tests?|conftest)\.py|[.\-_](test|tests|spec|cy)\.[cm]?[jt]sx?|_(test|spec)\.rb|/(test|spec)_helper\.rb|Test\.php|/Test[A-Z][^/]*\.java|(Tests?|IT|TestCase|Spec)\.(java|kt|scala|groovy)|(Tests?)\.cs|_test\.(exs?|dart))$`)
	testFolder = regexp.MustCompile(`(?i)/(tests?|__tests__|__mocks__|spec|specs|testdata|testing|fixtures|e2e|cypress|src/(test|it|integrationtest|testfixtures))/`)
	elsewhere  = regexp.MustCompile(`(?i)/(node_modules|vendor|third_party|external|site-packages|bower_components|dist|build|target|out|bin|obj|coverage|generated|migrations|venv|env|__pycache__|docs?|examples?|\.[^/]+)/`)
	described  = regexp.MustCompile(`(/setup\.py|\.d\.[cm]?ts|[./]config\.[cm]?[jt]s|\.min\.js|\.pb\.go|_pb2(_grpc)?\.py|/module-info\.java|/package-info\.java)$`)
	generated  = regexp.MustCompile(`(?m)^(//|#|/\*|\s\*).*(Code generated .* DO NOT EDIT|@generated)`)
)

// isTest reports whether a file is part of a suite rather than of what it tests.
func isTest(name string) bool {
	return testFile.MatchString("/"+name) || testFolder.MatchString("/"+name)
}

// committed lists the regular files of a checkout, by their paths with slashes.
func committed(dir string) ([]string, error) {
	var names []string
	err := filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.Type().IsRegular() {
			below, err := filepath.Rel(dir, name)
			if err != nil {
				return err
			}
			names = append(names, filepath.ToSlash(below))
		}
		if len(names) > maxFiles {
			return fs.SkipAll
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list the checkout: %w", err)
	}
	slices.Sort(names)
	return names, nil
}

// file is a source file of the checkout, as it is after the build.
type file struct {
	Source
	family family
	data   []byte
	entry  coverage.File // the report's
}

// tree is a checkout that sources are read from.
type tree struct {
	names []string // committed files
	root  *os.Root
}

func (t tree) read(name string) ([]byte, error) {
	info, err := t.root.Lstat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxSource {
		return nil, errors.New("no regular file of a usual size")
	}
	return t.root.ReadFile(name)
}

// resolve gives the report the paths of the checkout. A Go report names import
// paths, which begin with the module of the nearest go.mod.
func (t tree) resolve(report coverage.Report, inside string) coverage.Report {
	var modules [][2]string // module path and folder, the longest path first
	for _, name := range t.names {
		if path.Base(name) != "go.mod" {
			continue
		}
		data, _ := t.read(name)
		if m := moduleLine.FindSubmatch(data); m != nil {
			modules = append(modules, [2]string{string(m[1]), path.Dir(name)})
		}
	}
	slices.SortFunc(modules, func(a, b [2]string) int { return len(b[0]) - len(a[0]) })
	files := slices.Clone(report.Files)
	for i, f := range files {
		for _, module := range modules {
			if rest, ok := strings.CutPrefix(f.Path, module[0]+"/"); ok && report.Format == coverage.FormatGo {
				files[i].Path = path.Join(module[1], rest)
				break
			}
		}
	}
	return coverage.Report{Format: report.Format, Files: files}.Relative(inside, "").Resolve(t.names)
}

var moduleLine = regexp.MustCompile(`(?m)^module\s+"?([^\s"]+)`)

// belonging tells which committed files are sources of the application: those
// of the report's languages that are neither tests, nor dependencies, nor
// generated, and whatever else the report names.
func (t tree) belonging(report coverage.Report) []file {
	var files []file
	languages := familiesOf(report, t.names)
	for _, name := range t.names {
		group, known := familyOf(name)
		entry, named := report.File(name)
		if !known || isTest(name) || !slices.Contains(languages, group.name) {
			continue
		}
		if !named && (elsewhere.MatchString("/"+name) || described.MatchString("/"+name)) {
			continue
		}
		data, err := t.read(name)
		if err != nil || bytes.Contains(data, []byte{0}) || generated.Match(data[:min(len(data), 4096)]) {
			continue
		}
		lines := len(codeLines(data, group))
		if lines == 0 && !named {
			continue
		}
		files = append(files, file{
			Source: Source{Path: name, Lines: lines, Named: named, Covered: entry.Covered(), Total: entry.Total()},
			family: group, data: data, entry: entry,
		})
	}
	slices.SortStableFunc(files, func(a, b file) int { return b.Lines - a.Lines })
	return files
}

// familiesOf lists the languages of the application's files that a report
// names, or of all its files where it names none of the application.
func familiesOf(report coverage.Report, names []string) []string {
	var own, all []string
	for _, f := range report.Files {
		group, known := familyOf(f.Path)
		if !known {
			continue
		}
		if !slices.Contains(all, group.name) {
			all = append(all, group.name)
		}
		if _, ours := slices.BinarySearch(names, f.Path); ours && !isTest(f.Path) && !slices.Contains(own, group.name) {
			own = append(own, group.name)
		}
	}
	if len(own) > 0 {
		return own
	}
	return all
}

// codeLines returns the lines that are neither blank nor comment, trimmed.
func codeLines(data []byte, group family) []string {
	var lines []string
	within := false
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSpace(line)
		switch {
		case within:
			within = !strings.Contains(line, "*/")
		case line == "" || strings.HasPrefix(line, group.comment):
		case group.blocks && strings.HasPrefix(line, "/*"):
			_, rest, ended := strings.Cut(line, "*/")
			within = !ended
			if strings.TrimSpace(rest) != "" {
				lines = append(lines, line)
			}
		default:
			lines = append(lines, line)
		}
	}
	return lines
}

// matching keeps the files that one of the globs names: ** stands for any
// folders, * and ? stay within a name, and a folder stands for all below it.
func matching(files []file, globs []string) []file {
	var expressions []*regexp.Regexp
	for _, glob := range globs {
		quoted := regexp.QuoteMeta(strings.TrimSuffix(strings.TrimPrefix(glob, "./"), "/"))
		pattern := strings.NewReplacer(`\*\*/`, `(?:.*/)?`, `\*\*`, `.*`, `\*`, `[^/]*`, `\?`, `[^/]`).Replace(quoted)
		expressions = append(expressions, regexp.MustCompile("^"+pattern+"(?:/.*)?$"))
	}
	return slices.DeleteFunc(slices.Clone(files), func(f file) bool {
		return !slices.ContainsFunc(expressions, func(e *regexp.Regexp) bool { return e.MatchString(f.Path) })
	})
}

func linesOf(files []file) int {
	total := 0
	for _, f := range files {
		total += f.Lines
	}
	return total
}
