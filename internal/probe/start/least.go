package start

import (
	"context"
	"errors"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/bench"
	"github.com/roadworthy-dev/roadworthy/internal/manifest"
)

// Try is one start with some settings and no others.
type Try struct {
	Given   []string `json:"given"`
	Outcome Outcome  `json:"outcome"`
}

// Least finds the least that an application starts with: first with nothing
// but a port, then with the settings that it named as well, at most rounds
// times. Each try is a boot of its own.
func Least(ctx context.Context, b *bench.Bench, limit time.Duration, rounds int) ([]Try, error) {
	given := []string{}
	for _, setting := range b.Manifest.Config.WithEffect(manifest.EffectPort) {
		given = append(given, setting.Name)
	}
	var tries []Try
	for range rounds {
		try, err := With(ctx, b, limit, given)
		if err != nil {
			return tries, err
		}
		tries = append(tries, try)
		more := Asked(try)
		if !try.Outcome.Refused() || len(more) == 0 {
			break
		}
		given = append(slices.Clone(given), more...)
	}
	return tries, nil
}

// With starts the application with some settings and no others.
func With(ctx context.Context, b *bench.Bench, limit time.Duration, given []string) (Try, error) {
	try := Try{Given: given}
	boot, _, err := Boot(ctx, b, bench.Plan{Only: given})
	if err != nil {
		return try, err
	}
	defer boot.Close()
	process, err := boot.Launch(ctx, bench.Launch{NoWait: true})
	if err != nil {
		return try, err
	}
	try.Outcome, err = Watch{Limit: limit, Linger: 300 * time.Millisecond, Grace: time.Second}.On(ctx, b, boot, process)
	return try, err
}

// Boot boots by a plan that leaves something out, with what the release
// commands make. Where they need what is left out, it boots without them.
func Boot(ctx context.Context, b *bench.Bench, plan bench.Plan) (boot *bench.Boot, released bool, err error) {
	boot, err = b.Boot(ctx, plan)
	if !errors.Is(err, bench.ErrNotStarted) && !errors.Is(err, os.ErrDeadlineExceeded) {
		return boot, err == nil, err
	}
	plan.NoRelease = true
	boot, err = b.Boot(ctx, plan)
	return boot, false, err
}

// Asked lists the settings that a start named and was not given.
func Asked(try Try) []string {
	var more []string
	for _, name := range slices.Sorted(maps.Keys(try.Outcome.Naming)) {
		if !slices.Contains(try.Given, name) {
			more = append(more, name)
		}
	}
	return more
}
