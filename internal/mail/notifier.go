package mail

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Sender delivers one mail before the context ends. [*SMTP] is one.
type Sender interface {
	// Send returns nil where the mail was taken, an error that is [ErrRefused]
	// where it will never be, and any other error where trying again may help.
	Send(ctx context.Context, m Message) error
}

// ErrRefused says that a server refused a mail for good (5xx).
var ErrRefused = errors.New("the mail was refused")

// Config says what a [Notifier] mails, and by which rules. Zero values have
// the meaning that stands in brackets.
type Config struct {
	About    About
	Sender   Sender           // nil: nothing is mailed, everything is counted
	Path     string           // the file of the state, of this process alone; "": the state is lost at the end
	Secrets  []string         // texts that no mail and no file may hold
	PerHour  int              // mails in an hour, digests aside (10)
	Burst    int              // mails at once (PerHour)
	MaxKinds int              // fingerprints that are remembered (500)
	Quiet    time.Duration    // after which a kind counts as gone (24 h)
	Timeout  time.Duration    // of one attempt to send (1 minute)
	Audience string           // who the mails go to: for another one than before, every kind is news
	Closing  time.Duration    // least time between two digests of what is pending, sent by Close (none is sent)
	Now      func() time.Time // (time.Now)
	Log      *slog.Logger     // for what goes wrong with the mails themselves (none)
}

func (c Config) withDefaults() Config {
	c.PerHour = max(c.PerHour, 0)
	if c.PerHour == 0 {
		c.PerHour = 10
	}
	if c.Burst <= 0 {
		c.Burst = c.PerHour
	}
	if c.MaxKinds <= 0 {
		c.MaxKinds = 500
	}
	if c.Quiet <= 0 {
		c.Quiet = 24 * time.Hour
	}
	if c.Timeout <= 0 {
		c.Timeout = time.Minute
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}

// Notifier counts errors and mails them. Its methods may be called from any
// goroutine.
type Notifier struct {
	config Config
	scrub  atomic.Pointer[Scrubber]
	wake   chan struct{} // the plan may have changed; holds one
	stop   chan struct{}
	done   chan struct{}
	once   sync.Once

	mu      sync.Mutex
	ledger  *ledger
	dirty   bool
	stats   Stats
	retryAt time.Time // no attempt before, since the server did not answer
	fails   int       // attempts since the last success
	final   context.Context

	saved    time.Time     // of the goroutine alone
	saveCost time.Duration // how long the last save took
}

// Open reads the state and starts the goroutine that mails. A state that
// cannot be made sense of is put aside with a warning. Close must be called.
func Open(config Config) (*Notifier, error) {
	config = config.withDefaults()
	n := &Notifier{config: config,
		wake: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{})}
	n.scrub.Store(NewScrubber(config.Secrets))
	now := config.Now()
	n.ledger = newLedger(rules{float64(config.PerHour), float64(config.Burst), config.MaxKinds, config.Quiet}, now)
	if config.Path != "" {
		s, aside, err := readState(config.Path, now)
		switch {
		case err != nil:
			return nil, err
		case aside != "":
			config.Log.Warn("the state of error mails was broken and begins anew", "put_aside", aside)
		case s.Version != 0:
			n.ledger.restore(s, now)
			n.dirty = n.ledger.soil() // who wrote it may have known other secrets
			if s.Audience != config.Audience {
				n.ledger.anew(now)
			}
		}
	}
	go n.run()
	return n, nil
}

// Hide sets the texts that no mail may hold from now on, nor what [Notifier.Groups]
// tells. What was kept before loses them, too; the file does with its next save,
// which is due then.
func (n *Notifier) Hide(secrets []string) {
	scrub := NewScrubber(secrets)
	n.mu.Lock()
	before := n.scrub.Swap(scrub)
	n.stats.LastError = scrub.Scrub(n.stats.LastError)
	if !slices.Equal(before.known, scrub.known) && n.ledger.soil() {
		n.dirty = true
	}
	n.mu.Unlock()
	n.poke()
}

// Report counts an error. It waits for nothing but other callers' counting.
func (n *Notifier) Report(e Event) {
	now := n.config.Now()
	if e.Time.IsZero() || e.Time.After(now) {
		e.Time = now
	}
	if e.Fingerprint == "" {
		e.Fingerprint = word(clip(e.Title, maxWords))
	}
	e.Fingerprint = clip(e.Fingerprint, maxWords) // by which its kind is found again
	n.mu.Lock()
	planned := n.ledger.note(e, now)
	planned = planned || !n.dirty
	n.dirty = true
	n.mu.Unlock()
	if planned {
		n.poke()
	}
}

func (n *Notifier) poke() {
	select {
	case n.wake <- struct{}{}:
	default:
	}
}

// Mute keeps mails about a kind back until a time; its errors are counted and
// told then. It tells whether the kind is known.
func (n *Notifier) Mute(fingerprint string, until time.Time) bool {
	return n.change(fingerprint, func(g *group) { g.MutedUntil = until })
}

// Fixed marks a kind as mended: its next error in another release is news. It
// tells whether the kind is known.
func (n *Notifier) Fixed(fingerprint string) bool {
	return n.change(fingerprint, func(g *group) { g.Fixed = true })
}

func (n *Notifier) change(fingerprint string, do func(*group)) bool {
	n.mu.Lock()
	g, known := n.ledger.groups[fingerprint]
	if known {
		do(g)
		n.dirty = true
	}
	n.mu.Unlock()
	n.poke()
	return known
}

// Close mails what is due, until the context ends, saves the state and ends
// the goroutine. What is pending is mailed as well, in one digest, where
// Config.Closing allows it; else after the next Open.
func (n *Notifier) Close(ctx context.Context) error {
	n.once.Do(func() {
		n.mu.Lock()
		n.final = ctx
		n.mu.Unlock()
		close(n.stop)
	})
	<-n.done
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.stats.StateError != "" {
		return fmt.Errorf("close the error mails: %s", n.stats.StateError)
	}
	return nil
}

// run sends letters and saves the state until it is told to stop.
func (n *Notifier) run() {
	defer close(n.done)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() { // a server that stalls must not hold the end up
		select {
		case <-n.stop:
			n.mu.Lock()
			final := n.final
			n.mu.Unlock()
			context.AfterFunc(final, cancel)
		case <-ctx.Done():
		}
	}()
	for {
		for n.sendOne(ctx) {
		}
		timer := time.NewTimer(n.idle())
		select {
		case <-n.wake:
			timer.Stop()
		case <-timer.C:
		case <-n.stop:
			timer.Stop()
			for n.sendOne(ctx) {
			}
			n.sendLast(ctx)
			n.save(true)
			return
		}
		n.save(false)
	}
}

// idle is how long there is nothing to do.
func (n *Notifier) idle() time.Duration {
	const long = time.Hour
	n.mu.Lock()
	defer n.mu.Unlock()
	now := n.config.Now()
	until := time.Time{}
	if n.config.Sender != nil {
		out, wake := n.ledger.next(now)
		if out != nil { // it waits for the server to come back, or is brand new
			n.ledger.failed(out)
			wake = later(n.retryAt, now)
		}
		until = earlier(until, wake)
	}
	if n.dirty && n.config.Path != "" {
		until = earlier(until, n.saved.Add(n.saveEvery()))
	}
	if until.IsZero() {
		return long
	}
	return max(until.Sub(now), time.Millisecond)
}

// sendOne sends the letter that is due. It tells whether one was delivered, so
// that there may be another.
func (n *Notifier) sendOne(ctx context.Context) bool {
	now := n.config.Now()
	n.mu.Lock()
	if n.config.Sender == nil || now.Before(n.retryAt) || ctx.Err() != nil {
		n.mu.Unlock()
		return false
	}
	out, _ := n.ledger.next(now)
	if out == nil {
		n.mu.Unlock()
		return false
	}
	n.dirty = true
	n.mu.Unlock()
	n.save(true) // whoever dies while sending must not send the same at once when it is back
	attempt, cancel := context.WithTimeout(ctx, n.config.Timeout)
	err := n.config.Sender.Send(attempt, compose(n.config.About, out, n.scrub.Load()))
	cancel()
	n.settle(out, err)
	n.save(true)
	return err == nil || errors.Is(err, ErrRefused)
}

// sendLast tells what is pending before the program ends: nobody knows whether
// it will ever start again. A program that starts and ends all the time does
// so once in a while only.
func (n *Notifier) sendLast(ctx context.Context) {
	n.mu.Lock()
	if n.config.Sender == nil || n.config.Closing <= 0 || ctx.Err() != nil {
		n.mu.Unlock()
		return
	}
	out := n.ledger.last(n.config.Now(), n.config.Closing)
	n.mu.Unlock()
	if out == nil {
		return
	}
	attempt, cancel := context.WithTimeout(ctx, n.config.Timeout)
	defer cancel()
	n.settle(out, n.config.Sender.Send(attempt, compose(n.config.About, out, n.scrub.Load())))
}

// settle notes how a letter fared.
func (n *Notifier) settle(out *letter, err error) {
	now := n.config.Now()
	n.mu.Lock()
	defer n.mu.Unlock()
	n.dirty = true
	if err == nil {
		n.ledger.delivered(out)
		n.stats.Sent++
		n.stats.LastSuccess, n.fails = now, 0
		return
	}
	n.stats.LastFailure, n.stats.LastError = now, n.scrub.Load().Scrub(err.Error())
	if errors.Is(err, ErrRefused) {
		n.ledger.refused(out)
		n.stats.Refused++
		n.config.Log.Warn("an error mail was refused", "error", n.stats.LastError, "errors", out.count())
		return
	}
	n.ledger.failed(out)
	n.stats.Retries++
	wait := min(5*time.Second<<min(n.fails, 10), 5*time.Minute)
	n.retryAt = now.Add(wait + rand.N(wait/4)) //nolint:gosec // spreads attempts, no secret
	n.fails++
	n.config.Log.Warn("an error mail was not sent", "error", n.stats.LastError, "again_in", wait)
}

// saveEvery is the least time between two saves: a second, or twenty times
// what a save costs, so that a slow disk is not kept busy.
func (n *Notifier) saveEvery() time.Duration { return max(time.Second, 20*n.saveCost) }

// save writes the state where it has changed; at once or not too often.
func (n *Notifier) save(atOnce bool) {
	if n.config.Path == "" {
		return
	}
	begin := n.config.Now()
	n.mu.Lock()
	if !n.dirty || !atOnce && begin.Before(n.saved.Add(n.saveEvery())) {
		n.mu.Unlock()
		return
	}
	n.dirty = false
	s := n.ledger.snapshot()
	s.Audience = n.config.Audience
	n.mu.Unlock()
	for _, g := range s.Groups {
		if g.raw {
			n.clean(g)
		}
	}
	err := writeState(n.config.Path, s)
	n.saved = n.config.Now()
	n.saveCost = n.saved.Sub(begin)
	n.mu.Lock()
	defer n.mu.Unlock()
	message := ""
	if err != nil {
		n.dirty, message = true, err.Error()
	}
	if message != "" && n.stats.StateError == "" {
		n.config.Log.Warn("the state of error mails was not saved", "error", message)
	}
	n.stats.StateError = message
}

// clean scrubs the sample of a copied group, and gives the ledger the result
// too, so that the work is done once.
func (n *Notifier) clean(copied *group) {
	scrub := n.scrub.Load()
	e, title := scrub.event(copied.Sample), scrub.Scrub(copied.Title)
	n.mu.Lock()
	if g := n.ledger.groups[copied.Fingerprint]; g != nil && g.raw && g.Sample == copied.Sample && n.scrub.Load() == scrub {
		g.Sample, g.Title, g.raw = e, title, false
	}
	n.mu.Unlock()
	copied.Sample, copied.Title, copied.raw = e, title, false
}
