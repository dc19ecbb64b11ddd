package configenv

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/roadworthy-dev/roadworthy/internal/bench"
	"github.com/roadworthy-dev/roadworthy/internal/manifest"
	"github.com/roadworthy-dev/roadworthy/internal/probe"
	"github.com/roadworthy-dev/roadworthy/internal/probe/effect"
	"github.com/roadworthy-dev/roadworthy/internal/probe/start"
)

const (
	endsWithin = 10 * time.Second        // the pass rule's limit
	lateEnd    = 1500 * time.Millisecond // for an end after it began to serve
	atOnce     = 3                       // boots
)

func run(ctx context.Context, b *bench.Bench, r *probe.Recorder) (Observations, error) {
	var o Observations
	r.Try("config.env.effect", func() error {
		strong, weak, err := effect.Two(ctx, b, bench.Plan{}, names(b))
		o.Strong, o.Weak = strong, weak
		return err
	})
	r.Try("config.env.invalid", func() error {
		attempts, err := invalid(ctx, b)
		o.Attempts = attempts
		return err
	})
	return o, nil
}

// invalid starts the application once with each wrong value.
func invalid(ctx context.Context, b *bench.Bench) ([]Attempt, error) {
	var wrong []manifest.Setting
	for _, setting := range b.Manifest.Config.Sorted() {
		if setting.Invalid != "" {
			wrong = append(wrong, setting)
		}
	}
	attempts := make([]Attempt, len(wrong))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for i, setting := range wrong {
		group.Go(func() (err error) {
			attempts[i], err = attempt(ctx, b, setting)
			return err
		})
	}
	return attempts, group.Wait()
}

func attempt(ctx context.Context, b *bench.Bench, setting manifest.Setting) (Attempt, error) {
	a := Attempt{Setting: setting.Name, Value: setting.Invalid}
	boot, err := b.Boot(ctx, bench.Plan{Set: map[string]string{setting.Name: setting.Invalid}, NoRelease: true})
	if err != nil {
		return a, err
	}
	defer boot.Close()
	process, err := boot.Launch(ctx, bench.Launch{NoWait: true})
	if err != nil {
		return a, err
	}
	watch := start.Watch{Limit: endsWithin, Linger: lateEnd, Sick: 2 * time.Second, Hide: []string{setting.Invalid}}
	if setting.Effect != manifest.EffectPort {
		watch.Grace = 500 * time.Millisecond
	}
	a.Outcome, err = watch.On(ctx, b, boot, process)
	return a, err
}

func names(b *bench.Bench) []string {
	var list []string
	for _, setting := range b.Manifest.Config.Sorted() {
		list = append(list, setting.Name)
	}
	return list
}
