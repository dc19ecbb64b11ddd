// Package stateless proves stateless: a session gives the same replies
// whichever process answers its next step.
//
// The declared traffic is played on one process, then with every step on
// another process in another sandbox, then with a stop and a fresh sandbox
// between the steps. All runs of one kind share their databases, and all runs
// have the same values of settings; nothing else is common to two sandboxes,
// so that neither memory nor a local disk can carry a session. A supervised
// application is set to one worker here: that its workers agree is the
// business of internal/probe/workers.
//
// What two plain runs differ in is noise (internal/replay), except how often
// the session's own text shows. A difference must come again in most runs.
//
// run.go records, judge.go decides. Read next: internal/replay.
package stateless

import (
	_ "embed"

	"github.com/roadworthy-dev/roadworthy/internal/probe"
	"github.com/roadworthy-dev/roadworthy/internal/replay"
)

//go:embed def.yaml
var def []byte

// New returns the probe.
func New() probe.Probe { return probe.New(def, run, judge) }

// Observations is what the probe records.
type Observations struct {
	Plain       []replay.Session `json:"plain"`       // every step on one process
	Alternating []replay.Session `json:"alternating"` // every step on the other of two processes
	Restarted   []replay.Session `json:"restarted"`   // a stop and a fresh sandbox between the steps
	Stores      []string         `json:"stores"`      // declared services and settings that keep something
	Files       []string         `json:"files"`       // that it left on the disk, temporary ones and logs aside; at most six
	SameDisk    bool             `json:"same_disk"`   // the two processes share a sandbox, since a service is a file
}
