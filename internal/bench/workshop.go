package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"sync"

	"github.com/roadworthy-dev/roadworthy/internal/artifact"
	"github.com/roadworthy-dev/roadworthy/internal/bench/sandbox"
)

// Workshop is a clean checkout of what is checked, for commands that the
// repository declares. Copies of it are thrown away again. Its methods are
// safe for several goroutines once it is built.
type Workshop struct {
	Dir    string // the application's folder of the checkout, on the host
	Inside string // where it stands for the commands
	Plain  bool   // the host forbids sandboxes: commands run as plain processes, one copy at a time

	root   string // the checkout on the host
	within string // the application's folder in it, with slashes; "" for the checkout itself
	env    []string
	build  []string
	commit artifact.Revision
	folder *sandbox.Folder // what is removed at the end
	turn   sync.Mutex      // of plain copies, which share one place
}

// Workshop makes a clean checkout, in a folder on the disk, since builds can
// be large.
func (b *Bench) Workshop(ctx context.Context) (*Workshop, error) {
	folder, err := sandbox.NewFolder("", "rw-")
	if err != nil {
		return nil, fmt.Errorf("make a folder for the checkout: %w", err)
	}
	w := &Workshop{root: filepath.Join(folder.Path, "checkout"), folder: folder, build: b.Manifest.Build.Run}
	source := artifact.Source{Dir: b.Source.Dir, Commit: b.Source.Commit}
	if b.Source.Dirty {
		source = artifact.Source{Dir: b.Source.Dir, Dirty: true}
	}
	if err := w.checkout(ctx, source, b.Manifest.Build.Context); err != nil {
		return nil, errors.Join(err, w.Close())
	}
	w.Dir, w.Inside = filepath.Join(w.root, w.within), path.Join(sandbox.AppDir, w.within)
	w.env = artifact.Environment(os.Environ(), w.commit.CommitTime)
	err = Able(ctx)
	if errors.Is(err, sandbox.ErrForbidden) {
		w.Plain, w.Inside, err = true, w.Dir, nil
	}
	if err != nil {
		return nil, errors.Join(err, w.Close())
	}
	return w, nil
}

// checkout fills the root with the application's folder, or with the folder
// above that its build needs.
func (w *Workshop) checkout(ctx context.Context, source artifact.Source, above string) (err error) {
	w.commit, err = artifact.Checkout(ctx, source, w.root)
	if err != nil || above == "" {
		return err
	}
	w.root = filepath.Join(w.folder.Path, "context")
	context, err := artifact.Context(ctx, source, above, w.root)
	w.within = w.commit.Below(context)
	return err
}

// Build runs the declared build steps; what they write stays.
func (w *Workshop) Build(ctx context.Context) error {
	run := Confined
	if w.Plain {
		run = artifact.Shell
	}
	return artifact.Build(ctx, artifact.Steps{Dir: w.root, Within: w.within, Run: w.build, Env: w.env, CommitTime: w.commit.CommitTime, Exec: run}, nil)
}

// Close removes the checkout. All copies must be closed before.
func (w *Workshop) Close() error { return w.folder.Remove() }
