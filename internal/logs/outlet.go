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
	name   string
	sink   Sink
	ring   *ring
	clock  Clock
	gone   chan struct{}
	source *Source

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
		n, err = o.sink.Write(ctx, records)
	}
	if err == nil && n == 0 && len(records) > 0 {
		err = fmt.Errorf("write logs to %s: it took nothing", o.name)
	}
	o.ring.done(n)
	return err
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
