// Package loglevels proves log.levels: the setting of the log's level decides
// what is logged, each level shows all that the next higher one shows, and an
// error shows at ERROR.
//
// The same traffic runs in one boot for each level and in a second one at INFO.
// Lines are reduced to templates: what differs from request to request is
// masked. Only templates that came with every round of requests count, and
// none that came while nothing was asked: a banner or a heartbeat says nothing
// about the level of records. What comes and goes between the two boots at
// INFO is noise.
//
// run.go records, template.go masks, judge.go decides. Read next:
// internal/trace.
package loglevels

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
	Setting string `json:"setting"` // that chooses the level; "" for none
	Boots   []Boot `json:"boots"`   // at DEBUG, INFO, WARNING, ERROR, and at INFO again
}

// Boot is one boot at one level.
type Boot struct {
	Level     string     `json:"level"`     // DEBUG, INFO, WARNING or ERROR
	Name      string     `json:"name"`      // the application's name of it
	Rounds    int        `json:"rounds"`    // of requests; a stable template came at least so often
	Lines     int        `json:"lines"`     // written from the start
	Templates []Template `json:"templates"` // the most frequent first
	More      int        `json:"more"`      // templates beyond those that are kept
	Dropped   int        `json:"dropped"`   // lines that were too many to keep
	Ordinary  []string   `json:"ordinary"`  // forms of the lines that hold the nonce of a request that did not fail
	Errors    []Induced  `json:"errors"`
}

// Template is a kind of line.
type Template struct {
	Text  string `json:"text"`
	Count int    `json:"count"` // while requests ran
	Other int    `json:"other"` // at the start
	Idle  int    `json:"idle"`  // while nothing was asked
}

// Induced is one request that raised the declared exception.
type Induced struct {
	Target  string   `json:"target"`
	Status  int      `json:"status"` // 0 where nothing came back
	Records []Record `json:"records"`
}

// Record is a line, or a stack trace of several, that may belong to an
// induced error.
type Record struct {
	Trace bool    `json:"trace"` // a stack trace; else a line that holds the nonce
	Type  string  `json:"type"`  // of the exception, as the trace names it
	Form  string  `json:"form"`  // the line with its path and numbers masked
	Text  string  `json:"text"`  // its beginning
	After float64 `json:"after_seconds"`
}
