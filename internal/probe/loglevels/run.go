package loglevels

import (
	"context"
	"net/http"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/roadworthy-dev/roadworthy/internal/bench"
	"github.com/roadworthy-dev/roadworthy/internal/manifest"
	"github.com/roadworthy-dev/roadworthy/internal/probe"
)

const (
	rounds      = 5                      // of the same requests
	together    = 3                      // boots at a time
	idle        = 400 * time.Millisecond // without a request
	errorWithin = 2 * time.Second        // the pass rule's limit
)

// levels are the levels of the standard, and INFO once more.
var levels = []string{"DEBUG", "INFO", "WARNING", "ERROR", "INFO"}

// run boots the application once for each level and gives it the same traffic.
func run(ctx context.Context, b *bench.Bench, recorder *probe.Recorder) (Observations, error) {
	var o Observations
	settings := b.Manifest.Config.WithEffect(manifest.EffectLevel)
	if len(settings) == 0 {
		return o, nil
	}
	o.Setting = settings[0].Name
	if b.Manifest.Faults.Exception == nil {
		recorder.Opaque("log.levels.errors", "no exception is declared, so none can be induced",
			"add faults: {exception: GET /a-path-that-raises} to "+manifest.Name)
	}
	o.Boots = make([]Boot, len(levels))
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(together)
	for i, level := range levels {
		group.Go(func() (err error) {
			o.Boots[i], err = at(groupCtx, b, settings[0], level)
			return err
		})
	}
	return o, group.Wait()
}

// at runs the traffic in a boot at one level.
func at(ctx context.Context, b *bench.Bench, setting manifest.Setting, level string) (Boot, error) {
	seen := Boot{Level: level, Name: setting.LevelName(level), Rounds: rounds}
	value := strings.ReplaceAll(setting.Value, "$value", seen.Name)
	boot, err := b.Boot(ctx, bench.Plan{Set: map[string]string{setting.Name: value}})
	if err != nil {
		return seen, err
	}
	defer boot.Close()
	process, err := boot.Launch(ctx, bench.Launch{})
	if err != nil {
		return seen, err
	}
	t := traffic{b: b, boot: boot, process: process, waits: level == "ERROR"}
	t.quiet(ctx, 250*time.Millisecond, 1500*time.Millisecond)
	t.served = time.Now()
	t.quiet(ctx, 10*idle, idle) // a heartbeat goes on; nothing else does
	t.asked = time.Now()
	for range rounds {
		t.round(ctx)
	}
	t.quiet(ctx, 300*time.Millisecond, 2*time.Second)
	t.read(&seen)
	return seen, ctx.Err()
}

// traffic is the traffic of one boot.
type traffic struct {
	b       *bench.Bench
	boot    *bench.Boot
	process *bench.Process
	waits   bool      // for the record of each induced error
	served  time.Time // it serves and has nothing more to say
	asked   time.Time // the first round began
	nonces  []string  // of requests that were not to fail
	induced []induced
}

// induced is one induced error on its way to being recorded.
type induced struct {
	nonce string
	reply bench.Reply
	ended time.Time
	until time.Time // the next round began
}

// quiet waits until nothing was written for a while.
func (t *traffic) quiet(ctx context.Context, quiet, limit time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	t.process.Output.Quiet(ctx, quiet)
}

// round runs the declared session in a new session of the application, reads a
// page and one that is not there, and raises the exception.
func (t *traffic) round(ctx context.Context) {
	client := t.boot.Client(t.process)
	defer client.Close()
	session, read, missing := t.boot.Random.Nonce(), t.boot.Random.Nonce(), t.boot.Random.Nonce()
	t.nonces = append(t.nonces, session, read, missing)
	for _, step := range t.b.Manifest.Traffic {
		client.StepWith(ctx, step, session, stamp(session))
	}
	for nonce, path := range map[string]string{read: withQuery(t.b.Landing(), read), missing: "/" + missing} {
		client.Do(ctx, bench.Request{Method: "GET", Target: path, Header: stamp(nonce)})
	}
	if exception := t.b.Manifest.Faults.Exception; exception != nil {
		t.raise(ctx, client, *exception)
	}
}

func (t *traffic) raise(ctx context.Context, client *bench.Client, step manifest.Step) {
	t.induced = append(t.induced, induced{nonce: t.boot.Random.Nonce()})
	e := &t.induced[len(t.induced)-1]
	if step.Method == http.MethodGet {
		step.Path = withQuery(step.Path, e.nonce)
	}
	e.reply = client.StepWith(ctx, step, e.nonce, stamp(e.nonce))[0]
	e.ended = e.reply.Started.Add(e.reply.Duration)
	if t.waits {
		wait, cancel := context.WithDeadline(ctx, e.ended.Add(errorWithin))
		defer cancel()
		for !t.shows(*e) && wait.Err() == nil {
			t.process.Output.Quiet(wait, 50*time.Millisecond)
		}
		t.waits = wait.Err() == nil // what was not shown once need not be waited for again
	}
	e.until = time.Now()
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
