package effect

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/roadworthy-dev/roadworthy/internal/bench"
	"github.com/roadworthy-dev/roadworthy/internal/manifest"
	"github.com/roadworthy-dev/roadworthy/internal/probe/start"
)

const (
	grace = 1500 * time.Millisecond // for the port that was given, while it serves elsewhere
	sick  = 8 * time.Second         // of nothing but errors, until an application counts as started all the same
)

// Two looks at settings in two boots by plan, which differ in all values: one
// with a low threshold and many workers, one with a high one and few.
func Two(ctx context.Context, b *bench.Bench, plan bench.Plan, watch []string) (strong, weak []Sight, err error) {
	var boots [2]*bench.Boot
	group, gctx := errgroup.WithContext(ctx)
	for i, strength := range []Strength{Strong, Weak} {
		group.Go(func() (err error) {
			boots[i], err = b.Boot(gctx, strength.In(b.Manifest, plan))
			return err
		})
	}
	err = group.Wait()
	for _, boot := range boots {
		if boot != nil {
			defer boot.Close()
		}
	}
	if err != nil {
		return nil, nil, err
	}
	own := []map[string]Value{Own(b, boots[0]), Own(b, boots[1])}
	sights := make([][]Sight, 2)
	group, gctx = errgroup.WithContext(ctx)
	for i := range boots {
		group.Go(func() (err error) {
			scene := Scene{Bench: b, Boot: boots[i], Own: own[i], Other: own[1-i], Watch: watch}
			sights[i], err = scene.Open(gctx, b.Manifest.Boot)
			return err
		})
	}
	err = group.Wait()
	return sights[0], sights[1], err
}

// In gives a plan the values of the strength, in the source that it uses.
func (s Strength) In(m *manifest.Manifest, plan bench.Plan) bench.Plan {
	set, file := maps.Clone(plan.Set), maps.Clone(plan.File)
	for name, value := range s.Give(m) {
		setting := m.Config.Settings[name]
		target := &set
		if plan.InFile && setting.Key != "" {
			target = &file
		}
		if *target == nil {
			*target = map[string]string{}
		}
		(*target)[name] = value
	}
	plan.Set, plan.File = set, file
	return plan
}

// Open starts the application in the boot of the scene and looks at it. An
// application that answers with nothing but errors is looked at as well: a
// service that it cannot find may be why. The error is a [*NotStarted] where it
// does not answer at all.
func (s Scene) Open(ctx context.Context, limit time.Duration) ([]Sight, error) {
	process, err := s.Boot.Launch(ctx, bench.Launch{NoWait: true})
	if err != nil {
		return nil, err
	}
	watch := start.Watch{Limit: limit, Sick: cmp.Or(s.Sick, sick), Grace: grace, Secret: Canaries(s.Other)}
	if _, given := s.Own[s.portSetting()]; !given {
		watch.Grace = 0
	}
	outcome, err := watch.On(ctx, s.Bench, s.Boot, process)
	if err != nil {
		return nil, err
	}
	if outcome.Status == 0 || outcome.Ended || s.Healthy && !outcome.Served {
		return nil, &NotStarted{outcome}
	}
	s.Process = process
	return Look(ctx, s)
}

func (s Scene) portSetting() string {
	for _, setting := range s.Bench.Manifest.Config.WithEffect(manifest.EffectPort) {
		return setting.Name
	}
	return ""
}

// NotStarted is the error of an application that could not be looked at. It
// wraps [bench.ErrNotStarted].
type NotStarted struct{ Outcome start.Outcome }

// Error says how the start went.
func (n *NotStarted) Error() string {
	if o := n.Outcome; o.Ended {
		return fmt.Sprintf("%v: it ended with %s: %s", bench.ErrNotStarted, o.How, o.Last)
	}
	if status := n.Outcome.Status; status > 0 {
		return fmt.Sprintf("%v: it answers %d", bench.ErrNotStarted, status)
	}
	return fmt.Sprintf("%v: it did not answer within %.0f s", bench.ErrNotStarted, n.Outcome.After)
}

// Unwrap gives the sentinel.
func (n *NotStarted) Unwrap() error { return bench.ErrNotStarted }

// Tried lists the addresses among values that a boot was asked for, whether
// or not the application serves.
func Tried(ctx context.Context, b *bench.Bench, boot *bench.Boot, values map[string]Value) ([]string, error) {
	l := &scene{Scene: Scene{Bench: b, Boot: boot, Process: &bench.Process{}}}
	tried, err := l.tried(ctx)
	if err != nil {
		return nil, err
	}
	var settings []string
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if slices.ContainsFunc(values[name].Hosts, func(host string) bool { return slices.Contains(tried, host) }) {
			settings = append(settings, name)
		}
	}
	return settings, nil
}

// Strangers lists the addresses and names that a boot's application tried and
// that belong neither to a service of the boot nor to itself.
func Strangers(ctx context.Context, b *bench.Bench, boot *bench.Boot) ([]string, error) {
	l := &scene{Scene: Scene{Bench: b, Boot: boot, Process: &bench.Process{}}}
	tried, err := l.tried(ctx)
	if err != nil {
		return nil, err
	}
	ports, err := start.Listening(ctx, boot)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(l.strangers(tried), func(address string) bool {
		return slices.ContainsFunc(ports, func(port int) bool { return strings.HasSuffix(address, fmt.Sprintf(":%d", port)) })
	}), nil
}
