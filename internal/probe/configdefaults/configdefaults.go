// Package configdefaults proves config.defaults: an application that nobody
// configured either serves as production wants it, or ends and lists what is
// missing. It has no debug page, no stand-in for a service and no default
// credential.
//
// Almost every claim is tried by leaving things out: all settings, those that
// are asked for one by one, the address of each service, the token. One
// ordinary boot tells what the declared traffic leaves behind normally.
//
// run.go plans the boots; posture.go, standin.go and credential.go record,
// judge.go decides. Read next: internal/probe/start.
package configdefaults

import (
	_ "embed"

	"github.com/roadworthy-dev/roadworthy/internal/probe"
	"github.com/roadworthy-dev/roadworthy/internal/probe/effect"
	"github.com/roadworthy-dev/roadworthy/internal/probe/start"
)

//go:embed def.yaml
var def []byte

// New returns the probe.
func New() probe.Probe { return probe.New(def, run, judge) }

// Observations is what the probe records.
type Observations struct {
	Settings   int        `json:"settings"` // that are declared
	Tries      []Try      `json:"tries"`    // with nothing but a port, then with what it named as well
	Without    []Without  `json:"without"`  // with what it named but one
	Posture    Posture    `json:"posture"`
	Took       float64    `json:"took"`      // seconds until an ordinary start served
	Usual      Memory     `json:"usual"`     // of an ordinary boot
	Elsewhere  []string   `json:"elsewhere"` // addresses and names that an ordinary boot tried and nobody gave
	StandIns   []StandIn  `json:"stand_ins"`
	Credential Credential `json:"credential"`
}

// Outcome is how one start went.
type Outcome = start.Outcome

// Try is one start with some settings and no others.
type Try = start.Try

// Without is a start without one of the settings that were asked for.
type Without struct {
	Setting string  `json:"setting"`
	Outcome Outcome `json:"outcome"`
}

// Posture is how the application behaves on its defaults.
type Posture struct {
	Given     []string      `json:"given"`      // settings
	Replies   int           `json:"replies"`    // to the exception, unknown paths and malformed requests
	Errors    []int         `json:"errors"`     // statuses of the exception; 0 where no reply came
	Telling   []Telling     `json:"telling"`    // replies that tell too much; at most 10
	Debug     []string      `json:"debug"`      // lines that are records at DEBUG; at most 3, 200 bytes each
	Lines     int           `json:"lines"`      // that were searched for these
	Levelled  bool          `json:"levelled"`   // the next three are there
	ByDefault *effect.Sight `json:"by_default"` // lines of ordinary sessions
	AtDebug   *effect.Sight `json:"at_debug"`   // the same under DEBUG
	AtInfo    *effect.Sight `json:"at_info"`    // the same under INFO
}

// Telling is a reply that holds what only developers should see.
type Telling struct {
	Request string   `json:"request"`
	Status  int      `json:"status"`
	Frames  int      `json:"frames"` // of stack traces
	Values  []string `json:"values"` // settings whose value it holds
	Names   []string `json:"names"`  // variables that it names; two or fewer count for nothing
}

// Memory is what a session left behind: how often its nonce is in the replies
// to declared reads.
type Memory struct {
	Before  int `json:"before"`   // at once, for a stranger
	After   int `json:"after"`    // after a restart, for a stranger
	OwnOnce int `json:"own_once"` // at once, with the cookies of the session
	OwnLast int `json:"own_last"` // after a restart, with the cookies of the session
}

// StandIn is a boot without the address of one service.
type StandIn struct {
	Service  string   `json:"service"`
	Type     string   `json:"type"`
	Settings []string `json:"settings"` // that name its address, left out
	Others   int      `json:"others"`   // other services that keep something, which were given
	Bare     bool     `json:"bare"`     // its release commands had failed: what they make is not there
	Outcome  Outcome  `json:"outcome"`
	Strange  []string `json:"strange"` // addresses and names that were tried and that nobody gave; at most 20
	Memory   Memory   `json:"memory"`
}

// Credential is what opened the status route where no token was set.
type Credential struct {
	Setting string  `json:"setting"`
	Unset   Opening `json:"unset"` // the variable is not there
	Empty   Opening `json:"empty"` // the variable is empty
}

// Opening is one boot without a token.
type Opening struct {
	Bare    bool     `json:"bare"` // its release commands had failed: what they make is not there
	Outcome Outcome  `json:"outcome"`
	Control bool     `json:"control"` // with a token that was set the route opens
	Asked   int      `json:"asked"`   // requests
	Opened  []string `json:"opened"`  // what opened it, in words; at most 5
}
