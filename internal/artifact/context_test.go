package artifact

import (
	"path/filepath"
	"strings"
	"testing"
)

func monorepo(t *testing.T) (repo, app string) {
	t.Helper()
	repo = newRepo(t, map[string]string{"lib/lib.txt": "common\n", "apps/it's web/page": "page\n", "apps/other": "x\n"})
	return repo, filepath.Join(repo, "apps/it's web")
}

func TestContext(t *testing.T) {
	repo, app := monorepo(t)
	revision, _ := checkout(t, Source{Dir: app})
	write(t, repo, map[string]string{"lib/new.txt": "not committed\n"})
	for name, c := range map[string]struct {
		above  string
		dirty  bool
		below  string
		has    []string
		hasNot string
	}{
		"one above":        {"..", false, "it's web", []string{"it's web/page", "other"}, "lib"},
		"the whole":        {"../..", false, "apps/it's web", []string{"apps/it's web/page", "lib/lib.txt"}, "new.txt"},
		"the working tree": {"../..", true, "apps/it's web", []string{"lib/lib.txt", "lib/new.txt"}, "nothing"},
	} {
		t.Run(name, func(t *testing.T) {
			into := filepath.Join(t.TempDir(), "into")
			context, err := Context(t.Context(), Source{Dir: app, Dirty: c.dirty}, c.above, into)
			must(t, err)
			if below := revision.Below(context); below != c.below {
				t.Errorf("the application is below at %q, want %q", below, c.below)
			}
			got := tree(t, into)
			for _, want := range c.has {
				if !strings.Contains(got, want) {
					t.Errorf("no %s in\n%s", want, got)
				}
			}
			if strings.Contains(got, c.hasNot) {
				t.Errorf("%s is in\n%s", c.hasNot, got)
			}
			var out strings.Builder
			must(t, Build(t.Context(), Steps{Dir: into, Within: c.below, Run: []string{"cat page"}}, func(line string) { out.WriteString(line) }))
			if out.String() != "page" {
				t.Errorf("the build step said %q", out.String())
			}
		})
	}
}

func TestContextOutside(t *testing.T) {
	_, app := monorepo(t)
	into := filepath.Join(t.TempDir(), "into")
	_, err := Context(t.Context(), Source{Dir: app}, "../../..", into)
	wantCode(t, err, "RW-A05")
	_, err = Context(t.Context(), Source{Dir: t.TempDir(), Dirty: true}, "..", into)
	wantCode(t, err, "RW-A01")
}
