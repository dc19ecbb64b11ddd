// Package logsyslog proves log.syslog: records arrive at a local socket, over
// UDP and over TCP, well formed, with the severity of their level and the
// configured facility, and a collector that stalls or dies harms no request.
//
// Each transport has a boot of its own with a facility of its own. A request
// carries its nonce in path or query, user agent and X-Request-Id; one that
// only talks of errors is among them, since a severity that is guessed from
// the text is not that of the record. A stall is a boot of its own as well:
// the same load while the collector is healthy, silent, gone and back again.
//
// run.go and stall.go record, reading.go turns frames into plain data,
// judge.go and judge_stall.go decide. Read next: internal/bench/syslogsink.
package logsyslog

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
	Collector bool    `json:"collector"` // a setting leads to a log collector
	Facility  string  `json:"facility"`  // the setting that chooses the facility; "" for none
	Exception bool    `json:"exception"` // the manifest declares how to induce one
	Boots     []Boot  `json:"boots"`     // unix, udp, tcp; one more where a single transport works
	Stalls    []Stall `json:"stalls"`    // over tcp and unix, more rounds where the first was slow
}

// Boot is one boot and what arrived from it.
type Boot struct {
	Transport  string         `json:"transport"` // unix, udp or tcp
	Facility   string         `json:"facility"`  // that it was given; "" where no setting chooses it
	Requests   []Request      `json:"requests"`
	Frames     int            `json:"frames"`     // that arrived by the transport
	Elsewhere  map[string]int `json:"elsewhere"`  // frames that arrived by others, by transport
	Unparsed   int            `json:"unparsed"`   // frames of neither format
	Bad        string         `json:"bad"`        // the first of them, and why
	Merged     int            `json:"merged"`     // frames that hold several records
	Facilities map[int]int    `json:"facilities"` // frames by their facility's number; -1 without one
	Unrecorded int            `json:"unrecorded"` // frames that were too many to keep
}

// Kind says what a request is for.
type Kind string

// The kinds of request.
const (
	Ordinary Kind = "ordinary" // reads a page
	Missing  Kind = "missing"  // reads a page that is not there
	Induced  Kind = "induced"  // raises the declared exception
)

// Request is one request and the frames that belong to it.
type Request struct {
	Kind       Kind    `json:"kind"`
	Target     string  `json:"target"`
	Status     int     `json:"status"` // 0 where nothing came back
	Arrived    bool    `json:"arrived"`
	After      float64 `json:"after_seconds"` // from its reply to its first frame; negative where before it
	Severities []int   `json:"severities"`    // of its frames, in order; at most 20
}

// Stall is one boot under load while its collector is healthy, silent, back,
// gone and back again.
type Stall struct {
	Transport  string  `json:"transport"`
	Healthy    Load    `json:"healthy"`
	Silent     Load    `json:"silent"`
	Dead       Load    `json:"dead"`
	PerRequest float64 `json:"per_request"` // records of a request while the collector was healthy
	Lost       int     `json:"lost"`        // answered requests of the silence without a record at the end
	Told       []Told  `json:"told"`        // what the application said of losses; at most 40
	AfterStall float64 `json:"after_stall_seconds"`
	AfterDeath float64 `json:"after_death_seconds"` // until a new request's record arrived; negative: not within 10 s
	Dropped    int     `json:"dropped"`             // lines and frames that were too many to keep
}

// Load is a number of requests at a steady pace.
type Load struct {
	Sent    int     `json:"sent"`
	Failed  int     `json:"failed"` // no whole reply, or a status of 500 and above
	Failure string  `json:"failure,omitempty"`
	Slowest float64 `json:"slowest_seconds"`
}

// Told is a record that speaks of lost records.
type Told struct {
	Stream string `json:"stream"` // stdout, stderr or syslog
	Text   string `json:"text"`
}
