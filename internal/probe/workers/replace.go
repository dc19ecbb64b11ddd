package workers

import (
	"context"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/bench"
	"github.com/roadworthy-dev/roadworthy/internal/bench/sandbox"
)

const (
	loadPace    = 50 * time.Millisecond  // between two ordinary requests under way to a kill
	loadBefore  = 150 * time.Millisecond // of load before a kill
	loadAfter   = 300 * time.Millisecond // of load after the worker was replaced
	replaceIn   = 5 * time.Second        // the pass rule's limit
	aloneIn     = time.Second            // for an answer of the only worker that runs
	aloneTries  = 3                      // since a new worker may not listen yet
	maxKills    = 4                      //
	replyWithin = 5 * time.Second        // for requests of the load, and for slow ones after the worker was replaced
)

// replace kills each worker in turn under load, and waits for another one.
func (g *group) replace(ctx context.Context, stall bench.Stall) (Replace, error) {
	r := Replace{Tried: true, Kills: []Kill{}}
	p := g.processes[0]
	defer stall.Begin(g.boot)()
	pool, err := p.Pool(ctx, bench.Workers)
	r.Children = pool.Children
	if err != nil || len(pool.Workers) == 0 {
		return r, err
	}
	r.Found = len(pool.Workers)
	for range min(r.Found, maxKills) {
		kill, ok, err := g.kill(ctx, stall, pool.Workers)
		if err != nil {
			return r, err
		}
		if ok {
			r.Kills = append(r.Kills, kill)
		}
		if kill.Ended != "" || kill.After < kill.Before {
			return r, nil
		}
	}
	last, err := p.Alike(ctx, pool.Workers[0])
	if err != nil {
		return r, err
	}
	r.Last, r.Alone = len(last), alone(ctx, bench.Pool{Process: p, Workers: last}, stall.Ordinary)
	return r, nil
}

// alone counts the workers that answer while all others are stopped.
func alone(ctx context.Context, pool bench.Pool, request bench.Request) int {
	count := 0
	for _, worker := range pool.Workers {
		for range aloneTries {
			release := pool.Only(ctx, worker.PID, 2*aloneIn)
			answered := pool.Process.Answers(ctx, request, 2*len(pool.Workers), aloneIn)
			release()
			if answered {
				count++
				break
			}
		}
	}
	return count
}

// traffic is ordinary requests at a steady pace.
type traffic struct {
	mu      sync.Mutex
	flights []*flight
	flying  sync.WaitGroup
}

type flight struct {
	sent  time.Time
	reply bench.Reply
}

// run sends requests until stop is closed.
func (t *traffic) run(ctx context.Context, g *group, request bench.Request, stop <-chan struct{}) {
	client := g.boot.Client(g.processes...)
	request.Within = replyWithin
	tick := time.NewTicker(loadPace)
	defer tick.Stop()
	for {
		f := &flight{sent: time.Now()}
		t.mu.Lock()
		t.flights = append(t.flights, f)
		t.mu.Unlock()
		t.flying.Go(func() {
			reply := client.To(ctx, g.processes[0], request)
			t.mu.Lock()
			f.reply = reply
			t.mu.Unlock()
		})
		select {
		case <-stop:
			return
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// kill holds the workers with slow requests, kills one that holds any, and
// counts what was lost. Ok is false where no worker held anything.
func (g *group) kill(ctx context.Context, stall bench.Stall, original []sandbox.ProcessInfo) (k Kill, ok bool, err error) {
	p := g.processes[0]
	var load traffic
	stop, done := make(chan struct{}), make(chan struct{})
	go func() { defer close(done); load.run(ctx, g, stall.Ordinary, stop) }()
	end := sync.OnceFunc(func() { close(stop); <-done; load.flying.Wait() })
	defer end()
	var held []*bench.Held
	if stall.Kind != bench.StallNone {
		for range bench.Workers - 1 { // one stays free: where a process hands them out, the load must not queue behind the held ones
			held = append(held, stall.Hold(ctx, p))
			until(ctx, time.Now().Add(breath))
		}
	}
	until(ctx, time.Now().Add(loadBefore))
	before, err := p.Alike(ctx, original[0])
	if err != nil {
		return k, false, err
	}
	victim, ok := g.victim(before, original)
	if !ok {
		return k, false, nil
	}
	seen, err := k.end(ctx, g, victim)
	if err != nil {
		return k, false, err
	}
	killed := time.Now()
	if err := k.await(ctx, p, victim, before, killed); err != nil {
		return k, false, err
	}
	until(ctx, time.Now().Add(loadAfter))
	end()
	if err := k.noteHeld(ctx, held, stall.Takes+replyWithin, seen); err != nil {
		return k, false, err
	}
	k.noteLoad(load.flights, seen, killed)
	if p.Ended() {
		if exit, err := p.Wait(ctx, time.Second); err == nil {
			k.Ended = exit.String()
		}
	}
	return k, true, ctx.Err()
}

// look is what was seen of a victim just before its end.
type look struct {
	at        time.Time
	elsewhere map[string]bool // our ends of connections that other workers had, and the victim had not
}

// mayHave reports whether a request that was in flight may be the victim's: no
// other worker had its connection. It may be on its way to the victim through a
// process that hands connections out.
func (l look) mayHave(sent time.Time, reply bench.Reply) bool {
	return sent.Before(l.at) && sent.Add(reply.Duration).After(l.at) && !l.elsewhere[reply.Local]
}

// end kills the victim, which is stopped first: what it holds does not change
// between the look at it and its end, however long that takes. What is sent
// meanwhile may still be handed to it.
func (k *Kill) end(ctx context.Context, g *group, victim sandbox.ProcessInfo) (look, error) {
	s, p := g.boot.Sandbox(), g.processes[0]
	if err := s.Signal(ctx, victim.PID, syscall.SIGSTOP); err != nil {
		return look{}, err
	}
	seen := look{at: time.Now()}
	now, err := p.Alike(ctx, victim)
	if err != nil {
		return look{}, err
	}
	k.Before = len(now)
	seen.elsewhere = elsewhere(now, victim.PID, p.Connections)
	return seen, s.Signal(ctx, victim.PID, syscall.SIGKILL)
}

// elsewhere are the connections that other workers have and the victim has not:
// a child that it forked has those of both.
func elsewhere(now []sandbox.ProcessInfo, victim int, of func(sandbox.ProcessInfo) []string) map[string]bool {
	others := map[string]bool{}
	for _, info := range now {
		for _, local := range of(info) {
			others[local] = true
		}
	}
	for _, info := range now {
		if info.PID != victim {
			continue
		}
		for _, local := range of(info) {
			delete(others, local)
		}
	}
	return others
}

// noteLoad counts the ordinary requests that the kill may have touched.
func (k *Kill) noteLoad(flights []*flight, seen look, killed time.Time) {
	for _, f := range flights {
		if seen.mayHave(f.sent, f.reply) {
			k.Held++
		}
		if f.sent.Before(killed) && f.sent.Add(f.reply.Duration).Before(killed) {
			continue // it was over before
		}
		if f.sent.After(seen.at) && f.sent.Before(killed) {
			k.Between++
		}
		k.note(f.reply, f.sent.After(killed))
	}
}

// noteHeld waits for the slow requests, no longer than the limit: it may be
// that nothing answers any more.
func (k *Kill) noteHeld(ctx context.Context, held []*bench.Held, within time.Duration, seen look) error {
	limit := time.After(within)
	for _, h := range held {
		var reply bench.Reply
		select {
		case <-h.Done:
			reply = h.Reply
		case <-limit:
			reply = bench.Reply{Err: "no reply in time", Duration: time.Since(h.Sent)}
		case <-ctx.Done():
			return ctx.Err()
		}
		if h.Wire != nil {
			reply.Local = h.Wire.Local
		}
		if seen.mayHave(h.Sent, reply) {
			k.Held++
		}
		k.note(reply, false)
	}
	return nil
}

// victim is the oldest worker of the first generation that is left, if one
// can be told; else the oldest that holds a request.
func (g *group) victim(now, original []sandbox.ProcessInfo) (sandbox.ProcessInfo, bool) {
	for _, worker := range original {
		for _, info := range now {
			if info.PID == worker.PID {
				return info, true
			}
		}
	}
	i := slices.IndexFunc(now, func(info sandbox.ProcessInfo) bool { return len(g.processes[0].Connections(info)) > 0 })
	if i < 0 {
		return sandbox.ProcessInfo{}, false
	}
	return now[i], true
}

// note counts a request that met the kill, or came later.
func (k *Kill) note(reply bench.Reply, later bool) {
	bad := reply.Err != ""
	if bad {
		k.Error = reply.Err
	}
	switch {
	case later && bad:
		k.LaterBad++
		k.Later++
	case later:
		k.Later++
	case bad:
		k.Lost++
		k.Sent++
	default:
		k.Sent++
	}
}

// await waits until as many workers run as before, and counts the others that
// have gone meanwhile.
func (k *Kill) await(ctx context.Context, p *bench.Process, victim sandbox.ProcessInfo, before []sandbox.ProcessInfo, killed time.Time) error {
	for {
		now, err := p.Alike(ctx, victim)
		if err != nil {
			return err
		}
		now = slices.DeleteFunc(now, func(info sandbox.ProcessInfo) bool { return info.PID == victim.PID })
		k.After, k.Took, k.Others = len(now), time.Since(killed).Seconds(), 0
		for _, info := range before {
			there := slices.ContainsFunc(now, func(other sandbox.ProcessInfo) bool { return other.PID == info.PID })
			if info.PID != victim.PID && !there {
				k.Others++
			}
		}
		if k.After >= k.Before || time.Since(killed) > replaceIn || p.Ended() || ctx.Err() != nil {
			return ctx.Err()
		}
		until(ctx, time.Now().Add(20*time.Millisecond))
	}
}
