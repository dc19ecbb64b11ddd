package admin

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/bench"
	"github.com/roadworthy-dev/roadworthy/internal/bench/sandbox"
	"github.com/roadworthy-dev/roadworthy/internal/manifest"
	"github.com/roadworthy-dev/roadworthy/internal/probe"
)

// limit is how long a one-off command may take.
const limit = 60 * time.Second

func run(ctx context.Context, b *bench.Bench, _ *probe.Recorder) (Observations, error) {
	var o Observations
	for _, name := range slices.Sorted(maps.Keys(b.Manifest.Admin)) {
		command, services, err := one(ctx, b, name)
		if err != nil {
			return o, err
		}
		o.Commands, o.Services = append(o.Commands, command), services
	}
	return o, nil
}

// one runs a command beside a serving application, in a boot of its own, so
// that what is reached after the session is reached by the command.
func one(ctx context.Context, b *bench.Bench, name string) (Command, int, error) {
	c := Command{Name: name, Run: b.Manifest.Admin[name]}
	boot, err := b.Boot(ctx, bench.Plan{})
	if err != nil {
		return c, 0, err
	}
	defer boot.Close()
	web, err := boot.Launch(ctx, bench.Launch{})
	if err != nil {
		return c, 0, err
	}
	client := boot.Client(web)
	client.Session(ctx, boot.Random.Nonce())
	client.Close()
	// What the application itself connects to must not count for the command.
	if _, _, err := web.Stop(ctx, 10*time.Second); err != nil {
		return c, 0, fmt.Errorf("stop the application: %w", err)
	}
	before, err := look(ctx, boot)
	if err != nil {
		return c, 0, err
	}
	process, err := c.launch(ctx, boot, b)
	if err != nil || !c.Started {
		return c, len(before.down), err
	}
	after, err := look(ctx, boot)
	if err != nil {
		return c, 0, err
	}
	c.compare(before, after)
	c.observe(boot, process)
	return c, len(after.down), nil
}

// launch runs the command to its end, under strace where the host has it. A
// trace without any program tells that there is none, or that the host forbids
// to trace: without strace it shows which.
func (c *Command) launch(ctx context.Context, boot *bench.Boot, b *bench.Bench) (*bench.Process, error) {
	if _, missing := exec.LookPath("strace"); missing == nil {
		process, err := c.execute(ctx, boot, true)
		if err != nil {
			return process, err
		}
		if traced := process.Traced(); len(traced.Programs) > 0 {
			c.Artifact, c.Certain = touched(boot, b, traced)
			return process, nil
		}
	}
	return c.execute(ctx, boot, false)
}

func (c *Command) execute(ctx context.Context, boot *bench.Boot, trace bool) (*bench.Process, error) {
	process, err := boot.Launch(ctx, bench.Launch{Run: c.Run, Trace: trace, NoWait: true})
	if errors.Is(err, bench.ErrNotStarted) {
		c.Exit, c.Started, c.Zero = err.Error(), false, false
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	c.Started = true
	exit, err := process.Wait(ctx, limit)
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		c.Exit = fmt.Sprintf("still running after %s", limit)
	case err != nil:
		return nil, err
	default:
		c.Exit, c.Zero = exit.String(), exit.Code == 0 && exit.Signal == 0
	}
	return process, nil
}

// traffic is what was reached so far.
type traffic struct {
	down    map[string]int64 // bytes that each service answered
	strange map[string]int   // other addresses and names
}

func look(ctx context.Context, boot *bench.Boot) (traffic, error) {
	t := traffic{down: map[string]int64{}, strange: map[string]int{}}
	own := map[string]bool{}
	for name, service := range boot.Services {
		if service.Proxy != nil {
			t.down[name] = service.Proxy.Stats().BytesDown
		}
		own[fmt.Sprintf("%s:%d", service.IP, service.Port)], own[service.Host] = true, true
	}
	reached, err := boot.Reached(ctx)
	if err != nil {
		return t, err
	}
	for _, d := range reached {
		if !own[d.Address] && !strings.HasSuffix(d.Address, ":53") {
			t.strange[d.Network+" "+d.Address] = d.Count
		}
	}
	for _, query := range boot.Lookups() {
		if name := strings.TrimSuffix(query.Name, "."); !own[name] {
			t.strange["the name "+name]++
		}
	}
	return t, nil
}

func (c *Command) compare(before, after traffic) {
	for _, name := range slices.Sorted(maps.Keys(after.down)) {
		if after.down[name] > before.down[name] {
			c.Reached = append(c.Reached, name)
		}
	}
	for _, address := range slices.Sorted(maps.Keys(after.strange)) {
		if after.strange[address] > before.strange[address] && len(c.Strange) < 20 {
			c.Strange = append(c.Strange, address)
		}
	}
}

func (c *Command) observe(boot *bench.Boot, process *bench.Process) {
	output := process.Output.Text()
	for name, text := range boot.Values.Texts {
		if !boot.Setting(name).Secret && strings.Contains(output, text) {
			c.Value = true
		}
	}
	for _, service := range boot.Services {
		if service.Service.Type == manifest.SQLite && strings.Contains(output, service.Path) {
			c.Value = true
		}
	}
	tail := strings.Join(process.Output.Tail(4), "\n")
	for name, value := range boot.Values.Set {
		if boot.Setting(name).Secret && value != "" {
			tail = strings.ReplaceAll(tail, value, "(the value of "+name+")")
		}
	}
	c.Tail = tail[:min(len(tail), 400)]
}

// touched reports whether a traced command opened or executed a file of the
// artifact, and whether the trace tells it for certain. The manifest and the
// configuration file are no code: our runtime and any command may read them.
func touched(boot *bench.Boot, b *bench.Bench, traced bench.Traced) (touched, certain bool) {
	certain = traced.Dropped == 0
	inArtifact := func(path string) bool {
		rest, inside := strings.CutPrefix(path, sandbox.AppDir+"/")
		if !inside || rest == filepath.Base(b.Manifest.Path) || path == boot.FilePath() {
			return false
		}
		_, err := os.Stat(filepath.Join(b.Root, filepath.Clean("/"+rest)))
		return err == nil
	}
	for _, program := range traced.Programs {
		if inArtifact(program.Path) {
			return true, true
		}
		// Its path may have been relative to another folder than ours.
		certain = certain && !strings.HasPrefix(program.Path, sandbox.AppDir+"/")
	}
	return slices.ContainsFunc(traced.Files, inArtifact), certain
}
