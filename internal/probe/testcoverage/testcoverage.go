// Package testcoverage proves test.coverage: the declared suite runs in a clean
// checkout, writes a report that is true, and notices when the code is wrong.
//
// A suite that passes, a number of tests and a report are all things that can
// be printed or copied. So the suite is run again on sources that were moved:
// comment lines stand at their top, and a function that nobody calls stands at
// their end. A true report moves with its sources and does not call that
// function covered. Then faults are injected into covered code, one at a time;
// a suite that stays green whatever the code does tests nothing.
//
// Every run has a copy of the built checkout of its own, which is thrown away.
// The faults depend on the content of the sources alone: the same commit has
// the same ones, so that asking again gives no second chance.
//
// run.go is the walk, suite.go runs the suite once, sources.go tells what
// belongs to the application, moved.go moves it, faults.go breaks it, and
// judge.go decides. Read next: internal/bench/workshop.go, internal/sabotage.
package testcoverage

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
	Declared bool     `json:"declared"` // the manifest names a test suite
	Command  string   `json:"command"`
	Suite    Run      `json:"suite"`            // the first run, after the build of a clean checkout
	Tests    Tests    `json:"tests"`            // what its output says
	Failed   []string `json:"failed,omitempty"` // lines of its output that tell of failed tests; at most 5
	Report   Report   `json:"report"`
	Sources  []Source `json:"sources"` // of the application, the largest first; at most 200
	Rest     Rest     `json:"rest"`    // sources beyond those
	Default  int      `json:"default"` // lines of all sources, where the manifest narrows them down; 0 where it does not
	Repeat   Run      `json:"repeat"`  // the suite again in a copy, unchanged, before the faults
	After    Run      `json:"after"`   // and after the faults
	Moved    Moved    `json:"moved"`
	Together int      `json:"together"` // how many runs there were at a time
	Places   Places   `json:"places"`
	Twins    []Twin   `json:"twins,omitempty"` // at most 20
	Faults   []Fault  `json:"faults"`
}

// Run is one run of the suite.
type Run struct {
	Done     bool    `json:"done"`           // it was tried
	Unbuilt  string  `json:"unbuilt"`        // why the build steps before it failed; "" where they did not
	Exit     int     `json:"exit"`           // exit code
	TimedOut bool    `json:"timed_out"`      // it was stopped at its limit
	Seconds  float64 `json:"seconds"`        // without the build
	Limit    float64 `json:"limit"`          // seconds
	Built    float64 `json:"build_seconds"`  //
	Last     string  `json:"last,omitempty"` // the end of its output, where it did not pass
}

// passed reports whether a run ended in time and with exit code 0.
func (r Run) passed() bool { return r.Done && r.Unbuilt == "" && !r.TimedOut && r.Exit == 0 }

// Tests is what the output says of the number of tests.
type Tests struct {
	Known  bool   `json:"known"` // a runner that we know spoke
	Count  int    `json:"count"`
	Runner string `json:"runner"`
}

// Report is the coverage report of the first run.
type Report struct {
	Path     string   `json:"path"`    // as declared; "" for none
	Before   bool     `json:"before"`  // something stood there before the run, and was removed
	Written  bool     `json:"written"` // a file stands there after the run
	Err      string   `json:"err,omitempty"`
	Bytes    int      `json:"bytes"`
	SHA256   string   `json:"sha256"`
	Format   string   `json:"format"`
	Files    int      `json:"files"`
	Covered  int      `json:"covered"` // lines of the application
	Total    int      `json:"total"`
	Strange  []string `json:"strange,omitempty"`  // files that it names and the checkout does not hold; at most 5
	Families []string `json:"families,omitempty"` // languages of the files
}

// Source is one source file of the application.
type Source struct {
	Path    string  `json:"path"`
	Lines   int     `json:"lines"` // neither blank nor comment
	Named   bool    `json:"named"` // the report names it
	Covered int     `json:"covered"`
	Total   int     `json:"total"`
	Follow  *Follow `json:"follow,omitempty"` // what became of its entry when it was moved; nil where it was not
}

// Follow compares the entry of a file that was moved with the one before.
type Follow struct {
	Shift       int  `json:"shift"`        // lines that were put at the top
	Listed      int  `json:"listed"`       // lines that the second report lists
	Same        bool `json:"same"`         // the entry is the same as before, line by line
	Kept        int  `json:"kept"`         // lines of the first report that the second lists Shift lines below
	Planted     int  `json:"planted"`      // lines of the function that nobody calls; 0 where none was planted
	PlantListed int  `json:"plant_listed"` // how many of them the second report lists
	PlantRan    int  `json:"plant_ran"`    // how many of them it calls covered
	Overwritten bool `json:"overwritten"`  // build or suite wrote the file anew, so that this says nothing
}

// Rest sums up sources that are not listed.
type Rest struct {
	Files int `json:"files"`
	Lines int `json:"lines"`
	Named int `json:"named"` // lines of those that the report names
}

// Moved is the run of the suite on sources that were moved.
type Moved struct {
	Run   Run    `json:"run"`
	Form  string `json:"form"`          // what was added to the sources
	Tail  bool   `json:"tail"`          // nothing but a comment at the end, which moves nothing
	Files int    `json:"files"`         // how many were
	Err   string `json:"err,omitempty"` // why its report cannot be read
}

// Places are where a fault could be injected.
type Places struct {
	All     int `json:"all"`     // in sources of languages that can be sabotaged
	Covered int `json:"covered"` // on lines that the report calls covered
}

// Twin is a source file that is largely a copy of another one, which the
// suite covers less. Faults in the copy would say nothing of the application.
type Twin struct {
	Copy string `json:"copy"`
	Of   string `json:"of"`
}

// Fault is one injected fault and what the suite said.
type Fault struct {
	At       string  `json:"at"` // file:line
	Function string  `json:"function"`
	Kind     string  `json:"kind"`
	Before   string  `json:"before"` // at most 60 bytes
	After    string  `json:"after"`
	Calm     bool    `json:"calm"`
	Result   string  `json:"result"` // one of the Result constants
	Seconds  float64 `json:"seconds"`
}

// The results of a fault.
const (
	ResultRed     = "red"     // the suite failed
	ResultLate    = "late"    // the suite did not end in time, which is red too
	ResultGreen   = "green"   // the suite passed
	ResultUnbuilt = "unbuilt" // the application does not build with it
	ResultUnrun   = "unrun"   // left out, since the verdict was settled
)
