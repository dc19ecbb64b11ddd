package mail

import (
	"cmp"
	"slices"
	"time"
)

// The windows within which repeats are only counted, after each mail about a
// kind; the last one stays. Digests have windows of their own.
func windowAfter(mails int) time.Duration {
	windows := []time.Duration{time.Minute, 10 * time.Minute, time.Hour, 6 * time.Hour}
	return windows[min(max(mails, 1), len(windows))-1]
}

func digestWindowAfter(digests int) time.Duration {
	windows := []time.Duration{time.Minute, 10 * time.Minute, time.Hour}
	return windows[min(digests, len(windows)-1)]
}

const (
	otherKinds  = "other" // the kind of all errors that there is no room to tell apart
	maxReleases = 10      // that are remembered of a kind
)

// rules are the numbers that a configuration may change.
type rules struct {
	perHour  float64       // tokens that the bucket gains
	burst    float64       // tokens that it holds
	maxKinds int           //
	quiet    time.Duration // after which a kind counts as gone
}

// ledger counts errors and decides what is told when. It does no I/O and is
// not safe for use by several goroutines; time is handed in.
type ledger struct {
	rules  rules
	groups map[string]*group
	bucket bucket
	digest digestState
	total  totals
	closed time.Time // when the last closing digest was sent
}

// bucket limits all mails together.
type bucket struct {
	Tokens float64   `json:"tokens"`
	At     time.Time `json:"at"` // when the tokens were counted
}

// digestState says when the next digest may be sent.
type digestState struct {
	Count int       `json:"count"` // digests in this storm
	Next  time.Time `json:"next"`  // zero where there is no storm
}

// totals count errors of all kinds, forgotten ones as well.
type totals struct {
	Reported uint64 `json:"reported"`
	Told     uint64 `json:"told"`
}

func newLedger(r rules, now time.Time) *ledger {
	return &ledger{rules: r, groups: map[string]*group{}, bucket: bucket{Tokens: r.burst, At: now}}
}

// note counts an error. It tells whether the plan of mails may have changed.
func (l *ledger) note(e Event, now time.Time) bool {
	g := l.groupOf(e, now)
	l.total.Reported++
	return g.note(e, now, l.rules.quiet)
}

// anew makes every kind news again, for people who have heard of none.
func (l *ledger) anew(now time.Time) {
	for _, g := range l.groups {
		g.Step, g.Next = 0, now
	}
}

// soil marks all that is kept as not scrubbed, for whoever knows other secrets
// than those it was scrubbed of. It tells whether there is anything.
func (l *ledger) soil() bool {
	for _, g := range l.groups {
		g.raw = true
	}
	return len(l.groups) > 0
}

// groupOf finds or makes the group of an event.
func (l *ledger) groupOf(e Event, now time.Time) *group {
	if g := l.groups[e.Fingerprint]; g != nil {
		return g
	}
	if len(l.groups) >= l.rules.maxKinds && !l.forget(now) {
		if g := l.groups[otherKinds]; g != nil {
			return g
		}
		e = Event{Fingerprint: otherKinds, Title: "Errors of more kinds than can be told apart", Time: e.Time}
	}
	e = e.capped()
	g := &group{Fingerprint: e.Fingerprint, Title: e.Title, First: e.Time, Next: now}
	l.groups[e.Fingerprint] = g
	return g
}

// forget drops the kind that was seen longest ago, among those that have
// nothing pending and whose window is over.
func (l *ledger) forget(now time.Time) bool {
	var oldest *group
	for _, g := range l.groups {
		idle := g.pending() == 0 && g.Sending == 0 && now.After(g.Next) && !g.muted(now)
		if idle && (oldest == nil || g.Last.Before(oldest.Last)) {
			oldest = g
		}
	}
	if oldest == nil {
		return false
	}
	delete(l.groups, oldest.Fingerprint)
	return true
}

// next returns the letter that is to be sent now, or when to ask again (zero:
// when something has been noted). The errors that a letter tells are in flight
// until it is settled.
func (l *ledger) next(now time.Time) (*letter, time.Time) {
	l.refill(now)
	due, wake := l.due(now)
	switch {
	case len(due) == 0:
		return nil, wake
	case l.bucket.Tokens >= 1:
		l.bucket.Tokens--
		return &letter{parts: []part{due[0].take(now)}, at: now}, time.Time{}
	case l.digest.Next.IsZero():
		l.digest.Next = now.Add(digestWindowAfter(0)) // time for the storm to show its kinds
	case !now.Before(l.digest.Next):
		return l.takeDigest(now), time.Time{}
	}
	token := time.Duration((1 - l.bucket.Tokens) / l.rules.perHour * float64(time.Hour))
	return nil, earlier(l.digest.Next, now.Add(token+time.Millisecond))
}

// due lists the kinds that a mail is due about, the news before the repeats,
// and when the next one will be.
func (l *ledger) due(now time.Time) (due []*group, wake time.Time) {
	for _, g := range l.groups {
		if g.pending() == 0 || g.Sending > 0 {
			continue
		}
		at := later(g.Next, g.MutedUntil)
		if at.After(now) {
			wake = earlier(wake, at)
		} else {
			due = append(due, g)
		}
	}
	slices.SortFunc(due, func(a, b *group) int {
		return cmp.Or(min(a.Step, 1)-min(b.Step, 1), a.Next.Compare(b.Next), cmp.Compare(a.Fingerprint, b.Fingerprint))
	})
	return due, wake
}

// takeDigest puts all that is pending into one letter, due or not.
func (l *ledger) takeDigest(now time.Time) *letter {
	out := &letter{digest: true, at: now, before: l.digest}
	for _, g := range l.groups {
		if g.pending() > 0 && !g.muted(now) {
			out.parts = append(out.parts, g.take(now))
		}
	}
	slices.SortFunc(out.parts, func(a, b part) int {
		return cmp.Or(cmp.Compare(b.count, a.count), cmp.Compare(a.group.Fingerprint, b.group.Fingerprint))
	})
	l.digest.Count++
	l.digest.Next = now.Add(digestWindowAfter(l.digest.Count))
	return out
}

// last returns a digest of all that is pending, for a program that ends; nil
// where there is nothing, or the last such digest is not long ago.
func (l *ledger) last(now time.Time, apart time.Duration) *letter {
	if l.pending() == 0 || now.Before(l.closed.Add(apart)) {
		return nil
	}
	l.closed = now
	out := l.takeDigest(now)
	if len(out.parts) == 0 { // all that is pending is muted
		return nil
	}
	return out
}

// refill adds the tokens of the time that has passed. A full bucket ends a storm.
func (l *ledger) refill(now time.Time) {
	if passed := now.Sub(l.bucket.At); passed > 0 {
		l.bucket.Tokens = min(l.rules.burst, l.bucket.Tokens+passed.Hours()*l.rules.perHour)
	}
	l.bucket.At = now
	if l.bucket.Tokens >= l.rules.burst {
		l.digest = digestState{}
	}
}

// delivered settles a letter that the server has taken.
func (l *ledger) delivered(out *letter) {
	for _, p := range out.parts {
		p.group.Told += p.count
		p.group.Sending -= p.count
		p.group.Mails++
		l.total.Told += p.count
	}
}

// refused settles a letter that no server will ever take: its errors are
// pending again, and are told when the next window ends.
func (l *ledger) refused(out *letter) {
	for _, p := range out.parts {
		p.group.Sending -= p.count
	}
}

// failed settles a letter that could not be sent now: everything is as if it
// had never been written.
func (l *ledger) failed(out *letter) {
	for _, p := range out.parts {
		p.group.putBack(p)
	}
	if out.digest {
		l.digest = out.before
		return
	}
	l.bucket.Tokens = min(l.rules.burst, l.bucket.Tokens+1)
}

// pending counts the errors that no mail has told yet, those in flight included.
func (l *ledger) pending() uint64 {
	var n uint64
	for _, g := range l.groups {
		n += g.Total - g.Told
	}
	return n
}

func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
