package stateless

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/roadworthy-dev/roadworthy/internal/bench"
	"github.com/roadworthy-dev/roadworthy/internal/manifest"
	"github.com/roadworthy-dev/roadworthy/internal/probe"
	"github.com/roadworthy-dev/roadworthy/internal/replay"
)

const (
	maxRounds = 3                // of a kind of run that showed a difference
	stopLimit = 10 * time.Second // for a stop between two steps
)

// lab makes sandboxes of one configuration and closes them in the end.
type lab struct {
	bench *bench.Bench
	same  map[string]string // values of settings
}

func run(ctx context.Context, b *bench.Bench, _ *probe.Recorder) (Observations, error) {
	l := lab{bench: b, same: b.SetWorkers(1)}
	first, err := b.Boot(ctx, bench.Plan{Set: l.same, NoRelease: true})
	if err != nil {
		return Observations{}, err
	}
	l.same = first.SameValues()
	if err := first.Close(); err != nil {
		return Observations{}, err
	}
	o := Observations{Stores: b.Stores(), SameDisk: filed(b.Manifest)}
	if err := l.round(ctx, &o, true, true); err != nil {
		return o, err
	}
	for range maxRounds - 1 { // noise that hit one run does not hit the next
		again := func(runs []replay.Session) bool { return !replay.Settled(o.Plain, runs, maxRounds) }
		if !again(o.Alternating) && !again(o.Restarted) {
			break
		}
		if err := l.round(ctx, &o, again(o.Alternating), again(o.Restarted)); err != nil {
			return o, err
		}
	}
	return o, nil
}

func filed(m *manifest.Manifest) bool {
	for _, s := range m.Services {
		if s.Type == manifest.SQLite {
			return true
		}
	}
	return false
}

// round adds plain runs, two at first, and one run of each kind that is asked for.
func (l lab) round(ctx context.Context, o *Observations, alternating, restarted bool) error {
	group, gctx := errgroup.WithContext(ctx)
	group.SetLimit(3)
	plain := make([]replay.Session, 1)
	if len(o.Plain) == 0 {
		plain = make([]replay.Session, 2)
	}
	files := make([][]string, len(plain))
	for i := range plain {
		group.Go(func() (err error) { plain[i], files[i], err = l.plain(gctx); return err })
	}
	one := func(wanted bool, play func(context.Context) (replay.Session, error), into *[]replay.Session) {
		if wanted {
			group.Go(func() error {
				session, err := play(gctx)
				*into = append(*into, session)
				return err
			})
		}
	}
	one(restarted, l.restarted, &o.Restarted)
	one(alternating, l.alternating, &o.Alternating)
	err := group.Wait()
	o.Plain, o.Files = append(o.Plain, plain...), files[0]
	return err
}

// world is the sandboxes of one run; the first holds the databases.
type world struct {
	lab
	boots []*bench.Boot
}

func (w *world) close() {
	for i := range w.boots {
		_ = w.boots[len(w.boots)-1-i].Close() // those that share a database before the one that holds it
	}
}

// boot adds a sandbox that has nothing in common with the others but the
// values and the databases.
func (w *world) boot(ctx context.Context) (*bench.Boot, error) {
	plan := bench.Plan{Set: w.same}
	if len(w.boots) > 0 {
		plan.Share = w.boots[0]
	}
	boot, err := w.bench.Boot(ctx, plan)
	if err == nil {
		w.boots = append(w.boots, boot)
	}
	return boot, err
}

// start adds a sandbox and a process in it.
func (w *world) start(ctx context.Context) (*bench.Process, error) {
	boot, err := w.boot(ctx)
	if err != nil {
		return nil, err
	}
	if len(w.boots) > 1 {
		if err := boot.CarryFiles(ctx, w.boots[len(w.boots)-2]); err != nil {
			return nil, err
		}
	}
	return boot.Launch(ctx, bench.Launch{})
}

// plain plays the session on one process, and lists the files that it leaves.
func (l lab) plain(ctx context.Context) (replay.Session, []string, error) {
	w := world{lab: l}
	defer w.close()
	p, err := w.start(ctx)
	if err != nil {
		return nil, nil, err
	}
	session, err := w.play(ctx, func(int) (*bench.Process, error) { return p, nil })
	if err != nil {
		return nil, nil, err
	}
	files, err := w.boots[0].Kept(ctx)
	return session, files, err
}

func (l lab) alternating(ctx context.Context) (replay.Session, error) {
	w := world{lab: l}
	defer w.close()
	one, err := w.start(ctx)
	if err != nil {
		return nil, err
	}
	var two *bench.Process
	if filed(l.bench.Manifest) { // a file cannot be in two sandboxes
		two, err = w.boots[0].Launch(ctx, bench.Launch{Port: w.boots[0].Random.Port()})
	} else {
		two, err = w.start(ctx)
	}
	if err != nil {
		return nil, err
	}
	return w.play(ctx, func(request int) (*bench.Process, error) { return []*bench.Process{one, two}[request%2], nil })
}

func (l lab) restarted(ctx context.Context) (replay.Session, error) {
	w := world{lab: l}
	defer w.close()
	p, err := w.start(ctx)
	if err != nil {
		return nil, err
	}
	return w.play(ctx, func(request int) (*bench.Process, error) {
		if request == 0 {
			return p, nil
		}
		if _, _, err := p.Stop(ctx, stopLimit); err != nil {
			return nil, err
		}
		p, err = w.start(ctx)
		return p, err
	})
}

// play sends each request, redirects too, to the process that at gives for it.
func (w *world) play(ctx context.Context, at func(request int) (*bench.Process, error)) (replay.Session, error) {
	return w.bench.Play(ctx, w.boots[0].Random.Nonce(), 0, at)
}
