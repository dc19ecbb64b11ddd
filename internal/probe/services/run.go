package services

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/bench"
	"github.com/roadworthy-dev/roadworthy/internal/manifest"
	"github.com/roadworthy-dev/roadworthy/internal/probe"
	"github.com/roadworthy-dev/roadworthy/internal/standard"
)

const (
	watch    = 3 * time.Second  // after the start, for update checks
	mailWait = 2 * time.Second  // until an error mail has gone
	stopWait = 10 * time.Second // until it has ended
	minStart = 5 * time.Second  // that the second start may take, at least
	maxSeen  = 100              // destinations and names that are recorded
)

// run starts the application twice in one sandbox, on two sets of services.
func run(ctx context.Context, b *bench.Bench, r *probe.Recorder) (Observations, error) {
	var o Observations
	boot, err := b.Boot(ctx, bench.Plan{})
	if err != nil {
		return o, err
	}
	defer boot.Close()
	if err := control(ctx, boot.Services); err != nil {
		return o, err
	}
	first := begin(boot, boot.Services)
	process, err := boot.Launch(ctx, bench.Launch{})
	if errors.Is(err, bench.ErrNotStarted) && o.strangers(ctx, first) {
		r.Fail("services.declared", standard.Failure{Kind: standard.FailureStart, Message: "the application did not start: it used other credentials than it was given"})
		return o, nil
	}
	if err != nil {
		return o, err
	}
	s := &session{boot: boot, process: process, manifest: b.Manifest, nonce: boot.Random.Nonce()}
	s.run(ctx, boot.Services)
	pause(ctx, watch-time.Since(process.Started))
	s.run(ctx, boot.Services)
	o.Requests, o.Answered, o.Watched = s.requests, s.answered, time.Since(process.Started).Seconds()
	r.Try("services.declared", func() error { return o.look(ctx, boot) })
	if len(boot.Services) == 0 {
		return o, ctx.Err()
	}
	r.Try("services.swapped", func() error { return o.swap(ctx, s, first) })
	return o, ctx.Err()
}

// control shows that each service answers at its address.
func control(ctx context.Context, services map[string]*bench.Attached) error {
	for _, name := range slices.Sorted(maps.Keys(services)) {
		if err := services[name].Control(ctx); err != nil {
			return fmt.Errorf("control %s: %w", name, err)
		}
	}
	return nil
}

// session runs the declared traffic, an error and the status route.
type session struct {
	boot                       *bench.Boot
	process                    *bench.Process
	manifest                   *manifest.Manifest
	nonce                      string
	requests, answered, worked int
	waited                     bool // for the first mail
	bodies                     strings.Builder
}

func (s *session) run(ctx context.Context, services map[string]*bench.Attached) {
	client := s.boot.Client(s.process)
	defer client.Close()
	for _, reply := range client.Session(ctx, s.nonce) {
		s.count(reply)
		if reply.Method == http.MethodGet {
			s.bodies.WriteString(reply.Body)
		}
	}
	if s.manifest.Status != nil {
		s.count(client.Settled(ctx, s.boot.StatusRequest(s.boot.Values.Token)))
	}
	if s.manifest.Faults.Exception == nil {
		return
	}
	client.Step(ctx, *s.manifest.Faults.Exception, s.nonce)
	for _, a := range services {
		if a.Mail != nil && !s.waited {
			s.waited = true
			await(ctx, mailWait, func() bool { return a.Mail.Connections() > 1 }) // one was the control
		}
	}
}

func (s *session) count(reply bench.Reply) {
	s.requests++
	if reply.Status > 0 && reply.Status < 500 {
		s.answered++
	}
	if reply.OK() {
		s.worked++
	}
}

func await(ctx context.Context, limit time.Duration, enough func() bool) {
	for end := time.Now().Add(limit); !enough() && time.Now().Before(end) && ctx.Err() == nil; {
		pause(ctx, 20*time.Millisecond)
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

// look notes what was reached, and what may be.
func (o *Observations) look(ctx context.Context, boot *bench.Boot) error {
	if err := boot.ControlNetwork(ctx); err != nil {
		return err
	}
	var err error
	if o.Known, err = known(ctx, boot); err != nil {
		return err
	}
	reached, err := boot.Reached(ctx)
	if err != nil {
		return err
	}
	counts := map[Destination]int{}
	for _, d := range reached {
		counts[Destination{Network: d.Network, Address: d.Address}] += d.Count
	}
	for d, count := range counts {
		d.Count = count
		o.Destinations = append(o.Destinations, d)
	}
	for _, q := range boot.Lookups() {
		if l := (Lookup{clip(q.Name), q.Type}); !slices.Contains(o.Lookups, l) && len(o.Lookups) < 10*maxSeen {
			o.Lookups = append(o.Lookups, l)
		}
	}
	o.Destinations = keep(o.Destinations, o.Known.destination, func(d Destination) string { return d.Address + d.Network })
	o.Lookups = keep(o.Lookups, o.Known.lookup, func(l Lookup) string { return l.Name + l.Type })
	return nil
}

// keep puts what is not known first, in order, and drops what is too much.
func keep[T any](list []T, known, order func(T) string) []T {
	slices.SortFunc(list, func(a, b T) int {
		if (known(a) == "") != (known(b) == "") {
			if known(a) == "" {
				return -1
			}
			return 1
		}
		return strings.Compare(order(a), order(b))
	})
	return list[:min(len(list), maxSeen)]
}

// known collects what the application may reach.
func known(ctx context.Context, boot *bench.Boot) (Known, error) {
	var k Known
	for _, name := range slices.Sorted(maps.Keys(boot.Services)) {
		a := boot.Services[name]
		k.Endpoints = append(k.Endpoints, Endpoint{name, a.Host, a.IP + ":" + strconv.Itoa(a.Port)})
	}
	var err error
	if k.Resolver, err = boot.Resolver(ctx); err != nil {
		return k, err
	}
	hostname, err := boot.Sandbox().ReadFile(ctx, "/etc/hostname")
	if err != nil {
		return k, fmt.Errorf("read the name of the sandbox: %w", err)
	}
	k.Hostname = strings.ToLower(strings.TrimSpace(string(hostname)))
	processes, err := boot.Sandbox().Processes(ctx)
	if err != nil {
		return k, err
	}
	for _, p := range processes {
		for _, address := range p.Listening {
			k.Listening = append(k.Listening, "tcp "+address[strings.LastIndexByte(address, ':')+1:])
		}
	}
	for _, table := range []string{"/proc/net/udp", "/proc/net/udp6"} {
		text, err := boot.Sandbox().ReadFile(ctx, table)
		if err == nil { // IPv6 may be off
			k.Listening = append(k.Listening, bound(string(text))...)
		}
	}
	slices.Sort(k.Listening)
	k.Listening = slices.Compact(k.Listening)
	return k, nil
}

// bound reads the ports of /proc/net/udp (proc(5)): "0: 0100007F:1F90 …".
func bound(table string) []string {
	var ports []string
	for line := range strings.Lines(table) {
		fields := strings.Fields(line)
		if len(fields) < 2 {
			continue
		}
		_, port, _ := strings.Cut(fields[1], ":")
		if number, err := strconv.ParseUint(port, 16, 16); err == nil {
			ports = append(ports, "udp "+strconv.FormatUint(number, 10))
		}
	}
	return ports
}

func clip(text string) string { return strings.ToValidUTF8(text[:min(len(text), 200)], "") }
