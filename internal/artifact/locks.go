package artifact

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// Lock is a file that pins dependencies, or means to.
type Lock struct {
	Path      string // from the application's folder, with slashes
	Ecosystem string // go, npm, python, ruby, php, rust, maven, gradle, dotnet, elixir
	Pins      bool   // every dependency is fixed to one version
	Why       string // the reason, where it does not pin
}

// Ecosystem is a manifest of dependencies and the lock that belongs to it.
type Ecosystem struct {
	Name     string // as in Lock
	Manifest string // path from the application's folder, with slashes
	Needs    bool   // it declares dependencies, so it needs a lock
	Lock     string // the lock's path; "" where there is none
	Locked   bool   // it needs none, or its lock pins
	Why      string // the reason, where it is not locked
}

// kind is one package manager's pair of files.
type kind struct {
	ecosystem string
	manifests []string // names, or a pattern of path.Match
	locks     []string // the first that exists counts
	declares  func(content string) bool
	pins      func(dir *sourceTree, lock, content string) string // "" or why it does not pin
}

// kinds lists what is known, in the order of the reports.
var kinds = []kind{
	{"go", []string{"go.mod"}, []string{"go.sum"}, goRequires, lockNotEmpty},
	{"npm", []string{"package.json"}, []string{"npm-shrinkwrap.json", "package-lock.json", "pnpm-lock.yaml", "yarn.lock", "bun.lock", "bun.lockb"}, npmDepends, npmPins},
	{"python", []string{"pyproject.toml", "Pipfile", "requirements.in", "setup.py", "requirements.txt"}, []string{"uv.lock", "poetry.lock", "Pipfile.lock", "pdm.lock", "pylock.toml", "requirements.txt"}, pythonDepends, pythonPins},
	{"ruby", []string{"Gemfile"}, []string{"Gemfile.lock"}, hasLine(`^\s*(gem|gemspec)\b`), lockNotEmpty},
	{"php", []string{"composer.json"}, []string{"composer.lock"}, composerRequires, lockNotEmpty},
	{"rust", []string{"Cargo.toml"}, []string{"Cargo.lock"}, hasLine(`^\s*\[.*dependencies.*\]`), lockNotEmpty},
	{"maven", []string{"pom.xml"}, []string{"pom.xml"}, hasLine(`<(dependency|parent|plugin|extension)>`), mavenPins},
	{"gradle", []string{"build.gradle", "build.gradle.kts"}, []string{"gradle.lockfile"}, hasLine(`^\s*(dependencies|plugins)\s*\{`), lockNotEmpty},
	{"dotnet", []string{"*.csproj", "*.fsproj"}, []string{"packages.lock.json"}, hasLine(`<PackageReference\b`), lockNotEmpty},
	{"elixir", []string{"mix.exs"}, []string{"mix.lock"}, hasLine(`^\s*\{:[a-z]`), lockNotEmpty},
}

// Locks lists the lock files in dir and up to two folders below it, in the
// order of their paths, and whether each pins. Folders of installed packages,
// tests, examples and documentation do not count. A folder that cannot be read
// has none.
func Locks(dir string) []Lock {
	tree, err := openSources(dir)
	if err != nil {
		return nil
	}
	defer tree.close()
	var locks []Lock
	for _, name := range tree.files {
		for _, k := range kinds {
			if slices.Contains(k.locks, path.Base(name)) {
				why := tree.pins(k, name)
				locks = append(locks, Lock{name, k.ecosystem, why == "", why})
			}
		}
	}
	return locks
}

// Ecosystems lists the manifests of dependencies that [Locks] would look
// beside, and whether each has a lock that pins. A lock in a folder above
// counts too, as workspaces have one in common; for Go it does not.
func Ecosystems(dir string) []Ecosystem {
	tree, err := openSources(dir)
	if err != nil {
		return nil
	}
	defer tree.close()
	var found []Ecosystem
	for _, name := range tree.files {
		for _, k := range kinds {
			if k.isManifest(path.Base(name)) && !tree.isOnlyLock(k, name) {
				found = append(found, tree.ecosystem(k, name))
			}
		}
	}
	return found
}

func (k kind) isManifest(name string) bool {
	return slices.ContainsFunc(k.manifests, func(pattern string) bool {
		ok, _ := path.Match(pattern, name)
		return ok
	})
}

// sourceTree is an application's folder, of which only small regular files
// inside it are ever read: it may hold links to anywhere.
type sourceTree struct {
	root  *os.Root
	files []string
}

var notSources = []string{
	"node_modules", "vendor", "venv", "env", "__pycache__", "target", "testdata", "test", "tests", "fixtures", "examples", "example", "docs",
}

func openSources(dir string) (*sourceTree, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open the application's folder: %w", err)
	}
	tree := &sourceTree{root: root}
	_ = fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		base := d.Name()
		switch {
		case err != nil:
			return fs.SkipDir // a folder that cannot be read
		case name == ".":
			return nil
		case d.IsDir() && (strings.HasPrefix(base, ".") || slices.Contains(notSources, base) || strings.Count(name, "/") >= 2):
			return fs.SkipDir
		case d.Type().IsRegular():
			tree.files = append(tree.files, name)
		}
		return nil
	})
	return tree, nil
}

func (t *sourceTree) close() { _ = t.root.Close() }

var errNotPlain = errors.New("it is not a plain file of at most 32 MiB")

func (t *sourceTree) read(name string) (string, error) {
	const most = 32 << 20
	info, err := t.root.Lstat(filepath.FromSlash(name))
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() || info.Size() > most {
		return "", errNotPlain
	}
	file, err := t.root.Open(filepath.FromSlash(name))
	if err != nil {
		return "", err
	}
	defer func() { _ = file.Close() }()
	content, err := io.ReadAll(io.LimitReader(file, most))
	return string(content), err
}

func (t *sourceTree) has(name string) bool { return slices.Contains(t.files, name) }

func (t *sourceTree) pins(k kind, lock string) string {
	content, err := t.read(lock)
	if err != nil {
		return "it cannot be read: " + err.Error()
	}
	return k.pins(t, lock, content)
}

// isOnlyLock tells a requirements.txt that was made from another manifest.
func (t *sourceTree) isOnlyLock(k kind, name string) bool {
	base, dir := path.Base(name), path.Dir(name)
	return k.ecosystem == "python" && base == "requirements.txt" &&
		slices.ContainsFunc(k.manifests, func(other string) bool { return other != base && t.has(path.Join(dir, other)) })
}

func (t *sourceTree) ecosystem(k kind, manifest string) Ecosystem {
	e := Ecosystem{Name: k.ecosystem, Manifest: manifest}
	content, err := t.read(manifest)
	if err != nil {
		e.Needs, e.Why = true, "it cannot be read: "+err.Error()
		return e
	}
	e.Needs, e.Lock = k.declares(content), t.lockOf(k, path.Dir(manifest))
	switch {
	case !e.Needs:
	case e.Lock == "":
		e.Why = "there is no " + strings.Join(k.locks, ", no ")
	default:
		e.Why = t.pins(k, e.Lock)
	}
	e.Locked = e.Why == ""
	return e
}

func (t *sourceTree) lockOf(k kind, dir string) string {
	for {
		for _, lock := range k.locks {
			if name := path.Join(dir, lock); t.has(name) {
				return name
			}
		}
		if dir == "." || k.ecosystem == "go" || k.ecosystem == "maven" {
			return ""
		}
		dir = path.Dir(dir)
	}
}
