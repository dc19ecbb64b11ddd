package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/roadworthy-dev/roadworthy/internal/manifest"
	"github.com/roadworthy-dev/roadworthy/internal/manifest/scaffold"
	"github.com/roadworthy-dev/roadworthy/internal/problem"
	"github.com/roadworthy-dev/roadworthy/internal/term"
)

func (a *app) initialise() *cobra.Command {
	var printOnly bool
	cmd := &cobra.Command{
		Use:   "init [FOLDER]",
		Short: "write roadworthy.yaml by looking at the application",
		Example: `  roadworthy init            write it here
  roadworthy init --print    only show it`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			dir := "."
			if len(args) == 1 {
				dir = args[0]
			}
			return a.runInit(dir, printOnly)
		},
	}
	cmd.Flags().BoolVar(&printOnly, "print", false, "print it instead of writing it")
	return cmd
}

func (a *app) runInit(dir string, printOnly bool) error {
	proposal, err := scaffold.Propose(dir)
	if err != nil {
		return err
	}
	if printOnly {
		_, err := a.Out.Write(proposal.YAML)
		return err
	}
	path := filepath.Join(dir, manifest.Name)
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644) //nolint:gosec // a file of the repository
	if errors.Is(err, fs.ErrExist) {
		return &problem.Problem{
			Code: "RW-U01", Summary: "there is a manifest already, and it is left as it is", At: path,
			Fix: "roadworthy init --print   (to compare)", Cause: err,
		}
	}
	if err != nil {
		return fmt.Errorf("write the manifest: %w", err)
	}
	if _, err := file.Write(proposal.YAML); err != nil {
		file.Close()
		return fmt.Errorf("write the manifest: %w", err)
	}
	if err := file.Close(); err != nil {
		return fmt.Errorf("write the manifest: %w", err)
	}
	for _, note := range proposal.Notes {
		fmt.Fprintf(a.Err, "note  %s\n", term.Line(note)) // it may name files
	}
	fmt.Fprintf(a.Out, "wrote %s\n\nroadworthy check --dirty %s\n", path, dir)
	return nil
}
