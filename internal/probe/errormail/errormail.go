// Package errormail proves error.mail: an exception mails its stack trace to
// exactly the configured recipients, a storm of them makes few mails with
// exact counts, and a mail server that is gone harms no request.
//
// Each part has boots of its own, because an application may send the first
// mail of a window and hold the others back: one for the mail, one for another
// list, one for the storm, and one for each way in which a mail server fails.
// Where the application logs the trace as well, the one in the mail must be
// the same: a trace of something else proves nothing.
//
// mailing.go, storm.go and dead.go record, reading.go turns mails into plain
// data, the judges decide. Read next: internal/bench/mailsink, internal/trace.
package errormail

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
	Setting string  `json:"setting"` // that holds the recipients; "" for none
	First   Mailing `json:"first"`
	Second  Mailing `json:"second"` // with another list
	Storm   Storm   `json:"storm"`
	Dead    []Harm  `json:"dead"` // by mode, in order; more rounds where the first was slow
}

// Mailing is one boot in which one exception is induced.
type Mailing struct {
	Recipients []string `json:"recipients"` // as configured
	Target     string   `json:"target"`     // of the failing request
	Status     int      `json:"status"`     // 0 where nothing came back
	Logged     []Trace  `json:"logged"`     // traces in its output while it failed; at most 4
	Mails      []Mail   `json:"mails"`      // that speak of an error; at most 40
	Unrelated  int      `json:"unrelated"`  // other mails
}

// Mail is one mail as the mail server took it.
type Mail struct {
	To      []string `json:"to"`      // of the envelope
	Subject string   `json:"subject"` // its beginning
	After   float64  `json:"after_seconds"`
	Nonce   bool     `json:"nonce"`            // it holds the nonce of a failing request
	Path    bool     `json:"path"`             // it holds the path of the failing request
	Other   string   `json:"other,omitempty"`  // an earlier request that did not fail, and whose nonce it holds
	Traces  []Trace  `json:"traces,omitempty"` // at most 4
	Counts  []string `json:"counts,omitempty"` // where it speaks of numbers of errors; at most 8
}

// Trace is a stack trace.
type Trace struct {
	Language string   `json:"language"`
	Type     string   `json:"type"`
	Frames   []string `json:"frames"` // "file:line"; at most 40
}

// Storm is one boot with hundreds of exceptions.
type Storm struct {
	Recipients []string `json:"recipients"`
	Sent       int      `json:"sent"`
	Raised     int      `json:"raised"` // answered with a status of 500 or above
	Seconds    float64  `json:"seconds"`
	Mails      []Mail   `json:"mails"` // at most 40
	Total      int      `json:"total"` // mails that speak of an error
	Stopped    bool     `json:"stopped"`
}

// Harm is one boot whose mail server fails in one way.
type Harm struct {
	Mode     string `json:"mode"`
	Healthy  Load   `json:"healthy"`  // ordinary requests before
	Ordinary Load   `json:"ordinary"` // ordinary requests while exceptions are induced
	Failing  Load   `json:"failing"`  // the exceptions
	Attempts int    `json:"attempts"` // connections to the mail server that were tried
	Ended    string `json:"ended,omitempty"`

	Delayed float64 `json:"delayed_seconds,omitempty"` // while exceptions were induced, in which threads of the application were ready and got no processor, summed
}

// Load is a number of requests.
type Load struct {
	Sent    int     `json:"sent"`
	Failed  int     `json:"failed"` // no whole reply; of ordinary ones also a status of 500 and above
	Failure string  `json:"failure,omitempty"`
	Slowest float64 `json:"slowest_seconds"`
}
