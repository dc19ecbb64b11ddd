package configfile

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
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
	ill        = 3 * time.Second         // of answers that are all errors
	rounds     = 6                       // to find what it does not start without
	atOnce     = 3                       // boots
	noFile     = "no configuration file is declared"
	declare    = "write config: {file: {variable: APP_CONFIG, format: yaml}} in roadworthy.yaml, and a key: for each setting"
)

// setup is what the boots of this probe have in common.
type setup struct {
	bench *bench.Bench
	keyed []string // settings with a key
}

func run(ctx context.Context, b *bench.Bench, r *probe.Recorder) (Observations, error) {
	var o Observations
	s := setup{bench: b}
	for _, setting := range b.Manifest.Config.Sorted() {
		if setting.Key != "" {
			s.keyed = append(s.keyed, setting.Name)
		} else {
			o.Keyless = append(o.Keyless, setting.Name)
		}
	}
	if b.Manifest.Config.File == nil || len(s.keyed) == 0 {
		for _, claim := range []string{"config.file.effect", "config.file.precedence", "config.file.broken"} {
			r.Opaque(claim, noFile, declare)
		}
		return o, nil
	}
	// Two stages, with three boots at once in each.
	together(
		func() { r.Try("config.file.effect", func() error { return s.effects(ctx, &o) }) },
		func() {
			r.Try("config.file.precedence", func() (err error) { o.Both, err = s.both(ctx); return err })
		},
	)
	together(
		func() {
			r.Try("config.file.precedence", func() (err error) { o.Default, err = s.byDefault(ctx); return err })
		},
		func() { r.Try("config.file.broken", func() error { return s.broken(ctx, &o) }) },
	)
	return o, nil
}

func together(tasks ...func()) {
	var group sync.WaitGroup
	for _, task := range tasks {
		group.Go(task)
	}
	group.Wait()
}

// effects looks at two boots whose settings stand in the file alone. Where the
// application does not start so, an ordinary boot shows whether it starts with
// the same settings in the environment.
func (s setup) effects(ctx context.Context, o *Observations) (err error) {
	o.Strong, o.Weak, err = effect.Two(ctx, s.bench, bench.Plan{InFile: true}, s.keyed)
	var refusal *effect.NotStarted
	if !errors.As(err, &refusal) {
		return err
	}
	o.Refusal = &refusal.Outcome
	o.Ordinary, err = s.refusal(ctx, bench.Plan{}, start.Watch{})
	return err
}

// both gives every setting in the environment, and with another value in the
// file. The file holds the quiet values and the environment the loud ones, so
// that a default that wins over the file can be told from it.
func (s setup) both(ctx context.Context) (Contest, error) {
	var c Contest
	decoys := effect.Decoys(s.bench, effect.Weak)
	keyed := func(setting manifest.Setting) bool { return setting.Key != "" }
	plan := effect.Strong.In(s.bench.Manifest, bench.Plan{File: effect.Given(s.bench.Manifest, decoys, keyed)})
	boot, err := s.bench.Boot(ctx, plan)
	if err != nil {
		return c, err
	}
	defer boot.Close()
	scene := effect.Scene{Bench: s.bench, Boot: boot, Own: effect.Own(s.bench, boot), Other: decoys, Beside: true, Watch: s.keyed, Sick: ill, Healthy: true}
	c.Sights, err = scene.Open(ctx, s.bench.Manifest.Boot)
	if err == nil || !errors.Is(err, bench.ErrNotStarted) {
		return c, err
	}
	tried, tryErr := effect.Tried(ctx, s.bench, boot, decoys)
	if tryErr != nil {
		return c, tryErr
	}
	if c.Tried = tried; len(tried) == 0 {
		return c, err // why it did not start is not known
	}
	return c, nil
}

// byDefault gives nothing but what the application does not start without.
func (s setup) byDefault(ctx context.Context) (Baseline, error) {
	var d Baseline
	tries, err := start.Least(ctx, s.bench, endsWithin, rounds)
	if err != nil {
		return d, err
	}
	last := tries[len(tries)-1]
	d.Required, d.Served = last.Given, last.Outcome.Served
	if !d.Served {
		return d, nil
	}
	boot, err := s.bench.Boot(ctx, bench.Plan{Only: last.Given})
	if err != nil {
		return d, err
	}
	defer boot.Close()
	free := slices.DeleteFunc(slices.Clone(s.keyed), func(name string) bool { return slices.Contains(last.Given, name) })
	own := effect.Own(s.bench, boot)
	maps.DeleteFunc(own, func(name string, _ effect.Value) bool { return slices.Contains(free, name) })
	scene := effect.Scene{Bench: s.bench, Boot: boot, Own: own, Other: effect.Decoys(s.bench, effect.Weak), Watch: measured(s.bench, free)}
	d.Sights, err = scene.Open(ctx, s.bench.Manifest.Boot)
	return d, err
}

// measured keeps the settings whose default can be compared with the file's
// value: of fresh texts no default knows anything.
func measured(b *bench.Bench, names []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		switch b.Manifest.Config.Settings[name].Effect {
		case manifest.EffectLevel, manifest.EffectReply, manifest.EffectPort:
			return false
		}
		return true
	})
}

// broken starts the application with a good file, the same one broken off, and
// none. Besides the broken one every setting stands in the environment too, so
// that nothing but the file can be the reason to refuse.
func (s setup) broken(ctx context.Context, o *Observations) error {
	content, secrets, err := s.intact(ctx, o)
	if err != nil {
		return err
	}
	file := s.bench.Manifest.Config.File
	cut, line := bench.BreakFile(file.Format, content)
	o.Line = line
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	group.Go(func() (err error) {
		watch := start.Watch{Line: line, Secret: secrets} // the words may quote the file
		o.Broken, err = s.refusal(ctx, bench.Plan{RawFile: cut, NoRelease: true}, watch)
		return err
	})
	if file.Path == "" {
		group.Go(func() error {
			absent, err := s.refusal(ctx, bench.Plan{NoFile: true, NoRelease: true}, start.Watch{})
			o.Absent = &absent
			return err
		})
	}
	return group.Wait()
}

// intact starts the application with a good file and returns what it holds,
// and what of that is secret.
func (s setup) intact(ctx context.Context, o *Observations) ([]byte, []bench.Canary, error) {
	boot, err := s.bench.Boot(ctx, bench.Plan{InFile: true})
	if err != nil {
		return nil, nil, err
	}
	defer boot.Close()
	content, err := boot.FileContent()
	if err != nil {
		return nil, nil, err
	}
	process, err := boot.Launch(ctx, bench.Launch{NoWait: true})
	if err != nil {
		return nil, nil, err
	}
	watch := start.Watch{Limit: s.bench.Manifest.Boot, Sick: ill, Grace: time.Second}
	o.Intact, err = watch.On(ctx, s.bench, boot, process)
	return content, boot.Canaries(), err
}

// refusal starts the application by a plan that it must refuse.
func (s setup) refusal(ctx context.Context, plan bench.Plan, watch start.Watch) (start.Outcome, error) {
	boot, err := s.bench.Boot(ctx, plan)
	if err != nil {
		return start.Outcome{}, err
	}
	defer boot.Close()
	process, err := boot.Launch(ctx, bench.Launch{NoWait: true})
	if err != nil {
		return start.Outcome{}, err
	}
	watch.Limit, watch.Linger, watch.Sick, watch.Grace = endsWithin, lateEnd, ill, time.Second
	return watch.On(ctx, s.bench, boot, process)
}
