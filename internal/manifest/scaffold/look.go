package scaffold

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/roadworthy-dev/roadworthy/internal/manifest"
)

// The bounds of a look, so that a folder of any size ends soon.
const (
	maxFiles     = 3000
	maxFileBytes = 512 << 10
	maxEntries   = 50_000
	maxTexts     = 16 << 20 // of all sources together
)

// facts is what a folder tells.
type facts struct {
	files     map[string]string // content of the known files at the top, by name
	sources   []string          // paths of sources, sorted
	variables map[string]string // environment variables, to the "file:line" of the first read
	named     map[string]string // variables of the conventions that a source names in quotes, likewise
	routes    map[string]string // "/status" and the like, to "file:line"
	texts     map[string]string // content of sources and pages, by path
	pages     []string          // paths of what holds HTML, sources among them, sorted
	declared  []declared        // routes that sources declare
	tests     []string          // files that test the application, and folders of such, sorted
	nodeTests string            // a test that node runs itself, "" for none
	size      int               // of all texts
	wsgi      []string          // paths of wsgi.py
	mains     []string          // folders of Go's package main, sorted, "." first
	bounded   bool              // a bound stopped the look
}

// known are the files at the top that say something.
var known = []string{
	"Procfile", "Dockerfile", "go.mod", "package.json", "package-lock.json", "requirements.txt", "pyproject.toml", "manage.py",
	"app.py", "main.py", "wsgi.py", "pom.xml", "build.gradle", "build.gradle.kts", "gradlew", "Gemfile", "config.ru", "Rakefile", "bin/rails",
	"composer.json", "public/index.php", "index.php", "server.js", "index.js", "app.js", "main.js",
	"server.mjs", "app.mjs", "index.mjs", "main.mjs", "server.cjs", "app.cjs", "index.cjs",
	".env.example", ".env.sample", ".gitignore", ".coveragerc", "tests/settings.py", "test_settings.py", "README.md", "README", "README.rst",
	"gunicorn.conf.py", "uwsgi.ini", "Pipfile", "setup.py", "setup.cfg", "poetry.lock", "compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml",
}

// skipped are folders that hold no source of the application itself.
var skipped = []string{
	"node_modules", "vendor", "venv", "target", "build", "dist", "bin", "__pycache__", "testdata", "test", "tests", "spec",
	"site-packages", "coverage", "tmp", "docs", "examples",
}

// readers are the ways in which languages read a variable, by extension.
var readers = map[string][]*regexp.Regexp{
	".go":   {regexp.MustCompile(`(?:os\.(?:Getenv|LookupEnv)|\b(?:getenv|getEnv|envOr|env))\(\s*"([A-Za-z_]\w*)"`)},
	".py":   {regexp.MustCompile(`(?:environ(?:\.get\(|\.setdefault\(|\[)|getenv\(|\benv(?:\.\w+)?\()\s*["']([A-Za-z_]\w*)["']`)},
	".js":   {nodeRead, nodeIndex, nodeTaken, nodeGiven},
	".java": {regexp.MustCompile(`System\.getenv\(\s*"([A-Za-z_]\w*)"`), regexp.MustCompile(`getenv\(\)\.(?:get|getOrDefault)\(\s*"([A-Za-z_]\w*)"`)},
	".rb":   {regexp.MustCompile(`ENV(?:\.fetch\(|\[)\s*["']([A-Za-z_]\w*)["']`)},
	".ru":   {regexp.MustCompile(`ENV(?:\.fetch\(|\[)\s*["']([A-Za-z_]\w*)["']`)},
	".php":  {regexp.MustCompile(`(?:getenv\(|\$_ENV\[|\benv\()\s*["']([A-Za-z_]\w*)["']`)},
}

var (
	nodeRead   = regexp.MustCompile(`process\.env\.([A-Za-z_]\w*)`)
	nodeIndex  = regexp.MustCompile(`process\.env\[\s*["']([A-Za-z_]\w*)["']`)
	nodeTaken  = regexp.MustCompile(`\{([^{}]*)\}\s*=\s*process\.env\b`)
	nodeGiven  = regexp.MustCompile(`\benv\.([A-Z][A-Z0-9_]*[A-Z0-9])\b`) // process.env, handed in
	assigned   = regexp.MustCompile(`^\]?\s*(?:=[^=>]|\?\?=|\|\|=)`)
	nodeTested = regexp.MustCompile(`["']node:test["']`)
	inSource   = regexp.MustCompile(`(?i)<(form|h1|title)\b`)
	namedOnly  = regexp.MustCompile("[\"'`]([A-Z][A-Z_]*)[\"'`]")
	wordForm   = regexp.MustCompile(`[A-Za-z_]\w*`)
	goMain     = regexp.MustCompile(`(?m)^package main\b`)
	route      = regexp.MustCompile("[\"'`](?:GET )?/?(status|healthz?|fault|boom|crash|slow|sleep)/?(?:\\{\\$\\})?[\"'`]")
)

// extension returns the key of readers for a path, "" for other files.
func extension(name string) string {
	switch ext := path.Ext(name); ext {
	case ".mjs", ".cjs", ".ts", ".tsx", ".jsx":
		return ".js"
	case ".kt", ".groovy", ".scala":
		return ".java"
	default:
		if readers[ext] == nil {
			return ""
		}
		return ext
	}
}

func newFacts() *facts {
	return &facts{files: map[string]string{}, texts: map[string]string{}, variables: map[string]string{}, named: map[string]string{}, routes: map[string]string{}}
}

// look gathers the facts of a folder.
func look(folder fs.FS) (*facts, error) {
	f := newFacts()
	for _, name := range known {
		if text, ok := readText(folder, name); ok {
			f.files[name] = text
		}
	}
	w := &walker{facts: f, folder: folder}
	if err := fs.WalkDir(folder, ".", w.visit); err != nil {
		return nil, fmt.Errorf("walk the folder: %w", err)
	}
	f.findRoutes()
	slices.SortFunc(f.mains, func(a, b string) int { return strings.Compare(strings.TrimPrefix(a, "."), strings.TrimPrefix(b, ".")) })
	return f, nil
}

// walker looks at the files of a folder, up to the bounds.
type walker struct {
	facts   *facts
	folder  fs.FS
	entries int
}

func (w *walker) visit(name string, d fs.DirEntry, err error) error {
	if err != nil {
		if name == "." {
			return err
		}
		return nil // what cannot be read tells nothing
	}
	if w.entries++; w.entries > maxEntries || len(w.facts.sources)+len(w.facts.pages) >= maxFiles || w.facts.size > maxTexts {
		w.facts.bounded = true
		return fs.SkipAll
	}
	if d.IsDir() {
		if slices.Contains([]string{"test", "tests", "spec", "__tests__"}, d.Name()) {
			w.facts.tests = append(w.facts.tests, name)
		}
		if name != "." && (strings.HasPrefix(d.Name(), ".") || slices.Contains(skipped, d.Name())) {
			return fs.SkipDir
		}
		return nil
	}
	switch {
	case !d.Type().IsRegular():
	case isPage(path.Ext(name)):
		w.facts.page(w.folder, name)
	case extension(name) == "":
	case isTest(d.Name()):
		w.facts.tests = append(w.facts.tests, name)
		if text, _ := readText(w.folder, name); w.facts.nodeTests == "" && nodeTested.MatchString(text) {
			w.facts.nodeTests = name
		}
	default:
		w.facts.source(w.folder, name)
	}
	return nil
}

// page keeps a template.
func (f *facts) page(folder fs.FS, name string) {
	if text, ok := readText(folder, name); ok {
		f.texts[name], f.size = text, f.size+len(text)
		f.pages = append(f.pages, name)
	}
}

// source looks into one source.
func (f *facts) source(folder fs.FS, name string) {
	text, ok := readText(folder, name)
	if !ok {
		return
	}
	f.sources = append(f.sources, name)
	f.texts[name], f.size = text, f.size+len(text)
	if inSource.MatchString(text) {
		f.pages = append(f.pages, name)
	}
	if path.Base(name) == "wsgi.py" {
		f.wsgi = append(f.wsgi, name)
	}
	if dir := path.Dir(name); path.Ext(name) == ".go" && goMain.MatchString(text) && !slices.Contains(f.mains, dir) {
		f.mains = append(f.mains, dir)
	}
	f.readVariables(name, text)
	for _, m := range namedOnly.FindAllStringSubmatchIndex(text, -1) {
		if _, ok := manifest.ConventionOf(text[m[2]:m[3]]); ok { // in a table of settings, say
			first(f.named, text[m[2]:m[3]], name, text, m[2])
		}
	}
	for _, m := range route.FindAllStringSubmatchIndex(text, -1) {
		first(f.routes, "/"+text[m[2]:m[3]], name, text, m[2])
	}
}

// readVariables notes the variables that a source reads.
func (f *facts) readVariables(name, text string) {
	for _, form := range readers[extension(name)] {
		for _, m := range form.FindAllStringSubmatchIndex(text, -1) {
			found := []string{text[m[2]:m[3]]}
			if form == nodeTaken {
				found = taken(found[0])
			}
			if assigned.MatchString(text[m[1]:]) {
				continue
			}
			for _, variable := range found {
				first(f.variables, variable, name, text, m[2])
			}
		}
	}
}

// taken returns the variables of `const { PORT, HOST: host = "x" } = process.env`.
func taken(list string) []string {
	var out []string
	for part := range strings.SplitSeq(list, ",") {
		if name := wordForm.FindString(part); name != "" {
			out = append(out, name)
		}
	}
	return out
}

// first notes where something was found, unless it was found before.
func first(found map[string]string, what, file, text string, offset int) {
	if _, ok := found[what]; !ok {
		found[what] = place(file, text, offset)
	}
}

// place says where an offset of a file's text stands.
func place(file, text string, offset int) string {
	return fmt.Sprintf("%s:%d", file, strings.Count(text[:offset], "\n")+1)
}

// isTest tells whether a file tests the application: it reads variables that
// the application does not.
func isTest(name string) bool {
	return strings.HasSuffix(name, "_test.go") || strings.HasPrefix(name, "test_") || strings.HasSuffix(name, "_test.py") ||
		strings.Contains(name, ".test.") || strings.Contains(name, ".spec.") || strings.HasSuffix(name, "_spec.rb") || strings.HasSuffix(name, "Test.java") || strings.HasSuffix(name, "Test.php")
}

// readText reads a regular file of bounded size; false where there is none or
// it is not text.
func readText(folder fs.FS, name string) (text string, ok bool) {
	info, err := fs.Lstat(folder, name)
	if err != nil || !info.Mode().IsRegular() || info.Size() > maxFileBytes {
		return "", false
	}
	file, err := folder.Open(name)
	if err != nil {
		return "", false
	}
	data, err := io.ReadAll(io.LimitReader(file, maxFileBytes))
	if errors.Join(err, file.Close()) != nil || bytes.IndexByte(data, 0) >= 0 {
		return "", false
	}
	return string(data), true
}

// has tells whether a file stands at the top.
func (f *facts) has(name string) bool {
	_, ok := f.files[name]
	return ok
}

// firstOf returns the first of some files that stands at the top, "" for none.
func (f *facts) firstOf(names ...string) string {
	for _, name := range names {
		if f.has(name) {
			return name
		}
	}
	return ""
}
