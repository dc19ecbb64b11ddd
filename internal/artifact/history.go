package artifact

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strconv"
	"strings"
)

// Finding is a secret that a repository's history holds.
type Finding struct {
	Commit   string // the oldest commit that brought in the file as it was then
	Path     string // the file, from the repository's top
	Line     int    // from 1
	Kind     string // private-key, aws, github, gitlab, slack, stripe, env
	Redacted string // what it looks like, without the secret
	Fixture  bool   // the path is one of tests, fixtures, examples or documentation
	Places   int    // in how many versions of files the same secret is
}

// History is what [ScanHistory] saw.
type History struct {
	Findings []Finding // each secret once, in the order of path and line
	Blobs    int       // versions of files that were read
	Bytes    int64     // how much that was
	Larger   int       // versions of files that were not read because they are above 1 MiB
	Complete bool      // every version of every file was read
	Missed   []string  // why not, in sentences
}

// bounds of one scan.
type bounds struct {
	objects int   // ids that are held at a time
	bytes   int64 // of content that is read in all
	blob    int64 // of one file; secrets are in small ones
}

var scanBounds = bounds{objects: 2_000_000, bytes: 200 << 20, blob: 1 << 20}

// ScanHistory looks for secrets in every version of every file that any
// branch, tag, stash or remote branch of dir's repository reaches, the newest
// first, up to 200 MiB in all and 1 MiB each. It reports only what has the
// full form of a secret (see secretsIn), and never the secret itself. progress,
// which may be nil, is called from time to time with what was read.
//
// A file that has had several names is known by one of them; the rule for .env
// files goes by the name.
func ScanHistory(ctx context.Context, dir string, progress func(blobs int, bytes int64)) (History, error) {
	repo, err := locate(dir)
	if err != nil {
		return History{}, err
	}
	scan := &scan{bounds: scanBounds, progress: progress, seen: map[secretKey]int{}}
	return scan.run(ctx, repo)
}

// version is one version of a file.
type version struct {
	id, path string
	commit   string // the oldest that refers to it
	size     int64
}

type secretKey struct {
	kind string
	sum  [sha256.Size]byte // so that no secret is held longer than its file
}

type scan struct {
	bounds
	progress func(int, int64)
	history  History
	seen     map[secretKey]int // index into the findings
}

func (s *scan) run(ctx context.Context, repo repository) (History, error) {
	shallow, err := repo.word(ctx, "rev-parse", "--is-shallow-repository")
	if err != nil {
		return History{}, err
	}
	if shallow == "true" {
		s.miss("the clone is shallow: its history ends early; git fetch --unshallow")
	}
	all, err := s.versions(ctx, repo)
	if err != nil {
		return History{}, err
	}
	if err := s.sizes(ctx, repo, all); err != nil {
		return History{}, err
	}
	reader, err := repo.objects(ctx)
	if err != nil {
		return History{}, err
	}
	defer reader.close()
	if err := s.contents(reader, all); err != nil {
		return History{}, err
	}
	sortFindings(s.history.Findings)
	s.history.Complete = len(s.history.Missed) == 0
	return s.history, nil
}

func (s *scan) miss(why string, args ...any) {
	s.history.Missed = append(s.history.Missed, fmt.Sprintf(why, args...))
}

// versions lists every object with a path, oldest commit first: with
// --in-commit-order each follows the first commit that refers to it.
func (s *scan) versions(ctx context.Context, repo repository) ([]version, error) {
	var all []version
	commit, width := "", 0
	missing, surplus := 0, 0
	err := repo.eachLine(ctx, nil, func(line string) {
		id, path, named := strings.Cut(line, " ")
		switch {
		case strings.HasPrefix(line, "?"):
			missing++
		case !named:
			commit, width = id, len(id)
		case len(id) != width || path == "":
		case len(all) == s.objects:
			surplus++
		default:
			all = append(all, version{id: id, path: path, commit: commit})
		}
	}, "rev-list", "--objects", "--all", "--in-commit-order", "--topo-order", "--reverse", "--missing=print")
	if missing > 0 {
		s.miss("%d objects are not in this clone, as it is a partial one", missing)
	}
	if surplus > 0 {
		s.miss("%d objects are past the bound of %d", surplus, s.objects)
	}
	return all, err
}

// sizes fills in the size of each version, 0 for what is not a file.
func (s *scan) sizes(ctx context.Context, repo repository, all []version) error {
	ids, i := &idReader{all: all}, 0
	err := repo.eachLine(ctx, ids, func(line string) {
		fields := strings.Fields(line)
		if len(fields) == 3 && fields[1] == "blob" && i < len(all) {
			all[i].size, _ = strconv.ParseInt(fields[2], 10, 64)
		}
		i++
	}, "cat-file", "--batch-check", "--buffer")
	if err == nil && i != len(all) {
		err = fmt.Errorf("measure the objects of the history: git answered %d times for %d objects", i, len(all))
	}
	return err
}

// contents reads the versions, the newest first, so that a bound leaves out
// the oldest.
func (s *scan) contents(reader *objects, all []version) error {
	past := 0
	for _, v := range slices.Backward(all) {
		switch {
		case v.size == 0:
			continue
		case v.size > s.blob:
			s.history.Larger++
			continue
		case s.history.Bytes+v.size > s.bytes:
			past++
			continue
		}
		content, size, err := reader.read(v.id, "blob", int(v.size))
		if err != nil {
			return err
		}
		s.history.Blobs++
		s.history.Bytes += size
		s.examine(v, content)
		if s.progress != nil && s.history.Blobs%1000 == 0 {
			s.progress(s.history.Blobs, s.history.Bytes)
		}
	}
	if large := s.history.Larger; large > 0 {
		s.miss("%d versions of files are larger than %d KiB", large, s.blob>>10)
	}
	if past > 0 {
		s.miss("%d versions of files, the oldest, are past the bound of %d MiB", past, s.bytes>>20)
	}
	return nil
}

func (s *scan) examine(v version, content []byte) {
	if bytes.IndexByte(content[:min(len(content), 8000)], 0) >= 0 {
		return // binary, by git's own rule
	}
	for _, found := range secretsIn(v.path, content) {
		key := secretKey{found.kind, sha256.Sum256([]byte(found.secret))}
		finding := Finding{
			Commit: v.commit, Path: v.path, Line: 1 + bytes.Count(content[:found.at], []byte("\n")),
			Kind: found.kind, Redacted: found.redacted, Fixture: isFixture(v.path), Places: 1,
		}
		i, known := s.seen[key]
		if !known {
			s.seen[key] = len(s.history.Findings)
			s.history.Findings = append(s.history.Findings, finding)
			continue
		}
		// Older versions come later, so the last one seen brought it in. That a
		// secret is a fixture too does not make it one.
		finding.Places += s.history.Findings[i].Places
		finding.Fixture = finding.Fixture && s.history.Findings[i].Fixture
		s.history.Findings[i] = finding
	}
}

// eachLine runs a git command and hands on its output line by line.
func (r repository) eachLine(ctx context.Context, stdin io.Reader, line func(string), args ...string) (err error) {
	cmd := r.command(ctx, args...)
	var stderr tail
	cmd.Stderr, cmd.Stdin = &stderr, stdin
	out, err := cmd.StdoutPipe()
	if err != nil {
		return fmt.Errorf("open git's output: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return gitFailed(ctx, args[0], err, "")
	}
	lines := bufio.NewReader(out)
	for {
		text, err := lines.ReadString('\n')
		if err != nil {
			break
		}
		line(strings.TrimSuffix(text, "\n"))
	}
	if err := cmd.Wait(); err != nil && !errors.Is(err, exec.ErrWaitDelay) {
		return gitFailed(ctx, args[0], err, stderr.String())
	}
	return nil
}

// idReader reads the ids of versions, one a line.
type idReader struct {
	all  []version
	rest []byte
}

// Read gives the next bytes.
func (r *idReader) Read(p []byte) (int, error) {
	for len(r.rest) < len(p) && len(r.all) > 0 {
		r.rest = append(r.rest, r.all[0].id+"\n"...)
		r.all = r.all[1:]
	}
	if len(r.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(p, r.rest)
	r.rest = r.rest[:copy(r.rest, r.rest[n:])]
	return n, nil
}
