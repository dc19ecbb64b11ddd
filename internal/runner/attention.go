package runner

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/front/pool"
	"github.com/roadworthy-dev/roadworthy/internal/worker"
)

const (
	attendEvery = time.Second // at least
	askAgain    = 250 * time.Millisecond
)

// attention is paid to the workers that the front serves from: their
// supervisor is told how many requests they had, and those that get none are
// asked in private now and then, so that one that hangs is found before a
// client finds it.
type attention struct {
	known map[string]*regarded // by process
	asked chan asked
}

// asked is how a private request ended.
type asked struct {
	id  string // of the process
	why string // it counts as hung; "" where it answered
}

// regarded is what is known of one process.
type regarded struct {
	requests uint64
	since    time.Time // without a request
	asking   bool
}

// attend begins to pay attention, until stopAttending.
func (m *master) attend() {
	ctx, cancel := context.WithCancel(context.Background())
	m.stopAttending = func() { cancel(); m.attending.Wait() }
	a := &attention{map[string]*regarded{}, make(chan asked)}
	m.attending.Go(func() {
		for {
			every := attendEvery
			if idle := m.config().Settings.Times.Probe; idle > 0 {
				every = min(every, max(idle/4, time.Millisecond))
			}
			select {
			case <-time.After(every):
				m.regard(ctx, a, time.Now())
			case end := <-a.asked:
				if r := a.known[end.id]; r != nil {
					r.asking, r.since = false, time.Now()
				}
				if end.why != "" {
					m.unanswered(end.id, end.why) // one after the other
				}
			case <-ctx.Done():
				return
			}
		}
	})
}

// regard looks at every process once.
func (m *master) regard(ctx context.Context, a *attention, now time.Time) {
	idle := m.config().Settings.Times.Probe
	if m.config().Settings.Health == "off" {
		idle = 0
	}
	before := a.known
	a.known = map[string]*regarded{}
	for _, s := range m.front.Snapshot() {
		r := before[s.ID]
		if r == nil {
			r = &regarded{since: now}
		}
		a.known[s.ID] = r
		if n := r.count(s); n > 0 || s.InFlight > 0 {
			r.since = now
			m.crews["web"].Served(s.ID, n)
		}
		if idle > 0 && !r.asking && !s.Draining && now.Sub(r.since) >= idle {
			r.asking = true
			m.attending.Go(func() {
				end := asked{s.ID, m.probe(ctx, s.Backend)}
				select {
				case a.asked <- end:
				case <-ctx.Done():
				}
			})
		}
	}
}

// count returns how many requests have come to an end since the last time.
func (r *regarded) count(s pool.State) int {
	total := uint64(0)
	for _, n := range s.Requests {
		total += n
	}
	if total < r.requests { // it was put into the rotation anew
		r.requests = 0
	}
	n := total - r.requests
	r.requests = total
	return int(n)
}

// probe asks a worker for the page of its health until it answers, whatever it
// answers. Where it does not in time, it says so.
func (m *master) probe(ctx context.Context, b pool.Backend) (why string) {
	limit := m.config().Settings.Times.First
	within, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	backend := worker.Backend{Source: worker.Source{ID: b.ID, Worker: nameOf(b.ID)}, Network: b.Network, Address: b.Address, Page: m.config().healthPage()}
	for {
		if _, err := ask(within, backend); err == nil {
			return ""
		}
		select {
		case <-time.After(askAgain):
		case <-within.Done():
			return fmt.Sprintf("no answer to GET %s within %s, asked in private while it had no request", backend.Page, limit)
		}
	}
}

// unanswered declares a worker hung, unless others of its kind are away: what
// all of them wait for, such as a database, must not take all of them away.
func (m *master) unanswered(id, why string) {
	there := false
	for _, w := range m.crews["web"].Snapshot() {
		if w.State != worker.Serving {
			m.log.Warn("a worker gives no answer; it is left as long as others are away", "worker", nameOf(id), "why", why, "away", w.Worker)
			return
		}
		there = there || w.ID == id
	}
	if !there {
		return
	}
	if err := m.crews["web"].Hung(id, why); err != nil && !errors.Is(err, worker.ErrUnknown) {
		m.log.Error("a hung worker cannot be replaced", "worker", id, "error", err)
	}
}
