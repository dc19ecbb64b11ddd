package artifact

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// lockCase is one lock file and why it does not pin, "" for one that does.
type lockCase struct {
	file, content string
	why           string
	beside        map[string]string
}

func lockCases() []lockCase {
	hash := " --hash=sha256:" + strings.Repeat("ab", 32)
	packageJSON := `{"dependencies":{"left":"^1"},"optionalDependencies":{"fsevents":"*"}}`
	dependency := func(version string) string {
		return "<project><groupId>g</groupId><version>3</version><properties><v>1.2</v></properties><dependencies><dependency><groupId>a</groupId><artifactId>b</artifactId><version>" +
			version + "</version></dependency></dependencies></project>"
	}
	pomIn := func(head, version string) string {
		return strings.Replace(dependency(version), "<project>", "<project>"+head, 1)
	}
	parent := "<parent><groupId>p</groupId><artifactId>q</artifactId><version>3.1</version></parent>"
	return []lockCase{
		{"go.sum", "a v1 h1:x=\n", "", nil},
		{"go.sum", " \n", "empty", nil},
		{"Cargo.lock", "[[package]]\n", "", nil},
		{"requirements.txt", "# made by pip-compile\nflask==3.0.0\nx[extra]==1.0 ; python_version < '3.9'\n--index-url https://i.test\n", "", nil},
		{"requirements.txt", "a==1 \\\n   " + hash + "\n", "", nil},
		{"requirements.txt", "a @ https://h.test/a.whl#sha256=" + strings.Repeat("ab", 32) + "\n-e .\n./lib\n", "", nil},
		{"requirements.txt", "a @ git+https://h.test/a@" + strings.Repeat("ab", 20) + "\n", "", nil},
		{"requirements.txt", "a @ git+https://h.test/a@main\n", "a @ git", nil},
		{"requirements.txt", "flask\n", "flask", nil},
		{"requirements.txt", "a==1\nflask>=3\n", "flask>=3", nil},
		{"requirements.txt", "flask==3.*\n", "flask==3.*", nil},
		{"requirements.txt", "flask~=3.0\n", "flask~=3.0", nil},
		{"requirements.txt", "-r base.txt\n", "", map[string]string{"base.txt": "a==1\n"}},
		{"requirements.txt", "-r base.txt\n", "base.txt does not fix", map[string]string{"base.txt": "a\n"}},
		{"requirements.txt", "-r ../../../etc/passwd\n", "cannot be read", nil},
		{"requirements.txt", "-r requirements.txt\n", "cannot be read", nil},
		{"package-lock.json", `{"lockfileVersion":3,"packages":{"node_modules/left":{"version":"1.0.1"}}}`, "", map[string]string{"package.json": packageJSON}},
		{"package-lock.json", `{"lockfileVersion":1,"dependencies":{"left":{"version":"1.0.1"}}}`, "", map[string]string{"package.json": packageJSON}},
		{"package-lock.json", `{"lockfileVersion":3,"packages":{}}`, "left", map[string]string{"package.json": packageJSON}},
		{"package-lock.json", `{}`, "not a lock file", map[string]string{"package.json": packageJSON}},
		{"yarn.lock", "left@^1:\n  version \"1.0.1\"\nfsevents@*:\n", "", map[string]string{"package.json": packageJSON}},
		{"yarn.lock", "# yarn lockfile v1\n", "fsevents", map[string]string{"package.json": packageJSON}},
		{"pom.xml", dependency("1.2.3"), "", nil},
		{"pom.xml", dependency("${v}"), "", nil},
		{"pom.xml", dependency("${gone}"), "not defined", nil},
		{"pom.xml", pomIn(parent, "${theirs}"), "", nil},
		{"pom.xml", pomIn(parent, ""), "", nil},
		{"pom.xml", dependency(""), "has no version", nil},
		{"pom.xml", dependency("[1,2)"), "range", nil},
		{"pom.xml", dependency("LATEST"), "moves", nil},
		{"pom.xml", dependency("2-SNAPSHOT"), "moves", nil},
		{"pom.xml", strings.Replace(pomIn("", "${project.version}"), "<groupId>a<", "<groupId>g<", 1), "", nil},
		{"pom.xml", pomIn(strings.Replace(parent, "3.1", "3-SNAPSHOT", 1), "1"), "moves", nil},
		{"pom.xml", "<project", "not XML", nil},
	}
}

func TestLocksPin(t *testing.T) {
	for _, c := range lockCases() {
		t.Run(c.file+" "+c.content, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, c.beside)
			write(t, dir, map[string]string{c.file: c.content})
			locks := Locks(dir)
			if len(locks) != 1 || locks[0].Path != c.file {
				t.Fatalf("got %+v", locks)
			}
			if locks[0].Pins != (c.why == "") || !strings.Contains(locks[0].Why, c.why) || (c.why == "") != (locks[0].Why == "") {
				t.Errorf("got pins %v, why %q; want why %q", locks[0].Pins, locks[0].Why, c.why)
			}
		})
	}
}

func TestEcosystems(t *testing.T) {
	for name, c := range map[string]struct {
		files map[string]string
		want  string // manifest, needs, lock, locked
	}{
		"go without requires":       {map[string]string{"go.mod": "module m\n\ngo 1.26\n"}, "[go.mod false  true]"},
		"go with requires":          {map[string]string{"go.mod": "module m\nrequire (\n\ta.test/b v1.0.0\n)\n"}, "[go.mod true  false]"},
		"go with one require":       {map[string]string{"go.mod": "module m\nrequire a.test/b v1.0.0 // indirect\n", "go.sum": "x"}, "[go.mod true go.sum true]"},
		"go replaced by a folder":   {map[string]string{"go.mod": "module m\nrequire a.test/b v0.0.0\nreplace a.test/b => ./b\n"}, "[go.mod false  true]"},
		"go comment":                {map[string]string{"go.mod": "module m\n// require a.test/b v1\n"}, "[go.mod false  true]"},
		"npm without dependencies":  {map[string]string{"package.json": `{"name":"x"}`}, "[package.json false  true]"},
		"npm without lock":          {map[string]string{"package.json": `{"devDependencies":{"a":"1"}}`}, "[package.json true  false]"},
		"npm broken":                {map[string]string{"package.json": `{`}, "[package.json true  false]"},
		"workspace":                 {map[string]string{"yarn.lock": "a@1", "web/package.json": `{"dependencies":{"a":"1"}}`}, "[web/package.json true yarn.lock true]"},
		"installed and test ones":   {map[string]string{"node_modules/a/package.json": "{}", "testdata/go.mod": "module x", ".venv/setup.py": ""}, "[]"},
		"requirements alone":        {map[string]string{"requirements.txt": "a\n"}, "[requirements.txt true requirements.txt false]"},
		"requirements compiled":     {map[string]string{"requirements.in": "a\n", "requirements.txt": "a==1\n"}, "[requirements.in true requirements.txt true]"},
		"pyproject of a tool":       {map[string]string{"pyproject.toml": "[tool.black]\nline-length = 90\n"}, "[pyproject.toml false  true]"},
		"pyproject":                 {map[string]string{"pyproject.toml": "[project]\nname = 'x'\ndependencies = ['flask']\n", "uv.lock": "version = 1"}, "[pyproject.toml true uv.lock true]"},
		"poetry":                    {map[string]string{"pyproject.toml": "[tool.poetry.dependencies]\npython = '^3.11'\n"}, "[pyproject.toml false  true]"},
		"composer with PHP alone":   {map[string]string{"composer.json": `{"require":{"php":">=8","ext-json":"*"}}`}, "[composer.json false  true]"},
		"composer":                  {map[string]string{"composer.json": `{"require-dev":{"a/b":"1"}}`}, "[composer.json true  false]"},
		"gems":                      {map[string]string{"Gemfile": "source 'x'\ngem 'rack'\n", "Gemfile.lock": "GEM\n"}, "[Gemfile true Gemfile.lock true]"},
		"no gems":                   {map[string]string{"Gemfile": "source 'x'\n# gem 'rack'\n"}, "[Gemfile false  true]"},
		"cargo":                     {map[string]string{"Cargo.toml": "[dependencies]\nserde = '1'\n"}, "[Cargo.toml true  false]"},
		"maven without anything":    {map[string]string{"pom.xml": "<project/>"}, "[pom.xml false pom.xml true]"},
		"gradle":                    {map[string]string{"build.gradle.kts": "dependencies {\n}\n"}, "[build.gradle.kts true  false]"},
		"manifest that is a folder": {map[string]string{"go.mod/x": ""}, "[]"},
		"manifest that is a link":   {map[string]string{"go.mod": "-> /etc/passwd"}, "[]"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, c.files)
			got := []string{}
			for _, e := range Ecosystems(dir) {
				got = append(got, fmt.Sprintf("%s %v %s %v", e.Manifest, e.Needs, e.Lock, e.Locked))
				if e.Locked != (e.Why == "") {
					t.Errorf("locked %v, but why is %q", e.Locked, e.Why)
				}
			}
			if fmt.Sprint(got) != c.want {
				t.Errorf("got %v, want %s", got, c.want)
			}
		})
	}
	if Ecosystems(filepath.Join(t.TempDir(), "gone")) != nil || Locks(filepath.Join(t.TempDir(), "gone")) != nil {
		t.Error("a folder that does not exist has some")
	}
	deep := t.TempDir()
	write(t, deep, map[string]string{"a/b/go.mod": "module m", "a/b/c/go.mod": "module n"})
	must(t, os.Chmod(deep, 0o755))
	if got := Ecosystems(deep); len(got) != 1 || got[0].Manifest != "a/b/go.mod" {
		t.Errorf("got %+v", got)
	}
}
