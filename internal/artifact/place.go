package artifact

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"
)

// placer writes files into one folder that was empty, and nowhere else: each
// step goes through os.Root, every file is new, and every folder on the way is
// one that the placer made itself, never a link.
type placer struct {
	root  *os.Root
	made  map[string]bool
	stamp time.Time // modification time of every file; zero leaves it
}

// fill lets write fill into, which must be empty or absent, and clears it
// again when that fails or is cancelled.
func fill(into string, stamp time.Time, write func(*placer) error) (err error) {
	created, err := emptyFolder(into)
	if err != nil {
		return err
	}
	root, err := os.OpenRoot(into)
	if err != nil {
		return fmt.Errorf("open the folder to fill: %w", err)
	}
	defer func() {
		_ = root.Close()
		if err != nil {
			err = errors.Join(err, clearFolder(into, created))
		}
	}()
	// Whatever the umask is: the same input makes the same modes.
	if err := os.Chmod(into, 0o755); err != nil { //nolint:gosec // code is for every user to read
		return fmt.Errorf("set the folder's mode: %w", err)
	}
	return write(&placer{root: root, made: map[string]bool{".": true}, stamp: stamp})
}

func emptyFolder(dir string) (created bool, err error) {
	names, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // as above
			return false, fmt.Errorf("make the folder to fill: %w", err)
		}
		return true, nil
	case err != nil:
		return false, fmt.Errorf("look at the folder to fill: %w", err)
	case len(names) > 0:
		return false, fmt.Errorf("fill %s: the folder is not empty", dir)
	}
	return false, nil
}

func clearFolder(dir string, created bool) error {
	if created {
		return os.RemoveAll(dir)
	}
	names, err := os.ReadDir(dir)
	for _, name := range names {
		err = errors.Join(err, os.RemoveAll(filepath.Join(dir, name.Name())))
	}
	return err
}

// dir makes a folder and those above it.
func (p *placer) dir(name string) error {
	if p.made[name] {
		return nil
	}
	if err := p.dir(path.Dir(name)); err != nil {
		return err
	}
	if err := p.root.Mkdir(name, 0o755); err != nil {
		return fmt.Errorf("make a folder: %w", err)
	}
	if err := p.root.Chmod(name, 0o755); err != nil {
		return fmt.Errorf("set a folder's mode: %w", err)
	}
	p.made[name] = true
	return nil
}

// file makes a new file with what write writes, mode 0755 or 0644.
func (p *placer) file(name string, executable bool, write func(io.Writer) error) (err error) {
	if err := p.dir(path.Dir(name)); err != nil {
		return err
	}
	file, err := p.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("make a file: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if err := write(file); err != nil {
		return err
	}
	mode := fs.FileMode(0o644)
	if executable {
		mode = 0o755
	}
	if err := file.Chmod(mode); err != nil {
		return fmt.Errorf("set a file's mode: %w", err)
	}
	if p.stamp.IsZero() {
		return nil
	}
	return p.root.Chtimes(name, p.stamp, p.stamp)
}

// link makes a symbolic link. Its target is text here: nobody follows it.
func (p *placer) link(name, target string) error {
	if err := p.dir(path.Dir(name)); err != nil {
		return err
	}
	if err := p.root.Symlink(target, name); err != nil {
		return fmt.Errorf("make a link: %w", err)
	}
	return nil
}

// staysInside reports whether a link at name stays below the top, whatever the
// other links of the tree are. A ".." behind a name could start from wherever
// a link of that name leads, so only leading ones are allowed; those start at
// the link's own folder, which is a real one.
func staysInside(name, target string) bool {
	if target == "" || path.IsAbs(target) || strings.ContainsRune(target, 0) {
		return false
	}
	up, down := 0, false
	for part := range strings.SplitSeq(target, "/") {
		switch {
		case part == "" || part == ".":
		case part != "..":
			down = true
		case down:
			return false
		default:
			up++
		}
	}
	return up <= strings.Count(path.Clean(name), "/")
}

// relink gives the target that a link at name carries in a copy of dir. An
// absolute target inside dir becomes relative; one outside, such as the
// interpreter that a Python environment links to, is the system's and stays.
func relink(dir, name, target string) (string, error) {
	if path.IsAbs(target) {
		inside, err := filepath.Rel(dir, target)
		if err != nil {
			return target, nil //nolint:nilerr // no way from here to there: it is outside
		}
		if inside == ".." || strings.HasPrefix(inside, "../") {
			return target, nil
		}
		if target, err = filepath.Rel(path.Dir(name), inside); err != nil {
			return "", fmt.Errorf("make a link relative: %w", err)
		}
	}
	if !staysInside(name, target) {
		return "", unsafePath(name, linkTo(target))
	}
	return target, nil
}
