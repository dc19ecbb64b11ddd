// Package scaffold proposes a roadworthy.yaml by looking at a folder. It is
// what `roadworthy init` prints and writes.
//
// The invariant: a proposal always parses with [manifest.Parse], whatever is
// in the folder, and the same folder gives the same bytes. Each line says in a
// comment where it comes from; what is only guessed stands in the notes too,
// so that a person can check it.
//
// The room reads files and nothing else: it runs no program, follows no
// symbolic link, and never writes. It looks at a bounded number of files of
// bounded size. look.go gathers the facts and routes.go the routes among them;
// stack.go and python.go know the languages, settings.go, keys.go and shown.go
// the variables, services.go what stands behind them, forms.go and fields.go
// the traffic, commands.go the one-off commands, runtime.go what roadworthy run
// supplies, write.go the words. What the examples need is in examples_test.go.
// Read next: internal/manifest.
package scaffold

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/roadworthy-dev/roadworthy/internal/manifest"
)

// Proposal is a manifest that a person should look through.
type Proposal struct {
	YAML  []byte   // a whole roadworthy.yaml with comments
	Notes []string // what was guessed or not found, a sentence each
}

// Propose looks at the application in a folder. It fails only where the
// folder cannot be read; a folder that tells nothing gives a manifest with
// guesses and notes about them.
func Propose(dir string) (Proposal, error) {
	whole, err := filepath.Abs(dir)
	if err != nil {
		return Proposal{}, fmt.Errorf("find the folder: %w", err)
	}
	root, err := os.OpenRoot(whole)
	if err != nil {
		return Proposal{}, fmt.Errorf("open the folder: %w", err)
	}
	defer func() { _ = root.Close() }() // only read from
	f, err := look(root.FS())
	if err != nil {
		return Proposal{}, fmt.Errorf("look at the folder: %w", err)
	}
	p := newPlan(f, filepath.Base(whole))
	out := Proposal{YAML: p.write(), Notes: p.notes}
	if _, err := manifest.Parse(manifest.Name, out.YAML); err != nil {
		return Proposal{}, fmt.Errorf("check the proposal: %w", err)
	}
	return out, nil
}
