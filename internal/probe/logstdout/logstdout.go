// Package logstdout proves log.stdout: every request shows on standard output
// or error soon, although that is a pipe, and in no file beside it.
//
// A request carries its nonce four times, in path, query, user agent and
// X-Request-Id, because applications log different parts of it. A file counts
// as a log only if it holds the nonces of two requests that store nothing, or
// if it grows with such requests: data that a request asked to store does not,
// and neither does a session that remembers the last page.
//
// run.go records, judge.go decides. Read next: internal/probe.
package logstdout

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
	Requests []Request `json:"requests"` // ordinary reads, in order
	Files    []File    `json:"files"`    // written files that hold a nonce or grew with the requests
	Searched int       `json:"searched"` // how many written files were searched
	Partly   []string  `json:"partly"`   // files too large to be searched whole
	Dropped  int       `json:"dropped"`  // lines that were too many to keep
}

// Request is one read and what became of it.
type Request struct {
	Target string  `json:"target"`
	Status int     `json:"status"` // 0 where nothing came back
	Err    string  `json:"err,omitempty"`
	Logged bool    `json:"logged"`          // its nonce arrived
	After  float64 `json:"after_seconds"`   // after its reply; negative where before it
	Line   string  `json:"line,omitempty"`  // the line that held it
	Where  string  `json:"where,omitempty"` // stdout or stderr
}

// File is one file that looks like a log.
type File struct {
	Path    string `json:"path"`
	Kind    string `json:"kind"`    // file, deleted, memory …
	Nonces  int    `json:"nonces"`  // how many requests' nonces it holds
	Newest  bool   `json:"newest"`  // at the end of each round it held the nonce of the last request and no other
	Growing bool   `json:"growing"` // it grew with every round of requests, without holding a nonce
	Bytes   int64  `json:"bytes"`
}
