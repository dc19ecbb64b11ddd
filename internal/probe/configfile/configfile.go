// Package configfile proves config.file: the declared file sets what the
// environment sets, the environment wins over it, it wins over the default,
// and a broken file is refused with the line.
//
// Effects are seen as for config.env, in boots whose settings stand in the
// file alone. For the order of sources the file holds a second, valid value
// for each setting, services that do not exist among them: whoever listens to
// it is seen there.
//
// run.go records, judge.go decides. Read next: internal/probe/effect.
package configfile

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
	Keyless []string `json:"keyless"` // settings that the file does not hold

	Strong []Sight `json:"strong"` // settings with a key, that stand in the file alone
	Weak   []Sight `json:"weak"`   // the same in another boot

	Refusal  *Outcome `json:"refusal,omitempty"` // instead, where it does not start with the file
	Ordinary Outcome  `json:"ordinary"`          // then, with the same settings in the environment

	Both    Contest  `json:"both"`    // file and environment hold them, with different values
	Default Baseline `json:"default"` // neither source holds them

	Intact Outcome  `json:"intact"`           // a good file that holds every setting with a key
	Broken Outcome  `json:"broken"`           // the same file, broken off
	Line   int      `json:"line"`             // where it is broken
	Absent *Outcome `json:"absent,omitempty"` // the file is named and is not there; nil where its path is fixed
}

// Sight is what was seen of one setting in one boot.
type Sight = effect.Sight

// Outcome is how one start went.
type Outcome = start.Outcome

// Baseline is a boot without the file and with only the variables that the
// application does not start without.
type Baseline struct {
	Required []string `json:"required"` // these variables
	Served   bool     `json:"served"`
	Sights   []Sight  `json:"sights"` // of settings that have a default
}

// Contest is a boot in which both sources hold every setting.
type Contest struct {
	Sights []Sight  `json:"sights"`
	Tried  []string `json:"tried"` // settings whose address in the file was tried
}
