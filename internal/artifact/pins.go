package artifact

import (
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

func hasLine(pattern string) func(string) bool {
	expression := regexp.MustCompile("(?m)" + pattern)
	return expression.MatchString
}

func lockNotEmpty(_ *sourceTree, _, content string) string {
	if strings.TrimSpace(content) == "" {
		return "it is empty"
	}
	return ""
}

// goRequires reports whether a go.mod names a module that is not replaced by a
// folder, which is all that go.sum could hold a hash of.
func goRequires(content string) bool {
	required, local := map[string]bool{}, map[string]bool{}
	block := ""
	for line := range strings.SplitSeq(content, "\n") {
		line, _, _ = strings.Cut(line, "//")
		words := strings.Fields(strings.ReplaceAll(line, "(", " ( "))
		switch {
		case len(words) == 0:
		case words[0] == ")":
			block = ""
		case len(words) == 2 && words[1] == "(":
			block = words[0]
		case block != "":
			goDirective(block, words, required, local)
		default:
			goDirective(words[0], words[1:], required, local)
		}
	}
	maps.DeleteFunc(required, func(name string, _ bool) bool { return local[name] })
	return len(required) > 0
}

func goDirective(verb string, words []string, required, local map[string]bool) {
	if len(words) == 0 {
		return
	}
	name := strings.Trim(words[0], `"`)
	if verb == "require" {
		required[name] = true
	}
	if to := slices.Index(words, "=>"); verb == "replace" && to >= 0 && to+1 < len(words) {
		target := strings.Trim(words[to+1], `"`)
		local[name] = strings.HasPrefix(target, ".") || strings.HasPrefix(target, "/")
	}
}

// packageJSON is what of a package.json decides which packages are installed.
type packageJSON struct {
	Dependencies         map[string]string `json:"dependencies"`
	DevDependencies      map[string]string `json:"devDependencies"`
	OptionalDependencies map[string]string `json:"optionalDependencies"`
	Workspaces           any               `json:"workspaces"`
}

func (p packageJSON) names() []string {
	all := map[string]string{}
	maps.Copy(all, p.Dependencies)
	maps.Copy(all, p.DevDependencies)
	maps.Copy(all, p.OptionalDependencies)
	return slices.Sorted(maps.Keys(all))
}

func npmDepends(content string) bool {
	var p packageJSON
	if json.Unmarshal([]byte(content), &p) != nil {
		return true // it cannot be told that it needs none
	}
	return len(p.names()) > 0 || p.Workspaces != nil
}

// npmPins compares the lock with the package.json beside it: a lock that was
// not brought up to date pins the rest only.
func npmPins(t *sourceTree, lock, content string) string {
	if why := lockNotEmpty(t, lock, content); why != "" {
		return why
	}
	manifest, err := t.read(path.Join(path.Dir(lock), "package.json"))
	if err != nil {
		return ""
	}
	var p packageJSON
	if err := json.Unmarshal([]byte(manifest), &p); err != nil {
		return "package.json is not JSON: " + err.Error()
	}
	if strings.HasSuffix(lock, ".json") {
		return packageLockPins(p, content)
	}
	for _, name := range p.names() {
		if !strings.Contains(content, name) {
			return "it does not hold " + name + ", which package.json names"
		}
	}
	return ""
}

func packageLockPins(p packageJSON, content string) string {
	type pinned struct {
		Version string `json:"version"`
		Link    bool   `json:"link"`
	}
	var lock struct {
		Version      int               `json:"lockfileVersion"`
		Packages     map[string]pinned `json:"packages"`     // since version 2, by path
		Dependencies map[string]pinned `json:"dependencies"` // up to version 2, by name
	}
	if err := json.Unmarshal([]byte(content), &lock); err != nil || lock.Version == 0 {
		return "it is not a lock file of npm"
	}
	for _, name := range p.names() {
		entry, ok := lock.Packages["node_modules/"+name]
		if !ok {
			entry, ok = lock.Dependencies[name]
		}
		if _, optional := p.OptionalDependencies[name]; !ok && optional {
			continue
		}
		if !ok || (entry.Version == "" && !entry.Link) {
			return "it does not fix " + name + ", which package.json names"
		}
	}
	return ""
}

func composerRequires(content string) bool {
	var c struct {
		Require map[string]string `json:"require"`
		Dev     map[string]string `json:"require-dev"`
	}
	if json.Unmarshal([]byte(content), &c) != nil {
		return true
	}
	for _, list := range []map[string]string{c.Require, c.Dev} {
		for name := range list {
			if strings.Contains(name, "/") { // others are PHP itself and its extensions
				return true
			}
		}
	}
	return false
}

// pythonDepends tells of any of Python's manifests whether it declares
// dependencies. Only pyproject.toml has a form that can be read without
// running it; the others are looked at for the words.
func pythonDepends(content string) bool {
	var project struct {
		Project struct {
			Dependencies []string            `toml:"dependencies"`
			Optional     map[string][]string `toml:"optional-dependencies"`
			Dynamic      []string            `toml:"dynamic"`
		} `toml:"project"`
		Groups map[string]any `toml:"dependency-groups"`
		Tool   struct {
			Poetry struct {
				Dependencies map[string]any `toml:"dependencies"`
				Group        map[string]any `toml:"group"`
			} `toml:"poetry"`
		} `toml:"tool"`
		Packages map[string]any `toml:"packages"`     // Pipfile
		Dev      map[string]any `toml:"dev-packages"` // Pipfile
	}
	if toml.Unmarshal([]byte(content), &project) == nil && strings.Contains(content, "[") {
		p, poetry := project.Project, project.Tool.Poetry
		delete(poetry.Dependencies, "python")
		return len(p.Dependencies)+len(p.Optional)+len(project.Groups)+len(poetry.Dependencies)+len(poetry.Group)+len(project.Packages)+len(project.Dev) > 0 ||
			slices.Contains(p.Dynamic, "dependencies")
	}
	if strings.Contains(content, "setup(") {
		return strings.Contains(content, "install_requires")
	}
	return len(requirements(content)) > 0
}

func pythonPins(t *sourceTree, lock, content string) string {
	if path.Base(lock) != "requirements.txt" {
		return lockNotEmpty(t, lock, content)
	}
	return t.requirementsPin(lock, content, 0)
}

// requirements gives the logical lines of a requirements file (pip's
// "Requirements File Format"): continued lines joined, comments removed.
func requirements(content string) []string {
	content = strings.ReplaceAll(strings.ReplaceAll(content, "\r", ""), "\\\n", " ")
	var all []string
	for line := range strings.SplitSeq(content, "\n") {
		if i := strings.Index(line, " #"); i >= 0 {
			line = line[:i]
		}
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			all = append(all, line)
		}
	}
	return all
}

var (
	exactly = regexp.MustCompile(`^[A-Za-z0-9._-]+\s*(\[[^\]]*\])?\s*===?\s*[A-Za-z0-9][A-Za-z0-9.!+_-]*\s*(;.*|--hash.*)?$`)
	atHash  = regexp.MustCompile(`(--hash=sha(256|384|512):[0-9a-f]{64,}|#sha256=[0-9a-f]{64}|@[0-9a-f]{40}(#|$|\s))`)
	include = regexp.MustCompile(`^(?:-r|--requirement)[ =]?\s*(\S+)`)
	local   = regexp.MustCompile(`^(?:(?:-e|--editable)[ =]\s*)?\.{0,2}/?[A-Za-z0-9_./-]*(\[[^\]]*\])?$`)
)

func (t *sourceTree) requirementsPin(name, content string, depth int) string {
	for _, line := range requirements(content) {
		switch m := include.FindStringSubmatch(line); {
		case m != nil:
			other := path.Join(path.Dir(name), m[1])
			text, err := t.read(other)
			if err != nil || depth > 5 {
				return "it includes " + m[1] + ", which cannot be read"
			}
			if why := t.requirementsPin(other, text, depth+1); why != "" {
				return why
			}
		case exactly.MatchString(line) || atHash.MatchString(line):
		case isLocal(line):
		case strings.HasPrefix(line, "-") && !strings.HasPrefix(line, "-e") && !strings.HasPrefix(line, "--editable"):
		default:
			return fmt.Sprintf("%s does not fix a version: %s", path.Base(name), line)
		}
	}
	return ""
}

// isLocal tells a path inside the project, such as "." or "-e ./lib", from the
// name of a package.
func isLocal(line string) bool {
	bare := strings.TrimSpace(strings.TrimPrefix(strings.TrimPrefix(line, "--editable"), "-e"))
	return local.MatchString(line) && (strings.HasPrefix(bare, ".") || strings.HasPrefix(bare, "/"))
}
