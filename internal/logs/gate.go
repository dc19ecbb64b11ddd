package logs

import (
	"sync"
	"time"
)

// gate is where those wait who need room in a ring, or its end. Its methods are
// called with the lock held.
type gate struct {
	lock    sync.Locker
	opened  chan struct{} // nil while nobody waits
	clock   Clock
	stall   time.Duration
	stalled bool          // the sink took nothing for the time of a stall, and nothing since
	silent  time.Duration // how long somebody has waited since it took something
	looked  time.Time     // up to here silent is counted
	waiting int
}

// wait lets go of the lock until the gate opens or one of the channels has
// something.
func (g *gate) wait(until <-chan time.Time, done <-chan struct{}) {
	if g.opened == nil {
		g.opened = make(chan struct{})
	}
	opened := g.opened
	g.lock.Unlock()
	defer g.lock.Lock()
	select {
	case <-opened:
	case <-until:
	case <-done:
	}
}

// open lets all go on that wait.
func (g *gate) open() {
	if g.opened != nil {
		close(g.opened)
		g.opened = nil
	}
}

// looks is how often within the time of a stall somebody looks whether the sink
// took something.
const looks = 10

// waitFlowing waits for the gate, and for a part of the stall at most. Only time
// counts in which somebody could look: where the whole process had to stand
// still, the sink could take nothing either.
func (g *gate) waitFlowing() {
	step := g.stall / looks
	if g.waiting == 0 {
		g.looked = g.clock.Now()
	}
	g.waiting++
	g.wait(g.clock.After(step), nil)
	g.waiting--
	now := g.clock.Now()
	g.silent += min(now.Sub(g.looked), 2*step)
	g.looked = now
	g.stalled = g.silent >= g.stall
}

// flows says that the sink took something.
func (g *gate) flows() { g.silent, g.stalled = 0, false }
