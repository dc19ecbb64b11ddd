package admin

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
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
	process, err := boot.Launch(ctx, bench.Launch{Run: c.Run, NoWait: true})
	if errors.Is(err, bench.ErrNotStarted) {
		c.Exit = err.Error()
		return c, len(before.down), nil
	}
	if err != nil {
		return c, 0, err
	}
	c.Started, c.Artifact = true, namesArtifact(process.Args, b.Root)
	exit, err := process.Wait(ctx, limit)
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		c.Exit = fmt.Sprintf("still running after %s", limit)
	case err != nil:
		return c, 0, err
	default:
		c.Exit, c.Zero = exit.String(), exit.Code == 0 && exit.Signal == 0
	}
	after, err := look(ctx, boot)
	if err != nil {
		return c, 0, err
	}
	c.compare(before, after)
	c.observe(boot, process)
	return c, len(after.down), nil
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

// namesArtifact reports whether an argument is a file of the artifact, or a
// Python module of it.
func namesArtifact(args []string, root string) bool {
	for i, arg := range args {
		rest := strings.TrimPrefix(arg, sandbox.AppDir+"/")
		if filepath.IsAbs(rest) || strings.HasPrefix(rest, "-") {
			continue
		}
		candidates := []string{rest}
		if i > 0 && args[i-1] == "-m" {
			module := strings.ReplaceAll(rest, ".", "/")
			candidates = []string{module + ".py", module + "/__main__.py"}
		}
		if i > 0 && (args[i-1] == "-cp" || args[i-1] == "-classpath" || args[i-1] == "-jar") {
			candidates = append(candidates, strings.Split(rest, ":")...)
		}
		for _, candidate := range candidates {
			if _, err := os.Stat(filepath.Join(root, filepath.Clean("/"+candidate))); err == nil && candidate != "" {
				return true
			}
		}
	}
	return false
}
