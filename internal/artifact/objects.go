package artifact

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha1" //nolint:gosec // git names its objects by it; the format is not ours to choose
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"math"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

var (
	errMissing  = errors.New("the repository does not hold the object")
	errTooLarge = errors.New("the object is larger than what is left of the bound")
)

// objects reads git objects raw, through one `git cat-file --batch`, and
// hashes each while it is read: an object whose content is not what its id
// says is an error, never content.
type objects struct {
	ctx    context.Context //nolint:containedctx // the reader lives within one call
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Reader
	stderr tail
}

// objects starts a reader; close ends it.
func (r repository) objects(ctx context.Context) (*objects, error) {
	o := &objects{ctx: ctx, cmd: r.command(ctx, "cat-file", "--batch")}
	o.cmd.Stderr = &o.stderr
	var err error
	if o.in, err = o.cmd.StdinPipe(); err != nil {
		return nil, fmt.Errorf("open git's input: %w", err)
	}
	out, err := o.cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("open git's output: %w", err)
	}
	if err := o.cmd.Start(); err != nil {
		return nil, gitFailed(ctx, "cat-file", err, "")
	}
	o.out = bufio.NewReaderSize(out, 64<<10)
	return o, nil
}

// close ends the reader and waits for it. Whatever went wrong was already
// returned by copy, so its exit code has nothing to add.
func (o *objects) close() {
	_ = o.in.Close()
	// A reader that stopped in the middle of an object leaves git blocked on
	// its output; without this, it would never end.
	_ = o.cmd.Process.Kill()
	_ = o.cmd.Wait()
}

// copy writes an object's content, of at most most bytes, to w and verifies it.
func (o *objects) copy(id, kind string, most int64, w io.Writer) (int64, error) {
	size, err := o.ask(id, kind)
	if err != nil {
		return 0, err
	}
	if size > most {
		return 0, fmt.Errorf("read git object %s of %d bytes: %w", id, size, errTooLarge)
	}
	sum := blobHash(id, kind, size)
	if _, err := io.CopyN(io.MultiWriter(sum, w), o.out, size); err != nil {
		return 0, o.failed(id, err)
	}
	if _, err := o.out.Discard(1); err != nil {
		return 0, o.failed(id, err)
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != id {
		return 0, fmt.Errorf("read git object %s: its content has the id %s; run `git fsck`", id, got)
	}
	return size, nil
}

// ask requests an object and reads the line before its content.
func (o *objects) ask(id, kind string) (size int64, err error) {
	if _, err := io.WriteString(o.in, id+"\n"); err != nil {
		return 0, o.failed(id, err)
	}
	header, err := o.out.ReadString('\n')
	if err != nil {
		return 0, o.failed(id, err)
	}
	fields := strings.Fields(header)
	if len(fields) == 2 && fields[1] == "missing" {
		return 0, fmt.Errorf("read git object %s: %w", id, errMissing)
	}
	if len(fields) != 3 || fields[0] != id || fields[1] != kind {
		return 0, fmt.Errorf("read git object %s: got %q, want a %s", id, strings.TrimSpace(header), kind)
	}
	if size, err = strconv.ParseInt(fields[2], 10, 64); err != nil {
		return 0, fmt.Errorf("read the size of git object %s: %w", id, err)
	}
	return size, nil
}

func (o *objects) failed(id string, err error) error {
	if o.ctx.Err() != nil {
		return fmt.Errorf("read git object %s: %w", id, o.ctx.Err())
	}
	return fmt.Errorf("read git object %s: %w %s", id, err, strings.TrimSpace(o.stderr.String()))
}

// blobHash is a hash that has read an object's header; the length of id tells
// SHA-1 from SHA-256 repositories.
func blobHash(id, kind string, size int64) hash.Hash {
	sum := sha1.New() //nolint:gosec // see the import
	if len(id) == 2*sha256.Size {
		sum = sha256.New()
	}
	fmt.Fprintf(sum, "%s %d\x00", kind, size)
	return sum
}

// read returns at most the first keep bytes of an object, all of it verified.
func (o *objects) read(id, kind string, keep int) ([]byte, int64, error) {
	kept := &head{keep: keep}
	size, err := o.copy(id, kind, math.MaxInt64, kept)
	return kept.Bytes(), size, err
}

// head keeps the first bytes that are written to it.
type head struct {
	bytes.Buffer
	keep int
}

// Write keeps what fits and drops the rest.
func (h *head) Write(p []byte) (int, error) {
	_, _ = h.Buffer.Write(p[:min(len(p), h.keep-h.Len())])
	return len(p), nil
}

// commit is what a commit object says that concerns us.
type commit struct {
	tree string
	time time.Time
}

// commit reads a commit object (gitformat: "tree ID", "parent ID"…, "author",
// "committer NAME <MAIL> SECONDS ZONE", …, an empty line, the message).
func (o *objects) commit(id string) (commit, error) {
	raw, _, err := o.read(id, "commit", 1<<20)
	if err != nil {
		return commit{}, err
	}
	var c commit
	for line := range strings.SplitSeq(string(raw), "\n") {
		key, value, _ := strings.Cut(line, " ")
		switch key {
		case "":
			return c, nil
		case "tree":
			c.tree = value
		case "committer":
			c.time = committerTime(value)
		}
	}
	return c, nil
}

// committerTime reads the seconds behind the mail address. A time past the
// year 9999 or before 1970 cannot be written in the formats that follow.
func committerTime(value string) time.Time {
	_, after, _ := strings.Cut(value[strings.LastIndexByte(value, '<')+1:], "> ")
	seconds, _, _ := strings.Cut(after, " ")
	n, _ := strconv.ParseInt(seconds, 10, 64)
	return time.Unix(min(max(n, 0), 253402300799), 0).UTC()
}
