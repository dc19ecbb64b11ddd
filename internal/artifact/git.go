package artifact

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/problem"
)

// errNoRepository is the cause of the problem RW-A01.
var errNoRepository = errors.New("not inside a git repository")

// repository is a git repository, found without asking git: its location is
// then given to git explicitly, so that neither core.worktree nor the owner of
// the files (safe.directory) has a say.
type repository struct {
	gitDir string // the .git folder or file, or the bare repository itself
	work   string // the working tree's top; "" for a bare repository
	dir    string // where commands run: the application's folder
	prefix string // dir inside work, with slashes; "" for the top
}

// locate finds the repository that holds dir.
func locate(dir string) (repository, error) {
	abs, err := realPath(dir)
	if err != nil {
		return repository{}, &problem.Problem{
			Code: "RW-U01", Summary: "the folder does not exist", At: dir,
			Fix: "name the folder that holds roadworthy.yaml", Cause: err,
		}
	}
	for at := abs; ; at = filepath.Dir(at) {
		if _, err := os.Lstat(filepath.Join(at, ".git")); err == nil {
			prefix, err := filepath.Rel(at, abs)
			if err != nil {
				return repository{}, fmt.Errorf("name the folder inside the repository: %w", err)
			}
			if prefix == "." {
				prefix = ""
			}
			return repository{filepath.Join(at, ".git"), at, abs, filepath.ToSlash(prefix)}, nil
		}
		if at == filepath.Dir(at) {
			break
		}
	}
	if isBare(abs) {
		return repository{gitDir: abs, dir: abs}, nil
	}
	return repository{}, noRepository(dir, errNoRepository)
}

// isBare reports whether dir looks as git expects of a repository (gitrepository-layout(5)).
func isBare(dir string) bool {
	for _, name := range []string{"HEAD", "objects", "refs"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			return false
		}
	}
	return true
}

func noRepository(dir string, cause error) error {
	return &problem.Problem{
		Code: "RW-A01", Summary: "no commit can name what is in this folder", At: dir,
		Got: cause.Error(), Want: "a folder in a git repository with at least one commit",
		Fix: "git init && git add . && git commit -m first   (or pass --dirty)", Cause: cause,
	}
}

// hardened are settings that keep a repository's own configuration from
// running programs. They override it, since they come later.
var hardened = []string{
	"core.fsmonitor=false",          // a program that is asked which files changed
	"core.hooksPath=/dev/null",      // hooks
	"core.pager=cat",                //
	"core.excludesFile=/dev/null",   // only .gitignore and info/exclude count, on every machine
	"core.attributesFile=/dev/null", //
	"core.commitGraph=false",        // a cache of the history that need not agree with it
	"core.untrackedCache=false",     //
	"protocol.allow=never",          // transports, with GIT_ALLOW_PROTOCOL below
	"log.showSignature=false",       // gpg.program
	"gc.auto=0",                     //
}

// command prepares one git command in an environment of its own: no system or
// personal configuration, no replaced or grafted objects, no fetching of
// objects that a partial clone lacks, no questions.
func (r repository) command(ctx context.Context, args ...string) *exec.Cmd {
	full := []string{"--no-pager", "--literal-pathspecs"}
	for _, setting := range hardened {
		full = append(full, "-c", setting)
	}
	cmd := exec.CommandContext(ctx, "git", append(full, args...)...)
	cmd.Dir = r.dir
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "LC_ALL=C",
		"GIT_DIR=" + r.gitDir,
		"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_ATTR_NOSYSTEM=1",
		"GIT_NO_REPLACE_OBJECTS=1", "GIT_GRAFT_FILE=/dev/null",
		// Unlike protocol.allow this also beats protocol.NAME.allow in the
		// repository's configuration: no protocol has the name "none".
		"GIT_ALLOW_PROTOCOL=none", "GIT_NO_LAZY_FETCH=1",
		"GIT_OPTIONAL_LOCKS=0", "GIT_TERMINAL_PROMPT=0", "GIT_ASKPASS=/bin/false",
	}
	if r.work != "" {
		cmd.Env = append(cmd.Env, "GIT_WORK_TREE="+r.work)
	}
	// Out of the terminal's foreground group: Ctrl-C reaches git through ctx alone.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.WaitDelay = 2 * time.Second
	return cmd
}

// output runs a git command and returns what it wrote.
func (r repository) output(ctx context.Context, args ...string) ([]byte, error) {
	cmd := r.command(ctx, args...)
	var stderr tail
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, gitFailed(ctx, args[0], err, stderr.String())
	}
	return out, nil
}

// word runs a git command that answers with one line, or with exit code 1
// where there is no answer.
func (r repository) word(ctx context.Context, args ...string) (string, error) {
	out, err := r.output(ctx, args...)
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == 1 {
		return "", nil
	}
	return strings.TrimSpace(string(out)), err
}

func gitFailed(ctx context.Context, verb string, err error, stderr string) error {
	if ctx.Err() != nil {
		return fmt.Errorf("run git %s: %w", verb, ctx.Err())
	}
	if errors.Is(err, exec.ErrNotFound) {
		return &problem.Problem{
			Code: "RW-B04", Summary: "git is not installed", Want: "git 2.31 or newer on the PATH",
			Fix: "sudo apt-get install git", Cause: err,
		}
	}
	return fmt.Errorf("run git %s: %w: %s", verb, err, strings.TrimSpace(stderr))
}

// tail keeps the last 4 KiB that were written to it.
type tail struct{ bytes.Buffer }

// Write keeps p, and forgets the oldest bytes past the bound.
func (t *tail) Write(p []byte) (int, error) {
	const bound = 4 << 10
	_, _ = t.Buffer.Write(p)
	if extra := t.Len() - bound; extra > 0 {
		t.Next(extra)
	}
	return len(p), nil
}
