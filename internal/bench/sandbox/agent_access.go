package sandbox

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

func (a *agent) doFile(request fileRequest) (any, []int, error) {
	switch request.Action {
	case "open":
		return lend(request.Path)
	case "write":
		return struct{}{}, nil, a.writeFile(request)
	case "folder":
		return struct{}{}, nil, a.makeFolder(request.Path)
	case "corrupt":
		return struct{}{}, nil, a.corrupt(request.Path)
	case "restore":
		return struct{}{}, nil, a.restore(request.Path)
	}
	return nil, nil, fmt.Errorf("unknown action %q", request.Action)
}

// lend opens a file for the host to read.
func lend(path string) (any, []int, error) {
	file, err := openRegular(path, os.O_RDONLY, 0)
	if err != nil {
		return nil, nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, nil, err
	}
	if info.Size() > MaxFile {
		return nil, nil, fmt.Errorf("%s has %d bytes, more than can be read", path, info.Size())
	}
	fd, err := unix.FcntlInt(file.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	return struct{}{}, []int{fd}, err
}

// openRegular opens a regular file alone: a pipe would block whoever opens or
// reads it, and the application chooses what lies at its path.
func openRegular(path string, flags int, mode os.FileMode) (*os.File, error) {
	file, err := os.OpenFile(path, flags|syscall.O_NONBLOCK, mode)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is not a regular file", path)
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

func (a *agent) writeFile(request fileRequest) error {
	if err := os.MkdirAll(filepath.Dir(request.Path), 0o755); err != nil { //nolint:gosec // for the application
		return err
	}
	flags := os.O_WRONLY | os.O_CREATE
	if request.Offset == 0 {
		flags |= os.O_TRUNC
	}
	file, err := openRegular(request.Path, flags, os.FileMode(request.Mode))
	if err != nil {
		return err
	}
	_, err = file.WriteAt(request.Data, request.Offset)
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	if !a.setup.Nested && !a.setup.Identity {
		if err := os.Chown(request.Path, AppUID, AppUID); err != nil {
			return err
		}
	}
	a.layers.before = a.layers.stamps() // ours, not the application's: nothing was started yet
	return nil
}

func (a *agent) makeFolder(path string) error {
	if err := os.MkdirAll(path, 0o755); err != nil { //nolint:gosec // for the application
		return err
	}
	if !a.setup.Nested && !a.setup.Identity {
		if err := os.Chown(path, AppUID, AppUID); err != nil {
			return err
		}
	}
	a.layers.before = a.layers.stamps()
	return nil
}

func (a *agent) corrupt(path string) error {
	file, err := openRegular(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer file.Close()
	head := make([]byte, corruptBytes)
	n, err := io.ReadFull(file, head)
	if n == 0 {
		return fmt.Errorf("read %s: %w", path, err)
	}
	a.mu.Lock()
	a.intact[path] = head[:n]
	a.mu.Unlock()
	_, err = file.WriteAt(make([]byte, n), 0)
	return err
}

func (a *agent) restore(path string) error {
	a.mu.Lock()
	head, ok := a.intact[path]
	delete(a.intact, path)
	a.mu.Unlock()
	if !ok {
		return fmt.Errorf("%s was not corrupted", path)
	}
	file, err := openRegular(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = file.WriteAt(head, 0)
	return err
}
