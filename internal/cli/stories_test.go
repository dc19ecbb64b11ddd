package cli_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/roadworthy-dev/roadworthy/internal/bench/sandbox"
	"github.com/roadworthy-dev/roadworthy/internal/cli"
)

// TestMain makes the test binary the program itself, agents of sandboxes among it.
func TestMain(m *testing.M) {
	sandbox.RunIfAgent()
	testscript.Main(m, map[string]func(){
		"roadworthy": func() { os.Exit(cli.Main(os.Args[1:], cli.System())) },
	})
}

// TestStories runs one script for each thing that a user does. $WORK/app is
// testdata/tiny in a repository with one commit.
func TestStories(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata", RequireExplicitExec: false, RequireUniqueNames: true, Setup: setUp,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "flip": flip, "valid": valid, "clean": clean,
		},
	})
}

func setUp(env *testscript.Env) error {
	for dir := env.WorkDir; strings.HasPrefix(dir, os.TempDir()+"/"); dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil { // the users of sandboxes pass through
			return err
		}
	}
	home := filepath.Join(env.WorkDir, "home")
	env.Setenv("HOME", home)
	env.Setenv("GIT_CONFIG_NOSYSTEM", "1")
	env.Setenv("COLUMNS", "100")
	app := filepath.Join(env.WorkDir, "app")
	if err := os.CopyFS(app, os.DirFS(filepath.Join("testdata", "tiny"))); err != nil {
		return err
	}
	script := `git init -q && git add -A && git -c user.name=Ann -c user.email=ann@example.org commit -q -m first`
	cmd := exec.Command("/bin/sh", "-c", script)
	cmd.Dir, cmd.Env = app, append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("make the repository: %w\n%s", err, out)
	}
	return os.Mkdir(home, 0o755)
}

// exits CODE COMMAND...: the command ends with that exit code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	want, err := strconv.Atoi(args[0])
	if neg || err != nil {
		ts.Fatalf("usage: exits CODE COMMAND...")
	}
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	if exit, ok := err.(*exec.ExitError); ok { //nolint:errorlint // exactly this type is given
		got = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// flip FILE changes one byte in the middle of a file.
func flip(ts *testscript.TestScript, _ bool, args []string) {
	path := ts.MkAbs(args[0])
	data, err := os.ReadFile(path)
	ts.Check(err)
	data[len(data)/2] ^= 1
	ts.Check(os.WriteFile(path, data, 0o600))
}

// valid SCHEMA DOCUMENT: the JSON document, one and no more, meets the schema.
func valid(ts *testscript.TestScript, _ bool, args []string) {
	compiler := jsonschema.NewCompiler()
	rules, err := jsonschema.UnmarshalJSON(strings.NewReader(ts.ReadFile(args[0])))
	ts.Check(err)
	ts.Check(compiler.AddResource("schema.json", rules))
	schema, err := compiler.Compile("schema.json")
	ts.Check(err)
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(ts.ReadFile(args[1]))) // refuses what follows
	ts.Check(err)
	ts.Check(schema.Validate(document))
}

// clean FILE...: the files hold no escape sequence of a terminal.
func clean(ts *testscript.TestScript, _ bool, args []string) {
	for _, name := range args {
		if strings.ContainsRune(ts.ReadFile(name), '\x1b') {
			ts.Fatalf("%s holds escape sequences", name)
		}
	}
}
