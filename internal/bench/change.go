package bench

import (
	"context"
	"maps"
	"strconv"

	"github.com/roadworthy-dev/roadworthy/internal/manifest"
)

// LaunchChanged starts a further process of the boot on a port of its own, and
// does not wait for it. The settings in env are changed in the environment,
// those in file in the configuration file, which is written anew and stays so.
// It is for the goroutine that drives the boot.
func (b *Boot) LaunchChanged(ctx context.Context, env, file map[string]string) (*Process, error) {
	port := b.Random.Port()
	file = maps.Clone(file)
	for _, setting := range b.bench.Manifest.Config.WithEffect(manifest.EffectPort) {
		if b.InFile(setting) {
			if file == nil {
				file = map[string]string{}
			}
			file[setting.Name] = renderValue(setting.Value, strconv.Itoa(port))
		}
	}
	if len(file) > 0 {
		all := maps.Clone(b.Plan.File)
		if all == nil {
			all = map[string]string{}
		}
		maps.Copy(all, file)
		b.Plan.File = all
		if err := b.writeFile(ctx); err != nil {
			return nil, err
		}
	}
	return b.Launch(ctx, Launch{Port: port, Env: env, NoWait: true})
}

// InFile reports whether the plan puts a setting into the file alone.
func (b *Boot) InFile(setting manifest.Setting) bool {
	_, explicit := b.Plan.Set[setting.Name]
	return b.Plan.InFile && b.bench.Manifest.Config.File != nil && setting.Key != "" && !explicit && b.given(setting.Name)
}
