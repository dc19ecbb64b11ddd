package worker

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// owner is the user whom a file belongs to.
func owner(t *testing.T, path string) int {
	t.Helper()
	info, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	return int(info.Sys().(*syscall.Stat_t).Uid)
}

func TestAFolderIsGivenAwayLastAndNoLinkIsFollowed(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("SKIPPED: only root gives files away")
	}
	dir, id := t.TempDir(), &identity{UID: 65534, GID: 65534}
	mine, link := filepath.Join(t.TempDir(), "mine"), filepath.Join(dir, "link")
	if err := os.WriteFile(mine, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(mine, link); err != nil {
		t.Fatal(err)
	}
	if err := id.give(dir, link, filepath.Join(dir, "missing")); err == nil {
		t.Fatal("a file that is missing was given away")
	}
	if owner(t, dir) != 0 {
		t.Error("the folder was given away while files in it were still to be")
	}
	if err := id.give(dir, link); err != nil {
		t.Fatal(err)
	}
	if owner(t, mine) != 0 {
		t.Error("a link was followed")
	}
	if owner(t, dir) != id.UID || owner(t, link) != id.UID {
		t.Errorf("the folder belongs to %d, the link in it to %d", owner(t, dir), owner(t, link))
	}
}

// The folder of a worker is its user's, who may put there what is no dump.
func TestWhatIsNoFileIsNoDump(t *testing.T) {
	t.Parallel()
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("of the master"), 0o600); err != nil {
		t.Fatal(err)
	}
	for what, put := range map[string]func(path string) error{
		"pipe": func(path string) error { return unix.Mkfifo(path, 0o600) },
		"link": func(path string) error { return os.Symlink(secret, path) },
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			p := &process{Source: Source{PID: os.Getpid()}, dir: t.TempDir()}
			if err := put(p.dumpFile()); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			failed := make(chan error, 1)
			go func() {
				_, err := dumpByShim(ctx, &Supervisor{config: Config{Clock: System{}}}, p, p.PID)
				failed <- err
			}()
			select {
			case err := <-failed:
				if err == nil || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, errNoHandler) {
					t.Errorf("it was read: %v", err)
				}
			case <-time.After(10 * time.Second):
				t.Error("the master waits for a writer")
				if file, err := os.OpenFile(p.dumpFile(), os.O_WRONLY, 0); err == nil {
					file.Close()
				}
			}
		})
	}
}
