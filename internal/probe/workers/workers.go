// Package workers proves workers: one slow request stops no other, one crash
// ends no service, and it makes no difference which worker answers.
//
// An application that supervises its workers, which its manifest says by a
// setting that is their number, is judged as it is: one process is launched.
// Any other is run as several processes side by side, and the bench stands for
// the balancer before them: it sends ordinary requests to a process that is
// not held. Such an application may well serve one request at a time.
//
// Waiting is compared with waiting, never with processor time: a worker is
// held by a slow request, and the wait of others is set against the time that
// it is held. Who answers is made certain with SIGSTOP: when all workers but
// one are stopped, that one answers or nobody does.
//
// parallel.go, replace.go, sessions.go and scale.go record, judge.go decides.
// Read next: internal/bench/stall.go and pool.go.
package workers

import (
	_ "embed"

	"github.com/roadworthy-dev/roadworthy/internal/probe"
	"github.com/roadworthy-dev/roadworthy/internal/replay"
)

//go:embed def.yaml
var def []byte

// New returns the probe.
func New() probe.Probe { return probe.New(def, run, judge) }

// Observations is what the probe records. Times are in seconds.
type Observations struct {
	Supervised bool     `json:"supervised"` // one process with workers of its own; else several processes
	Workers    int      `json:"workers"`    // how many it was told to run, or how many processes were started
	Stall      string   `json:"stall"`      // how workers were held
	Takes      float64  `json:"takes"`      // the slow request alone
	Usual      float64  `json:"usual"`      // an ordinary request alone
	Rounds     []Round  `json:"rounds"`     // of workers.parallel
	Replace    Replace  `json:"replace"`
	Sessions   Sessions `json:"sessions"`
	Scale      Scale    `json:"scale"`
}

// Round holds one worker after the other, and none before and after that.
type Round struct {
	Calm   []float64 `json:"calm"`   // waits of ordinary requests with no worker held, before and after
	Levels []Level   `json:"levels"` //
}

// Level is ordinary requests while some workers are held.
type Level struct {
	Held  int       `json:"held"`  // slow requests that were sent
	For   float64   `json:"for"`   // how long the shortest of them was held in all
	Waits []float64 `json:"waits"` // of ordinary requests that began while all were held
	Bad   int       `json:"bad"`   // ordinary requests without a whole reply
}

// Replace is workers killed in turn.
type Replace struct {
	Tried    bool   `json:"tried"`
	Found    int    `json:"found"`    // worker processes; 0 where no child process accepts connections
	Children int    `json:"children"` // child processes, whether they accept connections or not
	Kills    []Kill `json:"kills"`
	Alone    int    `json:"alone"` // workers of the last generation that answer with all others stopped
	Last     int    `json:"last"`  // workers of the last generation
}

// Kill is one worker killed under load.
type Kill struct {
	Held     int     `json:"held"`    // requests in flight that the worker had, or that no other worker had
	Between  int     `json:"between"` // requests that were sent between the look at the worker and its end
	Sent     int     `json:"sent"`    // requests that were on their way when it was killed
	Lost     int     `json:"lost"`    // of them, those that got no whole reply
	Later    int     `json:"later"`   // requests that were sent after the kill
	LaterBad int     `json:"later_bad"`
	Before   int     `json:"before"` // workers before the kill
	After    int     `json:"after"`  // workers within five seconds after it
	Took     float64 `json:"took"`   // until there were as many as before
	Others   int     `json:"others"` // other workers that ended as well
	Ended    string  `json:"ended"`  // how the started process ended; "" where it lives on
	Error    string  `json:"error"`  // the end of a request that was lost
}

// Sessions is a session on one worker and the same spread over all.
type Sessions struct {
	Plain    []replay.Session `json:"plain"`    // on one worker
	Spread   []replay.Session `json:"spread"`   // each request on another worker
	Found    int              `json:"found"`    // workers that the last run was spread over
	Children int              `json:"children"` // child processes then, whether they accept connections or not
	Answered int              `json:"answered"` // of them, those that answered while all others were stopped
	Stores   []string         `json:"stores"`   // declared services and settings that keep something
	Files    []string         `json:"files"`    // that it left on the disk, temporary ones and logs aside; at most six
}

// Scale is what runs in parallel at two numbers of workers.
type Scale struct {
	Few  Width `json:"few"`
	Many Width `json:"many"`
}

// Width is what runs in parallel at one number of workers.
type Width struct {
	Set     int    `json:"set"`     // the number that was set, or of processes
	Started bool   `json:"started"` // it answered
	Tail    string `json:"tail"`    // its last lines, where it did not
	Accept  int    `json:"accept"`  // processes that held connections at the same time
	Alone   int    `json:"alone"`   // workers that answer while all others are stopped
	Sent    int    `json:"sent"`    // slow requests that were sent together
	Served  int    `json:"served"`  // of them, those that were answered within one and a half slow times
}
