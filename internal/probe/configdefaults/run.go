package configdefaults

import (
	"context"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/roadworthy-dev/roadworthy/internal/bench"
	"github.com/roadworthy-dev/roadworthy/internal/probe"
	"github.com/roadworthy-dev/roadworthy/internal/probe/start"
)

const (
	endsWithin = 10 * time.Second // the pass rule's limit, where an ordinary start takes a second or less
	endsTimes  = 10               // times what an ordinary start takes: the limit elsewhere, up to the declared boot time
	lateEnd    = time.Second      // for an end after it began to serve
	ill        = 3 * time.Second  // of answers that are all errors
	rounds     = 6                // of asking what is missing
	mostLeft   = 12               // settings that are left out one by one
	atOnce     = 3                // boots
)

// limit is how long a start may take until it serves or has ended: on a
// machine that is slow, or busy, all starts are.
func (o Observations) limit(b *bench.Bench) time.Duration {
	return max(endsWithin, min(endsTimes*time.Duration(o.Took*float64(time.Second)), b.Manifest.Boot))
}

func run(ctx context.Context, b *bench.Bench, r *probe.Recorder) (Observations, error) {
	o := Observations{Settings: len(b.Manifest.Config.Settings)}
	// First an ordinary boot: it shows that the application starts at all, and
	// what its release commands leave is there for all boots that follow.
	if err := ordinary(ctx, b, &o); err != nil {
		return o, err
	}
	within := o.limit(b) // which reads what others write from here on
	var group errgroup.Group
	group.SetLimit(atOnce)
	group.Go(func() error { bare(ctx, b, r, within, &o); return nil })
	o.StandIns = addressed(b.Manifest)
	for i := range o.StandIns {
		group.Go(func() error {
			r.Try("config.defaults.stand-in", func() error { return leaveOut(ctx, b, within, &o.StandIns[i]) })
			return nil
		})
	}
	credential(ctx, b, r, &group, within, &o.Credential)
	return o, group.Wait()
}

// bare starts the application on its defaults and looks at its posture.
func bare(ctx context.Context, b *bench.Bench, r *probe.Recorder, within time.Duration, o *Observations) {
	r.Try("config.defaults.start", func() (err error) {
		o.Tries, err = start.Least(ctx, b, within, rounds)
		return err
	})
	r.Try("config.defaults.start", func() error { return without(ctx, b, within, o) })
	r.Try("config.defaults.posture", func() error { return posture(ctx, b, r, o) })
}

// without leaves out, one by one, what the first start asked for.
func without(ctx context.Context, b *bench.Bench, within time.Duration, o *Observations) error {
	if len(o.Tries) < 2 || !o.Tries[1].Outcome.Served {
		return nil
	}
	asked := start.Asked(o.Tries[0])
	for _, setting := range asked[:min(len(asked), mostLeft)] {
		given := slices.DeleteFunc(slices.Clone(o.Tries[1].Given), func(name string) bool { return name == setting })
		try, err := start.With(ctx, b, within, given)
		if err != nil {
			return err
		}
		o.Without = append(o.Without, Without{setting, try.Outcome})
	}
	return nil
}
