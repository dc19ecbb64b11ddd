package artifact

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
)

// State tells how a working tree differs from the commit that it is based on.
type State struct {
	Clean   bool
	Changes []Change // in the order of their paths; at most 50
	More    int      // how many further changes there are
}

// Change is one file that differs.
type Change struct {
	Path string // from the application's folder, with slashes
	What string // modified, mode, deleted, added (to the index), untracked
}

const maxChanges = 50

// Status compares the working tree below dir with HEAD.
//
// Every file is read and hashed: neither the index's times nor its marks
// (assume-unchanged) can hide a change. No filter is run for that, as they are
// programs of the repository; a file that differs only by line ends, or that is
// the content of its LFS pointer, counts as equal. Ignored files do not count.
func Status(ctx context.Context, dir string) (State, error) {
	repo, err := locate(dir)
	if err != nil {
		return State{}, err
	}
	files, err := repo.workingFiles(ctx)
	if err != nil {
		return State{}, err
	}
	id, err := repo.resolve(ctx, "HEAD")
	if err != nil {
		return State{}, err
	}
	reader, err := repo.objects(ctx)
	if err != nil {
		return State{}, err
	}
	defer reader.close()
	committed, err := repo.committed(reader, id)
	if err != nil {
		return State{}, err
	}
	work, err := openFolder(repo.dir)
	if err != nil {
		return State{}, err
	}
	defer work.close()
	return compare(ctx, work, reader, committed, files)
}

// committed lists a commit's files below the application's folder; none where
// the commit does not hold it.
func (r repository) committed(reader *objects, id string) ([]entry, error) {
	commit, err := reader.commit(id)
	if err != nil {
		return nil, err
	}
	tree, ok, err := reader.subtree(commit.tree, r.prefix)
	if err != nil || !ok {
		return nil, err
	}
	return reader.list(tree, ordinary)
}

func compare(ctx context.Context, work *folder, reader *objects, committed []entry, files []workingFile) (State, error) {
	state := State{}
	tags := map[string]string{}
	for _, f := range files {
		tags[f.path] = f.tag
	}
	for _, e := range committed {
		if err := ctx.Err(); err != nil {
			return State{}, err
		}
		what, err := work.differs(reader, e)
		if err != nil {
			return State{}, fmt.Errorf("compare %s: %w", e.path, err)
		}
		if what == "deleted" && tags[e.path] == "S" {
			what = "" // a sparse checkout leaves it out on purpose
		}
		state.note(e.path, what)
		delete(tags, e.path)
	}
	for _, f := range files {
		if tag, left := tags[f.path]; left && tag == "?" {
			state.note(f.path, "untracked")
		} else if left {
			state.note(f.path, "added")
		}
	}
	state.Clean = len(state.Changes) == 0
	return state, nil
}

func (s *State) note(path, what string) {
	switch {
	case what == "":
	case len(s.Changes) < maxChanges:
		s.Changes = append(s.Changes, Change{path, what})
	default:
		s.More++
	}
}

// differs says how the file on disk differs from e, "" for not at all.
func (f *folder) differs(reader *objects, e entry) (string, error) {
	if e.mode == modeGitlink {
		return "", nil // a repository of its own; Checkout refuses it
	}
	info, err := f.root.Lstat(e.path)
	switch {
	case errors.Is(err, fs.ErrNotExist) || !f.isReal(path.Dir(e.path)):
		return "deleted", nil
	case err != nil:
		return "", err
	case info.Mode()&fs.ModeSymlink != 0:
		target, err := f.root.Readlink(e.path)
		if err != nil || (e.mode == modeLink && blobID(e.id, []byte(target)) == e.id) {
			return "", err
		}
		return "modified", nil
	case !info.Mode().IsRegular() || e.mode == modeLink:
		return "modified", nil
	}
	same, err := f.sameContent(reader, e, info.Size())
	switch {
	case err != nil:
		return "", err
	case !same:
		return "modified", nil
	case e.executable() != (info.Mode()&0o100 != 0):
		return "mode", nil
	}
	return "", nil
}

func (f *folder) sameContent(reader *objects, e entry, size int64) (bool, error) {
	file, err := f.root.Open(e.path)
	if err != nil {
		return false, err
	}
	defer func() { _ = file.Close() }()
	sum, content, start := blobHash(e.id, "blob", size), sha256.New(), &head{keep: 16 << 20}
	if _, err := io.Copy(io.MultiWriter(sum, content, start), file); err != nil {
		return false, err
	}
	if hex.EncodeToString(sum.Sum(nil)) == e.id {
		return true, nil
	}
	if unix := bytes.ReplaceAll(start.Bytes(), []byte("\r\n"), []byte("\n")); size <= int64(start.keep) && blobID(e.id, unix) == e.id {
		return true, nil
	}
	blob, _, err := reader.read(e.id, "blob", 1<<10)
	if err != nil || !bytes.HasPrefix(blob, []byte(pointerLine)) {
		return false, err
	}
	return strings.Contains(string(blob), "\noid sha256:"+hex.EncodeToString(content.Sum(nil))+"\n"), nil
}

// blobID is the id of content, in the hash that like is written in.
func blobID(like string, content []byte) string {
	sum := blobHash(like, "blob", int64(len(content)))
	_, _ = sum.Write(content)
	return hex.EncodeToString(sum.Sum(nil))
}
