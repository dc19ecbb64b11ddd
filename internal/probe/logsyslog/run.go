package logsyslog

import (
	"context"
	"net"
	"net/http"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/roadworthy-dev/roadworthy/internal/bench"
	"github.com/roadworthy-dev/roadworthy/internal/bench/syslogsink"
	"github.com/roadworthy-dev/roadworthy/internal/manifest"
	"github.com/roadworthy-dev/roadworthy/internal/probe"
)

const (
	arriveWithin = 5 * time.Second // the pass rule's limit
	controlLimit = 5 * time.Second
	reads        = 8 // ordinary requests of a boot
)

var facilityNames = []string{"local1", "local2", "local3", "local4", "local5", "local6", "local7"}

// run boots the application once for each transport and then lets a collector
// stall.
func run(ctx context.Context, b *bench.Bench, recorder *probe.Recorder) (Observations, error) {
	o := Observations{Collector: collected(b), Exception: b.Manifest.Faults.Exception != nil}
	if settings := b.Manifest.Config.WithEffect(manifest.EffectFacility); len(settings) > 0 {
		o.Facility = settings[0].Name
	}
	transports := []string{syslogsink.Unix}
	if o.Collector {
		transports = append(transports, syslogsink.UDP, syslogsink.TCP)
	}
	random := b.NewRandom()
	facilities := random.Perm(len(facilityNames)) // each boot another one
	boots := make([]Boot, len(transports))
	group, groupCtx := errgroup.WithContext(ctx)
	for i, transport := range transports {
		group.Go(func() (err error) {
			boots[i], err = o.boot(groupCtx, b, transport, facilityNames[facilities[i]])
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return o, err
	}
	o.Boots = boots
	if only, single := o.onlyWorking(); single && o.Facility != "" {
		again, err := o.boot(ctx, b, only, facilityNames[facilities[len(transports)]])
		if err != nil {
			return o, err
		}
		o.Boots = append(o.Boots, again)
	}
	recorder.Try("log.syslog.stalled", func() error { return o.stalls(ctx, b) })
	if !o.Exception && !o.warned() {
		recorder.Opaque("log.syslog.severity", "no exception is declared, and a missing page is not logged as a warning either, so no second level was seen",
			"add faults: {exception: GET /a-path-that-raises} to "+manifest.Name)
	}
	return o, nil
}

// collected reports whether a setting leads to a log collector.
func collected(b *bench.Bench) bool {
	for _, setting := range b.Manifest.Config.WithEffect(manifest.EffectService) {
		if b.Manifest.Services[setting.Service].Type == manifest.Syslog {
			return true
		}
	}
	return false
}

// onlyWorking returns the one transport that anything arrived by.
func (o *Observations) onlyWorking() (transport string, single bool) {
	n := 0
	for _, boot := range o.Boots {
		if boot.Frames > 0 {
			transport = boot.Transport
			n++
		}
	}
	return transport, n == 1
}

// open makes a world with a collector that is shown to work.
func open(ctx context.Context, b *bench.Bench, transport string, set map[string]string) (*bench.Boot, error) {
	boot, err := b.Boot(ctx, bench.Plan{Transport: transport, Set: set})
	if err != nil {
		return nil, err
	}
	control, cancel := context.WithTimeout(ctx, controlLimit)
	defer cancel()
	if transport == syslogsink.Unix {
		err = boot.Syslog.SelfTest(control, transport, func(ctx context.Context) (net.Conn, error) {
			return boot.Sandbox().Dial(ctx, "unixgram", "/dev/log", "")
		})
	}
	for _, service := range boot.OfType(manifest.Syslog) {
		if err == nil && transport != syslogsink.Unix {
			err = service.Control(control)
		}
	}
	if err != nil {
		_ = boot.Close() // the control's failure is what counts
		return nil, err
	}
	return boot, nil
}

// boot runs one boot with a facility and records what arrives from it.
func (o *Observations) boot(ctx context.Context, b *bench.Bench, transport, facility string) (Boot, error) {
	seen := Boot{Transport: transport}
	set := map[string]string{}
	if o.Facility != "" {
		seen.Facility = facility
		set[o.Facility] = strings.ReplaceAll(b.Manifest.Config.Settings[o.Facility].Value, "$value", facility)
	}
	boot, err := open(ctx, b, transport, set)
	if err != nil {
		return seen, err
	}
	defer boot.Close()
	process, err := boot.Launch(ctx, bench.Launch{})
	if err != nil {
		return seen, err
	}
	client := boot.Client(process)
	defer client.Close()
	sent := send(ctx, b, boot, client)
	wait, cancel := context.WithTimeout(ctx, arriveWithin)
	defer cancel()
	boot.Syslog.Wait(wait, func(frames []syslogsink.Frame) bool { return allArrived(sent, frames, transport) })
	// A record that is sent twice, or cut into pieces, shows a moment later.
	boot.Syslog.Wait(shortly(wait), func([]syslogsink.Frame) bool { return false })
	seen.read(boot, sent)
	return seen, nil
}

// shortly ends a moment from now.
func shortly(ctx context.Context) context.Context {
	soon, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
	context.AfterFunc(soon, cancel)
	return soon
}

// sent is a request on its way to being recorded.
type sent struct {
	kind    Kind
	nonce   string
	target  string
	status  int
	started time.Time
	ended   time.Time
}

// send sends reads, one that only talks of errors, reads of pages that are not
// there, and the exception.
func send(ctx context.Context, b *bench.Bench, boot *bench.Boot, client *bench.Client) []sent {
	var list []sent
	get := func(kind Kind, target, nonce string) {
		reply := client.Do(ctx, bench.Request{Method: "GET", Target: target, Header: stamp(nonce)})
		list = append(list, sentOf(kind, nonce, reply))
	}
	for i := range reads {
		nonce, note := boot.Random.Nonce(), ""
		if i == reads/2 {
			note = "&note=fatal-error-exception-traceback"
		}
		get(Ordinary, withQuery(b.Landing(), "q="+nonce+note), nonce)
	}
	for range 2 {
		nonce := boot.Random.Nonce()
		get(Missing, "/"+nonce, nonce)
	}
	if exception := b.Manifest.Faults.Exception; exception != nil {
		step, nonce := *exception, boot.Random.Nonce()
		if step.Method == http.MethodGet {
			step.Path = withQuery(step.Path, "q="+nonce)
		}
		list = append(list, sentOf(Induced, nonce, client.StepWith(ctx, step, nonce, stamp(nonce))[0]))
	}
	return list
}

func sentOf(kind Kind, nonce string, reply bench.Reply) sent {
	return sent{
		kind: kind, nonce: nonce, target: reply.Method + " " + reply.Target, status: reply.Status,
		started: reply.Started, ended: reply.Started.Add(reply.Duration),
	}
}

// stamp are the headers that carry a nonce.
func stamp(nonce string) map[string]string {
	return map[string]string{"X-Request-Id": nonce, "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) " + nonce}
}

func withQuery(path, query string) string {
	if strings.Contains(path, "?") {
		return path + "&" + query
	}
	return path + "?" + query
}
