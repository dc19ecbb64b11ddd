package bench

import (
	"context"
	"slices"
	"strings"

	"github.com/roadworthy-dev/roadworthy/internal/bench/sandbox"
)

const maxKept = 6 // files are named

// Kept lists the files that the application left as state: what it wrote,
// temporary files, logs and byte code aside; at most six.
func (b *Boot) Kept(ctx context.Context) ([]string, error) {
	written, err := b.Written(ctx)
	return kept(written), err
}

func kept(written []sandbox.Written) []string {
	var paths []string
	for _, file := range written {
		passing := slices.ContainsFunc([]string{"/tmp/", "/var/tmp/", "/run/", "/dev/", "/proc/"}, func(folder string) bool {
			return strings.HasPrefix(file.Path, folder)
		})
		byteCode := strings.HasSuffix(file.Path, ".pyc")
		ours := strings.Contains(file.Path, "/.local/state/roadworthy/") // what our runtime knows of error mail
		if file.Kind == "file" && !passing && !byteCode && !ours && !strings.HasSuffix(file.Path, ".log") {
			paths = append(paths, file.Path)
		}
	}
	slices.Sort(paths)
	return paths[:min(len(paths), maxKept)]
}
