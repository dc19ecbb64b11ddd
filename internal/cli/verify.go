package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/roadworthy-dev/roadworthy/internal/check"
	"github.com/roadworthy-dev/roadworthy/internal/evidence"
	"github.com/roadworthy-dev/roadworthy/internal/problem"
	"github.com/roadworthy-dev/roadworthy/internal/standard"
)

func (a *app) verify() *cobra.Command {
	var keys []string
	cmd := &cobra.Command{
		Use:   "verify BUNDLE",
		Short: "check every byte of a bundle and recompute every verdict from its observations, offline",
		Example: `  roadworthy verify .roadworthy/check.roadworthy
  roadworthy verify --key team.pem check.roadworthy`,
		Long: `Accepts a bundle only when not one byte of it differs from what was signed and
when judging the recorded observations again gives the signed verdicts. Without
--key it cannot say whom the signing key belongs to, and says so. It names the
requirements that the check did not ask: nothing is known of them.

Exit codes: 0 accepted, 1 refused, 64 wrong input.`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return a.runVerify(args[0], keys) },
	}
	cmd.Flags().StringArrayVar(&keys, "key", nil, "file with a public key to trust; may be repeated")
	return cmd
}

func (a *app) runVerify(path string, keyFiles []string) error {
	var trusted []evidence.PublicKey
	for _, file := range keyFiles {
		key, err := evidence.ReadPublicKey(file)
		if err != nil {
			if _, ok := problem.Of(err); ok {
				return err
			}
			return &problem.Problem{
				Code: "RW-U01", Summary: "the key cannot be read", At: file, Got: err.Error(),
				Want: "a PEM file with an ed25519 public key", Fix: "ls " + file, Cause: err,
			}
		}
		trusted = append(trusted, key)
	}
	bundle, err := check.Verify(path, trusted)
	if err != nil {
		return err
	}
	counts := map[standard.Outcome]int{}
	for _, verdict := range bundle.Check.Verdicts {
		counts[verdict.Outcome]++
	}
	terminal, err := a.terminal(a.Out)
	if err != nil {
		return err
	}
	line := func(name, value string) { fmt.Fprintf(a.Out, "%-9s %s\n", name, terminal.Line(value)) }
	line("accepted", path)
	line("artifact", bundle.Subject.Name+"@sha256:"+string(bundle.Subject.Digest))
	line("commit", commitOf(bundle.Check.Application))
	line("checked", bundle.Check.Started.Format("2006-01-02 15:04:05 MST")+" by roadworthy "+bundle.Check.Tool.Version)
	line("asked", askedOf(bundle.Check))
	line("verdicts", tally(counts)+", each recomputed from its observations")
	signer := "sha256:" + bundle.Signer.ID()
	if bundle.SelfSigned {
		signer += " (from the bundle itself: pass --key FILE to know whose it is)"
	}
	line("signed by", signer)
	return nil
}

// askedOf says how much of the standard a check asked.
func askedOf(c evidence.Check) string {
	notAsked, all := c.NotAsked(), len(standard.Requirements)
	if len(notAsked) == 0 {
		return fmt.Sprintf("all %d requirements", all)
	}
	return fmt.Sprintf("%d of %d requirements, not %s", all-len(notAsked), all, strings.Join(notAsked, ", "))
}

func commitOf(application evidence.Application) string {
	switch {
	case application.Commit == "":
		return "none"
	case application.Dirty:
		return application.Commit + " with uncommitted changes"
	}
	return application.Commit
}
