package scratch

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// store keeps fresh data folders as archives, one file per key.
//
// A file becomes visible by rename(2) and is never changed, so that a reader
// sees a whole one whatever other processes do; the lock beside it only saves
// them from doing the work twice. A reader takes the file for valid when it is
// ours and its header is the one that its content gives; if not, it is made
// anew. Because the content is read into memory first, nothing of a broken
// file is ever unpacked.
//
// File format, version 1: one header line of headerSize bytes, padded with
// spaces, with key, CRC-32C (RFC 3720 section 12.1) and length of the rest;
// then a tar archive (POSIX.1-2001) of folders and regular files.
type store struct {
	dir  string // "": nothing is kept
	cred *syscall.Credential
}

const headerSize = 256

// templateKey names a template: all that its content depends on is hashed.
func templateKey(kind Kind, parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return fmt.Sprintf("%s-%x", kind, sum[:8])
}

func header(key string, content []byte) []byte {
	sum := crc32.Checksum(content, crc32.MakeTable(crc32.Castagnoli))
	line := fmt.Sprintf("roadworthy scratch template 1 %s crc32c=%08x bytes=%d", key, sum, len(content))
	return fmt.Appendf(nil, "%-*s\n", headerSize-1, line)
}

// boot fills the folder data, which must not exist, from the template of that
// key or, where there is none, by build, and then calls start. When start
// fails on a kept template the template is made anew, once: it may be from
// before a change of the host.
func (s store) boot(ctx context.Context, key, data string, build, start func(context.Context) error) error {
	kept, err := s.fill(ctx, key, data, build)
	if err != nil {
		return err
	}
	err = start(ctx)
	if err == nil || !kept || ctx.Err() != nil {
		return err
	}
	if err := errors.Join(os.Remove(s.path(key)), os.RemoveAll(data)); err != nil {
		return fmt.Errorf("replace template that does not start: %w", err)
	}
	if _, err := s.fill(ctx, key, data, build); err != nil {
		return err
	}
	return start(ctx)
}

// fill makes data, and reports whether it came from a kept template.
func (s store) fill(ctx context.Context, key, data string, build func(context.Context) error) (kept bool, err error) {
	if err := os.Mkdir(data, 0o700); err != nil {
		return false, fmt.Errorf("make data folder: %w", err)
	}
	if err := giveAway(data, s.cred); err != nil {
		return false, err
	}
	if s.dir == "" {
		return false, build(ctx)
	}
	if content := s.load(key); content != nil {
		return true, unpack(content, data, s.cred)
	}
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return false, fmt.Errorf("make template cache: %w", err)
	}
	unlock, err := s.lock(ctx, key)
	if err != nil {
		return false, err
	}
	defer unlock()
	if content := s.load(key); content != nil {
		return true, unpack(content, data, s.cred) // another process made it while we waited
	}
	if err := build(ctx); err != nil {
		return false, err
	}
	return false, s.save(key, data)
}

func (s store) path(key string) string { return filepath.Join(s.dir, key+".template") }

// load returns the archive of that key, nil when there is no valid one.
func (s store) load(key string) []byte {
	f, err := os.OpenFile(s.path(key), os.O_RDONLY|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return nil
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() || info.Size() < headerSize || !ours(info) {
		return nil
	}
	all := make([]byte, info.Size())
	if _, err := f.ReadAt(all, 0); err != nil {
		return nil
	}
	if !bytes.Equal(all[:headerSize], header(key, all[headerSize:])) {
		return nil
	}
	return all[headerSize:]
}

// ours says whether we own the file and nobody else may write to it.
func ours(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Geteuid() && info.Mode().Perm()&0o022 == 0
}

// save writes data as the template of that key, replacing a broken one.
func (s store) save(key, data string) error {
	var content bytes.Buffer
	if err := pack(&content, data); err != nil {
		return err
	}
	f, err := os.CreateTemp(s.dir, "."+key+"-*") // mode 0600
	if err != nil {
		return fmt.Errorf("save template: %w", err)
	}
	_, err = f.Write(header(key, content.Bytes()))
	if err == nil {
		_, err = f.Write(content.Bytes())
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), s.path(key))
	}
	if err != nil {
		return fmt.Errorf("save template: %w", errors.Join(err, os.Remove(f.Name())))
	}
	return nil
}

// lock waits until no other process or goroutine makes the template of that
// key. The kernel releases it should we die (flock(2)).
func (s store) lock(ctx context.Context, key string) (unlock func(), err error) {
	f, err := os.OpenFile(filepath.Join(s.dir, key+".lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock template: %w", err)
	}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { _ = f.Close() }, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			return nil, errors.Join(fmt.Errorf("lock template: %w", err), f.Close())
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(fmt.Errorf("lock template: %w", context.Cause(ctx)), f.Close())
		case <-tick.C:
		}
	}
}
