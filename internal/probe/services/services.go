// Package services proves services: the application connects only to declared
// services, and each of them can be swapped by configuration alone.
//
// One boot is started twice in the same sandbox. During the first start every
// destination and every name that is looked up is noted, for at least three
// seconds, so that an update check shows. Then all services get second
// instances with other addresses, credentials and content, while the first
// ones stay up: whoever still uses them, from memory on disk or from the
// source, is seen there.
//
// What protocols show of credentials is read in wire.go; only whether it is
// right is recorded, never a value. known.go tells declared destinations from
// others. run.go records, judge.go decides. Read next: internal/bench/swap.go.
package services

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
	Known        Known         `json:"known"`
	Destinations []Destination `json:"destinations,omitempty"` // of the first start, what is not known first; at most 100
	Lookups      []Lookup      `json:"lookups,omitempty"`      // likewise
	Watched      float64       `json:"watched_seconds"`        // since the start
	Requests     int           `json:"requests"`
	Answered     int           `json:"answered"` // of them, with less than 500
	Uses         []Use         `json:"uses,omitempty"`
	Swap         *Swap         `json:"swap,omitempty"` // nil where there is nothing to swap
}

// Known is all that the application may reach.
type Known struct {
	Endpoints []Endpoint `json:"endpoints"` // of the declared services
	Resolver  string     `json:"resolver"`  // IP of the name server
	Hostname  string     `json:"hostname"`
	Listening []string   `json:"listening"` // "tcp 8080", "udp 9000": ports of its own
}

// Endpoint is where a declared service is.
type Endpoint struct {
	Service string `json:"service"`
	Host    string `json:"host"`
	Address string `json:"address"` // IP:port
}

// Destination is an address that it tried.
type Destination struct {
	Network string `json:"network"` // tcp, udp
	Address string `json:"address"` // IP:port
	Count   int    `json:"count"`
}

// Lookup is a name that it looked up.
type Lookup struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

// Use is what became of one service.
type Use struct {
	Service  string   `json:"service"`
	Type     string   `json:"type"`
	First    Instance `json:"first"`
	Second   Instance `json:"second"`
	Returned int      `json:"returned"` // contacts with the first instance after the swap
}

// Instance is what one instance saw.
type Instance struct {
	Contacts int      `json:"contacts"`        // connections and datagrams, or 1 for a file that is there
	Bytes    int64    `json:"bytes"`           // answered by the service
	Wrong    []string `json:"wrong,omitempty"` // user, password, database: shown, and not the one that was given
	Right    []string `json:"right,omitempty"` // shown, and the one that was given
}

// Swap is the second start.
type Swap struct {
	Started  bool   `json:"started"`
	Err      string `json:"err,omitempty"`
	Requests int    `json:"requests"`
	Answered int    `json:"answered"`
	Worked   int    `json:"worked"`       // of them, with less than 400
	Before   int    `json:"worked_first"` // the same at the first start
	Shows    bool   `json:"shows"`        // its replies show what it stored
	Showed   bool   `json:"showed"`       // the first start's replies showed what it stored
	Crossed  bool   `json:"crossed"`      // its replies show what the first start stored
}
