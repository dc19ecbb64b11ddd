package statusroute

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/roadworthy-dev/roadworthy/internal/bench"
	"github.com/roadworthy-dev/roadworthy/internal/manifest"
	"github.com/roadworthy-dev/roadworthy/internal/probe"
)

const (
	together   = 3                // boots at a time
	cleanPolls = 20               // without a false alarm
	warmUp     = 10 * time.Second // until the route says that all is well
	pollEvery  = 100 * time.Millisecond
	pollLimit  = 5 * time.Second
)

// run boots the application once for the token and once for each failure mode.
func run(ctx context.Context, b *bench.Bench, r *probe.Recorder) (Observations, error) {
	m := b.Manifest
	o := Observations{Declared: m.Status != nil}
	if m.Status == nil {
		return o, nil
	}
	o.Path, o.Services = m.Status.Path, services(m)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(together)
	cutter := newCutter(b, o.Services)
	cutter.start(ctx, group, r, 0, together)
	group.Go(func() error { return o.token(ctx, b, r) })
	group.Go(func() error {
		r.Try("status.route.refuses", func() (err error) { o.Unset, err = unset(ctx, b, o.Services); return err })
		return ctx.Err()
	})
	cutter.start(ctx, group, r, together, len(cutter.modes))
	err := group.Wait()
	o.Cuts = cutter.list()
	return o, err
}

func services(m *manifest.Manifest) []Service {
	var list []Service
	for _, name := range slices.Sorted(maps.Keys(m.Services)) {
		s := m.Services[name]
		list = append(list, Service{
			ID: name, Name: s.As, Type: string(s.Type), Within: s.Within.Seconds(),
			Named: s.Type != manifest.SMTP && s.Type != manifest.Syslog,
		})
	}
	return list
}

// names lists the services that the status route must name.
func names(services []Service) []string {
	var list []string
	for _, s := range services {
		if s.Named {
			list = append(list, s.Name)
		}
	}
	return list
}

// debug is a plan in which everything is logged.
func debug(m *manifest.Manifest) bench.Plan {
	plan := bench.Plan{Set: map[string]string{}}
	for _, setting := range m.Config.WithEffect(manifest.EffectLevel) {
		plan.Set[setting.Name] = strings.ReplaceAll(setting.Value, "$value", setting.LevelName("DEBUG"))
	}
	return plan
}

// asker polls the status route of one process.
type asker struct {
	boot     *bench.Boot
	client   *bench.Client
	hunt     *bench.Hunt
	services []Service
	names    []string
}

func newAsker(boot *bench.Boot, process *bench.Process, services []Service) *asker {
	return &asker{boot, boot.Client(process), boot.Hunt(boot.Canaries()...), services, names(services)}
}

// poll asks once with the token; since is when the stimulus was given.
func (a *asker) poll(ctx context.Context, since time.Time, limit time.Duration) Poll {
	request := a.boot.StatusRequest(a.boot.Values.Token)
	request.Within = limit
	reply := a.client.Do(ctx, request)
	p := Poll{Status: reply.Status, Err: clip(reply.Err), At: time.Since(since).Seconds()}
	if reply.Err != "" {
		p.Status = 0
		return p
	}
	body := a.hunt.Redact(reply.Body)
	p.Form, p.Leaves = parse(body)
	p.Body = strings.ToValidUTF8(body[:min(len(body), 200)], "")
	return p
}

// until polls until enough says yes, or the limit has passed.
func (a *asker) until(ctx context.Context, limit time.Duration, enough func(Poll) bool) (last Poll, polls, silent int) {
	since := time.Now()
	for {
		left := limit - time.Since(since)
		last = a.poll(ctx, since, max(pollLimit, left))
		polls++
		if !last.answered() {
			silent++
		}
		if enough(last) || time.Since(since) >= limit || ctx.Err() != nil {
			return last, polls, silent
		}
		pause(ctx, pollEvery)
	}
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// token looks at what depends on the token: one boot, started twice.
func (o *Observations) token(ctx context.Context, b *bench.Bench, r *probe.Recorder) error {
	boot, err := b.Boot(ctx, debug(b.Manifest))
	if err != nil {
		return err
	}
	defer boot.Close()
	process, err := boot.Launch(ctx, bench.Launch{})
	if err != nil {
		return err
	}
	a := newAsker(boot, process, o.Services)
	defer a.client.Close()
	o.Answer, _, _ = a.until(ctx, warmUp, func(p Poll) bool { return p.healthy(a.names) })
	for range cleanPolls {
		o.Polls++
		if p := a.poll(ctx, time.Now(), pollLimit); !p.healthy(a.names) && len(o.Clean) < 3 {
			o.Clean = append(o.Clean, p)
		}
		pause(ctx, pollEvery/4)
	}
	o.attempts(ctx, a)
	other := boot.Random.Secret()
	o.Rotation.OldBefore, o.Rotation.NewBefore = a.status(ctx, boot.Values.Token), a.status(ctx, other)
	o.provoke(ctx, b.Manifest, a)
	o.Private.Used += 1 + cleanPolls
	a.client.Close()
	if err := o.rotate(ctx, b.Manifest, boot, process, other); err != nil {
		return err
	}
	r.Try("status.route.private", func() error { return o.search(ctx, boot, other) })
	return nil
}

// provoke lets an error happen while the header with the token is there.
func (o *Observations) provoke(ctx context.Context, m *manifest.Manifest, a *asker) {
	header := a.boot.StatusRequest(a.boot.Values.Token).Header
	for _, step := range []*manifest.Step{m.Faults.Exception, {Method: "GET", Path: "/" + a.boot.Random.Word(9)}} {
		if step != nil {
			a.client.StepWith(ctx, *step, a.boot.Random.Nonce(), header)
			o.Private.Used++
		}
	}
}

// status is what a token gets, 0 where nothing came back.
func (a *asker) status(ctx context.Context, token string) int {
	request := a.boot.StatusRequest(token)
	request.Within = pollLimit
	return a.client.Settled(ctx, request).Status
}

// rotate starts the application again, in the same sandbox and on the same
// databases, with another token.
func (o *Observations) rotate(ctx context.Context, m *manifest.Manifest, boot *bench.Boot, process *bench.Process, token string) error {
	if _, _, err := process.Stop(ctx, 10*time.Second); err != nil {
		return fmt.Errorf("stop the application before the rotation: %w", err)
	}
	setting := boot.Setting(m.Status.Token)
	value := token
	if strings.Contains(setting.Value, "$value") {
		value = strings.ReplaceAll(setting.Value, "$value", token)
	}
	again, err := boot.Launch(ctx, bench.Launch{Env: map[string]string{setting.Name: value}})
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		o.Rotation.Err = "the application did not answer" // the error holds what it wrote, secrets perhaps too
		return nil
	}
	o.Rotation.Started = true
	a := newAsker(boot, again, o.Services)
	defer a.client.Close()
	o.Rotation.NewAfter, o.Rotation.OldAfter = a.status(ctx, token), a.status(ctx, boot.Values.Token)
	_, _, err = again.Stop(ctx, 10*time.Second)
	return err
}

// search looks for both tokens in all that left.
func (o *Observations) search(ctx context.Context, boot *bench.Boot, other string) error {
	for _, name := range slices.Sorted(maps.Keys(boot.Services)) {
		if a := boot.Services[name]; a.Service.Type == manifest.SMTP || a.Service.Type == manifest.Syslog {
			if err := a.Control(ctx); err != nil {
				return fmt.Errorf("control the sink of %s: %w", name, err)
			}
		}
	}
	hunt := boot.Hunt(bench.Canary{Name: "the token", Value: boot.Values.Token}, bench.Canary{Name: "the second token", Value: other})
	err := hunt.Everything(ctx)
	o.Private.Leaks, o.Private.Searched = hunt.Leaks()
	return err
}
