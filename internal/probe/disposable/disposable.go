// Package disposable proves disposable: the application starts fast, ends on
// SIGTERM without losing a request, and survives kill -9.
//
// disposable.term judges outcomes under load only; that a signal is caught
// says nothing. Six times, three of them as process 1 of a PID namespace,
// SIGTERM comes while slow requests are in flight. A request counts as lost if
// it was written in full before SIGTERM was sent, a process of the application
// had accepted its connection by then, and no whole reply came. What still
// waited in the kernel's queue was never seen by the application: it is
// counted and reported, and decides nothing. Kept-alive connections are idle
// in the last 50 ms, since a request that races with the close of an idle
// connection is the client's to repeat (RFC 9110 section 9.2.2, RFC 9112
// section 9.3.1).
//
// run.go, term.go and kill.go record, judge.go decides. Read next:
// internal/bench/wire.go and stall.go.
package disposable

import (
	_ "embed"

	"github.com/roadworthy-dev/roadworthy/internal/probe"
)

//go:embed def.yaml
var def []byte

// New returns the probe.
func New() probe.Probe { return probe.New(def, run, judge) }

// Observations is what the probe records.
type Observations struct {
	Limit  float64 `json:"limit"`  // seconds that a start may take
	Starts []Start `json:"starts"` //
	Later  Shape   `json:"later"`  // the session on a process that had been up for long
	Stall  string  `json:"stall"`  // how requests were kept in flight; "" where nothing takes long
	Terms  []Term  `json:"terms"`
	Kill   Kill    `json:"kill"`
}

// Shape is what a session looks like from afar.
type Shape struct {
	Statuses []int   `json:"statuses"` // in order; 0 where no whole reply came
	Own      []int   `json:"own"`      // how often its own text shows in each reply
	Took     float64 `json:"took"`     // seconds
}

// Start is one timed start.
type Start struct {
	Ready bool    `json:"ready"`          // it answered within the limit
	Took  float64 `json:"took"`           // seconds
	Exit  string  `json:"exit,omitempty"` // how it ended instead
	Tail  string  `json:"tail,omitempty"` // its last lines, where it was not ready
	First Shape   `json:"first"`          // the session right after it first answered

	Delayed float64 `json:"delayed,omitempty"` // seconds of these in which its threads were ready and got no processor, summed
}

// Term is one SIGTERM under load.
type Term struct {
	PID1    bool    `json:"pid1"`
	Started bool    `json:"started"`
	Slow    Group   `json:"slow"`    // slow requests in flight at SIGTERM
	Fast    Group   `json:"fast"`    // ordinary requests that were written before SIGTERM
	After   Group   `json:"after"`   // ordinary requests that were written after it: reported only
	Exited  bool    `json:"exited"`  // by itself within 30 s, and within 10 s of the last reply
	Took    float64 `json:"took"`    // seconds from SIGTERM to the exit, or to the end of patience
	Delayed float64 `json:"delayed"` // seconds of these in which the threads that stayed were ready and got no processor, summed
	Code    int     `json:"code"`    // exit status; -1 where a signal ended it
	Signal  string  `json:"signal"`  // that ended it
	Tail    string  `json:"tail"`    // its last lines, where it lost or stayed
	Refused bool    `json:"refused"` // new connections were refused before the exit or with it
}

// Group is what became of requests of one kind.
type Group struct {
	Sent     int      `json:"sent"`
	Accepted int      `json:"accepted"` // by a process of the application, before SIGTERM
	Answered int      `json:"answered"` // in full
	Lost     int      `json:"lost"`     // accepted, not answered in full
	Unseen   int      `json:"unseen"`   // not answered, but never accepted either
	How      []string `json:"how"`      // the ends of those that were lost, at most five
}

// Kill is a kill -9 under load and the start after it.
type Kill struct {
	Before    Shape    `json:"before"`    // the last session before the kill
	Shown     []int    `json:"shown"`     // how often the last reply before the kill showed each session's text
	Stores    []string `json:"stores"`    // declared services and settings that keep something, and files that it left
	InFlight  int      `json:"in_flight"` // requests on their way when it was killed
	Restarted bool     `json:"restarted"`
	Exit      string   `json:"exit,omitempty"`
	Tail      string   `json:"tail,omitempty"`
	Status    int      `json:"status"` // of the same request after the restart
	Still     []int    `json:"still"`  // how often its reply shows each session's text
	After     Shape    `json:"after"`  // a new session after the restart
}
