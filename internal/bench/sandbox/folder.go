package sandbox

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// ownerFile tells whose a temporary folder is: its process holds a lock on it
// (flock(2)) as long as it lives, however it ends.
const ownerFile = "owner"

// makes is longer than it takes to give a new folder its owner.
const makes = time.Minute

// Folder is a temporary folder that [Sweep] removes if its process dies
// without doing so. Users of a sandbox can pass through it, but not list it.
type Folder struct {
	Path string
	lock *os.File
}

// NewFolder makes a temporary folder in parent; "" is the usual one.
func NewFolder(parent, prefix string) (*Folder, error) {
	if parent == "" {
		parent = os.TempDir()
	}
	defer making(parent)()
	path, err := os.MkdirTemp(parent, prefix)
	if err != nil {
		return nil, fmt.Errorf("make a temporary folder: %w", err)
	}
	f := &Folder{Path: path}
	if err := f.claim(); err != nil {
		return nil, errors.Join(fmt.Errorf("claim the temporary folder: %w", err), f.Remove())
	}
	return f, nil
}

// making tells [Sweep] that a folder in parent has no owner yet, by a shared
// lock on parent. Whoever else holds the lock is not waited for: in a folder
// that all may write to, that could be anybody, for ever.
func making(parent string) (made func()) {
	dir, err := os.Open(parent)
	if err != nil {
		return func() {}
	}
	for range 20 {
		if unix.Flock(int(dir.Fd()), unix.LOCK_SH|unix.LOCK_NB) == nil {
			break
		}
		time.Sleep(5 * time.Millisecond) // a sweep holds it for as long as it takes to remove an empty folder
	}
	return func() { dir.Close() }
}

// claim writes the owner only under the lock: a folder without an owner is
// being made, and is nobody else's to remove.
func (f *Folder) claim() error {
	if err := os.Chmod(f.Path, 0o711); err != nil { //nolint:gosec // traversal only, on purpose
		return err
	}
	var err error
	if f.lock, err = os.OpenFile(filepath.Join(f.Path, ownerFile), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600); err != nil {
		return err
	}
	if err := unix.Flock(int(f.lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return err
	}
	_, err = fmt.Fprintf(f.lock, "%d\n", os.Getpid())
	return err
}

// Remove removes the folder with everything in it.
func (f *Folder) Remove() error {
	err := removeOwned(f.Path)
	if f.lock != nil {
		f.lock.Close()
	}
	return err
}

// removeOwned removes the owner last: whoever is killed on the way leaves a
// folder that Sweep knows.
func removeOwned(path string) error {
	entries, err := os.ReadDir(path)
	for _, entry := range entries {
		if entry.Name() != ownerFile {
			err = errors.Join(err, RemoveAll(filepath.Join(path, entry.Name())))
		}
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return RemoveAll(path)
}

// RemoveAll removes folders that builds have made read-only as well, as Go's
// module cache does.
func RemoveAll(dir string) error {
	if os.RemoveAll(dir) == nil {
		return nil
	}
	_ = filepath.WalkDir(dir, func(path string, entry os.DirEntry, _ error) error {
		if entry != nil && entry.IsDir() { // before it is read, which else fails
			_ = os.Chmod(path, 0o700) //nolint:gosec // our own folder, about to go
		}
		return nil
	})
	return os.RemoveAll(dir)
}

// Sweep removes the folders in parent whose name begins with prefix and whose
// process was killed before it could remove them. What it may not remove or
// does not know stays; it is not told, since it harms nobody.
func Sweep(parent, prefix string) {
	entries, err := os.ReadDir(parent)
	if err != nil {
		return
	}
	for _, entry := range entries {
		if entry.IsDir() && strings.HasPrefix(entry.Name(), prefix) {
			sweep(filepath.Join(parent, entry.Name()))
		}
	}
}

func sweep(path string) {
	// In a folder that all may write to, a name proves nothing.
	info, err := os.Lstat(path)
	if err != nil {
		return
	}
	if stat, ok := info.Sys().(*syscall.Stat_t); !ok || int(stat.Uid) != os.Geteuid() {
		return
	}
	lock, err := os.OpenFile(filepath.Join(path, ownerFile), os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrNotExist) {
		sweepUnowned(path, info.ModTime())
	}
	if err != nil {
		return
	}
	defer lock.Close()
	if info, err := lock.Stat(); err != nil || unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB) != nil {
		return
	} else if info.Size() == 0 {
		sweepUnowned(path, info.ModTime())
		return
	}
	_ = removeOwned(path)
}

// sweepUnowned removes a folder whose process was killed before it was the
// owner, or after: nothing else is in it then.
func sweepUnowned(path string, since time.Time) {
	parent, err := os.Open(filepath.Dir(path))
	if err != nil {
		return
	}
	defer parent.Close()
	// Somebody may be about to claim it, who holds the lock, or could not get it.
	if unix.Flock(int(parent.Fd()), unix.LOCK_EX|unix.LOCK_NB) != nil && time.Since(since) < makes {
		return
	}
	if info, err := os.Lstat(filepath.Join(path, ownerFile)); err == nil && info.Size() == 0 {
		_ = os.Remove(filepath.Join(path, ownerFile))
	}
	_ = os.Remove(path)
}
