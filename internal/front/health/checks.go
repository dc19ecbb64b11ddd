package health

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Check is one dependency and how it is asked.
type Check struct {
	Name      string // unique, such as "db"
	Component string // "datastore", "system" or "component"
	Critical  bool   // its failure is the application's
	Interval  time.Duration
	Timeout   time.Duration
	// Ask returns a nil error when all is well, and an error that wraps
	// ErrWarning when it soon may not be. Value and unit are optional.
	Ask     func(ctx context.Context) (Observed, error)
	Secrets []string // taken out of error texts
}

// Observed is a measured value, such as free bytes.
type Observed struct {
	Value any
	Unit  string
}

// ErrWarning marks what is worth a look but works.
var ErrWarning = errors.New("warning")

// Checks runs checks in the background. Start it once, then ask for reports.
type Checks struct {
	list   []Check
	now    func() time.Time
	random func(n uint64) uint64

	mu      sync.RWMutex
	results map[string]Result
	beats   sync.WaitGroup // one for each check
	asking  sync.WaitGroup // those who are asked now; one may never return
	cancel  context.CancelFunc
}

// parting is how long those who are asked have to return at the end.
const parting = 500 * time.Millisecond

// New returns checks that do not run yet. Interval and timeout default to 15 s
// and 5 s. random draws a number below n for the jitter; several goroutines call it.
func New(list []Check, now func() time.Time, random func(n uint64) uint64) (*Checks, error) {
	c := &Checks{now: now, random: random, results: map[string]Result{}, cancel: func() {}}
	for _, check := range list {
		if _, twice := c.results[check.Name]; twice || check.Name == "" || check.Ask == nil {
			return nil, fmt.Errorf("health check %q: it needs a name of its own and something to ask", check.Name)
		}
		if check.Interval <= 0 {
			check.Interval = 15 * time.Second
		}
		if check.Timeout <= 0 {
			check.Timeout = 5 * time.Second
		}
		c.results[check.Name] = Result{ComponentType: check.Component, Status: Warn, Output: "not checked yet"}
		c.list = append(c.list, check)
	}
	return c, nil
}

// Recall takes over what others saw last of one check, for as long as it was
// not asked here. Call it before Start.
func (c *Checks) Recall(name string, from *Checks) {
	from.mu.RLock()
	last, known := from.results[name]
	from.mu.RUnlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, asked := c.results[name]; asked && known {
		c.results[name] = last
	}
}

// Start begins to check, each dependency at once and then on its beat.
func (c *Checks) Start(ctx context.Context) {
	ctx, c.cancel = context.WithCancel(ctx)
	for _, check := range c.list {
		c.beats.Go(func() { c.beat(ctx, check) })
	}
}

// Stop ends the checks and waits for those that heed their context. One that
// does not, such as the read of a file that a dead server holds, is left alone
// after a moment: nothing ends it, and the program has to go on.
func (c *Checks) Stop() {
	c.cancel()
	c.beats.Wait()
	returned := make(chan struct{})
	go func() { defer close(returned); c.asking.Wait() }()
	timer := time.NewTimer(parting)
	defer timer.Stop()
	select {
	case <-returned:
	case <-timer.C:
	}
}

func (c *Checks) beat(ctx context.Context, check Check) {
	busy := make(chan struct{}, 1) // held by the one asking, even after its timeout
	for {
		c.once(ctx, check, busy)
		pause := check.Interval - check.Interval/10 + time.Duration(c.random(uint64(check.Interval/5+1)))
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return
		}
	}
}

type answer struct {
	seen Observed
	err  error
}

// once asks, and gives up after the timeout even when the one asked does not:
// then the next round is not begun before it returned.
func (c *Checks) once(ctx context.Context, check Check, busy chan struct{}) {
	limited, cancel := context.WithTimeout(ctx, check.Timeout)
	defer cancel()
	select {
	case busy <- struct{}{}:
	default:
		c.keep(check, Observed{}, errors.New("the last round hangs still"))
		return
	}
	start, done := c.now(), make(chan answer, 1)
	c.asking.Go(func() {
		defer func() { <-busy }()
		seen, err := check.Ask(limited)
		done <- answer{seen, err}
	})
	select {
	case a := <-done:
		if a.seen.Unit == "" {
			a.seen = Observed{float64(c.now().Sub(start).Microseconds()) / 1000, "ms"}
		}
		c.keep(check, a.seen, a.err)
	case <-limited.Done():
		if ctx.Err() == nil {
			c.keep(check, Observed{}, fmt.Errorf("no answer within %s", check.Timeout))
		}
	}
}

func (c *Checks) keep(check Check, seen Observed, err error) {
	result := Result{ComponentType: check.Component, Status: Pass, Value: seen.Value, Unit: seen.Unit, Time: c.now()}
	if err != nil {
		result.Status, result.Output = Fail, redact(err.Error(), check.Secrets)
		if !check.Critical || errors.Is(err, ErrWarning) {
			result.Status = Warn
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.results[check.Name] = result
}

// Report returns the last results. It asks nothing.
func (c *Checks) Report() Report {
	c.mu.RLock()
	defer c.mu.RUnlock()
	var report Report
	for _, check := range c.list {
		result := c.results[check.Name]
		measure := "responseTime"
		if result.Unit != "ms" && result.Unit != "" {
			measure = result.Unit
		}
		report.Add(check.Name+":"+measure, result)
	}
	return report
}
