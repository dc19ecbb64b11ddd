package runner

import (
	"bytes"
	"flag"
	"os"
	"strconv"
	"testing"

	"github.com/roadworthy-dev/roadworthy/internal/front"
	"github.com/roadworthy-dev/roadworthy/internal/settings"
)

var update = flag.Bool("update", false, "write docs/settings.md")

// The reference of the settings and of the front's codes is made of the code.
func TestTheReferenceIsWhatTheCodeSays(t *testing.T) {
	list, err := settings.Describe(&Settings{})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	out.WriteString("# Settings of roadworthy run\n\nFrom flags (`--set KEY=VALUE`; `--workers`, `--port` and `--listen` have their own), the environment, the\n" +
		"application's configuration file where the manifest declares one, the section `run:` of roadworthy.yaml, and defaults, in this\n" +
		"order. `roadworthy config show --origin` tells where each value comes from.\n\n" +
		"Where the manifest declares a variable of the application's for the same effect, that one counts in place of the one below. What\n" +
		"the application does itself (`leave`, or, without a section `run:`, whatever the manifest declares a setting for) the runtime\n" +
		"leaves alone; the settings below that belong to it have no effect then.\n\n")
	if err := settings.WriteMarkdown(&out, list); err != nil {
		t.Fatal(err)
	}
	out.WriteString("\n## Codes of the front\n\nA request that fails in the front has one of these codes, in the log, in the reply and in `X-Front-Error`, and in the metrics.\n\n" +
		"| code | status | reply | meaning |\n| --- | --- | --- | --- |\n")
	for _, c := range front.Codes {
		out.WriteString("| " + string(c.Code) + " | " + strconv.Itoa(c.Status) + " | " + c.Short + " | " + c.Means + " |\n")
	}
	const path = "../../docs/settings.md"
	if *update {
		if err := os.WriteFile(path, out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(got, out.Bytes()) {
		t.Errorf("docs/settings.md is not what the code says (%v); write it: go test ./internal/runner -run Reference -update", err)
	}
}
