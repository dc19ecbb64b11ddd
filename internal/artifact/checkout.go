package artifact

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/roadworthy-dev/roadworthy/internal/problem"
)

// Checkout writes the tree that from names to the folder into, which must be
// empty or absent, and which is cleared again on an error or when ctx ends.
//
// It is the tree of exactly one commit, each object verified against its id:
// no filter, attribute, hook or line end conversion applies, and nothing of
// .git is there. Only the part below from.Dir is written. Executable bits are
// kept; modes are 0755 and 0644 whatever the umask is, times are the commit's.
//
// With from.Dirty it is the working tree instead, or the whole folder where
// there is no repository; see [Revision.Dirty].
//
// Problems: RW-A01 no repository or no commit, RW-A03 the folder is not in the
// commit, RW-A04 a submodule, RW-A05 a path that leads outside, RW-U01 no such
// commit or folder, RW-B04 git is not installed.
func Checkout(ctx context.Context, from Source, into string) (Revision, error) {
	if from.Dirty && from.Commit != "" {
		return Revision{}, &problem.Problem{
			Code: "RW-U01", Summary: "a commit and --dirty exclude each other", Got: from.Commit,
			Fix: "leave one of them out",
		}
	}
	repo, err := locate(from.Dir)
	if from.Dirty && errors.Is(err, errNoRepository) {
		return Revision{Dirty: true}, copyFolder(ctx, from.Dir, into)
	}
	if err != nil {
		return Revision{}, err
	}
	if from.Dirty {
		return repo.checkoutDirty(ctx, into)
	}
	return repo.checkoutCommit(ctx, from.Commit, into)
}

func (r repository) checkoutCommit(ctx context.Context, name, into string) (Revision, error) {
	if name == "" {
		name = "HEAD"
	}
	id, err := r.resolve(ctx, name)
	if err != nil {
		return Revision{}, err
	}
	reader, err := r.objects(ctx)
	if err != nil {
		return Revision{}, err
	}
	defer reader.close()
	revision, err := r.revision(ctx, reader, id)
	if err != nil {
		return Revision{}, err
	}
	files, err := reader.list(revision.Tree, ordinary)
	if err != nil {
		return Revision{}, err
	}
	err = fill(into, revision.stamp(), func(p *placer) error {
		revision.LFS, err = reader.place(p, files, ordinary)
		return err
	})
	if err != nil {
		return Revision{}, err
	}
	return revision, nil
}

// resolve turns a name into the id of a commit.
func (r repository) resolve(ctx context.Context, name string) (string, error) {
	unknown := &problem.Problem{
		Code: "RW-U01", Summary: "the commit does not exist", Got: name,
		Want: "a commit, branch or tag of this repository", Fix: "git log --oneline",
	}
	if strings.HasPrefix(name, "-") {
		return "", unknown // git would read it as an option
	}
	out, err := r.output(ctx, "rev-parse", "--verify", name+"^{commit}")
	switch {
	case err == nil:
		return strings.TrimSpace(string(out)), nil
	case ctx.Err() != nil || isProblem(err):
		return "", err
	case name == "HEAD":
		return "", noRepository(r.dir, fmt.Errorf("find the current commit: %w", err))
	}
	unknown.Cause = err
	return "", unknown
}

func isProblem(err error) bool {
	_, ok := problem.Of(err)
	return ok
}

// revision describes a commit and the application's part of its tree.
func (r repository) revision(ctx context.Context, reader *objects, id string) (Revision, error) {
	commit, err := reader.commit(id)
	if err != nil {
		return Revision{}, err
	}
	tree, ok, err := reader.subtree(commit.tree, r.prefix)
	if err != nil {
		return Revision{}, err
	}
	if !ok {
		return Revision{}, &problem.Problem{
			Code: "RW-A03", Summary: "the commit does not hold the folder", At: r.prefix, Got: "commit " + id,
			Fix: "git add " + r.prefix + " && git commit",
		}
	}
	revision := Revision{Commit: id, Tree: tree, Prefix: r.prefix, CommitTime: commit.time}
	err = r.describe(ctx, &revision)
	return revision, err
}

// describe fills in what the repository's references and configuration say.
func (r repository) describe(ctx context.Context, revision *Revision) error {
	origin, err := r.word(ctx, "config", "--get", "remote.origin.url")
	if err != nil {
		return err
	}
	revision.Repository = withoutCredentials(origin)
	shallow, err := r.word(ctx, "rev-parse", "--is-shallow-repository")
	if err != nil {
		return err
	}
	revision.Shallow = shallow == "true"
	if revision.Commit == "" {
		return nil
	}
	current, err := r.output(ctx, "rev-parse", "--verify", "HEAD^{commit}")
	if err != nil || strings.TrimSpace(string(current)) != revision.Commit {
		return ctx.Err() // HEAD is elsewhere or nowhere: no branch is checked out at this commit
	}
	revision.Branch, err = r.word(ctx, "symbolic-ref", "--short", "--quiet", "HEAD")
	return err
}

// place writes files and returns the paths of those that are LFS pointers.
func (o *objects) place(p *placer, files []entry, bound limits) ([]string, error) {
	var pointers []string
	left := bound.bytes
	for _, e := range files {
		size, pointer, err := o.placeOne(p, e, left)
		if errors.Is(err, errTooLarge) {
			return nil, bound.exceeded("more bytes than that, at " + e.path)
		}
		if err != nil {
			return nil, fmt.Errorf("check out %s: %w", e.path, err)
		}
		left -= size
		if pointer && len(pointers) < maxPointers {
			pointers = append(pointers, e.path)
		}
	}
	return pointers, nil
}

func (o *objects) placeOne(p *placer, e entry, most int64) (size int64, pointer bool, err error) {
	switch {
	case e.mode == modeGitlink:
		return 0, false, submodule(e.path)
	case e.mode == modeLink:
		target, size, err := o.read(e.id, "blob", 4<<10)
		if err != nil {
			return 0, false, err
		}
		if !staysInside(e.path, string(target)) || size > int64(len(target)) {
			return 0, false, unsafePath(e.path, linkTo(string(target)))
		}
		return size, false, p.link(e.path, string(target))
	case !strings.HasPrefix(e.mode, "100"):
		return 0, false, unsafePath(e.path, "an entry of mode "+e.mode)
	}
	first := &head{keep: len(pointerLine)}
	err = p.file(e.path, e.executable(), func(w io.Writer) error {
		size, err = o.copy(e.id, "blob", most, io.MultiWriter(w, first))
		return err
	})
	return size, size < 1024 && bytes.Equal(first.Bytes(), []byte(pointerLine)), err
}

// Git LFS stores a small file in place of the content
// (https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md).
const (
	pointerLine = "version https://git-lfs.github.com/spec/v1\n"
	maxPointers = 20
)

func submodule(at string) error {
	return &problem.Problem{
		Code: "RW-A04", Summary: "the tree holds another repository, which the commit does not contain", At: at,
		Want: "all of the application's source in one commit",
		Fix: "put its files into this repository: git rm --cached " + at + " && rm -rf " + at + "/.git && git add " + at +
			"   (or fetch it in a build step, pinned by a lock file)",
	}
}
