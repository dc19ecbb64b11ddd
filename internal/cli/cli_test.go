package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/report"
)

// run runs one command line with nothing on standard input.
func run(args ...string) (code int, out, complaints string) {
	var stdout, stderr bytes.Buffer
	code = Main(args, Streams{
		In: strings.NewReader(""), Out: &stdout, Err: &stderr, Env: func(string) string { return "" }, Now: time.Now,
	})
	return code, stdout.String(), stderr.String()
}

func TestWhatCannotBeUnderstoodIsUsageAndSaysTheMend(t *testing.T) {
	for line, want := range map[string]string{
		"chekc":                            "fix  roadworthy check",
		"frobnicate":                       "fix  roadworthy --help",
		"check --nope":                     "unknown flag",
		"check a b":                        "fix  roadworthy check --help",
		"doctor --color purple":            "purple",
		"check --only config.envv":         "fix  roadworthy check --only config.env",
		"check --format jsn":               "json",
		"check --report sarif":             "FORMAT=FILE",
		"check --repeat 0":                 "--repeat 3",
		"check --repeat 2 --json":          "leave them out",
		"check --repeat 2 --report html=a": "leave them out",
		"schema nothing":                   "fix  roadworthy schema --help",
		"explain log.sylog":                "fix  roadworthy explain log.syslog",
		"verify /nowhere":                  "/nowhere",
	} {
		t.Run(line, func(t *testing.T) {
			t.Chdir(t.TempDir())
			code, out, complaints := run(strings.Fields(line)...)
			if code != report.ExitUsage || !strings.Contains(complaints, want) || out != "" {
				t.Errorf("exit code %d, out %q, complaints\n%s", code, out, complaints)
			}
		})
	}
}

func TestEvidenceIsNotWrittenThroughALink(t *testing.T) {
	dir, elsewhere := t.TempDir(), t.TempDir()
	if err := os.Symlink(elsewhere, filepath.Join(dir, stateDir)); err != nil {
		t.Fatal(err)
	}
	code, _, complaints := run("check", dir)
	if code != report.ExitUsage || !strings.Contains(complaints, "a link") {
		t.Errorf("exit code %d, complaints\n%s", code, complaints)
	}
}

func TestTheEvidenceStaysOutOfTheRepository(t *testing.T) {
	dir := t.TempDir()
	outside := filepath.Join(t.TempDir(), "outside")
	if err := ignoreState(dir); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(filepath.Join(dir, ".gitignore")); err != nil || string(got) != "*\n" {
		t.Errorf("got %q, %v", got, err)
	}
	linked := t.TempDir()
	if err := os.Symlink(outside, filepath.Join(linked, ".gitignore")); err != nil {
		t.Fatal(err)
	}
	if err := ignoreState(linked); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(outside); err == nil {
		t.Error("a link of the repository led outside")
	}
}
