package cli

import (
	"github.com/spf13/cobra"

	"github.com/roadworthy-dev/roadworthy/internal/manifest"
	"github.com/roadworthy-dev/roadworthy/internal/report"
)

func (a *app) schema() *cobra.Command {
	return &cobra.Command{
		Use:   "schema {manifest | report}",
		Short: "print the JSON Schema of roadworthy.yaml, for editors, or of check --json",
		Example: `  roadworthy schema manifest > roadworthy.schema.json
  roadworthy schema report`,
		Args: cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs), ValidArgs: []string{"manifest", "report"},
		RunE: func(_ *cobra.Command, args []string) error {
			document := manifest.Schema()
			if args[0] == "report" {
				document = report.Schema()
			}
			_, err := a.Out.Write(append(document, '\n'))
			return err
		},
	}
}
