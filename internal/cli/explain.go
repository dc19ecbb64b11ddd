package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/roadworthy-dev/roadworthy/internal/check"
	"github.com/roadworthy-dev/roadworthy/internal/front"
	"github.com/roadworthy-dev/roadworthy/internal/probe"
	"github.com/roadworthy-dev/roadworthy/internal/problem"
	"github.com/roadworthy-dev/roadworthy/internal/standard"
	"github.com/roadworthy-dev/roadworthy/internal/term"
)

func (a *app) explain() *cobra.Command {
	return &cobra.Command{
		Use:   "explain [REQUIREMENT | CLAIM | CODE]",
		Short: "say what a requirement asks, how it is proven and how it is mended, or what an error code means",
		Example: `  roadworthy explain               every requirement
  roadworthy explain log.syslog
  roadworthy explain log.syslog.udp
  roadworthy explain RW-M02
  roadworthy explain F13           a code of a request that failed, from the log`,
		Args: cobra.MaximumNArgs(1),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return append(requirementIDs(), codes()...), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return a.listRequirements()
			}
			return a.runExplain(args[0])
		},
	}
}

func codes() []string {
	var list []string
	for _, entry := range problem.Catalog {
		list = append(list, entry.Code)
	}
	for _, meaning := range front.Codes {
		list = append(list, string(meaning.Code))
	}
	return list
}

func (a *app) listRequirements() error {
	section := standard.Section("")
	for _, r := range standard.Requirements {
		if r.Section != section {
			section = r.Section
			fmt.Fprintf(a.Out, "%s\n", section)
		}
		fmt.Fprintf(a.Out, "  %-16s %s\n", r.ID, r.Title)
	}
	fmt.Fprintln(a.Out, "\nroadworthy explain REQUIREMENT")
	return nil
}

func (a *app) runExplain(name string) error {
	for _, entry := range problem.Catalog {
		if strings.EqualFold(entry.Code, name) {
			fmt.Fprintf(a.Out, "%s\n  means  %s\n  mend   %s\n", entry.Code, entry.Means, entry.Mend)
			return nil
		}
	}
	for _, meaning := range front.Codes {
		if strings.EqualFold(string(meaning.Code), name) {
			fmt.Fprintf(a.Out, "%s: %s\n  means  %s\n  status %d\n", meaning.Code, meaning.Short, meaning.Means, meaning.Status)
			return nil
		}
	}
	for _, p := range check.Probes {
		if p.Requirement == name {
			return a.explainRequirement(p, p.Claims)
		}
		for _, claim := range p.Claims {
			if claim.ID == name {
				return a.explainRequirement(p, []standard.Claim{claim})
			}
		}
	}
	fix := "roadworthy explain"
	if near, ok := problem.Nearest(name, slices.Concat(requirementIDs(), codes())); ok {
		fix += " " + near
	}
	return &problem.Problem{
		Code: "RW-U01", Summary: "there is nothing of that name to explain", Got: name,
		Want: "a requirement, a claim or a code", Fix: fix,
	}
}

func (a *app) explainRequirement(p probe.Probe, claims []standard.Claim) error {
	terminal, err := a.terminal(a.Out)
	if err != nil {
		return err
	}
	requirement, _ := standard.Find(p.Requirement)
	fmt.Fprintf(a.Out, "%s: the application %s\n%s\n", requirement.ID, requirement.Title, p.Why)
	for _, claim := range claims {
		fmt.Fprintf(a.Out, "\n%s\n", claim.ID)
		for _, row := range [][2]string{
			{"claims", claim.Says}, {"we do", claim.Stimulus}, {"passes if", claim.PassRule}, {"mend", claim.Remedy},
			{"cannot see", claim.Blind}, {"catches", strings.Join(claim.Cheats, "; ")},
		} {
			for i, line := range term.Wrap(row[1], terminal.Width()-14) {
				label := row[0]
				if i > 0 {
					label = ""
				}
				fmt.Fprintf(a.Out, "  %-11s %s\n", label, line)
			}
		}
	}
	fmt.Fprintf(a.Out, "\nroadworthy check --only %s --verbose\n", p.Requirement)
	return nil
}
