package pool_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/roadworthy-dev/roadworthy/internal/front/pool"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func of(t *testing.T, options pool.Options, limits ...int) *pool.Pool {
	t.Helper()
	p := pool.New(options)
	for i, limit := range limits {
		if err := p.Add(pool.Backend{ID: fmt.Sprintf("web.%d", i+1), Network: "tcp", Address: "127.0.0.1:1", Limit: limit}); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

func get(t *testing.T, p *pool.Pool) *pool.Lease {
	t.Helper()
	l := &pool.Lease{}
	if err := p.Acquire(t.Context(), l, nil); err != nil {
		t.Fatal(err)
	}
	return l
}

func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not in time: %s", what)
		}
	}
}

func TestTheLeastBusyWorkerIsNextAndTiesGoInTurn(t *testing.T) {
	p := of(t, pool.Options{}, 0, 0, 0)
	seen := map[string]int{}
	var leases []*pool.Lease
	for range 9 {
		l := get(t, p)
		seen[l.Worker().ID]++
		leases = append(leases, l)
	}
	for id, n := range seen {
		if n != 3 {
			t.Errorf("%s got %d of 9", id, n)
		}
	}
	idle := leases[4].Worker().ID
	p.Release(leases[4])
	if l := get(t, p); l.Worker().ID != idle {
		t.Errorf("%s was chosen, %s had less to do", l.Worker().ID, idle)
	}
	turns := map[string]int{}
	q := of(t, pool.Options{}, 0, 0)
	for range 10 { // one at a time: all are ties
		l := get(t, q)
		turns[l.Worker().ID]++
		q.Release(l)
	}
	if turns["web.1"] != 5 || turns["web.2"] != 5 {
		t.Errorf("turns %v", turns)
	}
}

func TestTheQueueIsFirstComeFirstServedAndBounded(t *testing.T) {
	p := of(t, pool.Options{Queue: 3}, 1)
	held := get(t, p)
	var mu sync.Mutex
	var order []int
	var group sync.WaitGroup
	for i := range 3 {
		group.Go(func() {
			var l pool.Lease
			if err := p.Acquire(context.Background(), &l, nil); err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			order = append(order, i)
			mu.Unlock()
			p.Release(&l)
		})
		until(t, "it waits", func() bool { return p.Waiting() == i+1 })
	}
	if err := p.Acquire(t.Context(), &pool.Lease{}, nil); !errors.Is(err, pool.ErrQueueFull) {
		t.Errorf("got %v", err)
	}
	p.Release(held)
	group.Wait()
	if fmt.Sprint(order) != "[0 1 2]" || p.InFlight("web.1") != 0 {
		t.Errorf("served in the order %v, %d left", order, p.InFlight("web.1"))
	}
}

func TestWaitingHasAnEnd(t *testing.T) {
	p := of(t, pool.Options{Wait: 30 * time.Millisecond, Park: time.Hour}, 1)
	held := get(t, p)
	if err := p.Acquire(t.Context(), &pool.Lease{}, nil); !errors.Is(err, pool.ErrWaited) {
		t.Errorf("full: got %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := p.Acquire(ctx, &pool.Lease{}, nil); !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, pool.ErrWaited) {
		t.Errorf("cancelled: got %v", err)
	}
	p.Release(held)
	if err := of(t, pool.Options{Park: 30 * time.Millisecond, Wait: time.Hour}).Acquire(t.Context(), &pool.Lease{}, nil); !errors.Is(err, pool.ErrNoWorker) {
		t.Errorf("empty: got %v", err)
	}
	if p.Waiting() != 0 {
		t.Errorf("%d wait still", p.Waiting())
	}
}

func TestParkedRequestsGoToTheNextWorker(t *testing.T) {
	p := of(t, pool.Options{}, 0)
	if err := p.Drain(t.Context(), "web.1"); err != nil {
		t.Fatal(err)
	}
	got := make(chan string, 1)
	go func() {
		var l pool.Lease
		if err := p.Acquire(context.Background(), &l, nil); err != nil {
			got <- err.Error()
			return
		}
		id := l.Worker().ID
		p.Release(&l)
		got <- id
	}()
	until(t, "it waits", func() bool { return p.Waiting() == 1 })
	if err := p.Add(pool.Backend{ID: "web.2", Network: "unix", Address: "/none"}); err != nil {
		t.Fatal(err)
	}
	if id := <-got; id != "web.2" {
		t.Errorf("got %s", id)
	}
}

func TestDrainWaitsForWhatIsInFlightAndNothingNewComes(t *testing.T) {
	p := of(t, pool.Options{}, 0, 0)
	a, b := get(t, p), get(t, p)
	if a.Worker().ID != "web.1" {
		a, b = b, a
	}
	drained := make(chan error, 1)
	go func() { drained <- p.Drain(context.Background(), "web.1") }()
	until(t, "it leaves rotation", func() bool { return p.Snapshot()[0].Draining })
	for range 5 {
		l := get(t, p)
		if l.Worker().ID != "web.2" {
			t.Errorf("%s was chosen while it drains", l.Worker().ID)
		}
		p.Release(l)
	}
	select {
	case err := <-drained:
		t.Fatalf("it did not wait: %v", err)
	default:
	}
	p.Release(a)
	if err := <-drained; err != nil {
		t.Error(err)
	}
	if s := p.Snapshot(); len(s) != 1 || s[0].ID != "web.2" {
		t.Errorf("left: %+v", s)
	}
	p.Release(b)
	if err := p.Drain(t.Context(), "web.9"); !errors.Is(err, pool.ErrUnknown) {
		t.Errorf("unknown: %v", err)
	}
}

func TestDrainThatRunsOutOfTimeCutsStreams(t *testing.T) {
	p := of(t, pool.Options{}, 0)
	l := get(t, p)
	ended := make(chan bool, 2)
	p.EndWith(l, after(time.Hour), false, func(cut bool) { ended <- cut })
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := p.Drain(ctx, "web.1"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	if cut := <-ended; !cut {
		t.Error("ended without being cut")
	}
	p.Release(l)
	if len(p.Snapshot()) != 0 {
		t.Error("the drained worker is still there")
	}
}

func TestStreamsEndSpreadOverTime(t *testing.T) {
	next := uint64(0)
	p := of(t, pool.Options{Spread: 100 * time.Millisecond, Random: func(n uint64) uint64 { next += n / 4; return next - n/4 }}, 0)
	start, moments := time.Now(), make(chan time.Duration, 4)
	for range 4 {
		l := get(t, p)
		p.EndWith(l, after(0), true, func(bool) {
			moments <- time.Since(start)
			go p.Release(l)
		})
	}
	if err := p.Drain(t.Context(), "web.1"); err != nil {
		t.Fatal(err)
	}
	for i := range 4 {
		if at := <-moments; at < time.Duration(i)*25*time.Millisecond {
			t.Errorf("stream %d ended after %s", i, at)
		}
	}
}

func TestAWorkerThatRefusesIsPassedOver(t *testing.T) {
	p := of(t, pool.Options{}, 0, 0)
	l := get(t, p)
	bad := l.Worker()
	p.Refused(bad)
	p.Release(l)
	for range 4 {
		l := get(t, p)
		if l.Worker() == bad {
			t.Error("it was chosen")
		}
		p.Release(l)
	}
	until(t, "it is tried again", func() bool {
		l := get(t, p)
		defer p.Release(l)
		return l.Worker() == bad
	})
	p.Answered(bad)
	if p.Snapshot()[0].Suspect {
		t.Error("it is under suspicion still")
	}
}

func TestSlowRequestsAreReportedOnce(t *testing.T) {
	now := time.Now()
	p := of(t, pool.Options{Now: func() time.Time { return now }}, 0)
	mine := get(t, p)
	get(t, p)
	var seen []string
	report := func(id string, l *pool.Lease, oldest bool) func() {
		return func() { seen = append(seen, fmt.Sprint(id, " ", l == mine, " ", oldest)) }
	}
	p.Slow(time.Second, report)
	now = now.Add(2 * time.Second)
	p.Slow(time.Second, report)
	p.Slow(time.Second, report)
	if fmt.Sprint(seen) != "[web.1 true true web.1 false false]" {
		t.Errorf("seen %v", seen)
	}
}

func TestNoLeaseIsLostUnderLoad(t *testing.T) {
	p := of(t, pool.Options{}, 2, 2)
	var group sync.WaitGroup
	for i := range 16 {
		group.Go(func() {
			for range 300 {
				ctx, cancel := context.WithCancel(context.Background())
				if i%4 == 0 {
					go cancel() // leaves at any moment
				}
				l := &pool.Lease{}
				if err := p.Acquire(ctx, l, nil); err == nil {
					p.Release(l)
				}
				cancel()
			}
		})
	}
	group.Wait()
	for _, s := range p.Snapshot() {
		if s.InFlight != 0 {
			t.Errorf("%s holds %d", s.ID, s.InFlight)
		}
	}
}

func TestABackendThatCannotBeIsRefused(t *testing.T) {
	for _, b := range []pool.Backend{{}, {ID: "a", Network: "udp", Address: "x"}, {ID: "a", Network: "tcp"}} {
		if err := pool.New(pool.Options{}).Add(b); err == nil {
			t.Errorf("%+v was taken", b)
		}
	}
}

// How long a stream is left alone is asked when its worker drains: the settings
// may have changed since it began.
func TestADrainAsksHowLongStreamsLinger(t *testing.T) {
	p := of(t, pool.Options{}, 0)
	l, linger := get(t, p), time.Hour
	p.EndWith(l, func() time.Duration { return linger }, false, func(bool) { go p.Release(l) })
	linger = time.Millisecond
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := p.Drain(ctx, "web.1"); err != nil {
		t.Error(err)
	}
}

// A worker that comes back before its last request has ended is the same one.
func TestADrainingWorkerComesBack(t *testing.T) {
	p := of(t, pool.Options{}, 0)
	l := get(t, p)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := p.Drain(ctx, "web.1"); err == nil {
		t.Fatal("it drained with a request in flight")
	}
	before := p.Snapshot()
	if err := p.Add(before[0].Backend); err != nil {
		t.Fatal(err)
	}
	if now := p.Snapshot(); len(now) != 1 || now[0].Draining || now[0].InFlight != 1 {
		t.Errorf("got %+v, before %+v", now, before)
	}
	p.Release(get(t, p))
	p.Release(l)
}

func after(d time.Duration) func() time.Duration { return func() time.Duration { return d } }
