package check

import (
	"github.com/roadworthy-dev/roadworthy/internal/probe"
	"github.com/roadworthy-dev/roadworthy/internal/probe/admin"
	"github.com/roadworthy-dev/roadworthy/internal/probe/buildrun"
	"github.com/roadworthy-dev/roadworthy/internal/probe/codebase"
	"github.com/roadworthy-dev/roadworthy/internal/probe/dependencies"
	"github.com/roadworthy-dev/roadworthy/internal/probe/logstdout"
)

// Probes lists every probe, in the order of the standard.
var Probes = []probe.Probe{
	logstdout.New(),
	codebase.New(),
	dependencies.New(),
	buildrun.New(),
	admin.New(),
}
