package secrets

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/roadworthy-dev/roadworthy/internal/artifact"
	"github.com/roadworthy-dev/roadworthy/internal/bench"
	"github.com/roadworthy-dev/roadworthy/internal/manifest"
	"github.com/roadworthy-dev/roadworthy/internal/probe"
	"github.com/roadworthy-dev/roadworthy/internal/problem"
)

const maxFindings = 20

// run searches what leaves the application, and beside it what is kept.
func run(ctx context.Context, b *bench.Bench, r *probe.Recorder) (Observations, error) {
	var o Observations
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		r.Try("secrets.runtime", func() error { return o.Runtime.run(ctx, b, r) })
		return ctx.Err()
	})
	group.Go(func() error {
		r.Try("secrets.history", func() error { return o.scan(ctx, b) })
		return ctx.Err()
	})
	return o, group.Wait()
}

// scan reads the history, where there is one, and the artifact.
func (o *Observations) scan(ctx context.Context, b *bench.Bench) error {
	history, err := artifact.ScanHistory(ctx, b.Source.Dir, nil)
	if p, ok := problem.Of(err); ok && p.Code == "RW-A01" {
		err = nil
	} else if err == nil {
		o.History = scanOf(history)
	}
	if err != nil {
		return err
	}
	files, err := artifact.ScanFiles(ctx, b.Root)
	if err == nil {
		o.Files = scanOf(files)
	}
	return err
}

func scanOf(h artifact.History) *Scan {
	s := &Scan{Read: h.Blobs, Larger: h.Larger}
	for _, fixture := range []bool{false, true} { // those that count first: the bound must not hide them
		for _, f := range h.Findings {
			if f.Fixture == fixture && len(s.Findings) < maxFindings {
				s.Findings = append(s.Findings, Finding{f.Commit, clip(f.Path), f.Line, f.Kind, f.Redacted, f.Fixture})
			}
			if f.Fixture == fixture && !fixture {
				s.Total++
			}
		}
	}
	for _, missed := range h.Missed {
		if !strings.Contains(missed, "are larger than") { // told by Larger
			s.Missed = append(s.Missed, missed)
		}
	}
	return s
}

func clip(text string) string { return strings.ToValidUTF8(text[:min(len(text), 200)], "") }

// hunter leads one boot into its situations.
type hunter struct {
	*Runtime
	bench   *bench.Bench
	boot    *bench.Boot
	hunt    *bench.Hunt
	process *bench.Process
	client  *bench.Client

	patience time.Duration // with a start that may fail: more than an ordinary one takes
}

func (o *Runtime) run(ctx context.Context, b *bench.Bench, r *probe.Recorder) error {
	boot, err := b.Boot(ctx, debug(b.Manifest))
	if err != nil {
		return err
	}
	defer boot.Close()
	canaries := boot.Canaries()
	for _, c := range canaries {
		o.Secrets = append(o.Secrets, c.Name)
	}
	if len(canaries) == 0 {
		r.Opaque("secrets.runtime", "no setting is declared to be secret", "add secret: true to the settings in roadworthy.yaml that are")
		return nil
	}
	for name, a := range boot.Services {
		if err := a.Control(ctx); err != nil {
			return fmt.Errorf("control %s: %w", name, err)
		}
	}
	_, missing := exec.LookPath("strace")
	o.Traced = missing == nil
	h := &hunter{Runtime: o, bench: b, boot: boot, hunt: boot.Hunt(canaries...)}
	if err := h.lead(ctx); err != nil {
		return err
	}
	if err := h.hunt.Everything(ctx); err != nil {
		return err
	}
	o.Leaks, o.Searched = h.hunt.Leaks()
	return nil
}

// debug is a plan in which everything is logged.
func debug(m *manifest.Manifest) bench.Plan {
	plan := bench.Plan{Set: map[string]string{}}
	for _, setting := range m.Config.WithEffect(manifest.EffectLevel) {
		plan.Set[setting.Name] = strings.ReplaceAll(setting.Value, "$value", setting.LevelName("DEBUG"))
	}
	return plan
}

// lead goes through the situations in their order.
func (h *hunter) lead(ctx context.Context) error {
	var err error
	if h.process, err = h.boot.Launch(ctx, bench.Launch{Trace: h.Traced, NoWait: true}); err != nil {
		return err
	}
	if err := h.arguments(ctx, h.process); err != nil {
		return err
	}
	if err := h.process.Await(ctx); err != nil {
		return err
	}
	h.client = h.boot.Client(h.process)
	defer h.client.Close()
	h.patience = max(unusableWait, min(2*h.process.Ready.Sub(h.process.Started), maxPatience))
	h.ordinary(ctx)
	h.malformed(ctx)
	if err := h.without(ctx); err != nil {
		return err
	}
	if err := h.hunt.Processes(ctx); err != nil {
		return err
	}
	h.client.Close()
	if _, _, err := h.process.Stop(ctx, stopWait); err != nil {
		return fmt.Errorf("stop the application: %w", err)
	}
	return h.unusable(ctx)
}

// arguments looks at what runs, some times during the first moments.
func (h *hunter) arguments(ctx context.Context, p *bench.Process) error {
	for range 8 {
		if err := h.hunt.Processes(ctx); err != nil || p.Ended() {
			return err
		}
		pause(ctx, 15*time.Millisecond)
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
