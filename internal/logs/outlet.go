package logs

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// outlet moves records from a ring to a sink.
type outlet struct {
	name    string
	sink    Sink
	ring    *ring
	clock   Clock
	gone    chan struct{}
	source  *Source
	portion int // records that the sink gets at once

	mu       sync.Mutex
	failures uint64
	failure  string
	failed   time.Time // zero while the sink works
}

func (o *outlet) run(ctx context.Context) {
	defer close(o.gone)
	pause := firstPause
	for ctx.Err() == nil {
		lost, records := o.ring.take(o.clock.Now())
		if lost.Records == 0 && len(records) == 0 {
			select {
			case <-o.ring.wake:
			case <-ctx.Done():
			}
			continue
		}
		err := o.pass(ctx, lost, records)
		o.note(err)
		if err == nil {
			pause = firstPause
			continue
		}
		select {
		case <-o.clock.After(pause):
		case <-ctx.Done():
		}
		pause = min(2*pause, lastPause)
	}
}

// pass writes what was taken, the record of a loss first.
func (o *outlet) pass(ctx context.Context, lost Loss, records []Record) error {
	if lost.Records > 0 {
		notice := o.notice(lost)
		n, err := o.sink.Write(ctx, []Record{notice})
		if err != nil {
			return err
		}
		if n == 1 {
			o.ring.told()
		}
	}
	n, err := 0, error(nil)
	if len(records) > 0 {
		n, err = o.write(ctx, records)
	}
	if err == nil && n == 0 && len(records) > 0 {
		err = fmt.Errorf("write logs to %s: it took nothing", o.name)
	}
	o.ring.done(n)
	return err
}

// portions is how many a sink should take within the time of a stall.
const portions = 8

// write gives the sink what it may get at once. Where it is to be seen that the
// sink takes something, one that takes its time gets little.
func (o *outlet) write(ctx context.Context, records []Record) (int, error) {
	if o.ring.policy != BlockWhileFlowing {
		return o.sink.Write(ctx, records)
	}
	begun := o.clock.Now()
	n, err := o.sink.Write(ctx, records[:min(len(records), o.portion)])
	took := max(o.clock.Now().Sub(begun), 1)
	fits := int(o.ring.gate.stall / portions * time.Duration(n) / took)
	o.portion = max(1, min(fits, 2*o.portion, chunkRecords))
	return n, err //nolint:wrapcheck // of the sink
}

// notice is the record that stands where records are missing. It passes any
// threshold: a gap must show.
func (o *outlet) notice(lost Loss) Record {
	text := fmt.Appendf(nil, "level=WARN msg=\"dropped %d lines\" sink=%s lines=%d records=%d bytes=%d", lost.Lines, o.name, lost.Lines, lost.Records, lost.Bytes)
	return Record{
		Time: o.clock.Now().UTC().Truncate(time.Microsecond), Source: o.source, Text: text, Level: slog.LevelWarn, Found: true, Lines: 1,
	}
}

func (o *outlet) note(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err == nil {
		o.failed, o.failure = time.Time{}, ""
		return
	}
	o.failures++
	o.failure = err.Error()
	if o.failed.IsZero() {
		o.failed = o.clock.Now()
	}
}
