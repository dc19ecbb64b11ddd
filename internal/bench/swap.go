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
	}
	for _, setting := range b.bench.Manifest.Config.WithEffect(manifest.EffectService) {
		s.Set[setting.Name] = s.Services[setting.Service].Render(setting.Value)
	}
	s.number(b)
	return s, nil
}

// number gives each Redis another number than 0, where a setting holds it.
func (s *Swapped) number(b *Boot) {
	for _, setting := range b.bench.Manifest.Config.WithEffect(manifest.EffectService) {
		a := s.Services[setting.Service]
		if a.Service.Type != manifest.Redis {
			continue
		}
		at := ":" + strconv.Itoa(a.Port) + "/"
		if number := strconv.Itoa(1 + b.Random.IntN(15)); a.Database == "0" && strings.Contains(s.Set[setting.Name], at+"0") {
			a.Database = number
		}
		s.Set[setting.Name] = strings.Replace(s.Set[setting.Name], at+"0", at+a.Database, 1)
	}
}

// Close ends the instances.
func (s *Swapped) Close() error {
	var errs []error
	for _, a := range s.Services {
		errs = append(errs, a.close())
	}
	return errors.Join(errs...)
}
