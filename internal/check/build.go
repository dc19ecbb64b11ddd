package check

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/roadworthy-dev/roadworthy/internal/artifact"
	"github.com/roadworthy-dev/roadworthy/internal/bench"
	"github.com/roadworthy-dev/roadworthy/internal/manifest"
	"github.com/roadworthy-dev/roadworthy/internal/problem"
	"github.com/roadworthy-dev/roadworthy/internal/report"
)

// fetch makes a clean checkout and reads the manifest in it. A folder that no
// commit names is checked as it is: that it is not under version control is
// then a verdict like any other.
func (c *Checker) fetch(ctx context.Context) error {
	if c.options.Manifest == "" {
		c.options.Manifest = manifest.Name
	}
	if filepath.Base(c.options.Manifest) != c.options.Manifest {
		return &problem.Problem{
			Code: "RW-U01", Summary: "the manifest lies outside the application's folder", At: "--manifest", Got: c.options.Manifest,
			Want: "the name of a file in the folder", Fix: "roadworthy check --manifest " + filepath.Base(c.options.Manifest) + " " + filepath.Dir(c.options.Manifest),
		}
	}
	if _, err := manifest.LoadFile(filepath.Join(c.options.Dir, c.options.Manifest)); err != nil {
		return err // before anything is copied, with the path that the user knows
	}
	source := artifact.Source{Dir: c.options.Dir, Commit: c.options.Commit, Dirty: c.options.Dirty}
	var err error
	c.revision, err = artifact.Checkout(ctx, source, c.path("checkout"))
	if p, ok := problem.Of(err); ok && c.options.Commit == "" && slices.Contains([]string{"RW-A01", "RW-A03", "RW-A04"}, p.Code) {
		source.Dirty = true
		c.revision, err = artifact.Checkout(ctx, source, c.path("checkout"))
	}
	if err != nil {
		return err
	}
	c.source, err = manifest.ReadFile(filepath.Join(c.path("checkout"), c.options.Manifest))
	if errors.Is(err, fs.ErrNotExist) {
		return &problem.Problem{
			Code: "RW-A03", Summary: "the commit holds no " + c.options.Manifest, At: c.revision.Commit,
			Want: "a manifest that is committed", Fix: "git add " + c.options.Manifest + " && git commit   (or: roadworthy check --dirty)",
		}
	}
	if err != nil {
		return err
	}
	if c.manifest, err = manifest.Parse(c.options.Manifest, c.source); err != nil {
		return err
	}
	return c.widen(ctx, source)
}

// widen makes the checkout that of the folder above which the build needs.
func (c *Checker) widen(ctx context.Context, source artifact.Source) error {
	c.root = c.path("checkout")
	if c.manifest.Build.Context == "" {
		return nil
	}
	c.root = c.path("context")
	context, err := artifact.Context(ctx, source, c.manifest.Build.Context, c.root)
	c.within = c.revision.Below(context)
	return err
}

// path names a folder of this check. The users of sandboxes pass through the
// folder above, and so could others: nobody can guess the names in it.
func (c *Checker) path(name string) string {
	return filepath.Join(c.work.Path, name+"-"+c.unguessable)
}

// build runs the declared steps in a copy of the checkout, packs the result
// as an image and unpacks that image for the bench: what is checked is what
// was built.
func (c *Checker) build(ctx context.Context) error {
	started := c.now()
	c.events.Step("build", strings.Join(c.manifest.Build.Run, " && "))
	steps := artifact.Steps{
		Dir: c.root, Within: c.within, Run: c.manifest.Build.Run, CommitTime: c.revision.CommitTime, Exec: c.exec(),
		// Where a build that is killed leaves its files is swept.
		Env: append(artifact.Environment(os.Environ(), c.revision.CommitTime), "TMPDIR="+c.work.Path),
	}
	if err := artifact.Build(ctx, steps, func(line string) { c.events.Step("build", line) }); err != nil {
		return err
	}
	commands := map[string]string{}
	for name, process := range c.manifest.Processes {
		commands[name] = process.Run
	}
	var err error
	config := artifact.Config{Name: c.manifest.Name, Revision: c.revision, Processes: commands}
	if c.image, err = artifact.Pack(ctx, filepath.Join(c.root, c.within), config, c.path("image")); err != nil {
		return err
	}
	if err := artifact.Unpack(ctx, c.path("image"), c.image.Digest, c.path("app")); err != nil {
		return err
	}
	c.took.Build = report.Seconds(c.now().Sub(started))
	return nil
}

// exec runs build and test commands in a sandbox of their own, with the
// host's network and caches, at the path that the application runs at. Where
// the host forbids sandboxes they run as plain processes.
func (c *Checker) exec() artifact.Exec {
	if c.forbids != nil {
		return artifact.Shell
	}
	return bench.Confined
}

func (c *Checker) openBench() error {
	tool, err := c.shareProgram()
	if err != nil {
		return err
	}
	c.bench, err = bench.New(bench.Options{
		Tool:     tool,
		Manifest: c.manifest, Root: c.path("app"), Dir: c.memory.Path, Cache: c.options.CacheDir, Seed: c.options.Seed,
		Source: bench.Source{
			Dir: c.options.Dir, Commit: c.revision.Commit, Dirty: c.revision.Dirty,
			Digest: c.image.Digest, Layout: c.path("image"), LFS: c.revision.LFS,
		},
	})
	if err == nil && c.options.Keep {
		c.bench.Keep()
	}
	return err
}

// shareProgram copies this program to where the users of sandboxes reach it,
// if the application runs under it; a home folder may be closed to them.
func (c *Checker) shareProgram() (string, error) {
	if c.manifest.Run == nil {
		return "", nil
	}
	from := c.options.Program
	if from == "" {
		from = "/proc/self/exe"
	}
	data, err := os.ReadFile(from)
	if err != nil {
		return "", fmt.Errorf("read this program: %w", err)
	}
	path := c.path("program")
	if err := os.WriteFile(path, data, 0o755); err != nil { //nolint:gosec // others run it
		return "", fmt.Errorf("share this program: %w", err)
	}
	return path, nil
}
