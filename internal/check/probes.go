package check

import (
	"github.com/roadworthy-dev/roadworthy/internal/probe"
	"github.com/roadworthy-dev/roadworthy/internal/probe/logstdout"
)

// Probes lists every probe, in the order of the standard.
var Probes = []probe.Probe{
	logstdout.New(),
}
