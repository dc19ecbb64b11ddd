package mail

import (
	"slices"
	"time"
)

// group is what is known of one kind of error.
type group struct {
	Fingerprint string    `json:"fingerprint"`
	Title       string    `json:"title"`
	First       time.Time `json:"first"`
	Last        time.Time `json:"last"`
	Total       uint64    `json:"total"`              // errors reported
	Told        uint64    `json:"told"`               // of these, in delivered mails
	Sending     uint64    `json:"-"`                  // of the others, in the letter that is being sent
	Step        int       `json:"step"`               // mails since it was news
	Next        time.Time `json:"next"`               // when the next mail may be sent
	Mails       int       `json:"mails"`              //
	Releases    []string  `json:"releases,omitempty"` // oldest first
	Fixed       bool      `json:"fixed,omitempty"`    // somebody said so
	Back        string    `json:"back,omitempty"`     // the release in which it is back
	MutedUntil  time.Time `json:"muted_until,omitzero"`
	Sample      Event     `json:"sample"` // the first error since the last mail
	raw         bool      // the sample and the title may still have secrets
}

func (g *group) pending() uint64          { return g.Total - g.Told - g.Sending }
func (g *group) muted(now time.Time) bool { return g.MutedUntil.After(now) }

// note counts an error and tells whether the plan of mails may have changed.
func (g *group) note(e Event, now time.Time, quiet time.Duration) bool {
	first := g.pending() == 0
	gone := g.Total > 0 && e.Time.Sub(g.Last) >= quiet
	fresh := g.learn(e.Release)
	if g.Total > 0 && (g.Fixed && (fresh || e.Release == "") || gone) {
		if fresh || g.Fixed {
			g.Back = orWord(e.Release, "this release")
		}
		g.Fixed, g.Step, g.Next, first = false, 0, now, true
	}
	if first {
		g.Sample, g.raw = e.capped(), true
		if g.Fingerprint != otherKinds {
			g.Title = g.Sample.Title
		}
	}
	g.Total++
	g.Last = later(e.Time, g.Last)
	return first
}

// learn remembers a release, and tells whether it is new for this kind.
func (g *group) learn(release string) bool {
	release = clip(release, maxWords)
	if release == "" || slices.Contains(g.Releases, release) {
		return false
	}
	g.Releases = append(g.Releases, release)
	if len(g.Releases) > maxReleases {
		g.Releases = slices.Delete(g.Releases, 0, 1)
	}
	return true
}

// part is the share of one kind in a letter, with what is needed to take it back.
type part struct {
	group  *group
	count  uint64 // errors that the letter tells
	since  uint64 // errors of the kind so far
	step   int
	next   time.Time
	back   string
	title  string // of the group, as all below: it changes while the letter is sent
	first  time.Time
	mails  int
	sample Event
	after  time.Time // when the kind may be mailed again
}

func (g *group) take(now time.Time) part {
	p := part{group: g, count: g.pending(), since: g.Total, step: g.Step, next: g.Next, back: g.Back,
		title: g.Title, first: g.First, mails: g.Mails, sample: g.Sample}
	g.Sending += p.count
	g.Step++
	g.Next, g.Back = now.Add(windowAfter(g.Step)), ""
	p.after = g.Next
	return p
}

// putBack undoes take. What was noted since then stays, and so does a plan
// that has changed since then.
func (g *group) putBack(p part) {
	g.Sending -= p.count
	if g.Step == p.step+1 {
		g.Step, g.Next, g.Back = p.step, p.next, orWord(g.Back, p.back)
	}
}

// letter is a mail that is being sent.
type letter struct {
	parts  []part
	digest bool
	at     time.Time
	before digestState
}

// count is the number of errors that the letter tells.
func (out *letter) count() uint64 {
	var n uint64
	for _, p := range out.parts {
		n += p.count
	}
	return n
}

func orWord(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}
