package errormail

import (
	"context"
	"net/http"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/roadworthy-dev/roadworthy/internal/bench"
	"github.com/roadworthy-dev/roadworthy/internal/bench/mailsink"
	"github.com/roadworthy-dev/roadworthy/internal/manifest"
	"github.com/roadworthy-dev/roadworthy/internal/probe"
)

const controlLimit = 5 * time.Second

var claims = []string{"error.mail.trace", "error.mail.recipients", "error.mail.storm", "error.mail.dead"}

// run makes the mails and the storm together, and measures the failures of the
// mail server while the storm's window passes.
func run(ctx context.Context, b *bench.Bench, recorder *probe.Recorder) (Observations, error) {
	var o Observations
	settings := b.Manifest.Config.WithEffect(manifest.EffectRecipients)
	if len(settings) == 0 {
		return o, nil
	}
	o.Setting = settings[0].Name
	if reason, fix := lacking(b.Manifest); reason != "" {
		for _, claim := range claims {
			recorder.Opaque(claim, reason, fix)
		}
		return o, nil
	}
	p := plan{b: b, setting: settings[0], exception: *b.Manifest.Faults.Exception}
	first, err := p.open(ctx, nil)
	if err != nil {
		return o, err
	}
	defer first.Close()
	storm, err := p.open(ctx, nil)
	if err != nil {
		return o, err
	}
	defer storm.Close()
	group, groupCtx := errgroup.WithContext(ctx)
	group.Go(func() (err error) { o.First, err = first.mailing(groupCtx); return err })
	group.Go(func() (err error) { o.Second, err = p.second(groupCtx); return err })
	group.Go(func() (err error) { o.Storm, err = storm.rage(groupCtx); return err })
	if err := group.Wait(); err != nil {
		return o, err
	}
	group, groupCtx = errgroup.WithContext(ctx)
	group.Go(func() error { return storm.calm(groupCtx, &o.Storm) })
	group.Go(func() error {
		recorder.Try("error.mail.dead", func() (err error) { o.Dead, err = p.dead(groupCtx); return err })
		return nil
	})
	err = group.Wait()
	first.read(&o.First) // a further copy may have come late
	return o, err
}

// lacking says what of the manifest is needed to see a mail.
func lacking(m *manifest.Manifest) (reason, fix string) {
	if m.Faults.Exception == nil {
		return "no exception is declared, so none can be induced", "add faults: {exception: GET /a-path-that-raises} to " + manifest.Name
	}
	for _, service := range m.Services {
		if service.Type == manifest.SMTP {
			return "", ""
		}
	}
	return "no setting leads to a mail server, so no mail can be seen", "add SMTP_URL to config.settings in " + manifest.Name
}

// plan is what all boots of the probe share.
type plan struct {
	b         *bench.Bench
	setting   manifest.Setting
	exception manifest.Step
}

// world is one boot whose mails are looked at.
type world struct {
	plan
	*bench.Boot
	process    *bench.Process
	recipients []string
	path       string            // of the exception, without its query
	ordinary   map[string]string // targets of requests that did not fail, by nonce
	failing    []string          // nonces of failing requests
	began      time.Time         // the first exception was induced
}

// open boots the application with a list of recipients, or the boot's own, and
// a mail server that is shown to work.
func (p plan) open(ctx context.Context, recipients []string) (*world, error) {
	set := map[string]string{}
	if recipients != nil {
		set[p.setting.Name] = strings.ReplaceAll(p.setting.Value, "$value", strings.Join(recipients, ","))
	}
	boot, err := p.b.Boot(ctx, bench.Plan{Set: set})
	if err != nil {
		return nil, err
	}
	if recipients == nil {
		recipients = boot.Values.Recipients
	}
	path, _, _ := strings.Cut(p.exception.Path, "?")
	w := &world{plan: p, Boot: boot, recipients: recipients, path: path, ordinary: map[string]string{}}
	for _, service := range boot.OfType(manifest.SMTP) {
		control, cancel := context.WithTimeout(ctx, controlLimit)
		err := service.Control(control)
		cancel()
		if err != nil {
			_ = boot.Close() // the control's failure is what counts
			return nil, err
		}
	}
	if w.process, err = boot.Launch(ctx, bench.Launch{}); err != nil {
		_ = boot.Close() // that it did not start is what counts
		return nil, err
	}
	return w, nil
}

// messages returns the mails of every mail server.
func (w *world) messages() (all []mailsink.Message) {
	for _, service := range w.OfType(manifest.SMTP) {
		all = append(all, service.Mail.Messages()...)
	}
	return all
}

// await looks at the mails until they are enough, or ctx ends.
func (w *world) await(ctx context.Context, enough func([]mailsink.Message) bool) {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !enough(w.messages()) {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// raise induces the exception with a nonce wherever the request has room for one.
func (w *world) raise(ctx context.Context, client *bench.Client, nonce string) bench.Reply {
	step := w.exception
	if step.Method == http.MethodGet {
		step.Path = withQuery(step.Path, nonce)
	}
	return client.StepWith(ctx, step, nonce, stamp(nonce))[0]
}

// stamp are the headers that carry a nonce.
func stamp(nonce string) map[string]string {
	return map[string]string{"X-Request-Id": nonce, "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) " + nonce}
}

func withQuery(path, nonce string) string {
	if strings.Contains(path, "?") {
		return path + "&q=" + nonce
	}
	return path + "?q=" + nonce
}
