package artifact

import (
	"context"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestCheckoutWritesOneCommitOfTheFolder(t *testing.T) {
	repo := newRepo(t, map[string]string{
		"top.txt": "no", "app/a.txt": "one", "app/bin/run*": "#!/bin/sh\n", "app/link": "-> bin/run",
		"app/.gitattributes": "a.txt export-ignore\n*.txt export-subst\n", "app/v.txt": "$Format:%H$",
	})
	first := git(t, repo, "rev-parse", "HEAD")
	addCommit(t, repo, map[string]string{"app/a.txt": "two"})
	write(t, repo, map[string]string{"app/a.txt": "three", "app/new": "x"})
	git(t, repo, "remote", "add", "origin", "https://ann:token@git.test.invalid/team/app.git?x=y")

	old := syscall.Umask(0o077)
	defer syscall.Umask(old)
	got, into := checkout(t, Source{Dir: filepath.Join(repo, "app"), Commit: first})
	want := ".gitattributes -rw-r--r-- a.txt export-ignore\n*.txt export-subst\n\n" +
		"a.txt -rw-r--r-- one\nbin drwxr-xr-x\nbin/run -rwxr-xr-x #!/bin/sh\n\nlink Lrwxrwxrwx -> bin/run\nv.txt -rw-r--r-- $Format:%H$\n"
	if tree(t, into) != want {
		t.Errorf("got\n%s\nwant\n%s", tree(t, into), want)
	}
	expected := Revision{
		Commit: first, Tree: git(t, repo, "rev-parse", first+":app"), Prefix: "app",
		Repository: "https://git.test.invalid/team/app.git", CommitTime: time.Date(2024, 5, 6, 7, 8, 10, 0, time.UTC),
	}
	if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", expected) {
		t.Errorf("got  %+v\nwant %+v", got, expected)
	}
	info, err := os.Stat(filepath.Join(into, "a.txt"))
	must(t, err)
	if !info.ModTime().Equal(expected.CommitTime) {
		t.Errorf("file time %s, want the commit's", info.ModTime())
	}
	head, into := checkout(t, Source{Dir: filepath.Join(repo, "app")})
	if head.Branch != "main" || !strings.Contains(tree(t, into), "a.txt -rw-r--r-- two") {
		t.Errorf("HEAD: branch %q, tree\n%s", head.Branch, tree(t, into))
	}
}

func TestCheckoutReadsOtherKindsOfRepositories(t *testing.T) {
	repo := newRepo(t, map[string]string{"a": "1"})
	second := addCommit(t, repo, map[string]string{"a": "2"})
	bare, shallow, linked := t.TempDir(), filepath.Join(t.TempDir(), "s"), filepath.Join(t.TempDir(), "w")
	git(t, repo, "clone", "-q", "--bare", repo, bare)
	git(t, repo, "clone", "-q", "--depth=1", "file://"+repo, shallow)
	git(t, repo, "worktree", "add", "-q", "--detach", linked)
	sha256 := t.TempDir()
	git(t, sha256, "init", "-q", "--object-format=sha256")
	addCommit(t, sha256, map[string]string{"a": "2"})
	for name, dir := range map[string]string{"bare": bare, "shallow": shallow, "linked": linked, "sha256": sha256} {
		revision, into := checkout(t, Source{Dir: dir})
		if tree(t, into) != "a -rw-r--r-- 2\n" {
			t.Errorf("%s: got %s", name, tree(t, into))
		}
		if (revision.Shallow) != (name == "shallow") || revision.Repository != "" {
			t.Errorf("%s: %+v", name, revision)
		}
		if name != "sha256" && revision.Commit != second {
			t.Errorf("%s: commit %s, want %s", name, revision.Commit, second)
		}
	}
}

func TestCheckoutOfAnothersRepository(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("SKIP: only root can give files to another user")
	}
	repo := newRepo(t, map[string]string{"a": "1"})
	must(t, exec.Command("chown", "-R", "12345", repo).Run())
	if out, err := exec.Command("git", "-C", repo, "status").CombinedOutput(); err == nil {
		t.Logf("git itself accepts the owner: %s", out)
	}
	_, into := checkout(t, Source{Dir: repo})
	if tree(t, into) != "a -rw-r--r-- 1\n" {
		t.Errorf("got %s", tree(t, into))
	}
}

func TestCheckoutProblems(t *testing.T) {
	repo := newRepo(t, map[string]string{"a": "1"})
	must(t, os.Mkdir(filepath.Join(repo, "new"), 0o755))
	unborn := t.TempDir()
	git(t, unborn, "init", "-q")
	for name, c := range map[string]struct {
		from Source
		code string
	}{
		"no repository":    {Source{Dir: t.TempDir()}, "RW-A01"},
		"no commit yet":    {Source{Dir: unborn}, "RW-A01"},
		"unknown commit":   {Source{Dir: repo, Commit: "nope"}, "RW-U01"},
		"an option":        {Source{Dir: repo, Commit: "--output=x"}, "RW-U01"},
		"not a commit":     {Source{Dir: repo, Commit: "HEAD:a"}, "RW-U01"},
		"not in commit":    {Source{Dir: filepath.Join(repo, "new")}, "RW-A03"},
		"no folder":        {Source{Dir: filepath.Join(repo, "gone")}, "RW-U01"},
		"dirty and commit": {Source{Dir: repo, Commit: "HEAD", Dirty: true}, "RW-U01"},
	} {
		t.Run(name, func(t *testing.T) {
			into := t.TempDir()
			_, err := Checkout(t.Context(), c.from, into)
			wantCode(t, err, c.code)
			isEmpty(t, into)
		})
	}
	full := t.TempDir()
	write(t, full, map[string]string{"mine": "keep"})
	if _, err := Checkout(t.Context(), Source{Dir: repo}, full); err == nil || tree(t, full) != "mine -rw-r--r-- keep\n" {
		t.Errorf("a folder that is not empty: error %v, tree %s", err, tree(t, full))
	}
}

// put writes a git object as it is, valid or not.
func put(t *testing.T, repo, kind string, content []byte) string {
	t.Helper()
	cmd := exec.Command("git", "hash-object", "-t", kind, "-w", "--stdin", "--literally")
	cmd.Dir, cmd.Stdin = repo, strings.NewReader(string(content))
	out, err := cmd.Output()
	must(t, err)
	return strings.TrimSpace(string(out))
}

func rawTree(t *testing.T, entries ...[3]string) []byte {
	t.Helper()
	var raw []byte
	for _, e := range entries {
		id, err := hex.DecodeString(e[2])
		must(t, err)
		raw = append(raw, e[0]+" "+e[1]+"\x00"...)
		raw = append(raw, id...)
	}
	return raw
}

func commitTree(t *testing.T, repo, tree string) string {
	t.Helper()
	return put(t, repo, "commit", []byte("tree "+tree+"\nauthor A <a@b> 1 +0000\ncommitter A <a@b> 1 +0000\n\nm\n"))
}

func TestCheckoutRefusesPathsThatLeadElsewhere(t *testing.T) {
	repo := newRepo(t, map[string]string{"a": "1"})
	blob := git(t, repo, "rev-parse", "HEAD:a")
	link := func(target string) string { return put(t, repo, "blob", []byte(target)) }
	sub := put(t, repo, "tree", rawTree(t, [3]string{"100644", "x", blob}))
	for name, c := range map[string]struct {
		entries [][3]string
		code    string
	}{
		"parent":          {[][3]string{{"100644", "..", blob}}, "RW-A05"},
		"parent folder":   {[][3]string{{"40000", "..", sub}}, "RW-A05"},
		"slash":           {[][3]string{{"100644", "../../x", blob}}, "RW-A05"},
		"git folder":      {[][3]string{{"40000", ".GIT", sub}}, "RW-A05"},
		"absolute link":   {[][3]string{{"120000", "l", link("/etc/passwd")}}, "RW-A05"},
		"escaping link":   {[][3]string{{"120000", "l", link("../x")}}, "RW-A05"},
		"link by a link":  {[][3]string{{"120000", "d", link(".")}, {"120000", "e", link("d/../x")}}, "RW-A05"},
		"long link":       {[][3]string{{"120000", "l", link(strings.Repeat("a/", 4000))}}, "RW-A05"},
		"file over link":  {[][3]string{{"120000", "d", link("other")}, {"40000", "d", sub}}, ""},
		"twice the same":  {[][3]string{{"100644", "a", blob}, {"100644", "a", blob}}, ""},
		"submodule":       {[][3]string{{"160000", "lib", blob}}, "RW-A04"},
		"unknown mode":    {[][3]string{{"060000", "dev", blob}}, "RW-A05"},
		"tree cut short":  {nil, ""},
		"missing content": {[][3]string{{"100644", "a", strings.Repeat("ab", 20)}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			raw := rawTree(t, c.entries...)
			if name == "tree cut short" {
				raw = []byte("100644 a\x00short")
			}
			parent := t.TempDir()
			into := filepath.Join(parent, "deep", "into")
			_, err := Checkout(t.Context(), Source{Dir: repo, Commit: commitTree(t, repo, put(t, repo, "tree", raw))}, into)
			if c.code != "" {
				wantCode(t, err, c.code)
			}
			if err == nil {
				t.Fatalf("no error; tree:\n%s", tree(t, parent))
			}
			isEmpty(t, filepath.Join(parent, "deep"))
		})
	}
}

func TestCheckoutVerifiesObjects(t *testing.T) {
	repo := newRepo(t, map[string]string{"a": "honest"})
	id := git(t, repo, "rev-parse", "HEAD:a")
	other := put(t, repo, "blob", []byte("forged"))
	object := func(id string) string { return filepath.Join(repo, ".git/objects", id[:2], id[2:]) }
	forged, err := os.ReadFile(object(other))
	must(t, err)
	must(t, os.Remove(object(id)))
	must(t, os.WriteFile(object(id), forged, 0o444))
	into := t.TempDir()
	_, err = Checkout(t.Context(), Source{Dir: repo}, into)
	if err == nil {
		t.Errorf("forged content was checked out: %s", tree(t, into))
	}
	isEmpty(t, into)

	repo = newRepo(t, map[string]string{"a": "honest"})
	git(t, repo, "replace", git(t, repo, "rev-parse", "HEAD:a"), put(t, repo, "blob", []byte("swapped")))
	if _, into := checkout(t, Source{Dir: repo}); tree(t, into) != "a -rw-r--r-- honest\n" {
		t.Errorf("a replaced object was checked out: %s", tree(t, into))
	}
}

func TestCheckoutBounds(t *testing.T) {
	repo := newRepo(t, map[string]string{"a": "12345", "b": "12345", "d/d/d/c": "12345"})
	r, err := locate(repo)
	must(t, err)
	for name, bound := range map[string]limits{
		"entries": {entries: 2, depth: 10, bytes: 100}, "depth": {entries: 10, depth: 2, bytes: 100}, "bytes": {entries: 10, depth: 10, bytes: 12},
	} {
		t.Run(name, func(t *testing.T) {
			reader, err := r.objects(t.Context())
			must(t, err)
			defer reader.close()
			files, err := reader.list(git(t, repo, "rev-parse", "HEAD^{tree}"), bound)
			if name == "bytes" {
				must(t, err)
				err = fill(t.TempDir(), time.Time{}, func(p *placer) error {
					_, err := reader.place(p, files, bound)
					return err
				})
			}
			wantCode(t, err, "RW-A05")
		})
	}
}

func TestCheckoutNoticesLFSPointers(t *testing.T) {
	repo := newRepo(t, map[string]string{"big.bin": pointerLine + "oid sha256:ab\nsize 3\n", "note.md": "see " + pointerLine})
	revision, _ := checkout(t, Source{Dir: repo})
	dirty, _ := checkout(t, Source{Dir: repo, Dirty: true})
	if fmt.Sprint(revision.LFS, dirty.LFS) != "[big.bin] [big.bin]" {
		t.Errorf("got %v and %v", revision.LFS, dirty.LFS)
	}
}

func TestCancelledCheckoutLeavesNothing(t *testing.T) {
	files := map[string]string{}
	for i := range 300 {
		files[fmt.Sprintf("d%d/f%d", i%7, i)] = strings.Repeat("x", i)
	}
	repo := newRepo(t, files)
	for _, dirty := range []bool{false, true} {
		ctx, cancel := context.WithCancel(t.Context())
		into := filepath.Join(t.TempDir(), "into")
		done := make(chan struct{})
		go func() { // cancels as soon as the first file is there
			defer close(done)
			for ctx.Err() == nil {
				if names, _ := os.ReadDir(into); len(names) > 0 {
					cancel()
				}
			}
		}()
		_, err := Checkout(ctx, Source{Dir: repo, Dirty: dirty}, into)
		cancel()
		<-done
		if err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("dirty %v: got %v, want it cancelled", dirty, err)
		}
		if err == nil {
			t.Logf("dirty %v: it was done before it could be cancelled", dirty)
			continue
		}
		if _, err := os.Stat(into); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("dirty %v: it left %s", dirty, tree(t, into))
		}
	}
}

func TestBlobIDIsGits(t *testing.T) {
	sum := sha1.Sum([]byte("blob 2\x00hi"))
	if got := blobID(strings.Repeat("0", 40), []byte("hi")); got != hex.EncodeToString(sum[:]) {
		t.Errorf("got %s", got)
	}
}

func TestAddressesLoseTheirCredentials(t *testing.T) {
	for remote, want := range map[string][2]string{
		"https://ann:s3cret@h.test/o/r.git":         {"https://h.test/o/r.git", "https://h.test/o/r"},
		"https://s3cret@h.test:8443/o/r?t=s3cret#f": {"https://h.test:8443/o/r", "https://h.test:8443/o/r"},
		"ssh://ann:s3cret@h.test:22/o/r.git":        {"ssh://git@h.test:22/o/r.git", "https://h.test/o/r"},
		"git@h.test:o/r.git":                        {"git@h.test:o/r.git", "https://h.test/o/r"},
		"s3cret@h.test:o/r.git":                     {"git@h.test:o/r.git", "https://h.test/o/r"},
		"/home/ann/r":                               {"", ""},
		"file:///home/ann/r":                        {"", ""},
		"../r":                                      {"", ""},
		"ext::sh -c s3cret":                         {"", ""},
		"":                                          {"", ""},
	} {
		got := withoutCredentials(remote)
		if got != want[0] || sourceLabel(got) != want[1] {
			t.Errorf("%s: got %q and %q, want %q", remote, got, sourceLabel(got), want)
		}
	}
}

func TestLinksStayInside(t *testing.T) {
	for _, c := range []struct {
		name, target string
		want         bool
	}{
		{"l", "a", true},
		{"l", "./a//b/", true},
		{"l", ".", true},
		{"d/l", "..", true},
		{"d/e/l", "../../a", true},
		{"l", "", false},
		{"l", "/a", false},
		{"l", "..", false},
		{"d/l", "../../a", false},
		{"d/l", "e/../a", false}, // leads outside where d/e is a link to ".."
		{"l", "a\x00", false},
	} {
		if got := staysInside(c.name, c.target); got != c.want {
			t.Errorf("%s -> %q: got %v", c.name, c.target, got)
		}
	}
}
