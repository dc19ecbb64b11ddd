package logs

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// ErrInUse says that another process writes to the archive.
var ErrInUse = errors.New("another process writes to this archive")

// Archive defaults.
const (
	defaultSegment  = 8 << 20
	defaultSegments = 8
	minSegment      = 64 << 10
)

// ArchiveOptions bound an archive. It takes Segment × Segments bytes on disk,
// and at most one record beyond.
type ArchiveOptions struct {
	Segment  int // bytes; 8 MiB by default
	Segments int // files; 8 by default, 2 at least
}

// Archive is a sink that keeps the latest records in a folder, in segments that
// take turns. Files are readable by their owner alone. A process that is killed
// loses nothing that Write has taken: each call is one write to a file, and a
// file that may end in the middle of a record is never written to again.
type Archive struct {
	folder string
	opts   ArchiveOptions
	lock   *os.File
	file   *os.File // nil: the next write begins a segment
	number uint64   // of the segment
	count  uint64   // records written, over all segments
	enc    encoder
}

// OpenArchive makes the folder where it is missing, and begins a new segment
// behind those that it finds. It returns [ErrInUse] where another archive is
// open on the folder.
func OpenArchive(folder string, opts ArchiveOptions) (*Archive, error) {
	if opts.Segment == 0 {
		opts.Segment = defaultSegment
	}
	if opts.Segments == 0 {
		opts.Segments = defaultSegments
	}
	opts.Segment, opts.Segments = max(opts.Segment, minSegment), max(opts.Segments, 2)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("open the log archive: %w", err)
	}
	lock, err := os.OpenFile(filepath.Join(folder, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the log archive: %w", err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = lock.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = ErrInUse
		}
		return nil, fmt.Errorf("open the log archive in %s: %w", folder, err)
	}
	a := &Archive{folder: folder, opts: opts, lock: lock}
	if err := a.resume(); err != nil {
		_ = lock.Close()
		return nil, err
	}
	return a, nil
}

// resume counts on from the last segment.
func (a *Archive) resume() error {
	numbers, err := segments(a.folder)
	if err != nil {
		return fmt.Errorf("open the log archive: %w", err)
	}
	if len(numbers) == 0 {
		return nil
	}
	a.number = numbers[len(numbers)-1]
	s, err := openSegment(a.folder, a.number)
	if err != nil {
		return fmt.Errorf("open the log archive: %w", err)
	}
	defer s.close()
	a.count = s.first
	for {
		_, ok, err := s.next()
		if err != nil || !ok {
			return err
		}
		a.count++
	}
}

// Write appends records with one write; it never waits for the disk to settle.
func (a *Archive) Write(_ context.Context, records []Record) (int, error) {
	if a.file == nil || a.enc.size >= a.opts.Segment {
		if err := a.roll(); err != nil {
			return 0, err
		}
	}
	a.enc.buf = a.enc.buf[:0]
	for i := range records {
		a.enc.add(&records[i])
	}
	n, err := a.file.Write(a.enc.buf)
	a.enc.size += n
	if err != nil { // the segment may end in the middle: what follows goes to another
		_ = a.file.Close()
		a.file = nil
		return 0, fmt.Errorf("write the log archive: %w", errors.Join(err, a.undo(n)))
	}
	a.count += uint64(len(records))
	return len(records), nil
}

// undo takes back a write that failed half way, so that records which come
// again do not stand there twice.
func (a *Archive) undo(n int) error {
	if n == 0 {
		return nil
	}
	return os.Truncate(a.path(a.number), int64(a.enc.size-n))
}

func (a *Archive) path(number uint64) string { return segmentPath(a.folder, number) }

// roll begins the next segment and removes the oldest.
func (a *Archive) roll() error {
	if a.file != nil {
		_ = a.file.Close()
		a.file = nil
	}
	file, err := os.OpenFile(a.path(a.number+1), os.O_CREATE|os.O_EXCL|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("begin a log segment: %w", err)
	}
	a.number++
	a.enc.begin(a.count)
	n, err := file.Write(a.enc.buf)
	if err != nil {
		_ = file.Close()
		return fmt.Errorf("begin a log segment: %w", err)
	}
	a.file, a.enc.size = file, n
	numbers, err := segments(a.folder)
	if err != nil {
		return fmt.Errorf("list the log segments: %w", err)
	}
	for _, old := range numbers[:max(0, len(numbers)-a.opts.Segments)] {
		if err := os.Remove(a.path(old)); err != nil {
			return fmt.Errorf("remove a log segment: %w", err)
		}
	}
	return nil
}

// Close ends the archive; another may be opened on its folder.
func (a *Archive) Close() error {
	if a.file != nil {
		_ = a.file.Close()
		a.file = nil
	}
	return a.lock.Close()
}

const segmentSuffix = ".log"

func segmentPath(folder string, number uint64) string {
	return filepath.Join(folder, fmt.Sprintf("%016d%s", number, segmentSuffix))
}

// segments returns the numbers of the segments in a folder, in order.
func segments(folder string) ([]uint64, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	var numbers []uint64
	for _, entry := range entries {
		name, ok := strings.CutSuffix(entry.Name(), segmentSuffix)
		if n, err := strconv.ParseUint(name, 10, 64); ok && err == nil {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	return numbers, nil
}
