// Package dependencies proves dependencies: what the application needs is
// pinned in lock files, and at run time it uses nothing but that.
//
// A session is run under a trace. Each program executed and each file opened
// must belong to the artifact, to the interpreter that a process names, to the
// base system, or to a system package that the manifest declares, with all
// that it needs. Whom a file belongs to is told by dpkg's own database; on a
// system without it the claim is unknown.
//
// run.go records whom each file belongs to, judge.go decides which of them are
// declared. Read next: internal/debian.
package dependencies

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
	Ecosystems []Ecosystem        `json:"ecosystems"` // package managers whose manifests the artifact holds
	Build      []string           `json:"build"`      // the build steps
	Programs   []Program          `json:"programs"`   // executed, the artifact's aside
	Packages   map[string]Package `json:"packages"`   // that own something that was used
	Unowned    []string           `json:"unowned"`    // files that no package owns, outside the artifact
	InArtifact int                `json:"in_artifact"`
	Prefixes   []string           `json:"prefixes"` // files and folders of interpreters that no package installed
	Missing    []string           `json:"missing"`  // declared system packages that are not installed
	Dropped    int                `json:"dropped"`  // lines of the trace that were too many to keep
	Replies    int                `json:"replies"`  // of the session, whole
}

// Ecosystem is one package manager's manifest.
type Ecosystem struct {
	Name     string `json:"name"`
	Manifest string `json:"manifest"`
	Locked   bool   `json:"locked"`
	Why      string `json:"why,omitempty"`
}

// Program is one executed program.
type Program struct {
	Path    string `json:"path"`
	Package string `json:"package,omitempty"` // "" where none owns it
}

// Package is one system package that owns something that was used.
type Package struct {
	Base     bool   `json:"base"`     // every system has it
	Declared bool   `json:"declared"` // declared, or needed by what is declared or by the interpreter of a process
	Startup  bool   `json:"startup"`  // only files that the interpreter reads at every start, or configuration in /etc/ssl
	Files    int    `json:"files"`    // how many were used
	Example  string `json:"example"`  // one of them
}
