package scratch

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// longestSocketPath is what fits into sun_path with its final zero (unix(7)).
const longestSocketPath = 107

// randomName returns a fresh identifier that is valid, without quoting, as a
// user and database name everywhere: the prefix and 16 of [a-z2-7].
func randomName(prefix string) string {
	return prefix + strings.ToLower(rand.Text()[:16])
}

// randomPassword returns 26 characters of [A-Z2-7], 128 bits, which stand in a
// URL and in SQL without quoting.
func randomPassword() string { return rand.Text() }

// newFolder makes a fresh folder in dir that only cred's user may enter. The
// name is short since socket paths are; a folder that exists is never taken.
func newFolder(dir, prefix string, cred *syscall.Credential) (string, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("make scratch folder: %w", err)
	}
	for range 100 {
		path := filepath.Join(abs, prefix+strings.ToLower(rand.Text()[:5]))
		err = os.Mkdir(path, 0o700)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return "", fmt.Errorf("make scratch folder: %w", err)
		}
		return path, giveAway(path, cred)
	}
	return "", fmt.Errorf("make scratch folder: %w", err)
}

// newSocketFolder makes a folder as newFolder does, and refuses when a socket
// of the given name in it would have too long a path.
func newSocketFolder(dir, prefix, socket string, cred *syscall.Credential) (string, error) {
	path, err := newFolder(dir, prefix, cred)
	if err != nil {
		return "", err
	}
	if full := filepath.Join(path, socket); len(full) > longestSocketPath {
		return "", errors.Join(
			fmt.Errorf("%w: %d bytes of at most %d: %s: choose a shorter temporary folder, such as TMPDIR=/tmp",
				ErrPathTooLong, len(full), longestSocketPath, full),
			os.Remove(path))
	}
	return path, nil
}

// giveAway makes cred's user the owner of one file or folder.
func giveAway(path string, cred *syscall.Credential) error {
	if cred == nil {
		return nil
	}
	if err := os.Lchown(path, int(cred.Uid), int(cred.Gid)); err != nil {
		return fmt.Errorf("give folder to user %d: %w", cred.Uid, err)
	}
	return nil
}

// writeSecret writes a fresh file that only cred's user may read.
func writeSecret(path, content string, cred *syscall.Credential) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("write secret file: %w", err)
	}
	_, err = f.WriteString(content)
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("write secret file: %w", err)
	}
	return giveAway(path, cred)
}
