package logs

import (
	"log/slog"
	"sync/atomic"
	"time"
)

// Stats is a snapshot of what a router has done, for metrics and the status.
type Stats struct {
	Records uint64
	Lines   uint64
	Bytes   uint64
	Levels  [5]uint64 // records below INFO, below WARN, below ERROR, below FATAL, and above
	Traces  uint64    // records with a language
	Outlets []OutletStats
}

// OutletStats is the part of one outlet.
type OutletStats struct {
	Name     string
	Level    slog.Level
	Written  Loss
	Dropped  Loss
	Filtered uint64 // records that it was not to get
	Queued   uint64 // records
	Memory   int    // bytes of the ring in use
	Failures uint64 // writes that failed
	Failure  string // of the last write; "" while the sink works
	Since    time.Time
}

type tally struct {
	records, lines, bytes, traces atomic.Uint64
	levels                        [5]atomic.Uint64
}

func (t *tally) count(records []Record) {
	var levels [5]uint64
	var lines, bytes, traces uint64
	for i := range records {
		r := &records[i]
		lines += uint64(r.Lines)
		bytes += uint64(len(r.Text))
		levels[levelClass(r.Level)]++
		if r.Language != "" {
			traces++
		}
	}
	t.records.Add(uint64(len(records)))
	t.lines.Add(lines)
	t.bytes.Add(bytes)
	t.traces.Add(traces)
	for i, n := range levels {
		if n > 0 {
			t.levels[i].Add(n)
		}
	}
}

func levelClass(level slog.Level) int {
	switch {
	case level < slog.LevelInfo:
		return 0
	case level < slog.LevelWarn:
		return 1
	case level < slog.LevelError:
		return 2
	case level < LevelFatal:
		return 3
	}
	return 4
}

// Stats returns a snapshot. The counts of one outlet agree with each other.
func (r *Router) Stats() Stats {
	s := Stats{Records: r.tally.records.Load(), Lines: r.tally.lines.Load(), Bytes: r.tally.bytes.Load(), Traces: r.tally.traces.Load()}
	for i := range s.Levels {
		s.Levels[i] = r.tally.levels[i].Load()
	}
	for _, o := range r.outlets {
		s.Outlets = append(s.Outlets, o.stats())
	}
	return s
}

func (o *outlet) stats() OutletStats {
	r := o.ring
	r.mu.Lock()
	s := OutletStats{
		Name: o.name, Level: slog.Level(r.level.Load()), Written: r.written, Dropped: r.dropped, Filtered: r.filtered,
		Queued: r.accepted - r.settled, Memory: r.cost,
	}
	r.mu.Unlock()
	o.mu.Lock()
	defer o.mu.Unlock()
	s.Failures, s.Failure, s.Since = o.failures, o.failure, o.failed
	return s
}
