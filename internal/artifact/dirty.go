package artifact

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/problem"
)

// checkoutDirty copies the working tree: what git tracks and what it does not
// ignore, as it is on disk.
func (r repository) checkoutDirty(ctx context.Context, into string) (Revision, error) {
	revision := Revision{Dirty: true, Prefix: r.prefix}
	if err := r.baseOf(ctx, &revision); err != nil {
		return Revision{}, err
	}
	if err := r.describe(ctx, &revision); err != nil {
		return Revision{}, err
	}
	files, err := r.workingFiles(ctx)
	if err != nil {
		return Revision{}, err
	}
	err = fill(into, time.Time{}, func(p *placer) error {
		from, err := openFolder(r.dir)
		if err != nil {
			return err
		}
		defer from.close()
		for _, f := range files {
			if err := from.copyTo(ctx, p, f.path); err != nil {
				return fmt.Errorf("copy %s: %w", f.path, err)
			}
		}
		revision.LFS = from.pointers
		return nil
	})
	if err != nil {
		return Revision{}, err
	}
	return revision, nil
}

// baseOf notes the commit that a working tree is based on, if there is one yet.
func (r repository) baseOf(ctx context.Context, revision *Revision) error {
	id, err := r.resolve(ctx, "HEAD")
	if p, ok := problem.Of(err); ok && p.Code == "RW-A01" {
		return nil
	}
	if err != nil {
		return err
	}
	reader, err := r.objects(ctx)
	if err != nil {
		return err
	}
	defer reader.close()
	base, err := reader.commit(id)
	revision.Commit, revision.CommitTime = id, base.time
	return err
}

// workingFile is one path that git lists, with its tag: "H" in the index, "S"
// in the index but left out of the working tree, "?" neither tracked nor ignored.
type workingFile struct{ tag, path string }

// workingFiles lists the files below the application's folder. It reads the
// index and the folders, never a file's content, so no filter runs.
func (r repository) workingFiles(ctx context.Context) ([]workingFile, error) {
	if r.work == "" {
		return nil, noRepository(r.dir, errors.New("a bare repository has no working tree"))
	}
	out, err := r.output(ctx, "ls-files", "-t", "-z", "--cached", "--others", "--exclude-standard")
	if err != nil {
		return nil, err
	}
	var files []workingFile
	last := ""
	for item := range strings.SplitSeq(string(out), "\x00") {
		tag, name, _ := strings.Cut(item, " ")
		// A path in conflict is listed once for each side.
		if name != "" && name != last {
			files = append(files, workingFile{tag, name})
			last = name
		}
	}
	return files, nil
}

// folder is a folder that is copied from.
type folder struct {
	path     string
	root     *os.Root
	real     map[string]bool // folders below it: whether they are folders, not links to some
	pointers []string
}

func openFolder(dir string) (*folder, error) {
	abs, err := realPath(dir)
	if err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(abs)
	if err != nil {
		return nil, fmt.Errorf("open the folder to copy: %w", err)
	}
	return &folder{path: abs, root: root, real: map[string]bool{".": true}}, nil
}

func (f *folder) close() { _ = f.root.Close() }

// copyTo copies one path. What is no longer there, or is neither file nor link,
// is left out, as git leaves it out.
func (f *folder) copyTo(ctx context.Context, p *placer, name string) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if !f.isReal(path.Dir(path.Clean(name))) {
		return nil // behind a link: git counts it as deleted, and the link is listed itself
	}
	info, err := f.root.Lstat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("look at it: %w", err)
	case info.IsDir():
		return submodule(name)
	case info.Mode()&fs.ModeSymlink != 0:
		target, err := f.root.Readlink(name)
		if err != nil {
			return fmt.Errorf("read the link: %w", err)
		}
		if target, err = relink(f.path, name, target); err != nil {
			return err
		}
		return p.link(name, target)
	case !info.Mode().IsRegular():
		return nil
	}
	return f.copyFile(ctx, p, name, info.Mode()&0o100 != 0)
}

func (f *folder) isReal(dir string) bool {
	known, ok := f.real[dir]
	if !ok {
		info, err := f.root.Lstat(dir)
		known = f.isReal(path.Dir(dir)) && err == nil && info.IsDir()
		f.real[dir] = known
	}
	return known
}

func (f *folder) copyFile(ctx context.Context, p *placer, name string, executable bool) error {
	file, err := f.root.Open(name)
	if err != nil {
		return fmt.Errorf("open it: %w", err)
	}
	defer func() { _ = file.Close() }()
	first := &head{keep: len(pointerLine)}
	err = p.file(name, executable, func(w io.Writer) error {
		_, err := io.Copy(io.MultiWriter(w, first), untilDone{ctx, file})
		return err
	})
	if first.String() == pointerLine && len(f.pointers) < maxPointers {
		f.pointers = append(f.pointers, name)
	}
	return err
}

// untilDone reads until ctx ends.
type untilDone struct {
	ctx context.Context //nolint:containedctx // a reader has no other way to get it
	io.Reader
}

// Read reads, or returns why ctx ended.
func (u untilDone) Read(p []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	return u.Reader.Read(p)
}

// copyFolder copies a folder that no repository holds: everything but .git
// and the copy itself.
func copyFolder(ctx context.Context, dir, into string) error {
	return fill(into, time.Time{}, func(p *placer) error {
		target, err := realPath(into)
		if err != nil {
			return err
		}
		from, err := openFolder(dir)
		if err != nil {
			return err
		}
		defer from.close()
		return fs.WalkDir(from.root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return fmt.Errorf("copy the folder: %w", err)
			case d.Name() == ".git" || filepath.Join(from.path, name) == target:
				if d.IsDir() {
					return fs.SkipDir
				}
				return nil
			case d.IsDir():
				return p.dir(name)
			}
			return from.copyTo(ctx, p, name)
		})
	})
}

func realPath(dir string) (string, error) {
	abs, err := filepath.Abs(dir)
	if err == nil {
		abs, err = filepath.EvalSymlinks(abs)
	}
	if err != nil {
		return "", fmt.Errorf("name the folder %s: %w", dir, err)
	}
	return abs, nil
}
