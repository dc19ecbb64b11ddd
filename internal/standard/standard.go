// Package standard is the vocabulary of the written standard: requirements,
// the claims that they are made of, and the verdicts that claims receive.
//
// It is data with its rules. The one invariant: an [Outcome] of error or
// unknown never turns into a pass, whatever it is combined with (see [Worst]).
// The room reads no file, opens no connection and asks for no time; judges,
// reports and the verification of evidence all import it, so it imports
// nothing of this module.
//
// The claims of a requirement, with their pass rules, live beside the probe
// that proves them (internal/probe/.../def.yaml). Read next: internal/probe.
package standard

import "time"

// Section says which part of the standard a requirement belongs to.
type Section string

// The sections of the standard that an application can be checked against.
const (
	Features Section = "features" // what the application must be able to do
	Factors  Section = "factors"  // the twelve factors that the features leave open
)

// Requirement is one question of the standard.
type Requirement struct {
	ID       string        // stable, such as "log.syslog"
	Title    string        // completes the sentence "the application …"
	Section  Section       // where the standard asks it
	Validity time.Duration // how long a verdict counts; past it the requirement is unknown again
}

const week = 7 * 24 * time.Hour

// Requirements lists, in the order of the standard, every requirement that
// can be proven on an application alone.
var Requirements = []Requirement{
	{"config.env", "takes its configuration from environment variables", Features, 4 * week},
	{"config.file", "takes the same settings from a flat file", Features, 4 * week},
	{"config.defaults", "has defaults near to production", Features, 4 * week},
	{"workers", "runs on several parallel HTTP workers", Features, 4 * week},
	{"log.stdout", "logs to standard output or error", Features, 4 * week},
	{"log.syslog", "logs to syslog", Features, 4 * week},
	{"log.levels", "has configurable log levels", Features, 4 * week},
	{"error.mail", "mails stack traces to a configurable list", Features, 4 * week},
	{"test.coverage", "has a test suite that measures its coverage", Features, 4 * week},
	{"status.route", "has a status route behind a secret token", Features, 4 * week},
	{"codebase", "comes from one repository, and the artifact names its commit", Factors, 4 * week},
	{"dependencies", "declares its dependencies and uses only those", Factors, 4 * week},
	{"secrets", "keeps its secrets to itself", Factors, 4 * week},
	{"services", "reaches only declared services, swapped by configuration alone", Factors, 4 * week},
	{"build-run", "keeps build and run apart", Factors, 4 * week},
	{"stateless", "keeps no state in a process", Factors, 4 * week},
	{"port", "serves on the port that it is given", Factors, 4 * week},
	{"processes", "scales by processes in the foreground", Factors, 4 * week},
	{"disposable", "starts fast and stops without losing a request", Factors, 4 * week},
	{"admin", "runs one-off commands in the same release and configuration", Factors, 4 * week},
}

// Find returns the requirement with the given id.
func Find(id string) (Requirement, bool) {
	for _, r := range Requirements {
		if r.ID == id {
			return r, true
		}
	}
	return Requirement{}, false
}

// Claim is one checkable part of a requirement. Its pass rule is written down
// before it is run.
type Claim struct {
	ID          string   `json:"id" yaml:"id"`                   // requirement id, a dot, a word: "log.syslog.udp"
	Requirement string   `json:"requirement" yaml:"-"`           // id of the requirement it belongs to
	Says        string   `json:"says" yaml:"says"`               // the claim, as a sentence about the application
	Stimulus    string   `json:"stimulus" yaml:"stimulus"`       // what the probe does to find out
	PassRule    string   `json:"pass_rule" yaml:"pass"`          // when it counts as proven
	Strength    Strength `json:"strength" yaml:"strength"`       // how strong a verdict can get
	Remedy      string   `json:"remedy" yaml:"remedy"`           // how an application is mended
	Blind       string   `json:"blind,omitempty" yaml:"blind"`   // what the probe cannot see
	Cheats      []string `json:"cheats,omitempty" yaml:"cheats"` // what it must catch, in words
}
