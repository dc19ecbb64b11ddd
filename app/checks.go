package app

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/mail"
)

const checkTime = 5 * time.Second // that a dependency has for its answer

// checks asks dependencies in the background and remembers what they said, so
// that a poll of the status costs them nothing.
type checks struct {
	interval time.Duration
	log      *slog.Logger
	scrub    *mail.Scrubber

	mu       sync.Mutex
	list     []*check
	draining bool
	begin    func(*check) // to ask over and over; nil before the start
}

// check is one dependency.
type check struct {
	name     string
	ask      func(context.Context) error
	required bool
	asked    bool // there is an answer
	err      string
	took     time.Duration
	at       time.Time // of the last answer
}

func newChecks(interval time.Duration, log *slog.Logger, scrub *mail.Scrubber) *checks {
	return &checks{interval: interval, log: log, scrub: scrub}
}

func (c *checks) add(name string, ask func(context.Context) error, required bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	one := &check{name: name, ask: ask, required: required}
	c.list = append(c.list, one)
	if c.begin != nil {
		c.begin(one)
	}
}

// run asks all dependencies over and over until the context ends, those too
// that come later. It tells when each that is known at the start has answered
// once, well or not.
func (c *checks) run(ctx context.Context, answered func()) {
	var running sync.WaitGroup
	c.mu.Lock()
	var once sync.WaitGroup
	once.Add(len(c.list))
	for _, one := range c.list {
		running.Go(func() { c.repeat(ctx, one, sync.OnceFunc(once.Done)) })
	}
	c.begin = func(one *check) { running.Go(func() { c.repeat(ctx, one, func() {}) }) }
	c.mu.Unlock()
	once.Wait() // ends with the context, since each ends with it
	if ctx.Err() == nil {
		answered()
	}
	<-ctx.Done()
	c.mu.Lock()
	c.begin = func(*check) {} // nobody waits for it any more
	c.mu.Unlock()
	running.Wait()
}

func (c *checks) repeat(ctx context.Context, one *check, first func()) {
	defer first()
	for ctx.Err() == nil {
		c.askOnce(ctx, one, first)
		first()
		wait := c.interval - c.interval/10 + rand.N(c.interval/5+1) //nolint:gosec // spreads the questions of many workers
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
	}
}

// askOnce asks a dependency. A check that minds no context is counted as
// failed when its time is over, and not asked again before it has answered.
func (c *checks) askOnce(ctx context.Context, one *check, first func()) {
	limited, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	begin := time.Now()
	answered := make(chan error, 1)
	go func() {
		defer func() {
			if p := recover(); p != nil {
				answered <- fmt.Errorf("the check panicked: %v", p)
			}
		}()
		answered <- one.ask(limited)
	}()
	late := time.NewTimer(checkTime + time.Second)
	defer late.Stop()
	for {
		select {
		case err := <-answered:
			if ctx.Err() == nil {
				c.note(one, err, time.Since(begin))
			}
			return
		case <-late.C:
			c.note(one, fmt.Errorf("no answer for %v", checkTime), time.Since(begin))
			first()
		case <-ctx.Done():
			select { // one that minds its context ends before we do
			case err := <-answered:
				_ = err // the end of the context, and nobody's failure
			case <-time.After(time.Second):
			}
			return
		}
	}
}

func (c *checks) note(one *check, err error, took time.Duration) {
	text := ""
	if err != nil {
		text = c.scrub.Scrub(err.Error())
	}
	c.mu.Lock()
	changed := (one.err == "") != (text == "") || !one.asked && text != ""
	one.asked, one.err, one.took, one.at = true, text, took, time.Now()
	c.mu.Unlock()
	switch {
	case changed && text != "":
		c.log.Warn("a dependency fails", "check", one.name, "error", text)
	case changed:
		c.log.Info("a dependency is back", "check", one.name)
	}
}

func (c *checks) drain() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.draining = true
}

// checkReport is a dependency in the status.
type checkReport struct {
	Status   string  `json:"status"` // ok, fail, unknown
	Required bool    `json:"required"`
	Error    string  `json:"error,omitempty"`
	Took     float64 `json:"took_seconds"`
	Age      float64 `json:"age_seconds"` // of the answer
}

// report tells each dependency, and the state of all: starting, ok, fail, stopping.
func (c *checks) report(now time.Time) (state string, reports map[string]checkReport) {
	c.mu.Lock()
	defer c.mu.Unlock()
	state, reports = "ok", map[string]checkReport{}
	starting := false
	for _, one := range c.list {
		r := checkReport{Status: "ok", Required: one.required, Error: one.err, Took: one.took.Seconds(), Age: now.Sub(one.at).Seconds()}
		switch {
		case !one.asked:
			r.Status, r.Age, starting = "unknown", 0, true
		case one.err != "":
			r.Status = "fail"
			if one.required {
				state = "fail"
			}
		}
		reports[one.name] = r
	}
	switch {
	case c.draining:
		state = "stopping"
	case starting && state == "ok":
		state = "starting"
	}
	return state, reports
}
