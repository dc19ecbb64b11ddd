package runner

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/front/health"
	"github.com/roadworthy-dev/roadworthy/internal/manifest"
)

// watched is a declared service as it is looked at.
type watched struct {
	name    string
	kind    manifest.ServiceType
	address string // holds a password, as a rule
	every   time.Duration
	limit   time.Duration // for one answer
}

// services are the declared services of a configuration. Each is looked at so
// often that its loss shows in the time that the manifest declares.
func (m *master) services(c *Config) []watched {
	var list []watched
	for _, setting := range c.Manifest.Config.WithEffect(manifest.EffectService) {
		service := c.Manifest.Services[setting.Service]
		if service.Type == manifest.SMTP || service.Type == manifest.Syslog {
			continue
		}
		address, _ := c.Surroundings.Value(setting.Name)
		w := watched{
			name: service.As, kind: service.Type, address: address,
			every: min(c.Settings.Status.Every, service.Within/4), limit: min(3*time.Second, service.Within/3),
		}
		if _, err := w.check(); err != nil {
			m.log.Warn("a service is not watched: its setting is no address", "service", service.Name, "setting", setting.Name)
			continue
		}
		if slices.Contains(list, w) { // several settings may name one address
			continue
		}
		if slices.ContainsFunc(list, func(other watched) bool { return other.name == w.name }) { // or one service at several
			w.name += "." + setting.Name
		}
		list = append(list, w)
	}
	return list
}

func (w watched) check() (check health.Check, err error) {
	if w.kind == manifest.SQLite {
		check = sqliteCheck(w.name, w.address)
	} else if check, err = health.FromURL(w.name, w.address); err != nil {
		return health.Check{}, err
	}
	check.Critical, check.Interval, check.Timeout = true, w.every, w.limit
	return check, nil
}

// watch looks at the services of a configuration from now on. What is known of
// those that are looked at already stays: one that is down is down still.
func (m *master) watch(ctx context.Context, c *Config) error {
	list, old := m.services(c), m.checks.Load()
	if old != nil && slices.Equal(list, m.watched) {
		return nil
	}
	var checks []health.Check
	for _, w := range list {
		check, err := w.check()
		if err != nil {
			return err
		}
		checks = append(checks, check)
	}
	fresh, err := health.New(checks, time.Now, rand.Uint64N)
	if err != nil {
		return err
	}
	for _, w := range list {
		if old != nil && slices.Contains(m.watched, w) {
			fresh.Recall(w.name, old)
		}
	}
	fresh.Start(context.WithoutCancel(ctx))
	m.watched = list
	m.checks.Store(fresh)
	if old != nil {
		old.Stop()
	}
	return nil
}

// health is what the status route tells of the application.
func (m *master) health() (report health.Report) {
	if checks := m.checks.Load(); checks != nil {
		report = checks.Report()
	}
	report.Version = m.config().Settings.Release
	return report
}
