package artifact

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func TestDirtyCheckoutIsTheWorkingTree(t *testing.T) {
	repo := newRepo(t, map[string]string{
		"app/a": "1", "app/gone": "1", "app/moved/f": "1", ".gitignore": "ignored\n", "other": "x", "app/forced": "1",
	})
	outside := t.TempDir()
	write(t, outside, map[string]string{"f": "secret of the host"})
	app := filepath.Join(repo, "app")
	must(t, os.Remove(filepath.Join(app, "gone")))
	must(t, os.RemoveAll(filepath.Join(app, "moved")))
	write(t, app, map[string]string{
		"a*": "2", "new": "3", "ignored": "4", "moved": "-> " + outside, "self": "-> " + app + "/a", "sys": "-> /usr/bin/env",
	})
	must(t, syscall.Mkfifo(filepath.Join(app, "pipe"), 0o600))
	revision, into := checkout(t, Source{Dir: app, Dirty: true})
	want := fmt.Sprintf("a -rwxr-xr-x 2\nforced -rw-r--r-- 1\nmoved Lrwxrwxrwx -> %s\nnew -rw-r--r-- 3\nself Lrwxrwxrwx -> a\nsys Lrwxrwxrwx -> /usr/bin/env\n", outside)
	if tree(t, into) != want {
		t.Errorf("got\n%s\nwant\n%s", tree(t, into), want)
	}
	if !revision.Dirty || revision.Commit != git(t, repo, "rev-parse", "HEAD") || revision.Tree != "" || revision.Prefix != "app" || revision.Branch != "main" {
		t.Errorf("got %+v", revision)
	}
}

func TestDirtyCheckoutWithoutRepositoryOrCommit(t *testing.T) {
	plain := t.TempDir()
	write(t, plain, map[string]string{"a": "1", "node_modules/x/i.js": "2", "lib/.git/config": "no", "empty/keep": "k"})
	must(t, os.Remove(filepath.Join(plain, "empty/keep")))
	revision, err := Checkout(t.Context(), Source{Dir: plain, Dirty: true}, filepath.Join(plain, "copy/inside"))
	must(t, err)
	if fmt.Sprintf("%+v", revision) != fmt.Sprintf("%+v", Revision{Dirty: true}) {
		t.Errorf("got %+v", revision)
	}
	want := "a -rw-r--r-- 1\ncopy drwxr-xr-x\nempty drwxr-xr-x\nlib drwxr-xr-x\nnode_modules drwxr-xr-x\nnode_modules/x drwxr-xr-x\nnode_modules/x/i.js -rw-r--r-- 2\n"
	if got := tree(t, filepath.Join(plain, "copy/inside")); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	unborn := t.TempDir()
	git(t, unborn, "init", "-q")
	write(t, unborn, map[string]string{"a": "1"})
	if revision, into := checkout(t, Source{Dir: unborn, Dirty: true}); !revision.Dirty || revision.Commit != "" || tree(t, into) != "a -rw-r--r-- 1\n" {
		t.Errorf("got %+v\n%s", revision, tree(t, into))
	}
}

func TestDirtyCheckoutRefusals(t *testing.T) {
	for name, c := range map[string]struct {
		make func(repo string)
		code string
	}{
		"nested repository": {func(repo string) {
			must(t, os.Mkdir(filepath.Join(repo, "lib"), 0o755))
			git(t, filepath.Join(repo, "lib"), "init", "-q")
			addCommit(t, filepath.Join(repo, "lib"), map[string]string{"x": "1"})
		}, "RW-A04"},
		"escaping link": {func(repo string) { must(t, os.Symlink("../x", filepath.Join(repo, "l"))) }, "RW-A05"},
	} {
		t.Run(name, func(t *testing.T) {
			repo, into := newRepo(t, map[string]string{"a": "1"}), t.TempDir()
			c.make(repo)
			_, err := Checkout(t.Context(), Source{Dir: repo, Dirty: true}, into)
			wantCode(t, err, c.code)
			isEmpty(t, into)
		})
	}
}

func TestStatusSeesEveryChange(t *testing.T) {
	repo := newRepo(t, map[string]string{
		"app/mod": "1", "app/mode": "1", "app/del": "1", "app/hidden": "1", "app/crlf": "a\nb\n", "app/kind": "1", "app/staged": "1",
		"app/big": pointerLine + "oid sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae\nsize 3\n",
		"other":   "1", ".gitignore": "ignored\n", "app/l": "-> mod", "app/sparse": "1",
	})
	app := filepath.Join(repo, "app")
	state, err := Status(t.Context(), app)
	if err != nil || !state.Clean || len(state.Changes) != 0 {
		t.Fatalf("a fresh clone: %+v, %v", state, err)
	}
	git(t, repo, "update-index", "--assume-unchanged", "app/hidden")
	git(t, repo, "update-index", "--skip-worktree", "app/sparse")
	for _, name := range []string{"del", "kind", "l", "sparse"} {
		must(t, os.Remove(filepath.Join(app, name)))
	}
	write(t, app, map[string]string{
		"mod": "2", "mode*": "1", "hidden": "changed", "crlf": "a\r\nb\r\n", "kind": "-> mod", "l": "-> mode",
		"new": "n", "ignored": "i", "added": "n", "big": "foo", "staged": "2",
	})
	write(t, repo, map[string]string{"other": "2"})
	git(t, repo, "add", "app/added", "app/staged")
	state, err = Status(t.Context(), app)
	must(t, err)
	want := "[{del deleted} {hidden modified} {kind modified} {l modified} {mod modified} {mode mode} {staged modified} {new untracked} {added added}]"
	if state.Clean || fmt.Sprint(state.Changes) != want {
		t.Errorf("got  %v\nwant %s", state.Changes, want)
	}
}

func TestStatusIsBounded(t *testing.T) {
	repo := newRepo(t, nil)
	for i := range maxChanges + 7 {
		write(t, repo, map[string]string{fmt.Sprint("f", i): "x"})
	}
	state, err := Status(t.Context(), repo)
	if err != nil || state.Clean || len(state.Changes) != maxChanges || state.More != 7 {
		t.Errorf("clean %v, %d changes, %d more, error %v", state.Clean, len(state.Changes), state.More, err)
	}
}
