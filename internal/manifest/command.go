package manifest

import (
	"strings"

	"mvdan.cc/sh/v3/shell"

	"github.com/roadworthy-dev/roadworthy/internal/problem"
)

// SplitCommand expands the variables of a command and splits it. A shell is
// used only where the command needs one: it would stand between whoever starts
// the command and the process. The path is of the file that holds the command,
// for messages.
func SplitCommand(path, run string, lookup func(name string) string) ([]string, error) {
	if strings.ContainsAny(run, "|&;<>()`\n") {
		return []string{"/bin/sh", "-c", run}, nil
	}
	args, err := shell.Fields(run, lookup)
	if err != nil || len(args) == 0 {
		return nil, &problem.Problem{
			Code: "RW-M03", Summary: "a command cannot be read", At: path, Got: run,
			Want: "a command line as in a shell", Fix: "quote it as a shell would want it", Cause: err,
		}
	}
	return args, nil
}
