package bench

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/roadworthy-dev/roadworthy/internal/manifest"
)

// Swapped is a second instance of each service in the sandbox of a boot, at
// another address, with other credentials and other content.
type Swapped struct {
	Services map[string]*Attached
	Set      map[string]string // the settings that name the new instances, for Launch.Env
}

// Swap brings up other instances of every service. The first ones stay as
// they are, so that whoever still uses them is seen there. Of Redis, which has
// no names for databases, another number is given. Close it before the boot.
func (b *Boot) Swap(ctx context.Context) (*Swapped, error) {
	s := &Swapped{Services: map[string]*Attached{}, Set: map[string]string{}}
	for _, name := range slices.Sorted(maps.Keys(b.Services)) {
		a := b.place(b.bench.Manifest.Services[name], b.Plan.Transport)
		s.Services[name] = a
		if err := a.provision(ctx, nil); err != nil {
			return nil, errors.Join(err, s.Close())
		}
		if err := a.open(ctx); err != nil {
			return nil, errors.Join(fmt.Errorf("bring up another %s: %w", name, err), s.Close())
		}
		if a.Service.Type == manifest.Redis {
			a.Database = strconv.Itoa(1 + b.Random.IntN(15))
		}
	}
	for _, setting := range b.bench.Manifest.Config.WithEffect(manifest.EffectService) {
		s.Set[setting.Name] = s.Services[setting.Service].renderSwapped(setting.Value)
	}
	return s, nil
}

func (a *Attached) renderSwapped(form string) string {
	value := a.Render(form)
	if a.Service.Type == manifest.Redis {
		at := ":" + strconv.Itoa(a.Port)
		value = strings.Replace(value, at+"/0", at+"/"+a.Database, 1)
	}
	return value
}

// Close ends the instances.
func (s *Swapped) Close() error {
	var errs []error
	for _, a := range s.Services {
		errs = append(errs, a.close())
	}
	return errors.Join(errs...)
}
