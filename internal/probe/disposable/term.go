package disposable

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/bench"
	"github.com/roadworthy-dev/roadworthy/internal/bench/sandbox"
)

const (
	pace       = 20 * time.Millisecond  // between two ordinary requests, whatever becomes of them
	before     = 300 * time.Millisecond // of load before SIGTERM
	after      = 300 * time.Millisecond // of load after it
	quiet      = 50 * time.Millisecond  // before SIGTERM: nothing is sent on kept-alive connections
	patience   = 10 * time.Second       // from the last reply to the exit
	longest    = 30 * time.Second       // from SIGTERM to the exit
	settled    = time.Second            // for what the end of the process leaves on the wire
	keptAlive  = 2                      // connections
	maxReasons = 5
)

// shot is one request on the wire.
type shot struct {
	wire    *bench.Wire
	written time.Time
	done    time.Time
	reply   bench.Reply
	reused  bool // the connection had answered before: it was accepted
}

// load sends ordinary requests at a steady pace and keeps all that came of them.
type load struct {
	process *bench.Process
	request bench.Request
	mu      sync.Mutex
	shots   []*shot
	refused bool
	flying  sync.WaitGroup
}

// term starts the application, keeps slow requests in flight, sends SIGTERM
// under load, and waits for the end.
func term(ctx context.Context, b *bench.Bench, stall bench.Stall, pid1 bool) (Term, error) {
	t := Term{PID1: pid1}
	boot, err := b.Boot(ctx, bench.Plan{})
	if err != nil {
		return t, err
	}
	defer boot.Close()
	p, err := boot.Launch(ctx, bench.Launch{PID1: pid1, NoWait: true})
	if err != nil {
		return t, err
	}
	if t.Started = await(ctx, p, b.Manifest.Boot); !t.Started {
		_, t.Tail = last(ctx, p)
		return t, ctx.Err()
	}
	defer stall.Begin(boot)()
	ctx, cancel := context.WithCancel(ctx)
	l := &load{process: p, request: stall.Ordinary}
	defer func() { cancel(); l.flying.Wait() }()
	slow := l.hold(ctx, stall)
	l.send(ctx, boot, max(before/3, min(before, stall.Takes/3)))
	accepted, err := accepted(ctx, p)
	if err != nil {
		return t, err
	}
	waited, err := p.Delays(ctx)
	if err != nil {
		return t, err
	}
	sent := time.Now()
	if err := p.Signal(ctx, syscall.SIGTERM); err != nil && !p.Ended() {
		return t, err
	}
	l.send(ctx, nil, after)
	if err := t.wait(ctx, p, l, slow, sent); err != nil {
		return t, err
	}
	if !t.Exited {
		if err := t.delay(ctx, p, waited); err != nil {
			return t, err
		}
	}
	l.settle(ctx)
	t.count(l, stall, slow, sent, accepted)
	if !t.Exited || t.Slow.Lost+t.Fast.Lost > 0 || t.Code != 0 {
		_, t.Tail = last(ctx, p)
	}
	return t, nil
}

// hold puts two slow requests in flight, one of them on a connection that was
// used before where the application keeps connections. More of them could
// take all workers, and the rest would wait in the kernel's queue.
func (l *load) hold(ctx context.Context, stall bench.Stall) []*bench.Held {
	if stall.Kind == bench.StallNone {
		return nil
	}
	usual, again := stall.Ordinary, stall
	usual.Fresh, again.Slow.Fresh = false, false
	if wire, err := l.process.Wire(ctx); err == nil {
		whole := wire.Send(l.process, usual) == nil && wire.Receive(usual.Method, time.Now().Add(5*time.Second)).Err == ""
		if whole && !wire.Closing {
			return []*bench.Held{again.HoldOn(ctx, l.process, wire), stall.Hold(ctx, l.process)}
		}
		wire.Close()
	}
	return []*bench.Held{stall.Hold(ctx, l.process), stall.Hold(ctx, l.process)}
}

// send fires requests for a while: on fresh connections, and, given a boot, on
// kept-alive ones, of which some then stay open and idle.
func (l *load) send(ctx context.Context, boot *bench.Boot, long time.Duration) {
	end := time.Now().Add(long)
	var idle []*bench.Wire
	tick := time.NewTicker(pace)
	defer tick.Stop()
	for i := 0; time.Now().Before(end) && ctx.Err() == nil; i++ {
		l.flying.Go(func() { l.fire(ctx, nil) })
		if boot != nil && len(idle) < keptAlive {
			if wire, err := l.process.Wire(ctx); err == nil {
				idle = append(idle, wire)
				context.AfterFunc(ctx, wire.Close)
				l.flying.Go(func() { l.alive(ctx, wire, end.Add(-quiet)) })
			}
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}

// alive sends requests on one connection until a moment, and leaves it open.
func (l *load) alive(ctx context.Context, wire *bench.Wire, until time.Time) {
	for time.Now().Before(until) && ctx.Err() == nil {
		if !l.fire(ctx, wire) {
			return
		}
		time.Sleep(pace / 2)
	}
}

// fire sends one request and waits for its reply. It reports whether the
// connection can take another one.
func (l *load) fire(ctx context.Context, wire *bench.Wire) bool {
	request := l.request
	request.Fresh = wire == nil
	s := &shot{wire: wire, reused: wire != nil && !wire.Written.IsZero()}
	if wire == nil {
		fresh, err := l.process.Wire(ctx)
		if err != nil {
			if errors.Is(err, syscall.ECONNREFUSED) {
				l.mu.Lock()
				l.refused = true
				l.mu.Unlock()
			}
			return false // never connected: no request, no loss
		}
		s.wire = fresh
		defer fresh.Close()
		stop := context.AfterFunc(ctx, fresh.Close)
		defer stop()
	}
	if s.wire.Send(l.process, request) != nil {
		return false // never written in full
	}
	s.written = s.wire.Written
	l.mu.Lock()
	l.shots = append(l.shots, s)
	l.mu.Unlock()
	reply := s.wire.Receive(request.Method, s.written.Add(longest))
	l.mu.Lock()
	s.reply, s.done = reply, time.Now()
	l.mu.Unlock()
	return reply.Err == "" && !s.wire.Closing
}

// accepted lists our ends of the connections that processes of the
// application have taken from the kernel's queue.
func accepted(ctx context.Context, p *bench.Process) (map[string]bool, error) {
	family, err := p.Family(ctx)
	if err != nil {
		return nil, err
	}
	taken := map[string]bool{}
	for _, info := range family {
		for _, end := range p.Connections(info) {
			taken[end] = true
		}
	}
	return taken, nil
}

// wait waits for the exit: thirty seconds from SIGTERM, ten from the last reply.
func (t *Term) wait(ctx context.Context, p *bench.Process, l *load, slow []*bench.Held, sent time.Time) error {
	replied := time.Now()
	for _, h := range slow {
		select {
		case <-h.Done:
			replied = time.Now()
		case <-time.After(time.Until(sent.Add(longest))):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	limit := min(time.Until(sent.Add(longest)), time.Until(replied.Add(patience)))
	exit, err := p.Wait(ctx, max(limit, 0))
	t.Took = time.Since(sent).Seconds()
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil
	}
	if err != nil {
		return err
	}
	t.Exited, t.Took, t.Code = true, exit.At.Sub(sent).Seconds(), exit.Code
	if exit.Signal != 0 {
		t.Signal = sandbox.SignalName(exit.Signal)
	}
	if probe, err := p.Wire(ctx); err == nil {
		probe.Close()
	} else {
		l.mu.Lock()
		l.refused = true
		l.mu.Unlock()
	}
	return nil
}

// delay says how much of the time since SIGTERM was not the application's own.
func (t *Term) delay(ctx context.Context, p *bench.Process, before map[int]float64) error {
	var err error
	t.Delayed, err = p.DelayedSince(ctx, before)
	return err //nolint:wrapcheck // the caller says of what
}

// settle gives the replies that are on their way a second to arrive.
func (l *load) settle(ctx context.Context) {
	end := time.Now().Add(settled)
	for time.Now().Before(end) && ctx.Err() == nil {
		l.mu.Lock()
		waiting := slices.ContainsFunc(l.shots, func(s *shot) bool { return s.done.IsZero() })
		l.mu.Unlock()
		if !waiting {
			return
		}
		time.Sleep(5 * time.Millisecond) // polling is what waiting for a stranger is
	}
}

// count sorts the requests by what became of them.
func (t *Term) count(l *load, stall bench.Stall, slow []*bench.Held, sent time.Time, accepted map[string]bool) {
	for _, h := range slow {
		taken := h.Wire != nil && accepted[h.Wire.Local]
		select {
		case <-h.Done:
			// A slow request that was over before SIGTERM was not in flight.
			if h.Reply.Err != "" || h.Reply.Started.Add(h.Reply.Duration).After(sent) {
				t.Slow.add(taken, h.Reply, stall.Status, stall.Size)
			}
		default:
			t.Slow.add(taken, bench.Reply{Err: "no reply within 30 s"}, stall.Status, stall.Size)
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	t.Refused = l.refused
	size := l.size(stall.Normal, sent)
	for _, s := range l.shots {
		reply := s.reply
		if s.done.IsZero() {
			reply = bench.Reply{Method: http.MethodGet, Err: "no byte of a reply: still waiting"}
		}
		if s.written.Before(sent) {
			t.Fast.add(s.reused || accepted[s.wire.Local], reply, stall.Normal, size)
		} else {
			t.After.add(s.reused, reply, stall.Normal, size)
		}
	}
}

// size is how long the bodies of the usual status were at least before
// SIGTERM: in this boot, since what a page shows differs from boot to boot.
func (l *load) size(usual int, sent time.Time) int {
	least := -1
	for _, s := range l.shots {
		whole := s.reply.Err == "" && s.reply.Status == usual && !s.done.IsZero() && s.done.Before(sent)
		if whole && (least < 0 || len(s.reply.Body) < least) {
			least = len(s.reply.Body)
		}
	}
	return max(least, 0)
}

// add counts a request. To be turned away with an error is no answer to a
// request that is otherwise answered with the usual status, and a body whose
// end nothing tells is whole only if it has about the usual size.
func (g *Group) add(accepted bool, reply bench.Reply, usual, size int) {
	g.Sent++
	if reply.Status == usual {
		reply = reply.Against(size)
	}
	if reply.Err == "" && reply.Status >= 500 && usual < 500 {
		reply.Err = fmt.Sprintf("status %d instead of %d", reply.Status, usual)
		accepted = true // by someone who could answer
	}
	if accepted {
		g.Accepted++
	}
	switch {
	case reply.Err == "":
		g.Answered++
	case accepted || reply.CutOff():
		g.Lost++
		if len(g.How) < maxReasons && !slices.Contains(g.How, reply.Err) {
			g.How = append(g.How, reply.Err)
		}
	default:
		g.Unseen++
	}
}
