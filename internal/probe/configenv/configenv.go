// Package configenv proves config.env: every declared variable moves the
// effect that it is declared to have, and a wrong value ends the application
// with words that name it.
//
// Effects are seen in two boots that differ in every value. A wrong value is
// tried in one boot for each variable, beside right values for all the others.
//
// run.go records, judge.go decides. Read next: internal/probe/effect, which
// sees the effects, and internal/probe/start, which watches the endings.
package configenv

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
	Strong   []Sight   `json:"strong"`   // every setting, in the boot with the lower threshold and more workers
	Weak     []Sight   `json:"weak"`     // every setting, in the other boot
	Attempts []Attempt `json:"attempts"` // one for each variable that can be wrong
}

// Sight is what was seen of one setting in one boot.
type Sight = effect.Sight

// Outcome is how one start went.
type Outcome = start.Outcome

// Attempt is one start with one wrong value.
type Attempt struct {
	Setting string  `json:"setting"`
	Value   string  `json:"value"` // the wrong one
	Outcome Outcome `json:"outcome"`
}
