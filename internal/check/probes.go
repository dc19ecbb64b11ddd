package check

import (
	"github.com/roadworthy-dev/roadworthy/internal/probe"
	"github.com/roadworthy-dev/roadworthy/internal/probe/admin"
	"github.com/roadworthy-dev/roadworthy/internal/probe/buildrun"
	"github.com/roadworthy-dev/roadworthy/internal/probe/codebase"
	"github.com/roadworthy-dev/roadworthy/internal/probe/configdefaults"
	"github.com/roadworthy-dev/roadworthy/internal/probe/configenv"
	"github.com/roadworthy-dev/roadworthy/internal/probe/configfile"
	"github.com/roadworthy-dev/roadworthy/internal/probe/dependencies"
	"github.com/roadworthy-dev/roadworthy/internal/probe/disposable"
	"github.com/roadworthy-dev/roadworthy/internal/probe/errormail"
	"github.com/roadworthy-dev/roadworthy/internal/probe/loglevels"
	"github.com/roadworthy-dev/roadworthy/internal/probe/logstdout"
	"github.com/roadworthy-dev/roadworthy/internal/probe/logsyslog"
	"github.com/roadworthy-dev/roadworthy/internal/probe/port"
	"github.com/roadworthy-dev/roadworthy/internal/probe/processes"
	"github.com/roadworthy-dev/roadworthy/internal/probe/secrets"
	"github.com/roadworthy-dev/roadworthy/internal/probe/services"
	"github.com/roadworthy-dev/roadworthy/internal/probe/stateless"
	"github.com/roadworthy-dev/roadworthy/internal/probe/statusroute"
	"github.com/roadworthy-dev/roadworthy/internal/probe/testcoverage"
	"github.com/roadworthy-dev/roadworthy/internal/probe/workers"
)

// Probes lists every probe, in the order of the standard.
var Probes = []probe.Probe{
	configenv.New(),
	configfile.New(),
	configdefaults.New(),
	workers.New(),
	logstdout.New(),
	logsyslog.New(),
	loglevels.New(),
	errormail.New(),
	testcoverage.New(),
	statusroute.New(),
	codebase.New(),
	dependencies.New(),
	secrets.New(),
	services.New(),
	buildrun.New(),
	stateless.New(),
	port.New(),
	processes.New(),
	disposable.New(),
	admin.New(),
}
