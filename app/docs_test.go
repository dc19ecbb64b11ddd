package app

import (
	"bytes"
	"flag"
	"os"
	"testing"

	"github.com/roadworthy-dev/roadworthy/internal/settings"
)

var update = flag.Bool("update", false, "write docs/app.md")

// The reference of the settings is made of the code.
func TestTheReferenceIsWhatTheCodeSays(t *testing.T) {
	list, err := settings.Describe(&Standard{})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	out.WriteString("# Settings of a program on package app\n\nEvery program has these beside its own, from flags (`--log-level=DEBUG`), the environment, a YAML or JSON file (`--config FILE`, or\n" +
		"`SHOP_CONFIG=FILE` for a program named shop), and defaults, in this order. A program tells its settings itself: `--show-config` with\n" +
		"where each value comes from, `--example-config` as a file, `--document-config` as this table.\n\n")
	if err := settings.WriteMarkdown(&out, list); err != nil {
		t.Fatal(err)
	}
	const path = "../docs/app.md"
	if *update {
		if err := os.WriteFile(path, out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(got, out.Bytes()) {
		t.Errorf("docs/app.md is not what the code says (%v); write it: go test ./app -run Reference -update", err)
	}
}
