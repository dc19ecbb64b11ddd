package errormail

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/roadworthy-dev/roadworthy/internal/bench"
	"github.com/roadworthy-dev/roadworthy/internal/bench/mailsink"
	"github.com/roadworthy-dev/roadworthy/internal/manifest"
)

const (
	closed       = "closed" // the mail server does not listen at all
	deadTogether = 2        // boots at a time: they measure time
	healthyLasts = 500 * time.Millisecond
	deadLasts    = 1200 * time.Millisecond
	deadRounds   = 3               // of the load, until a mail was tried
	slowRounds   = 4               // of a mode, in fresh boots, as long as each was slow
	patience     = 4 * time.Second // for one request
	raisers      = 3               // connections that induce exceptions
	readers      = 2               // connections that read pages
)

var modes = []mailsink.Mode{mailsink.Reject, mailsink.RefuseRcpt, mailsink.StallData, mailsink.StallGreeting, mailsink.Drop}

// dead lets the mail server fail in each way, in a boot of its own. Time is
// measured on a shared machine: a slow round is repeated in a fresh boot.
func (p plan) dead(ctx context.Context) ([]Harm, error) {
	rounds := make([][]Harm, len(modes)+1)
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(deadTogether)
	for i := range rounds {
		group.Go(func() error {
			for range slowRounds {
				harm, err := p.harm(groupCtx, i)
				if err != nil {
					return err
				}
				rounds[i] = append(rounds[i], harm)
				if harm.delayed() == "" {
					break
				}
			}
			return nil
		})
	}
	err := group.Wait()
	return slices.Concat(rounds...), err
}

// harm measures one way to fail; the last one is a server that is gone.
func (p plan) harm(ctx context.Context, mode int) (Harm, error) {
	w, err := p.open(ctx, nil)
	if err != nil {
		return Harm{}, err
	}
	defer w.Close()
	h := Harm{Mode: closed}
	h.Healthy = w.load(ctx, healthyLasts, readers, w.readPage)
	for _, service := range w.OfType(manifest.SMTP) {
		if mode < len(modes) {
			h.Mode = modes[mode].String()
			service.Mail.Set(modes[mode])
		} else if err := service.Mail.Close(); err != nil {
			return h, fmt.Errorf("end the mail server: %w", err)
		}
	}
	before, err := w.process.Delays(ctx)
	if err != nil {
		return h, fmt.Errorf("ask for the delays: %w", err)
	}
	for range deadRounds {
		if h.Attempts > 0 || ctx.Err() != nil || w.process.Ended() {
			break
		}
		w.fail(ctx, &h)
		if h.Attempts, err = w.attempts(ctx); err != nil {
			return h, err
		}
	}
	if h.Delayed, err = w.process.DelayedSince(ctx, before); err != nil && ctx.Err() == nil {
		return h, fmt.Errorf("ask for the delays: %w", err)
	}
	if w.process.Ended() {
		h.Ended = w.Excerpt(fmt.Sprint(w.process.Output.Tail(2)))
	}
	return h, ctx.Err()
}

// fail reads pages while exceptions are induced.
func (w *world) fail(ctx context.Context, h *Harm) {
	var group sync.WaitGroup
	var ordinary, failing Load
	group.Go(func() { ordinary = w.load(ctx, deadLasts, readers, w.readPage) })
	group.Go(func() { failing = w.load(ctx, deadLasts, raisers, w.raisePage) })
	group.Wait()
	h.Ordinary.add(ordinary)
	h.Failing.add(failing)
}

func (l *Load) add(other Load) {
	l.Sent, l.Failed, l.Slowest = l.Sent+other.Sent, l.Failed+other.Failed, max(l.Slowest, other.Slowest)
	if l.Failure == "" {
		l.Failure = other.Failure
	}
}

// attempts counts the connections to mail servers that the application tried.
func (w *world) attempts(ctx context.Context) (n int, err error) {
	reached, err := w.Reached(ctx)
	if err != nil {
		return 0, fmt.Errorf("list the destinations: %w", err)
	}
	for _, service := range w.OfType(manifest.SMTP) {
		for _, d := range reached {
			if d.Address == fmt.Sprintf("%s:%d", service.IP, service.Port) {
				n += d.Count
			}
		}
	}
	return n, nil
}

// A page sends one request; failed says that it did not end as it should.
type page func(ctx context.Context, client *bench.Client, nonce string) (reply bench.Reply, failed bool)

func (w *world) readPage(ctx context.Context, client *bench.Client, nonce string) (bench.Reply, bool) {
	reply := client.Do(ctx, bench.Request{Method: "GET", Target: withQuery(w.b.Landing(), nonce), Header: stamp(nonce), Within: patience})
	return reply, reply.Err != "" || reply.Status >= 500
}

func (w *world) raisePage(ctx context.Context, client *bench.Client, nonce string) (bench.Reply, bool) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	reply := w.raise(ctx, client, nonce)
	return reply, reply.Err != ""
}

// load sends requests over several connections, at most twenty a second each.
func (w *world) load(ctx context.Context, lasts time.Duration, connections int, do page) Load {
	var mu sync.Mutex
	var seen Load
	var group sync.WaitGroup
	end := time.Now().Add(lasts)
	for range connections {
		random := w.b.NewRandom() // the boot's own is for one goroutine
		group.Go(func() {
			client := w.Client(w.process)
			defer client.Close()
			for time.Now().Before(end) && ctx.Err() == nil {
				reply, failed := do(ctx, client, random.Nonce())
				one := Load{Sent: 1, Slowest: reply.Duration.Seconds()}
				if failed {
					one.Failed, one.Failure = 1, reply.Method+" "+reply.Target+": "+reply.Outcome()
				}
				mu.Lock()
				seen.add(one)
				mu.Unlock()
				time.Sleep(50 * time.Millisecond)
			}
		})
	}
	group.Wait()
	return seen
}
