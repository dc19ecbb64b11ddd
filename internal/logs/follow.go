package logs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"time"
)

// Query says which records of an archive are wanted. The zero value of a field
// leaves nothing out, but for Level, whose zero value is INFO.
type Query struct {
	From, Until time.Time
	Level       slog.Level // the least
	Processes   []string   // "web" for all of a type, "web.1" for one
	Last        int        // of the past records, only so many
}

func (q *Query) wants(r *Record) bool {
	switch {
	case r.Level < q.Level:
		return false
	case !q.From.IsZero() && r.Time.Before(q.From), !q.Until.IsZero() && !r.Time.Before(q.Until):
		return false
	}
	return len(q.Processes) == 0 || slices.Contains(q.Processes, r.Source.Type) || slices.Contains(q.Processes, r.Source.Name())
}

// Records that overtook one another by no more than this are put in order.
const (
	window    = time.Second
	maxWindow = 10_000
)

// Read gives the past records of an archive to emit, ordered by time. It may
// run in another process than the archive.
func Read(ctx context.Context, folder string, query Query, emit func(Record) error) error {
	f := follower{folder: folder, query: query, emit: emit}
	defer f.close()
	return f.past(ctx)
}

// Follow does the same and then waits for more, looking every so often, until
// ctx ends, which is no error. Where records were removed before it got to
// them, it says so in a record of its own.
func Follow(ctx context.Context, folder string, query Query, every time.Duration, emit func(Record) error) error {
	f := follower{folder: folder, query: query, emit: emit}
	defer f.close()
	if err := f.past(ctx); err != nil {
		return err
	}
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		if err := f.advance(ctx); err != nil {
			return err
		}
		if err := f.release(0); err != nil {
			return err
		}
	}
}

// follower reads one segment after the other.
type follower struct {
	folder string
	query  Query
	emit   func(Record) error
	number uint64
	at     *segment // nil before the first
	count  uint64   // the number of the next record
	held   []Record // ordered by time
	last   []Record // of the past, where only so many are wanted
}

func (f *follower) close() {
	if f.at != nil {
		f.at.close()
	}
}

func (f *follower) past(ctx context.Context) error {
	emit := f.emit
	if f.query.Last > 0 {
		f.emit = f.keep
	}
	if err := f.advance(ctx); err != nil {
		return err
	}
	if err := f.release(0); err != nil {
		return err
	}
	f.emit = emit
	for _, r := range f.last[max(0, len(f.last)-f.query.Last):] {
		if err := emit(r); err != nil {
			return err
		}
	}
	f.last = nil
	return nil
}

// keep holds the last of the past records.
func (f *follower) keep(r Record) error {
	if len(f.last) >= 2*f.query.Last {
		f.last = append(f.last[:0], f.last[len(f.last)-f.query.Last:]...)
	}
	f.last = append(f.last, r)
	return nil
}

// advance reads all that there is at this time.
func (f *follower) advance(ctx context.Context) error {
	for {
		// What is there of the segments comes first: a segment that has a
		// successor is complete, so its end is its end.
		numbers, err := segments(f.folder)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("read the log archive: %w", err)
		}
		if err := f.drain(ctx); err != nil {
			return err
		}
		i, _ := slices.BinarySearch(numbers, f.number+1)
		if i == len(numbers) {
			return nil
		}
		if err := f.open(numbers, i); err != nil {
			return err
		}
	}
}

// open turns to the next segment that is wanted.
func (f *follower) open(numbers []uint64, i int) error {
	for f.at == nil && i+1 < len(numbers) && f.before(numbers[i]) {
		i++
	}
	s, err := openSegment(f.folder, numbers[i])
	if errors.Is(err, fs.ErrNotExist) {
		f.number = numbers[i] // removed meanwhile; the next one tells how much is missing
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the log archive: %w", err)
	}
	missing := f.at != nil && s.begun && s.first > f.count
	gap := s.first - f.count
	f.close()
	f.at, f.number = s, numbers[i]
	if s.begun {
		f.count = s.first
	}
	if missing {
		return f.gap(gap)
	}
	return nil
}

// before reports whether all of a segment is older than the query wants.
func (f *follower) before(number uint64) bool {
	if f.query.From.IsZero() {
		return false
	}
	info, err := os.Stat(segmentPath(f.folder, number))
	return err == nil && info.ModTime().Before(f.query.From.Add(-window))
}

func (f *follower) gap(n uint64) error {
	if err := f.release(0); err != nil {
		return err
	}
	return f.emit(Record{
		Time: f.at.time, Source: &Source{Type: "roadworthy", Stream: Own}, Level: slog.LevelWarn, Found: true, Lines: 1,
		Text: fmt.Appendf(nil, "level=WARN msg=\"%d records were removed before they could be read\"", n),
	})
}

// drain reads to the end of the segment.
func (f *follower) drain(ctx context.Context) error {
	for f.at != nil && ctx.Err() == nil {
		begun := f.at.begun
		r, ok, err := f.at.next()
		if err != nil {
			return fmt.Errorf("read the log archive: %w", err)
		}
		if !begun && f.at.begun {
			f.count = f.at.first
		}
		if !ok {
			return nil
		}
		f.count++
		if !f.query.wants(&r) {
			continue
		}
		f.insert(r)
		if len(f.held) >= maxWindow {
			if err := f.release(window); err != nil {
				return err
			}
		}
	}
	return nil
}

// insert holds a record at its place by time, behind those of the same time.
func (f *follower) insert(r Record) {
	i := len(f.held)
	for i > 0 && f.held[i-1].Time.After(r.Time) {
		i--
	}
	f.held = slices.Insert(f.held, i, r)
}

// release emits what no later record can precede; half of a full window at
// least, for its memory is bounded.
func (f *follower) release(within time.Duration) error {
	n := len(f.held)
	if within > 0 && n > 0 {
		limit := f.held[n-1].Time.Add(-within)
		for n = maxWindow / 2; n < len(f.held) && f.held[n].Time.Before(limit); {
			n++
		}
	}
	for i := range n {
		if err := f.emit(f.held[i]); err != nil {
			return err
		}
	}
	if n > 0 {
		f.held = f.held[:copy(f.held, f.held[n:])]
	}
	return nil
}
