package runner

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/logs"
	"github.com/roadworthy-dev/roadworthy/internal/mail"
	"github.com/roadworthy-dev/roadworthy/internal/trace"
)

const (
	keptRequests = 64                     // failed ones, of all workers
	nearTrace    = 2 * time.Second        // between a trace and the request that it belongs to
	traceGrace   = 150 * time.Millisecond // for the request of a trace to end
)

// failed is a request that went wrong at a worker.
type failed struct {
	at        time.Time
	worker    string
	request   string // method and path
	id        string
	mentioned bool // in a report already
}

// requests remembers the requests that failed of late, so that a stack trace
// can be told together with its request. The application does not say which
// it was: it is the one that failed at the same worker at the same time.
type requests struct {
	mu   sync.Mutex
	list []failed
}

func (r *requests) note(f failed) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.list) == keptRequests {
		r.list = slices.Delete(r.list, 0, 1)
	}
	r.list = append(r.list, f)
}

// near finds the request of a trace: the one whose id the trace states, else
// the one that ended next to it at the same worker and that no other trace
// was told with.
func (r *requests) near(workerName, id string, at time.Time) (failed, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	best, distance := -1, nearTrace
	for i, f := range r.list {
		if id != "" && f.id == id {
			best = i
			break
		}
		if apart := f.at.Sub(at).Abs(); f.worker == workerName && !f.mentioned && apart < distance {
			best, distance = i, apart
		}
	}
	if best < 0 {
		return failed{}, false
	}
	r.list[best].mentioned = true
	return r.list[best], true
}

// witness is a handler that remembers the failed requests of the records that
// pass through it.
type witness struct {
	slog.Handler
	requests *requests
}

// Handle remembers what failed and hands the record on.
func (w *witness) Handle(ctx context.Context, record slog.Record) error {
	if record.Level >= slog.LevelError {
		f := failed{at: record.Time}
		var method, path string
		record.Attrs(func(a slog.Attr) bool {
			switch a.Key {
			case "worker":
				f.worker = nameOf(a.Value.String())
			case "request_id":
				f.id = a.Value.String()
			case "method":
				method = a.Value.String()
			case "path":
				path = a.Value.String()
			}
			return true
		})
		if f.request = method + " " + path; f.worker != "" {
			w.requests.note(f)
		}
	}
	return w.Handler.Handle(ctx, record)
}

// askedFor is how Go titles the stacks that somebody asked for by a signal:
// most often the supervisor, of a worker that hung, which is told by itself.
const askedFor = "SIGQUIT: quit"

// reportTraces is the sink that tells error mail of stack traces.
func (m *master) reportTraces(ctx context.Context, records []logs.Record) (int, error) {
	waited := false
	for _, r := range records {
		if r.Language == "" {
			continue
		}
		if age := time.Since(r.Time); age < traceGrace && !waited { // its request may end a moment later
			waited = true
			timer := time.NewTimer(traceGrace - age)
			select {
			case <-timer.C:
			case <-ctx.Done():
				timer.Stop()
			}
		}
		if e := m.event(r); e.Title != askedFor {
			m.mail.Report(e)
		}
	}
	return len(records), nil
}

func (m *master) event(r logs.Record) mail.Event {
	text := string(r.Text)
	found := trace.Group{Text: r.Text, Lines: int(r.Lines), Language: r.Language}.Trace()
	e := mail.Event{
		Fingerprint: found.Fingerprint(m.config().Folder), Title: found.Title(), Where: found.Where(m.config().Folder), Language: r.Language, Text: text,
		Worker: r.Source.Name(), Release: m.config().Settings.Release, Level: max(r.Level, slog.LevelError), Time: r.Time, RequestID: r.RequestID,
	}
	if f, ok := m.requests.near(r.Source.Name(), r.RequestID, r.Time); ok {
		e.Request, e.RequestID = f.request, f.id
	}
	return e
}
