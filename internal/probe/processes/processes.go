// Package processes proves processes: every declared type runs several times
// side by side, stays in the foreground and writes no PID file.
//
// processes.scales starts two of each type in one sandbox, plays the session
// on both, and then ends the second: what the second had taken from the first,
// a lock, a socket, a file, is missed only then. processes.foreground looks at
// the process tree and at the files while the process serves and after it has
// ended. Process ids are small numbers in a fresh sandbox, so that a file
// counts as a PID file only by its name, or if it holds the right id in two
// starts.
//
// run.go and watch.go record, judge.go decides. Read next: internal/bench/family.go.
package processes

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
	Pairs   []Pair  `json:"pairs"`   // by process type
	Watches []Watch `json:"watches"` // by process type
}

// Pair is two processes of one type, side by side.
type Pair struct {
	Type   string  `json:"type"`
	Serves bool    `json:"serves"` // it answers HTTP: the type web
	First  Single  `json:"first"`
	Second Single  `json:"second"`
	After  Session `json:"after"` // the first, when the second was gone
}

// Single is one process of a pair.
type Single struct {
	Ready  bool    `json:"ready"`  // it answered; for a type that does not serve: it stayed up
	After  float64 `json:"after"`  // seconds until then
	Exit   string  `json:"exit"`   // how it ended before it should; "" where it did not
	Tail   string  `json:"tail"`   // its last lines, where it was not ready or ended
	Alone  Session `json:"alone"`  // the session before the other one was there; of the first
	Beside Session `json:"beside"` // the session while both ran
}

// Session is the statuses of a session, in order; 0 stands for no reply.
type Session []int

// Watch is one process type under watch.
type Watch struct {
	Type     string    `json:"type"`
	Started  bool      `json:"started"`  // it answered, or for a type that does not serve: it was there
	Lived    bool      `json:"lived"`    // it was there until it was told to end
	Exit     string    `json:"exit"`     // how it ended before that
	Tail     string    `json:"tail"`     //
	Seen     int       `json:"seen"`     // processes that were looked at
	Left     []Left    `json:"left"`     // processes that left the session or the tree
	Stopped  bool      `json:"stopped"`  // it ended after SIGTERM
	Outlived []string  `json:"outlived"` // programs that still listen two seconds after it had ended
	PIDFiles []PIDFile `json:"pid_files"`
}

// Left is a process that its platform would lose sight of.
type Left struct {
	Program string `json:"program"`
	How     string `json:"how"` // "session": a session of its own; "orphan": its parent has ended
	Serves  bool   `json:"serves"`
}

// PIDFile is a file that holds the id of one of the processes.
type PIDFile struct {
	Path  string `json:"path"`
	Named bool   `json:"named"` // its name says so
	Roots []int  `json:"roots"` // ids of the started processes while it held the id of one of theirs
}

// note remembers the start in which the file held a right id.
func (f *PIDFile) note(root int) {
	if len(f.Roots) == 0 || f.Roots[len(f.Roots)-1] != root {
		f.Roots = append(f.Roots, root)
	}
}
