package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/roadworthy-dev/roadworthy/internal/artifact"
	"github.com/roadworthy-dev/roadworthy/internal/bench/sandbox"
)

// Copy is a workshop whose files may be changed: the workshop itself stays as
// it is. It stands at the same path as the workshop. It is for one goroutine.
type Copy struct {
	shop    *Workshop
	sandbox *sandbox.Sandbox // nil for a plain one
}

// Copy makes a copy: an overlay in a sandbox of its own. Where the host
// forbids that, the copy takes the place of the workshop until it is closed.
func (w *Workshop) Copy(ctx context.Context) (*Copy, error) {
	if !w.Plain {
		s, err := confine(ctx, w.root, w.env, false)
		return &Copy{w, s}, err
	}
	w.turn.Lock()
	kept := filepath.Join(w.folder.Path, "kept")
	if _, err := os.Lstat(kept); errors.Is(err, fs.ErrNotExist) {
		if err := duplicate(ctx, w.root, kept); err != nil {
			w.turn.Unlock()
			return nil, err
		}
	}
	return &Copy{shop: w}, nil
}

// duplicate copies a folder with links, modes and times.
func duplicate(ctx context.Context, from, to string) error {
	if out, err := exec.CommandContext(ctx, "cp", "-Rp", from, to).CombinedOutput(); err != nil {
		return fmt.Errorf("copy the checkout: %w: %s", err, bytes.TrimSpace(out))
	}
	return nil
}

// Close throws the copy away.
func (c *Copy) Close() error {
	if c.sandbox != nil {
		return c.sandbox.Close()
	}
	defer c.shop.turn.Unlock()
	if err := sandbox.RemoveAll(c.shop.root); err != nil {
		return fmt.Errorf("throw the copy away: %w", err)
	}
	return duplicate(context.Background(), filepath.Join(c.shop.folder.Path, "kept"), c.shop.root)
}

// Run runs a shell command in the copy; see artifact.Exec.
func (c *Copy) Run(ctx context.Context, command string, out io.Writer) error {
	command = artifact.In(c.shop.within, command)
	if c.sandbox == nil {
		return artifact.Shell(ctx, c.shop.root, c.shop.env, command, out)
	}
	return within(ctx, c.sandbox, c.shop.env, command, out, func() error { return sweep(c.sandbox) })
}

// Write changes a file, by its path in the application's folder. Its mode stays.
func (c *Copy) Write(ctx context.Context, path string, data []byte) error {
	if !filepath.IsLocal(path) {
		return fmt.Errorf("write %s: the path leaves the application's folder", path)
	}
	if c.sandbox != nil {
		return c.sandbox.WriteFile(ctx, c.shop.Inside+"/"+path, data, 0o644)
	}
	root, err := os.OpenRoot(c.shop.Dir)
	if err != nil {
		return fmt.Errorf("open the copy: %w", err)
	}
	defer root.Close()
	return root.WriteFile(path, data, 0o644)
}

// Read reads a regular file, by its path in the application's folder, and at most limit
// bytes of it and one more. Whatever is not there wraps fs.ErrNotExist.
func (c *Copy) Read(ctx context.Context, path string, limit int64) ([]byte, error) {
	if !filepath.IsLocal(path) {
		return nil, fmt.Errorf("read %s: the path leaves the application's folder", path)
	}
	if c.sandbox != nil {
		return c.readInside(ctx, path, limit)
	}
	root, err := os.OpenRoot(c.shop.Dir)
	if err != nil {
		return nil, fmt.Errorf("open the copy: %w", err)
	}
	defer root.Close()
	if info, err := root.Stat(path); err != nil || !info.Mode().IsRegular() {
		return nil, fmt.Errorf("read %s: %w", path, errors.Join(fs.ErrNotExist, err))
	}
	file, err := root.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(io.LimitReader(file, limit+1))
}

// absent is the exit code by which a file that is not there is told.
const absent = 66

// readInside asks cat for the file, since only the sandbox sees the overlay.
func (c *Copy) readInside(ctx context.Context, path string, limit int64) ([]byte, error) {
	script := fmt.Sprintf(`[ -f "$1" ] || exit %d; exec cat -- "$1"`, absent)
	p, err := c.sandbox.Start(ctx, sandbox.Command{
		Args: []string{"/bin/sh", "-c", script, "sh", c.shop.Inside + "/" + path}, Env: c.shop.env,
	})
	if err != nil {
		return nil, err
	}
	p.Stderr.Close()
	data, err := io.ReadAll(io.LimitReader(p.Stdout, limit+1))
	p.Stdout.Close() // a larger file ends here
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	exit, err := p.Wait(ctx)
	switch {
	case err != nil:
		return nil, err
	case exit.Code == absent:
		return nil, fmt.Errorf("read %s: %w", path, fs.ErrNotExist)
	case exit.Code != 0 && int64(len(data)) <= limit:
		return nil, fmt.Errorf("read %s: %s", path, exit)
	}
	return data, nil
}
