// Package admin proves admin: each declared one-off command runs in the same
// release and with the same configuration as the application.
//
// A command is run in the sandbox of a boot whose application serves, with the
// settings and files of that boot. That it used them shows in where it
// connected: the services of this boot have addresses and credentials that
// exist nowhere else. That the artifact's code ran shows in what was opened and
// executed, as strace tells it.
//
// run.go records, judge.go decides. Read next: internal/bench/process.go.
package admin

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
	Services int       `json:"services"` // declared ones that a command could reach
	Commands []Command `json:"commands"`
}

// Command is one run of a one-off command.
type Command struct {
	Name     string   `json:"name"`
	Run      string   `json:"run"`
	Started  bool     `json:"started"`  // its program could be executed
	Exit     string   `json:"exit"`     // how it ended
	Zero     bool     `json:"zero"`     // with exit status 0, in time
	Artifact bool     `json:"artifact"` // it opened or executed a file of the artifact
	Certain  bool     `json:"certain"`  // all that it opened and executed was seen
	Reached  []string `json:"reached"`  // services of this boot that answered it
	Strange  []string `json:"strange"`  // other addresses and names that it tried
	Value    bool     `json:"value"`    // its output holds a fresh value of a setting
	Tail     string   `json:"tail"`     // its last lines
}
