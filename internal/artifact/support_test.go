package artifact

import (
	"context"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/roadworthy-dev/roadworthy/internal/problem"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// git runs git as a developer would, at a fixed time.
func git(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(),
		"GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=Ann", "GIT_AUTHOR_EMAIL=ann@test.invalid", "GIT_AUTHOR_DATE=2024-05-06T07:08:09Z",
		"GIT_COMMITTER_NAME=Ann", "GIT_COMMITTER_EMAIL=ann@test.invalid", "GIT_COMMITTER_DATE=2024-05-06T07:08:10Z")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// newRepo makes a repository with one commit of files.
func newRepo(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	git(t, dir, "init", "-q", "-b", "main")
	addCommit(t, dir, files)
	return dir
}

// write writes files; a name that ends in "*" is made executable, a content
// that starts with "-> " makes a link.
func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, content := range files {
		mode := fs.FileMode(0o644)
		if bare, ok := strings.CutSuffix(name, "*"); ok {
			name, mode = bare, 0o755
		}
		full := filepath.Join(dir, name)
		must(t, os.MkdirAll(filepath.Dir(full), 0o755))
		if target, ok := strings.CutPrefix(content, "-> "); ok {
			must(t, os.Symlink(target, full))
			continue
		}
		must(t, os.WriteFile(full, []byte(content), mode))
		must(t, os.Chmod(full, mode))
	}
}

func addCommit(t *testing.T, dir string, files map[string]string) string {
	t.Helper()
	write(t, dir, files)
	git(t, dir, "add", "-A")
	git(t, dir, "commit", "-q", "--allow-empty", "-m", "a change")
	return git(t, dir, "rev-parse", "HEAD")
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// tree describes every file below dir as "path mode content".
func tree(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	must(t, filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || name == dir {
			return err
		}
		rel, _ := filepath.Rel(dir, name)
		info, err := d.Info()
		if err != nil {
			return err
		}
		b.WriteString(rel + " " + info.Mode().String())
		switch {
		case info.Mode()&fs.ModeSymlink != 0:
			target, _ := os.Readlink(name)
			b.WriteString(" -> " + target)
		case info.Mode().IsRegular():
			content, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			b.WriteString(" " + string(content))
		}
		b.WriteString("\n")
		return nil
	}))
	return b.String()
}

func wantCode(t *testing.T, err error, code string) *problem.Problem {
	t.Helper()
	p, ok := problem.Of(err)
	if !ok || p.Code != code {
		t.Fatalf("got error %v, want a problem %s", err, code)
	}
	if p.Fix == "" || p.Summary == "" {
		t.Errorf("the problem %s has no fix or no summary: %+v", code, p)
	}
	return p
}

func isEmpty(t *testing.T, dir string) {
	t.Helper()
	if names, err := os.ReadDir(dir); err == nil && len(names) > 0 {
		t.Errorf("%s holds %d entries, want none, such as %s", dir, len(names), names[0].Name())
	}
}

func checkout(t *testing.T, from Source) (Revision, string) {
	t.Helper()
	into := filepath.Join(t.TempDir(), "out")
	revision, err := Checkout(t.Context(), from, into)
	must(t, err)
	return revision, into
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for !is() {
		select {
		case <-ctx.Done():
			t.Fatalf("not within 10 s: %s", what)
		case <-time.After(5 * time.Millisecond):
		}
	}
}
