package artifact

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"path"
	"strings"

	"github.com/roadworthy-dev/roadworthy/internal/problem"
)

// The modes of a tree's entries, as git writes them.
const (
	modeTree    = "40000"
	modeLink    = "120000"
	modeGitlink = "160000"
)

// entry is one file, link or submodule of a tree.
type entry struct {
	path string // from the tree's top, with slashes
	mode string
	id   string
}

func (e entry) executable() bool { return e.mode == "100755" }

// limits bound what a repository can make us write. Trees share subtrees, so
// a few kilobytes of objects can name billions of files.
type limits struct {
	entries int
	depth   int
	bytes   int64
}

// ordinary are limits that no sensible repository reaches.
var ordinary = limits{entries: 500_000, depth: 100, bytes: 8 << 30}

func (l limits) exceeded(what string) error {
	return &problem.Problem{
		Code: "RW-A05", Summary: "the commit is too large to check out", Got: what,
		Want: fmt.Sprintf("at most %d files, %d levels and %d MiB", l.entries, l.depth, l.bytes>>20),
		Fix:  "name the folder that holds roadworthy.yaml, or keep large data out of the repository",
	}
}

// list returns every file below a tree, in git's order.
func (o *objects) list(tree string, bound limits) ([]entry, error) {
	var all []entry
	err := o.walk(tree, "", bound, &all)
	return all, err
}

func (o *objects) walk(tree, base string, bound limits, all *[]entry) error {
	if strings.Count(base, "/") >= bound.depth {
		return bound.exceeded("deeper than that, at " + base[:min(60, len(base))] + "…")
	}
	entries, err := o.tree(tree)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := safeName(e.path, base); err != nil {
			return err
		}
		e.path = path.Join(base, e.path)
		if e.mode == modeTree {
			err = o.walk(e.id, e.path, bound, all)
		} else if *all = append(*all, e); len(*all) > bound.entries {
			err = bound.exceeded("more files than that")
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// subtree follows prefix down from a tree; ok is false where there is no such folder.
func (o *objects) subtree(tree, prefix string) (id string, ok bool, err error) {
	for name := range strings.SplitSeq(prefix, "/") {
		if name == "" {
			continue
		}
		entries, err := o.tree(tree)
		if err != nil {
			return "", false, err
		}
		tree = ""
		for _, e := range entries {
			if e.path == name && e.mode == modeTree {
				tree = e.id
			}
		}
		if tree == "" {
			return "", false, nil
		}
	}
	return tree, true, nil
}

// tree reads one tree object: "MODE NAME\0ID" for each entry, the id in binary.
func (o *objects) tree(id string) ([]entry, error) {
	var raw bytes.Buffer
	if _, err := o.copy(id, "tree", 64<<20, &raw); err != nil {
		return nil, err
	}
	var entries []entry
	width := len(id) / 2
	for rest := raw.Bytes(); len(rest) > 0; rest = rest[width:] {
		space, end := bytes.IndexByte(rest, ' '), bytes.IndexByte(rest, 0)
		if space < 0 || end < space || len(rest) < end+1+width {
			return nil, fmt.Errorf("read git tree %s: it is cut short; run `git fsck`", id)
		}
		e := entry{mode: string(rest[:space]), path: string(rest[space+1 : end])}
		rest = rest[end+1:]
		e.id = hex.EncodeToString(rest[:width])
		entries = append(entries, e)
	}
	return entries, nil
}

// safeName refuses names that git itself never makes, and that would lead
// elsewhere when written.
func safeName(name, base string) error {
	if name != "" && name != "." && name != ".." && !strings.ContainsAny(name, "/\x00") && !strings.EqualFold(name, ".git") {
		return nil
	}
	return unsafePath(path.Join(base, fmt.Sprintf("%q", name)), "a name that no file may have")
}

// linkTo names a link's target for people. It is the repository's text: quoted
// and cut, it cannot drive a terminal.
func linkTo(target string) string { return fmt.Sprintf("a link to %.120q", target) }

func unsafePath(at, got string) error {
	return &problem.Problem{
		Code: "RW-A05", Summary: "a path cannot be placed safely", At: at, Got: got,
		Want: "files, folders and relative links that stay inside the application's folder",
		Fix:  "remove or replace it in the repository: git rm --cached " + at,
	}
}
