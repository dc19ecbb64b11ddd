package logsyslog

import (
	"context"
	"fmt"
	"regexp"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/roadworthy-dev/roadworthy/internal/bench"
	"github.com/roadworthy-dev/roadworthy/internal/bench/syslogsink"
)

const (
	connections  = 4
	patience     = 4 * time.Second  // for one request; a blocked one ends then
	returnWithin = 10 * time.Second // the pass rule's limit for records to arrive again, and for losses to be told
	slowRounds   = 4                // over a transport, in fresh boots, as long as each was slow
	settled      = 500 * time.Millisecond
	padding      = 400 // bytes that a request adds to its record
	maxTold      = 40
	longest      = 4  // times as long as a silence is meant to be it lasts, until enough requests were answered
	farthest     = 12 // times as long where there were hardly any, on a busy machine
)

// shape is how long and how fast the load of a stall is.
type shape struct {
	transport             string
	healthy, silent, dead time.Duration
	perSecond             int
	least                 int // requests of a silence
}

// The load over TCP fills socket buffers and queues of a thousand records; the
// local socket holds but a few datagrams.
var shapes = []shape{
	{syslogsink.TCP, 600 * time.Millisecond, 2 * time.Second, 800 * time.Millisecond, 1250, 2500},
	{syslogsink.Unix, 600 * time.Millisecond, 1200 * time.Millisecond, 800 * time.Millisecond, 250, 250},
}

// stalls lets the collector stall over each transport that works. Time is
// measured on a shared machine: a slow round is repeated in a fresh boot.
func (o *Observations) stalls(ctx context.Context, b *bench.Bench) error {
	rounds := make([][]Stall, len(shapes))
	group, groupCtx := errgroup.WithContext(ctx)
	for i, s := range shapes {
		if !o.works(s.transport) {
			continue
		}
		group.Go(func() error {
			for range slowRounds {
				seen, err := s.stall(groupCtx, b)
				if err != nil {
					return err
				}
				rounds[i] = append(rounds[i], seen)
				if seen.delayed() == "" {
					break
				}
			}
			return nil
		})
	}
	err := group.Wait()
	for _, list := range rounds {
		o.Stalls = append(o.Stalls, list...)
	}
	return err
}

// loaded is one boot under load.
type loaded struct {
	shape
	boot    *bench.Boot
	process *bench.Process
	client  *bench.Client
	landing string
	pad     string
}

func (s shape) stall(ctx context.Context, b *bench.Bench) (seen Stall, err error) {
	seen = Stall{Transport: s.transport, AfterStall: -1, AfterDeath: -1}
	boot, err := open(ctx, b, s.transport, nil)
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
	l := loaded{shape: s, boot: boot, process: process, client: client, landing: b.Landing(), pad: boot.Random.Word(padding)}
	if err := l.silence(ctx, &seen); err != nil {
		return seen, err
	}
	if seen.AfterStall >= 0 {
		if err := l.death(ctx, &seen); err != nil {
			return seen, err
		}
	}
	seen.Dropped = process.Output.Dropped() + boot.Syslog.Unrecorded()
	return seen, ctx.Err()
}

// silence measures a healthy collector, then one that reads nothing.
func (l loaded) silence(ctx context.Context, seen *Stall) error {
	healthy := l.batch()
	seen.Healthy = l.load(ctx, healthy, l.healthy, 0, nil)
	l.boot.Syslog.Wait(within(ctx, 2*time.Second), func(frames []syslogsink.Frame) bool {
		return healthy.take(frames) >= seen.Healthy.Sent
	})
	if seen.Healthy.Sent > 0 {
		records := 0
		for _, n := range healthy.counts {
			records += n
		}
		seen.PerRequest = float64(records) / float64(seen.Healthy.Sent)
	}
	from := time.Now()
	if err := l.boot.Syslog.Set(syslogsink.Stall); err != nil {
		return fmt.Errorf("stall the collector: %w", err)
	}
	silent, answered := l.batch(), map[int]bool{}
	seen.Silent = l.load(ctx, silent, l.silent, l.least, answered)
	if err := l.boot.Syslog.Set(syslogsink.Accept); err != nil {
		return fmt.Errorf("wake the collector: %w", err)
	}
	back := time.Now()
	seen.AfterStall = l.returned(ctx, back)
	l.account(ctx, seen, silent, answered, from, back)
	return nil
}

// death measures a collector that is gone.
func (l loaded) death(ctx context.Context, seen *Stall) error {
	if err := l.boot.Syslog.Set(syslogsink.Dead); err != nil {
		return fmt.Errorf("end the collector: %w", err)
	}
	l.perSecond = min(l.perSecond, 100)
	seen.Dead = l.load(ctx, l.batch(), l.dead, 0, nil)
	if err := l.boot.Syslog.Set(syslogsink.Accept); err != nil {
		return fmt.Errorf("start the collector again: %w", err)
	}
	seen.AfterDeath = l.returned(ctx, time.Now())
	return nil
}

// returned sends requests until the record of one arrives; negative if none
// does within the limit.
func (l loaded) returned(ctx context.Context, since time.Time) float64 {
	ctx, cancel := context.WithDeadline(ctx, since.Add(returnWithin))
	defer cancel()
	probes := l.batch()
	for i := 0; ctx.Err() == nil; i++ {
		l.client.Do(ctx, l.request(probes.nonce(i), 0))
		if l.boot.Syslog.Wait(within(ctx, 250*time.Millisecond), func(frames []syslogsink.Frame) bool {
			return probes.take(frames) > 0
		}) {
			return time.Since(since).Seconds()
		}
	}
	return -1
}

// account waits until every request of the silence has its record, or until
// the application has told of losses and no record comes any more.
func (l loaded) account(ctx context.Context, seen *Stall, silent *batch, answered map[int]bool, from, back time.Time) {
	deadline := back.Add(returnWithin)
	for last, quiet := -1, time.Now(); ; {
		frames := l.boot.Syslog.Frames()
		silent.take(frames)
		seen.Lost = 0
		for i := range answered {
			if silent.counts[i] == 0 {
				seen.Lost++
			}
		}
		seen.Told = l.told(frames, from)
		if len(frames) != last {
			last, quiet = len(frames), time.Now()
		}
		calm := time.Since(quiet) > settled
		if seen.Lost == 0 || calm && seen.miscounted() == "" || seen.AfterStall < 0 || time.Now().After(deadline) {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// speaksOfLoss recognises a record about lost records.
var speaksOfLoss = regexp.MustCompile(`(?i)(?:^|[^a-z])(?:lost|lose|drop(?:ped|s|ping)?|discard(?:ed|s|ing)?|suppress(?:ed)?|overflow(?:ed)?|missed|skipped|undelivered|not sent)(?:[^a-z]|$)`)

// told collects what the application said of losses since a time.
func (l loaded) told(frames []syslogsink.Frame, from time.Time) []Told {
	var list []Told
	keep := func(stream, text string) {
		if len(list) < maxTold && speaksOfLoss.MatchString(text[:min(len(text), 500)]) {
			list = append(list, Told{stream, l.boot.Excerpt(text)})
		}
	}
	for _, line := range l.process.Output.Lines() {
		if line.At.After(from) {
			keep(line.Stream, line.Text)
		}
	}
	for _, f := range frames {
		if f.Received.After(from) {
			keep("syslog", f.Parsed.Message)
		}
	}
	return list
}
