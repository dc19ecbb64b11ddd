package bench

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/bench/sandbox"
	"github.com/roadworthy-dev/roadworthy/internal/manifest"
)

// SetWorkers returns the settings that make an application run n workers of
// its own; none where it does not supervise workers.
func (b *Bench) SetWorkers(n int) map[string]string {
	set := map[string]string{}
	for _, s := range b.Manifest.Config.WithEffect(manifest.EffectWorkers) {
		set[s.Name] = renderValue(s.Value, strconv.Itoa(n))
	}
	return set
}

// Pool is the worker processes of one start of the application.
type Pool struct {
	Process  *Process
	Workers  []sandbox.ProcessInfo // the oldest first
	Children int                   // descendants that live, whether they are workers or not
	Holders  int                   // how many processes had accepted connections at the same time
}

const (
	halfPer  = 3                      // connections for each worker that is expected
	halfWait = 600 * time.Millisecond // until they are accepted
	// aheadWait is how long a request that goes ahead may take if a worker
	// that runs has got it.
	aheadWait = 60 * time.Millisecond
	halfHead  = "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n"
)

// Pool finds the worker processes: it opens connections on which a request
// has only begun, and looks which descendants take them. A process that runs
// the same program with the same arguments as one of those, or that shares the
// listening socket with them, is counted as well. Where the first process
// accepts them all, it may hand requests on: then its descendants that listen
// at addresses of their own are the workers. The pool is empty where there are
// none either: the workers are threads then, or none, or children that are fed
// in another way, through pipes or unix sockets.
func (p *Process) Pool(ctx context.Context, expected int) (Pool, error) {
	pool := Pool{Process: p}
	var wires []*Wire
	defer func() {
		for _, wire := range wires {
			wire.Close()
		}
	}()
	for range halfPer * expected {
		wire, err := p.Wire(ctx)
		if err != nil {
			return pool, err
		}
		wires = append(wires, wire)
		_ = wire.Write([]byte(halfHead)) // one that is refused is held by nobody
	}
	for end := time.Now().Add(halfWait); ; {
		family, err := p.Family(ctx)
		if err != nil {
			return pool, err
		}
		pool.count(family)
		if pool.Holders >= expected || time.Now().After(end) || ctx.Err() != nil {
			return pool, ctx.Err()
		}
		time.Sleep(20 * time.Millisecond) // polling is what waiting for a stranger is
	}
}

// count looks at a family once.
func (pool *Pool) count(family []sandbox.ProcessInfo) {
	p, holders := pool.Process, 0
	pool.Workers, pool.Children = p.workers(family), 0
	for _, info := range family {
		if info.PID != p.PID {
			pool.Children++
		}
		if len(p.Connections(info)) > 0 && (info.PID != p.PID || len(pool.Workers) == 0) {
			holders++
		}
	}
	pool.Holders = max(pool.Holders, holders)
}

// workers picks the worker processes of a family.
func (p *Process) workers(family []sandbox.ProcessInfo) []sandbox.ProcessInfo {
	takes := func(info sandbox.ProcessInfo) bool { return info.PID != p.PID && len(p.Connections(info)) > 0 }
	if !slices.ContainsFunc(family, takes) && slices.ContainsFunc(family, func(info sandbox.ProcessInfo) bool { return info.PID == p.PID && len(p.Connections(info)) > 0 }) {
		takes = func(info sandbox.ProcessInfo) bool {
			return info.PID != p.PID && len(info.Listening) > 0 && !p.listens(info)
		}
	}
	var list []sandbox.ProcessInfo
	for _, info := range family {
		like := slices.ContainsFunc(family, func(other sandbox.ProcessInfo) bool { return takes(other) && slices.Equal(other.Args, info.Args) })
		if info.PID != p.PID && like {
			list = append(list, info)
		}
	}
	slices.SortFunc(list, func(a, b sandbox.ProcessInfo) int { return cmp.Or(cmp.Compare(a.Started, b.Started), a.PID-b.PID) })
	return list
}

// Alike counts the descendants that run now and look like a worker.
func (p *Process) Alike(ctx context.Context, worker sandbox.ProcessInfo) ([]sandbox.ProcessInfo, error) {
	family, err := p.Family(ctx)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(family, func(info sandbox.ProcessInfo) bool {
		return info.PID == p.PID || !slices.Equal(info.Args, worker.Args)
	}), nil
}

// Only stops every worker but one with SIGSTOP, so that only that one can
// answer, until release is called or the limit has passed.
func (pool Pool) Only(ctx context.Context, pid int, limit time.Duration) (release func()) {
	var pids []int
	for _, info := range pool.Workers {
		if info.PID != pid {
			pids = append(pids, info.PID)
		}
	}
	return pool.Process.boot.pause(ctx, pids, limit)
}

// Steer is Only, and it sees to it that the next request on a fresh connection
// reaches that one worker, even where a process before the workers hands
// connections to them in turn or to the least busy one: further requests go
// ahead, until one is answered, and then one less than there are workers. The
// request must be one that changes nothing.
func (pool Pool) Steer(ctx context.Context, pid int, request Request, limit time.Duration) (release func()) {
	resume := pool.Only(ctx, pid, limit)
	ctx, cancel := context.WithTimeout(ctx, limit)
	client := pool.Process.boot.Client(pool.Process)
	request.Fresh = true
	var flying sync.WaitGroup
	ahead := func() bool {
		answered := make(chan bool, 1)
		flying.Go(func() { answered <- client.To(ctx, pool.Process, request).Err == "" })
		select {
		case ok := <-answered:
			return ok
		case <-time.After(aheadWait): // it waits at a worker that is stopped
			return false
		}
	}
	for range 2 * len(pool.Workers) {
		if ahead() {
			for range len(pool.Workers) - 1 {
				ahead()
			}
			break
		}
	}
	return func() {
		cancel()
		resume()
		flying.Wait()
		client.Close()
	}
}

// Pause stops processes and all their descendants with SIGSTOP until release
// is called or the limit has passed.
func (b *Boot) Pause(ctx context.Context, limit time.Duration, processes ...*Process) (release func(), err error) {
	var pids []int
	for _, p := range processes {
		family, err := p.Family(ctx)
		if err != nil {
			return nil, err
		}
		for _, info := range family {
			pids = append(pids, info.PID)
		}
	}
	return b.pause(ctx, pids, limit), nil
}

func (b *Boot) pause(ctx context.Context, pids []int, limit time.Duration) func() {
	for _, pid := range pids {
		_ = b.sandbox.Signal(ctx, pid, syscall.SIGSTOP) // one that is gone answers nothing anyway
	}
	var once sync.Once
	resume := func() {
		once.Do(func() {
			for _, pid := range pids {
				_ = b.sandbox.Signal(context.WithoutCancel(ctx), pid, syscall.SIGCONT)
			}
		})
	}
	timer := time.AfterFunc(limit, resume)
	return func() {
		timer.Stop()
		resume()
	}
}

// Answers reports whether any of several requests, sent together on fresh
// connections, is answered within a limit.
func (p *Process) Answers(ctx context.Context, request Request, together int, limit time.Duration) bool {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	client := p.boot.Client(p)
	defer client.Close()
	request.Fresh = true
	var flying sync.WaitGroup
	replies := make(chan bool, together)
	for range together {
		flying.Go(func() {
			reply := client.To(ctx, p, request)
			replies <- reply.Err == "" && reply.Status < 500
		})
	}
	answered := false
	for range together {
		if <-replies {
			answered = true
			cancel()
			break
		}
	}
	flying.Wait()
	return answered
}
