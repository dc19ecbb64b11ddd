package bench

import (
	"slices"
	"testing"

	"github.com/roadworthy-dev/roadworthy/internal/bench/sandbox"
)

func TestWhatIsKept(t *testing.T) {
	var written []sandbox.Written
	for _, path := range []string{
		"/home/app/z", "/app/data/users.json", "/tmp/x", "/var/tmp/x", "/run/x.pid", "/dev/shm/x", "/app/__pycache__/a.pyc", "/var/log/access.log", "/home/app/.local/state/roadworthy/a/lock",
	} {
		written = append(written, sandbox.Written{Path: path, Kind: "file"})
	}
	written = append(written, sandbox.Written{Path: "/app/data", Kind: "dir"}, sandbox.Written{Path: "/app/gone", Kind: "removed"})
	if got := kept(written); !slices.Equal(got, []string{"/app/data/users.json", "/home/app/z"}) {
		t.Errorf("got %v", got)
	}
}
