// Package artifact turns one commit into one image whose digest names the
// evidence: what is checked is what was built, and what was built is what is
// released.
//
// The way of a commit: [Checkout] writes its tree to an empty folder, [Build]
// runs the declared steps there, [Pack] makes an OCI image of the result, and
// [Unpack] gives the same tree back to whoever checks or runs it. Beside that
// way stand the questions that the standard asks of a repository: [Status],
// [Locks], [Ecosystems] and [ScanHistory].
//
// The invariant: equal input gives an equal digest, and nothing that was not
// verified against its name is ever written. Git objects are hashed while they
// are read, from the commit down to each file, and blobs of an image likewise.
//
// Repositories are hostile. Their configuration can name programs that git
// would run (filters, monitors, hooks, signature checkers, transports), so git
// is asked through plumbing alone and in an environment that disables them
// (git.go). `git archive` runs filters and, for export-subst, the program that
// checks signatures; objects are therefore read raw, which also means that
// export-ignore, export-subst, line end conversion and Git LFS do not apply.
// Paths are written through [os.Root], so that none leaves its folder (place.go).
//
// The room prints nothing, keeps no state between calls and takes no decision
// on whether an application is ready. Steps of a build are programs of the
// repository too; the caller gives an [Exec] that runs them in a sandbox.
// Read next: objects.go for the reading, pack.go for the image, internal/bench
// for the sandbox.
package artifact

import (
	"strings"
	"time"
)

// Source names what to check out.
type Source struct {
	Dir    string // the application's folder, anywhere inside a git repository, or a bare repository
	Commit string // any name of a commit that git understands; default HEAD
	Dirty  bool   // take the working tree as it is instead of a commit
}

// Revision says where a tree came from.
type Revision struct {
	Commit     string    // full id; for a dirty tree the commit that it is based on; "" where there is none
	Tree       string    // git id of the tree of Prefix; "" for a dirty tree, which no id names
	Dirty      bool      // the tree is not exactly what Commit holds
	Repository string    // URL of the remote "origin" without credentials; "" where it has none or it is a local path
	Prefix     string    // the application's folder inside the repository, with slashes; "" for its root
	Branch     string    // the branch that is checked out, where it is at Commit; "" otherwise
	CommitTime time.Time // committer's time in UTC; zero where there is no commit
	Shallow    bool      // the repository holds only a part of its history
	LFS        []string  // files that are Git LFS pointers, not the content they stand for; at most 20
}

// Below gives the application's folder inside the folder that context came
// from, with slashes; "" where they are the same.
func (r Revision) Below(context Revision) string {
	return strings.TrimPrefix(strings.TrimPrefix(r.Prefix, context.Prefix), "/")
}

// stamp is the time that everything made from r carries, so that two builds
// carry the same.
func (r Revision) stamp() time.Time {
	if r.CommitTime.IsZero() {
		return time.Unix(0, 0).UTC()
	}
	return r.CommitTime.UTC()
}
