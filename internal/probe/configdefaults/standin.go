package configdefaults

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/bench"
	"github.com/roadworthy-dev/roadworthy/internal/manifest"
	"github.com/roadworthy-dev/roadworthy/internal/probe/effect"
	"github.com/roadworthy-dev/roadworthy/internal/probe/start"
)

// addressed lists the services with the settings that name their addresses.
func addressed(m *manifest.Manifest) []StandIn {
	var list []StandIn
	for _, name := range slices.Sorted(maps.Keys(m.Services)) {
		s := StandIn{Service: name, Type: string(m.Services[name].Type), Others: others(m, name)}
		for _, setting := range m.Config.WithEffect(manifest.EffectService) {
			parts := manifest.References(setting.Value)
			if setting.Service == name && (slices.Contains(parts, "url") || slices.Contains(parts, "host") || slices.Contains(parts, "path")) {
				s.Settings = append(s.Settings, setting.Name)
			}
		}
		if len(s.Settings) > 0 {
			list = append(list, s)
		}
	}
	return list
}

// others counts the services beside one that keep something.
func others(m *manifest.Manifest, name string) int {
	n := 0
	for other, service := range m.Services {
		keeps := service.Type != manifest.SMTP && service.Type != manifest.Syslog && service.Type != manifest.HTTP
		if other != name && keeps {
			n++
		}
	}
	return n
}

// ordinary runs a session in an ordinary boot and sees what it leaves, and
// what it reaches anyway.
func ordinary(ctx context.Context, b *bench.Bench, o *Observations) error {
	boot, err := b.Boot(ctx, bench.Plan{})
	if err != nil {
		return err
	}
	defer boot.Close()
	process, err := boot.Launch(ctx, bench.Launch{})
	if err != nil {
		return err
	}
	o.Took = process.Ready.Sub(process.Started).Seconds()
	if o.Usual, err = remember(ctx, b, boot, process); err != nil {
		return err
	}
	o.Elsewhere, err = strange(ctx, b, boot)
	return err
}

const mostStrange = 20

func strange(ctx context.Context, b *bench.Bench, boot *bench.Boot) ([]string, error) {
	list, err := effect.Strangers(ctx, b, boot)
	return list[:min(len(list), mostStrange)], err
}

// leaveOut starts the application without the address of a service. If it
// serves, a session shows what it does instead.
func leaveOut(ctx context.Context, b *bench.Bench, limit time.Duration, s *StandIn) error {
	boot, released, err := start.Boot(ctx, b, bench.Plan{Unset: s.Settings})
	if err != nil {
		return err
	}
	s.Bare = !released
	defer boot.Close()
	process, err := boot.Launch(ctx, bench.Launch{NoWait: true})
	if err != nil {
		return err
	}
	watch := start.Watch{Limit: limit, Linger: lateEnd, Sick: ill, Grace: time.Second}
	if s.Outcome, err = watch.On(ctx, b, boot, process); err != nil {
		return err
	}
	if s.Outcome.Served {
		if s.Type == string(manifest.SMTP) && b.Manifest.Faults.Exception != nil {
			raise(ctx, b, boot, process)
		}
		if s.Memory, err = remember(ctx, b, boot, process); err != nil {
			return err
		}
	}
	s.Strange, err = strange(ctx, b, boot)
	return err
}

// raise induces the exception whose mail has nowhere to go, and gives the
// application a moment to try.
func raise(ctx context.Context, b *bench.Bench, boot *bench.Boot, process *bench.Process) {
	client := boot.Client(process)
	defer client.Close()
	client.Step(ctx, *b.Manifest.Faults.Exception, boot.Random.Nonce())
	_, _ = process.Wait(ctx, 300*time.Millisecond)
}

// remember runs a session, restarts the application, and counts each time how
// often the nonce of the session is to be seen.
func remember(ctx context.Context, b *bench.Bench, boot *bench.Boot, process *bench.Process) (Memory, error) {
	var m Memory
	client := boot.Client(process)
	defer client.Close()
	nonce := boot.Random.Nonce()
	client.Session(ctx, nonce)
	cookie := client.Cookies()
	m.Before, m.OwnOnce = count(ctx, b, boot, process, nonce, ""), count(ctx, b, boot, process, nonce, cookie)
	if err := process.Kill(ctx); err != nil {
		return m, err
	}
	again, err := boot.LaunchChanged(ctx, nil, nil)
	if err != nil {
		return m, err
	}
	outcome, err := start.Watch{Limit: b.Manifest.Boot, Sick: ill, Grace: time.Second}.On(ctx, b, boot, again)
	if err != nil || !outcome.Served {
		return m, err
	}
	m.After, m.OwnLast = count(ctx, b, boot, again, nonce, ""), count(ctx, b, boot, again, nonce, cookie)
	return m, ctx.Err()
}

// count asks the declared reads, and counts a text in their replies.
func count(ctx context.Context, b *bench.Bench, boot *bench.Boot, process *bench.Process, nonce, cookie string) int {
	client := boot.Client(process)
	defer client.Close()
	seen := 0
	var asked []string
	for _, step := range b.Manifest.Traffic {
		// A path that holds the nonce may be answered with an echo of it.
		if step.Method != http.MethodGet || strings.Contains(step.Path, "$nonce") || slices.Contains(asked, step.Path) {
			continue
		}
		asked = append(asked, step.Path)
		request := bench.Request{Method: "GET", Target: boot.Expand(step.Path, nonce), Header: map[string]string{}, Within: endsWithin}
		if cookie != "" {
			request.Header["Cookie"] = cookie
		}
		seen += strings.Count(client.Do(ctx, request).Body, nonce)
	}
	return seen
}
