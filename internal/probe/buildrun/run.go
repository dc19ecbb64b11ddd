package buildrun

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/bench"
	"github.com/roadworthy-dev/roadworthy/internal/bench/sandbox"
	"github.com/roadworthy-dev/roadworthy/internal/probe"
)

const maxChanges = 200

func run(ctx context.Context, b *bench.Bench, _ *probe.Recorder) (Observations, error) {
	var o Observations
	boot, err := b.Boot(ctx, bench.Plan{})
	if err != nil {
		return o, err
	}
	defer boot.Close()
	process, err := boot.Launch(ctx, bench.Launch{Trace: true})
	if err != nil {
		return o, err
	}
	client := boot.Client(process)
	defer client.Close()
	for range 2 {
		for _, reply := range client.Session(ctx, boot.Random.Nonce()) {
			if reply.Err == "" {
				o.Replies++
			}
		}
	}
	if exception := b.Manifest.Faults.Exception; exception != nil {
		client.Step(ctx, *exception, boot.Random.Nonce())
	}
	if _, _, err := process.Stop(ctx, 10*time.Second); err != nil {
		return o, fmt.Errorf("stop the traced application: %w", err)
	}
	written, err := boot.Written(ctx)
	if err == nil {
		err = sandbox.Whole(written)
	}
	if err != nil {
		return o, err
	}
	o.keep(written)
	traced := process.Traced()
	o.Dropped = traced.Dropped
	for _, program := range traced.Programs {
		o.Programs = append(o.Programs, Program(program))
	}
	o.Names = strangers(boot)
	return o, nil
}

func (o *Observations) keep(written []sandbox.Written) {
	for _, file := range written {
		if !strings.HasPrefix(file.Path, sandbox.AppDir+"/") {
			continue
		}
		if len(o.Changed) == maxChanges {
			o.More++
			continue
		}
		o.Changed = append(o.Changed, Change{Path: file.Path, Kind: file.Kind, Created: file.Created})
	}
}

// strangers are the names that were looked up and belong to no declared service.
func strangers(boot *bench.Boot) []string {
	var names []string
	for _, query := range boot.Lookups() {
		name := strings.TrimSuffix(query.Name, ".")
		known := slices.Contains(names, name)
		for _, service := range boot.Services {
			known = known || strings.EqualFold(name, service.Host)
		}
		if !known && len(names) < maxChanges {
			names = append(names, name)
		}
	}
	return names
}
