// Package statusroute proves status.route: the status route tells a monitoring
// service the truth about each backing service, and tells nobody else anything.
//
// What a body says is read in reading.go: JSON of any shape, or lines of key
// and value, become leaves; the leaves that belong to a service are its
// fragment. Whether a fragment is good is told by the words that health checks
// use (words.go) and, where they use others, by how a value that was constant
// while all was well changes. The record holds the leaves, so that the judge
// reads them again.
//
// Every failure mode has a boot of its own, three at a time (cut.go); the rest
// is one boot that is started twice (run.go, attempts.go). Secrets in what is
// recorded are replaced by their names. run.go records, judge.go decides.
// Read next: internal/bench/fault.
package statusroute

import (
	_ "embed"

	"github.com/roadworthy-dev/roadworthy/internal/bench"
	"github.com/roadworthy-dev/roadworthy/internal/probe"
)

//go:embed def.yaml
var def []byte

// New returns the probe.
func New() probe.Probe { return probe.New(def, run, judge) }

// Observations is what the probe records.
type Observations struct {
	Declared bool      `json:"declared"`           // the manifest declares a status route
	Path     string    `json:"path,omitempty"`     //
	Services []Service `json:"services,omitempty"` // declared ones, in order
	Answer   Poll      `json:"answer"`             // with the token, the first that was ok, or the last one tried
	Clean    []Poll    `json:"clean,omitempty"`    // polls while nothing was wrong; those that differ from Answer in full
	Polls    int       `json:"clean_polls"`        // how many they were
	Absent   Attempt   `json:"absent"`             // what a path that does not exist gets
	Attempts []Attempt `json:"attempts,omitempty"` // without the right token
	Unset    *Unset    `json:"unset,omitempty"`    // a boot whose token setting is left out
	Rotation Rotation  `json:"rotation"`           //
	Private  Private   `json:"private"`            //
	Cuts     []Cut     `json:"cuts,omitempty"`     // by mode and service
}

// Service is a declared backing service.
type Service struct {
	ID     string  `json:"id"`   // in the manifest
	Name   string  `json:"name"` // as the status route calls it
	Type   string  `json:"type"`
	Within float64 `json:"within_seconds"` // how soon its loss and return must show
	Named  bool    `json:"named"`          // the status route must name it: all but the mail server and the log collector
}

// Poll is one request with the token.
type Poll struct {
	Status int     `json:"status"` // 0 where no whole reply came
	Err    string  `json:"err,omitempty"`
	At     float64 `json:"at_seconds"`     // when the reply was there, since the stimulus
	Form   string  `json:"form,omitempty"` // json, lines; "" for a body that no machine reads
	Leaves []Leaf  `json:"leaves,omitempty"`
	Body   string  `json:"body,omitempty"` // the first 200 bytes
}

// Leaf is one value of a body and the keys that lead to it.
type Leaf struct {
	Path  []string `json:"path"`
	Value string   `json:"value"`
}

// Attempt is a request without the right token.
type Attempt struct {
	Name   string   `json:"name"`
	Aside  bool     `json:"aside,omitempty"` // another method or path, which may be answered otherwise, but tell nothing
	Status int      `json:"status"`
	Err    string   `json:"err,omitempty"`
	Holds  []string `json:"holds,omitempty"` // what its body tells: service, host, version, state
	Print  uint64   `json:"print"`           // hash of status and body without digits
}

// Unset is a boot in which no token is given.
type Unset struct {
	Started  bool      `json:"started"`
	Ended    bool      `json:"ended"` // it refused to start: within the declared time its process was gone
	Attempts []Attempt `json:"attempts,omitempty"`
}

// Rotation is a second start with another token, in the same sandbox.
type Rotation struct {
	OldBefore int    `json:"old_before"` // status of the old token at the first start
	NewBefore int    `json:"new_before"`
	Started   bool   `json:"started"` // the second start answered
	Err       string `json:"err,omitempty"`
	NewAfter  int    `json:"new_after"`
	OldAfter  int    `json:"old_after"`
}

// Private is the search for the token.
type Private struct {
	Used     int            `json:"used"` // requests that carried the token
	Leaks    []bench.Leak   `json:"leaks,omitempty"`
	Searched bench.Searched `json:"searched"`
}

// Cut is one service failing in one mode, and coming back.
type Cut struct {
	Service  string    `json:"service"`
	Mode     string    `json:"mode"`
	Skipped  bool      `json:"skipped,omitempty"` // another mode had failed already
	Healthy  []Poll    `json:"healthy,omitempty"` // before; none if it never became ok
	Unwell   *Poll     `json:"unwell,omitempty"`  // the first after the cut that said so and named it; else the last one
	Polls    int       `json:"polls"`             // while it was cut, until Unwell
	Silent   int       `json:"silent"`            // of them, without an answer
	Confirm  []Poll    `json:"confirm,omitempty"` // further ones while it was cut
	Refusals []Attempt `json:"refusals,omitempty"`
	Back     *Poll     `json:"back,omitempty"` // the first ok one after its return; else the last one
	Ended    bool      `json:"ended,omitempty"`
}
