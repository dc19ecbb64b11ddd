package artifact

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// A repository whose configuration names a program wherever git would run one.
// Each leaves a mark; the controls show that git by itself runs them.
func hostileRepo(t *testing.T) (repo, marks string) {
	t.Helper()
	marks = t.TempDir()
	repo = newRepo(t, map[string]string{
		"a.txt": "one\n", "signed.txt": "$Format:%G?$\n", ".env": "x=y\n",
		".gitattributes": "a.txt filter=evil diff=evil\nsigned.txt export-subst\n",
	})
	mark := func(name, then string) string {
		script := filepath.Join(t.TempDir(), name)
		must(t, os.WriteFile(script, []byte("#!/bin/sh\ntouch "+filepath.Join(marks, name)+"\n"+then+"\n"), 0o755))
		return script
	}
	filter := func(name string) string { return mark(name, "cat") }
	raw := git(t, repo, "cat-file", "commit", "HEAD")
	signed := put(t, repo, "commit", []byte(insertSignature(raw)))
	git(t, repo, "update-ref", "refs/heads/main", signed)
	for key, program := range map[string]string{
		"filter.evil.smudge": filter("smudge"), "filter.evil.clean": filter("clean"), "diff.evil.textconv": filter("textconv"),
		"core.fsmonitor": mark("fsmonitor", "exit 1"), "gpg.program": mark("gpg", "exit 1"), "core.pager": mark("pager", "exit 1"), "core.sshCommand": mark("ssh", "exit 1"),
		"core.gitProxy": mark("proxy", "exit 1"), "credential.helper": "!" + mark("credential", "exit 1"), "core.alternateRefsCommand": mark("alternate", "exit 1"),
	} {
		git(t, repo, "config", key, program)
	}
	git(t, repo, "config", "log.showSignature", "true")
	hooks := filepath.Join(repo, ".git", "hooks")
	for _, name := range []string{"post-checkout", "reference-transaction", "post-index-change", "pre-auto-gc"} {
		must(t, os.MkdirAll(hooks, 0o755))
		must(t, os.Symlink(mark("hook-"+name, "exit 0"), filepath.Join(hooks, name)))
	}
	// A partial clone fetches what it lacks, here with a program as transport.
	git(t, repo, "config", "remote.origin.url", "ext::"+mark("transport", "exit 1"))
	git(t, repo, "config", "remote.origin.promisor", "true")
	git(t, repo, "config", "extensions.partialClone", "origin")
	git(t, repo, "config", "core.repositoryFormatVersion", "1")
	git(t, repo, "config", "protocol.ext.allow", "always")
	must(t, os.RemoveAll(marks))
	must(t, os.Mkdir(marks, 0o755))
	return repo, marks
}

func insertSignature(commit string) string {
	const signature = "gpgsig -----BEGIN PGP SIGNATURE-----\n \n iQ==\n -----END PGP SIGNATURE-----\n"
	for i := range commit {
		if commit[i] == '\n' && commit[i+1] == '\n' {
			return commit[:i+1] + signature + commit[i+1:] + "\n"
		}
	}
	return commit
}

func marked(t *testing.T, marks, name string) bool {
	t.Helper()
	_, err := os.Stat(filepath.Join(marks, name))
	return err == nil
}

func TestHostileConfigurationRunsNothing(t *testing.T) {
	repo, marks := hostileRepo(t)
	touched := filepath.Join(repo, "a.txt")
	must(t, os.WriteFile(touched, []byte("one\n"), 0o644))

	_, _ = Checkout(t.Context(), Source{Dir: repo, Commit: "HEAD~0"}, t.TempDir())
	if _, into := checkout(t, Source{Dir: repo}); tree(t, into) == "" {
		t.Error("nothing was checked out")
	}
	if _, into := checkout(t, Source{Dir: repo, Dirty: true}); tree(t, into) == "" {
		t.Error("nothing was copied")
	}
	if state, err := Status(t.Context(), repo); err != nil || !state.Clean {
		t.Errorf("status %+v, error %v", state, err)
	}
	if _, err := ScanHistory(t.Context(), repo, nil); err != nil {
		t.Error(err)
	}
	id := git(t, repo, "rev-parse", "HEAD:signed.txt")
	must(t, os.Remove(filepath.Join(repo, ".git/objects", id[:2], id[2:])))
	into := t.TempDir()
	if _, err := Checkout(t.Context(), Source{Dir: repo}, into); err == nil {
		t.Error("a missing object gave no error")
	}
	if history, err := ScanHistory(t.Context(), repo, nil); err != nil || history.Complete {
		t.Errorf("a history with a missing object: complete %v, error %v", history.Complete, err)
	}
	isEmpty(t, into)
	isEmpty(t, marks)
}

func TestHostileConfigurationIsHostile(t *testing.T) {
	repo, marks := hostileRepo(t)
	run := func(args string) {
		// Its failures do not matter, and what it starts must not outlive the test.
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		_ = Shell(ctx, repo, os.Environ(), "git "+args, io.Discard)
	}
	must(t, os.WriteFile(filepath.Join(repo, "a.txt"), []byte("two\n"), 0o644))
	run("archive HEAD")
	run("status")
	run("log -p -1")
	id := git(t, repo, "rev-parse", "HEAD:signed.txt")
	must(t, os.Remove(filepath.Join(repo, ".git/objects", id[:2], id[2:])))
	run("cat-file -p " + id)
	for _, name := range []string{"smudge", "clean", "fsmonitor", "gpg", "textconv", "transport"} {
		if !marked(t, marks, name) {
			t.Errorf("control: git did not run the program of %s, so its absence proves nothing", name)
		}
	}
}
