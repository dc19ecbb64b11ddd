package worker

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// furnish sees to it that the run folder is there, and the shims in it: where
// it lies among temporary files, what is old may have been cleaned away.
func (s *Supervisor) furnish() error {
	run := s.config.RunDir
	err := os.Mkdir(run, 0o711) //nolint:gosec // workers of other users enter it and see only what is theirs
	switch {
	case err == nil:
		err = os.Chmod(run, 0o711) //nolint:gosec // whatever the umask is
	case errors.Is(err, fs.ErrExist):
		err = private(run)
	}
	if err == nil && !s.shims.whole() {
		_, err = writeShims(run)
	}
	if err != nil {
		return fmt.Errorf("restore the run folder: %w", err)
	}
	return nil
}

// private makes sure that a folder is ours and nobody else writes there: once
// ours is gone, anybody may put one of its name among temporary files.
func private(dir string) error {
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	system, ok := info.Sys().(*syscall.Stat_t)
	if !ok || !info.IsDir() || int(system.Uid) != os.Geteuid() || info.Mode().Perm()&0o022 != 0 {
		return fmt.Errorf("others may write to %s: %w", dir, fs.ErrPermission)
	}
	return nil
}

// replaceFile writes a file that others read at any time: they see all of it
// or what was there before.
func replaceFile(path, text string) error {
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-")
	if err != nil {
		return err
	}
	_, err = file.WriteString(text)
	err = errors.Join(err, file.Chmod(0o644), file.Close())
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return nil
}
