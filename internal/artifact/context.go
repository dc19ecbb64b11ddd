package artifact

import (
	"context"
	"path/filepath"

	"github.com/roadworthy-dev/roadworthy/internal/problem"
)

// Context writes the tree of a folder above from.Dir, such as "../..", to the
// folder into, as [Checkout] does: of the same commit, or of the working tree.
// The folder must be in the same repository; what lies outside has no commit
// that could name it.
//
// Problems: those of [Checkout], and RW-A05 for a folder outside.
func Context(ctx context.Context, from Source, above, into string) (Revision, error) {
	repo, err := locate(from.Dir)
	if err != nil {
		return Revision{}, err
	}
	inside, err := filepath.Rel(repo.work, filepath.Join(repo.dir, above))
	if repo.work == "" || err != nil || !filepath.IsLocal(inside) {
		return Revision{}, &problem.Problem{
			Code: "RW-A05", Summary: "the folder that the build needs lies outside the repository", At: "build.context", Got: above,
			Want: "a folder of the repository that holds the application", Fix: "git rev-parse --show-cdup   # in the application's folder: the highest that there is",
		}
	}
	from.Dir = filepath.Join(repo.dir, above)
	return Checkout(ctx, from, into)
}
