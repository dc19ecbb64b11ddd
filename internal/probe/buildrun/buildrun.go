// Package buildrun proves build-run: what was built is not changed, compiled
// or fetched again when it runs.
//
// One boot is traced from the first instruction to the last, through a
// session, an exception and a stop: programs executed, names looked up,
// addresses reached, and everything that changed below the application's
// folder. Byte code that an interpreter caches beside its sources is not a
// change of the release.
//
// run.go records, judge.go decides. Read next: internal/bench/trace.go.
package buildrun

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
	Replies  int       `json:"replies"` // of the session, whole
	Changed  []Change  `json:"changed"` // below the application's folder; at most 200
	More     int       `json:"more"`    // changes that are not listed
	Programs []Program `json:"programs"`
	Names    []string  `json:"names"`   // looked up, those of declared services aside
	Dropped  int       `json:"dropped"` // lines of the trace that were too many to keep
}

// Change is one file below the application's folder.
type Change struct {
	Path    string `json:"path"`
	Kind    string `json:"kind"` // file, dir, removed …
	Created bool   `json:"created"`
}

// Program is one executed program with its arguments.
type Program struct {
	Path string   `json:"path"`
	Args []string `json:"args"`
}
