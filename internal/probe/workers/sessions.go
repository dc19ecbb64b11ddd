package workers

import (
	"context"
	"maps"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/roadworthy-dev/roadworthy/internal/bench"
	"github.com/roadworthy-dev/roadworthy/internal/replay"
)

const (
	sessionRuns = 3                       // at most, where a run shows a difference
	looks       = bench.Workers           // at the last page in the end: one for each worker
	onlyIn      = 1500 * time.Millisecond // for the worker that is meant; then all may answer
)

// player plays sessions of one configuration.
type player struct {
	bench  *bench.Bench
	values map[string]string // of settings
	found  *Sessions
}

// sessions plays the session on one worker, and spread over all of them. Every
// run has new databases.
func sessions(ctx context.Context, b *bench.Bench, values map[string]string) (Sessions, error) {
	s := Sessions{Stores: b.Stores()}
	p := player{b, values, &s}
	for run := 0; run < sessionRuns && (run == 0 || !replay.Settled(s.Plain, s.Spread, sessionRuns)); run++ {
		group, gctx := errgroup.WithContext(ctx)
		plain := make([]replay.Session, 1+max(0, 1-run)) // two at first: what they differ in is noise
		files := make([][]string, len(plain))
		for i := range plain {
			group.Go(func() (err error) { plain[i], files[i], err = p.plain(gctx); return err })
		}
		group.Go(func() error {
			session, err := p.spread(gctx)
			s.Spread = append(s.Spread, session)
			return err
		})
		err := group.Wait()
		s.Files = files[0]
		if s.Plain = append(s.Plain, plain...); err != nil {
			return s, err
		}
	}
	return s, nil
}

// plain plays the session on one worker, and lists the files that it leaves.
func (p player) plain(ctx context.Context) (replay.Session, []string, error) {
	set := maps.Clone(p.values)
	maps.Copy(set, p.bench.SetWorkers(1))
	g, err := open(ctx, p.bench, set, 1)
	if err != nil {
		return nil, nil, err
	}
	defer g.boot.Close()
	session, err := p.bench.Play(ctx, g.boot.Random.Nonce(), looks, func(int) (*bench.Process, error) { return g.processes[0], nil })
	if err != nil {
		return nil, nil, err
	}
	files, err := g.boot.Kept(ctx)
	return session, files, err
}

// spread sends each request to another process or worker.
func (p player) spread(ctx context.Context) (replay.Session, error) {
	g, err := open(ctx, p.bench, p.values, bench.Workers)
	if err != nil {
		return nil, err
	}
	defer g.boot.Close()
	nonce := g.boot.Random.Nonce()
	if !g.supervised {
		p.found.Found, p.found.Answered = len(g.processes), len(g.processes)
		return p.bench.Play(ctx, nonce, looks, func(request int) (*bench.Process, error) { return g.processes[request%len(g.processes)], nil })
	}
	pool, err := g.processes[0].Pool(ctx, bench.Workers)
	if err != nil {
		return nil, err
	}
	turn := turns{pool: pool, landing: bench.Request{Method: http.MethodGet, Target: p.bench.Landing()}, answered: map[int]bool{}}
	defer turn.end()
	session, err := p.bench.Play(ctx, nonce, looks, func(request int) (*bench.Process, error) {
		turn.next(ctx, request)
		return pool.Process, ctx.Err()
	})
	turn.end()
	p.found.Found, p.found.Children, p.found.Answered = len(pool.Workers), pool.Children, len(turn.answered)
	return session, err
}

// turns lets one worker after the other run alone.
type turns struct {
	pool     bench.Pool
	pid      int
	until    time.Time // when all others run again
	landing  bench.Request
	release  func()
	answered map[int]bool // workers that answered while all others were stopped
}

func (t *turns) next(ctx context.Context, request int) {
	t.end()
	if len(t.pool.Workers) == 0 {
		return // threads: nobody can be stopped
	}
	t.pid = t.pool.Workers[request%len(t.pool.Workers)].PID
	t.until = time.Now().Add(onlyIn)
	t.release = t.pool.Steer(ctx, t.pid, t.landing, onlyIn)
}

// end lets all run again. An answer that came before was that one worker's.
func (t *turns) end() {
	if t.release == nil {
		return
	}
	if time.Now().Before(t.until) {
		t.answered[t.pid] = true
	}
	t.release()
	t.release = nil
}
