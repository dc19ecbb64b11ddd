package runner

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/roadworthy-dev/roadworthy/internal/worker"
)

const (
	folderPrefix = "roadworthy-master-"
	masterRecord = "master" // file in a run's folder: whose it is
)

// makeFolder makes the private folder of this run, after it has ended what
// masters that were killed left, and removed their folders.
func (m *master) makeFolder() error {
	if m.folder != "" {
		m.lockFolder()
		return nil // another image of this program made it
	}
	m.sweep()
	var err error
	if m.folder, err = os.MkdirTemp("", fmt.Sprintf("%s%d-", folderPrefix, os.Getpid())); err != nil {
		return fmt.Errorf("make the folder of this run: %w", err)
	}
	m.lockFolder()
	if err := os.WriteFile(filepath.Join(m.folder, masterRecord), []byte(worker.Record(os.Getpid())), 0o600); err != nil {
		return fmt.Errorf("make the folder of this run: %w", err)
	}
	return os.Chmod(m.folder, 0o711) //nolint:gosec // workers of other users enter it and see only what is theirs
}

// lockFolder holds a shared lock on the folder of this run: what cleans
// temporary files of old ones passes over it then, see tmpfiles.d(5).
func (m *master) lockFolder() {
	folder, err := os.Open(m.folder)
	if err == nil {
		m.inUse = folder
		err = syscall.Flock(int(folder.Fd()), syscall.LOCK_SH|syscall.LOCK_NB)
	}
	if err != nil {
		m.log.Warn("the folder of this run may be cleaned away", "folder", m.folder, "error", err)
	}
}

// sweep ends the workers of masters that were killed, of this user, and
// removes their folders.
func (m *master) sweep() {
	folders, _ := filepath.Glob(filepath.Join(os.TempDir(), folderPrefix+"*"))
	for _, folder := range folders {
		if !ours(folder) || serves(folder) || inUse(folder) {
			continue
		}
		if n := worker.EndOrphans(folder, m.config().Settings.Times.Stop); n > 0 {
			m.log.Warn("ended what a master that was killed has left", "folder", folder, "processes", n)
		}
		_ = os.RemoveAll(folder) // the next start tries again
	}
}

// ours reports whether a folder is this user's and nobody else writes there: in
// the folder of temporary files anybody may put one with such a name.
func ours(folder string) bool {
	info, err := os.Lstat(folder)
	if err != nil || !info.IsDir() || info.Mode().Perm()&0o022 != 0 {
		return false
	}
	system, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(system.Uid) == os.Geteuid()
}

// inUse reports whether a folder is locked: a master that shares the folder of
// temporary files with us, but not the process ids, lives.
func inUse(path string) bool {
	folder, err := os.Open(path)
	if err != nil {
		return false
	}
	defer folder.Close()
	return errors.Is(syscall.Flock(int(folder.Fd()), syscall.LOCK_EX|syscall.LOCK_NB), syscall.EWOULDBLOCK)
}

// serves reports whether the master of a folder lives.
func serves(folder string) bool {
	if record, err := os.ReadFile(filepath.Join(folder, masterRecord)); err == nil && len(record) > 0 {
		return worker.Living(string(record))
	}
	pid, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(folder), folderPrefix), "-")
	number, err := strconv.Atoi(pid)
	return err != nil || number <= 0 || !errors.Is(syscall.Kill(number, 0), syscall.ESRCH)
}
