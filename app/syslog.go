package app

import (
	"context"
	"log/slog"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/syslog"
)

// syslogQueue stands between the log and the daemon, so that a daemon that is
// slow or away holds nobody up. It loses what it has no room for, and counts it.
type syslogQueue struct {
	sender  syslogSender
	waiting chan syslog.Message
	dropped atomic.Uint64
	origin  *syslog.Origin
	end     context.CancelFunc // of sending, which then ends at once
	stop    chan struct{}      // closed when no more records come
	done    chan struct{}
}

// syslogSender is a [syslog.Sender].
type syslogSender interface {
	Send(ctx context.Context, messages []syslog.Message) (int, error)
	Close() error
}

const (
	queued      = 4096 // messages that wait for the daemon
	batchSize   = 64
	syslogPause = 100 * time.Millisecond // after a failure: without a route to the daemon one comes at once
)

// syslogStats is the state of syslog in the status.
type syslogStats struct {
	Waiting int    `json:"waiting"`
	Dropped uint64 `json:"dropped"` // records that there was no room for
}

// openSyslog starts sending where this process does that itself.
func (a *App) openSyslog() error {
	if slices.Contains(a.supplied, "log.syslog") || a.SyslogURL == "" {
		return nil
	}
	options, err := syslog.ParseURL(a.SyslogURL)
	if err != nil {
		return &ConfigError{err}
	}
	if !strings.Contains(a.SyslogURL, "facility=") {
		if options.Facility, err = syslog.ParseFacility(a.SyslogFacility); err != nil {
			return &ConfigError{err}
		}
	}
	options.Host = a.host
	sender, err := syslog.New(options)
	if err != nil {
		return &ConfigError{err}
	}
	a.syslog = newSyslogQueue(sender, a.name)
	return nil
}

// newSyslogQueue begins to send; close ends it.
func newSyslogQueue(sender syslogSender, name string) *syslogQueue {
	ctx, cancel := context.WithCancel(context.Background())
	q := &syslogQueue{
		sender: sender, waiting: make(chan syslog.Message, queued), origin: &syslog.Origin{App: name, ProcID: strconv.Itoa(os.Getpid())},
		end: cancel, stop: make(chan struct{}), done: make(chan struct{}),
	}
	go q.run(ctx)
	return q
}

// toSyslog hands a record on. It waits for nothing.
func (a *App) toSyslog(_ context.Context, r slog.Record, text string) {
	message := syslog.Message{Time: r.Time, Severity: syslog.SeverityOf(r.Level), Origin: a.syslog.origin, Text: []byte(strings.TrimSuffix(text, "\n"))}
	select {
	case a.syslog.waiting <- message:
	default:
		a.syslog.dropped.Add(1)
	}
}

// run sends until there is nothing left and no more comes.
func (q *syslogQueue) run(ctx context.Context) {
	defer close(q.done)
	for {
		batch := q.next()
		if len(batch) == 0 {
			return
		}
		for len(batch) > 0 {
			n, err := q.sender.Send(ctx, batch)
			if batch = batch[n:]; err == nil {
				continue
			}
			select {
			case <-time.After(syslogPause):
			case <-ctx.Done():
				q.dropped.Add(uint64(len(batch) + len(q.waiting)))
				return
			}
		}
	}
}

// next waits for a message and takes what waits with it; nothing at the end.
func (q *syslogQueue) next() []syslog.Message {
	var batch []syslog.Message
	select {
	case m := <-q.waiting:
		batch = append(batch, m)
	case <-q.stop:
	}
	for len(batch) < batchSize {
		select {
		case m := <-q.waiting:
			batch = append(batch, m)
		default:
			return batch
		}
	}
	return batch
}

// close sends what waits, until the context ends.
func (q *syslogQueue) close(ctx context.Context) {
	close(q.stop)
	select {
	case <-q.done:
	case <-ctx.Done():
	}
	q.end()
	<-q.done
	_ = q.sender.Close() // all that it could tell is counted
}

func (q *syslogQueue) stats() syslogStats {
	return syslogStats{Waiting: len(q.waiting), Dropped: q.dropped.Load()}
}
