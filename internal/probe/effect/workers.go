package effect

import (
	"context"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/manifest"
)

const (
	slowAtOnce = 8                     // requests; twice the larger number of workers
	slowLook   = 60 * time.Millisecond // between two looks at the processes
	slowLimit  = 10 * time.Second
)

// workers counts the processes and, where a slow request is declared, how many
// of these run at once.
func (l *scene) workers(ctx context.Context, setting manifest.Setting, sight *Sight) error {
	number, _ := strconv.Atoi(l.Own[setting.Name].Text)
	w := &Workers{Number: number, Processes: l.count}
	sight.Workers = w
	sight.How = fmt.Sprintf("it runs %d processes", w.Processes)
	if l.Bench.Manifest.Faults.Slow == nil {
		return nil
	}
	if err := l.hold(ctx, w); err != nil {
		return err
	}
	sight.How += fmt.Sprintf("; of %d slow requests %d were answered at once, by %d processes", w.Slow, w.Parallel, max(1, w.Busy))
	return nil
}

// hold sends slow requests at once and looks who works on them. It goes as
// soon as the first wave was answered. How long one takes alone tells where
// that ends: on a busy machine the first answer comes late, and the next wave
// still a whole slow time after it.
func (l *scene) hold(ctx context.Context, w *Workers) error {
	ctx, cancel := context.WithTimeout(ctx, slowLimit)
	defer cancel()
	began := time.Now()
	if replies := l.client.Step(ctx, *l.Bench.Manifest.Faults.Slow, l.Boot.Random.Nonce()); replies[0].Err != "" {
		return ctx.Err()
	}
	alone := time.Since(began)
	l.client.Close() // an idle connection would look like a busy worker
	answers := make(chan struct{}, slowAtOnce)
	var sent sync.WaitGroup
	for range slowAtOnce {
		client := l.Boot.Client(l.Process)
		defer client.Close()
		nonce := l.Boot.Random.Nonce()
		sent.Go(func() {
			replies := client.Step(ctx, *l.Bench.Manifest.Faults.Slow, nonce)
			if replies[0].Err == "" {
				answers <- struct{}{}
			}
		})
	}
	defer sent.Wait()
	defer cancel()
	w.Slow = slowAtOnce
	end := (<-chan time.Time)(nil)
	look := time.NewTicker(slowLook)
	defer look.Stop()
	for w.Parallel < slowAtOnce {
		select {
		case <-answers:
			w.Parallel++
			if end == nil {
				end = time.After(alone / 2)
			}
		case <-look.C:
			busy, err := l.busy(ctx)
			if err != nil && ctx.Err() == nil {
				return err
			}
			w.Busy = max(w.Busy, busy)
		case <-end:
			return nil
		case <-ctx.Done():
			return nil
		}
	}
	return nil
}

// busy counts the processes that hold a connection to the application's port.
func (l *scene) busy(ctx context.Context) (int, error) {
	processes, err := l.Boot.Sandbox().Processes(ctx)
	if err != nil {
		return 0, err
	}
	busy := 0
	for _, p := range processes {
		for _, connection := range p.Accepted {
			local, _, _ := strings.Cut(connection, " ")
			if at, err := netip.ParseAddrPort(local); err == nil && int(at.Port()) == l.Process.Port {
				busy++
				break
			}
		}
	}
	return busy, nil
}
