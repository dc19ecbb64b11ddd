// Package port proves port: the application serves HTTP on the port that it
// is given, by itself.
//
// Three boots on fresh ports, each in a sandbox of its own. The listening
// socket is looked up in the kernel's tables and must belong to the process
// that was started or one of its descendants. A fixed port behind a forwarder
// shows as a second listening port that is the same in every boot, speaks
// HTTP, and is connected to from inside.
//
// That it does not start at all is a fail here, not something unknown.
// run.go records, judge.go decides. Read next: internal/bench/family.go.
package port

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
	Boots []Boot `json:"boots"`
}

// Boot is one start on one port.
type Boot struct {
	Port     int      `json:"port"`     // that it was given
	Answers  bool     `json:"answers"`  // the landing page came from that port with a status below 500
	Status   int      `json:"status"`   // of the landing page; 0 where nothing came back
	Own      bool     `json:"own"`      // a process of its own listens there
	Listener string   `json:"listener"` // name of the program that listens there; "" where none does
	Exit     string   `json:"exit"`     // how it ended; "" where it runs
	Tail     []string `json:"tail"`     // its last lines, where it did not answer
	Others   []Other  `json:"others"`   // further TCP ports that its processes listen on
}

// Other is a further port of the application.
type Other struct {
	Port    int    `json:"port"`
	Program string `json:"program"` // that listens
	HTTP    bool   `json:"http"`    // it speaks HTTP
	Serves  bool   `json:"serves"`  // the landing page comes from it, with a status below 400
	Inside  int    `json:"inside"`  // connections to it from inside
}
