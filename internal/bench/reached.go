package bench

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/bench/sandbox"
)

// Reached lists the destinations that the application tried, our own requests
// aside, and those that our runtime hands on to its workers: to addresses of
// this machine at which a process of the application listened.
func (b *Boot) Reached(ctx context.Context) ([]sandbox.Destination, error) {
	all, err := b.sandbox.Destinations(ctx)
	if err != nil {
		return nil, err
	}
	for end := time.Now().Add(workersWithin); ; {
		if err := b.noteWorkers(ctx); err != nil {
			return nil, err
		}
		// A worker that has just been started is asked before it listens.
		if b.bench.Manifest.Run == nil || !slices.ContainsFunc(all, b.unknownHere) || time.Now().After(end) {
			return slices.DeleteFunc(all, func(d sandbox.Destination) bool { return d.Source == b.front || b.isWorker(d) }), ctx.Err()
		}
		time.Sleep(50 * time.Millisecond) // polling is what waiting for a stranger is
	}
}

const workersWithin = 10 * time.Second // for a worker to listen

// isWorker reports whether a destination is a worker of our runtime.
func (b *Boot) isWorker(d sandbox.Destination) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	at, err := netip.ParseAddrPort(d.Address)
	return err == nil && at.Addr().IsLoopback() && b.workers[portOf(d.Address)]
}

// unknownHere reports whether a destination on this machine is not a worker.
func (b *Boot) unknownHere(d sandbox.Destination) bool {
	at, err := netip.ParseAddrPort(d.Address)
	return err == nil && at.Addr().IsLoopback() && d.Source != b.front && !b.isWorker(d)
}

func portOf(address string) string { return address[strings.LastIndexByte(address, ':')+1:] }

// noteWorkers remembers at which ports processes listen, where our runtime
// hands requests on to them.
func (b *Boot) noteWorkers(ctx context.Context) error {
	if b.bench.Manifest.Run == nil {
		return nil
	}
	processes, err := b.sandbox.Processes(ctx)
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, info := range processes {
		for _, at := range info.Listening {
			if b.workers == nil {
				b.workers = map[string]bool{}
			}
			b.workers[portOf(at)] = true
		}
	}
	return err
}
