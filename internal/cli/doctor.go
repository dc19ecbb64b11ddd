package cli

import (
	"errors"
	"fmt"
	"os/exec"

	"github.com/spf13/cobra"

	"github.com/roadworthy-dev/roadworthy/internal/bench"
	"github.com/roadworthy-dev/roadworthy/internal/bench/scratch"
	"github.com/roadworthy-dev/roadworthy/internal/problem"
	"github.com/roadworthy-dev/roadworthy/internal/report"
)

func (a *app) doctor() *cobra.Command {
	return &cobra.Command{
		Use:     "doctor",
		Short:   "say what this machine offers to a check, and which command adds what is missing",
		Example: "  roadworthy doctor",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			missing := 0
			tell := func(name string, err error, fix string) {
				if err == nil {
					fmt.Fprintf(a.Out, "ok       %s\n", name)
					return
				}
				missing++
				fmt.Fprintf(a.Out, "missing  %s: %v\n         fix  %s\n", name, err, fix)
			}
			err := bench.Able(cmd.Context())
			tell("sandboxes", err, bench.Allow())
			for _, program := range []string{"git", "strace"} {
				_, err := exec.LookPath(program)
				tell(program, err, "sudo apt-get install "+program)
			}
			for _, kind := range []scratch.Kind{scratch.Postgres, scratch.MariaDB, scratch.Redis} {
				name, fix := string(kind)+", for applications that declare one", ""
				err := scratch.Installed(kind)
				if p, ok := problem.Of(err); ok {
					err, fix = errors.New("not installed"), p.Fix
				}
				tell(name, err, fix)
			}
			if missing > 0 {
				a.exit = report.ExitNotProven
			}
			return nil
		},
	}
}
