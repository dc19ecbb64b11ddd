package admin

import (
	"fmt"
	"strings"

	"github.com/roadworthy-dev/roadworthy/internal/standard"
)

func judge(o Observations) []standard.Finding {
	f := standard.Finding{Claim: "admin.runs", Outcome: standard.Pass}
	if len(o.Commands) == 0 {
		f.Outcome, f.Seen = standard.NotApplicable, "no one-off command"
		f.Why = "the manifest declares no one-off command under admin:"
		return []standard.Finding{f}
	}
	var seen, why []string
	for _, c := range o.Commands {
		outcome, reason := judgeCommand(o, c)
		f.Outcome = standard.Worst(f.Outcome, outcome)
		if reason != "" {
			why = append(why, c.Name+": "+reason)
		}
		seen = append(seen, describe(c))
	}
	f.Did = fmt.Sprintf("ran %d one-off commands in the sandbox of a serving release", len(o.Commands))
	f.Seen, f.Why = strings.Join(seen, "; "), strings.Join(why, "; ")
	return []standard.Finding{f}
}

// judgeCommand passes only on evidence that the command is the artifact's and
// used this boot's configuration.
func judgeCommand(o Observations, c Command) (standard.Outcome, string) {
	switch {
	case !c.Started:
		return standard.Fail, "its program is not there: " + firstLine(c.Exit)
	case !c.Zero:
		return standard.Fail, c.Exit
	case len(c.Strange) > 0:
		return standard.Fail, "it tried " + strings.Join(c.Strange, ", ") + ", which is no service of this configuration"
	case !c.Artifact && c.Certain:
		return standard.Fail, "it opened and executed no file of the artifact"
	case len(c.Reached) == 0 && !c.Value && o.Services > 0:
		return standard.Fail, "it reached none of the services that the application is configured with"
	case len(c.Reached) == 0 && !c.Value:
		return standard.Unknown, "nothing shows which configuration it used: there is no service to reach and its output holds no setting"
	case !c.Artifact:
		return standard.Unknown, "nothing shows that the artifact's code ran: what it opened and executed was not all seen; strace tells it where it is installed and allowed"
	}
	return standard.Pass, ""
}

func describe(c Command) string {
	text := c.Name + " ended with " + firstLine(c.Exit)
	if len(c.Reached) > 0 {
		text += " and reached " + strings.Join(c.Reached, ", ")
	}
	return text
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}
