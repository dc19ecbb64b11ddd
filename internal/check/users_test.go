package check_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/report"
	"github.com/roadworthy-dev/roadworthy/internal/standard"
)

// document is the part of the JSON report that these tests read.
type document struct {
	Requirements []struct {
		ID     string `json:"id"`
		Claims []struct {
			Verdict standard.Verdict `json:"verdict"`
		} `json:"claims"`
	} `json:"requirements"`
}

func (p *program) report(t *testing.T) document {
	t.Helper()
	var d document
	if err := json.Unmarshal([]byte(p.stdout.String()), &d); err != nil {
		t.Fatalf("read the report: %v\n%s%s", err, &p.stdout, &p.stderr)
	}
	return d
}

// by runs the program through another one, such as setpriv(1).
func (p *program) by(t *testing.T, wrapper ...string) {
	t.Helper()
	path, err := exec.LookPath(wrapper[0])
	if err != nil {
		t.Fatalf("%v: it is part of util-linux", err)
	}
	p.cmd.Args = append(append([]string{path}, wrapper[1:]...), append([]string{p.cmd.Path}, p.cmd.Args[1:]...)...)
	p.cmd.Path = path
}

// TestAHostThatForbidsNamespaces: in a user namespace that allows no further
// ones the check says what is refused and how it is allowed, builds all the
// same, and proves nothing.
func TestAHostThatForbidsNamespaces(t *testing.T) {
	for name, ids := range map[string][]string{
		"as root":             {"--map-root-user"},
		"as an ordinary user": {"--map-user=1000", "--map-group=1000", "--keep-caps"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := application(t, map[string]string{
				"app.py":          server + "serve()",
				"roadworthy.yaml": short + `build: {run: ["echo built in $PWD by $(id -u) > made"]}` + "\n",
			})
			state := observe(t)
			p := tool(t, dir, "check", "--json", "--only", "log.stdout,codebase,disposable")
			p.by(t, append(append([]string{"unshare", "--user"}, ids...), "/bin/sh", "-c", `echo 0 > /proc/sys/user/max_user_namespaces && exec "$@"`, "sh")...)
			p.start(t)
			p.wait(t, 30*time.Second)
			if code := p.cmd.ProcessState.ExitCode(); code != report.ExitNotProven {
				t.Errorf("exit code %d, want %d\n%s", code, report.ExitNotProven, &p.stderr)
			}
			seen := 0
			for _, r := range p.report(t).Requirements {
				for _, claim := range r.Claims {
					c := claim.Verdict
					if r.ID == "codebase" {
						if c.Outcome == standard.Error {
							t.Errorf("%s: %s", c.Claim, c.Why)
						}
						continue
					}
					seen++
					if c.Outcome != standard.Unknown || !strings.Contains(c.Why, "the host forbids namespaces") || !strings.HasPrefix(c.Remedy, "sudo sysctl -w user.max_user_namespaces=") {
						t.Errorf("%s: got %s because of %q, mend %q", c.Claim, c.Outcome, c.Why, c.Remedy)
					}
				}
			}
			if seen == 0 {
				t.Error("no claim that needs a sandbox was asked")
			}
			state.assertNothingLeft(t)
		})
	}
}

// TestRootOfAContainerThatKnowsFewIDs: as in a rootless container, the ids
// that root gives to sandboxes are not there. It then does as others do.
func TestRootOfAContainerThatKnowsFewIDs(t *testing.T) {
	dir := application(t, map[string]string{"app.py": server + "serve()", "roadworthy.yaml": short + "build: {run: [touch made]}\n"})
	state := observe(t)
	p := tool(t, dir, "check", "--json", "--only", "log.stdout,codebase")
	p.by(t, "unshare", "--user", "--map-root-user")
	p.start(t)
	p.wait(t, 30*time.Second)
	if code := p.cmd.ProcessState.ExitCode(); code != report.ExitReady {
		t.Errorf("exit code %d, want %d\n%s%s", code, report.ExitReady, &p.stderr, &p.stdout)
	}
	state.assertNothingLeft(t)
}

// nobody is an account without rights, whose number every system has.
const nobody = 65534

// ordinary makes the run one of an ordinary user, who owns the folders.
func (p *program) ordinary(t *testing.T, folders ...string) {
	t.Helper()
	if os.Geteuid() != 0 {
		return // it is one already
	}
	for _, folder := range folders {
		err := filepath.WalkDir(folder, func(path string, _ os.DirEntry, err error) error {
			if err != nil {
				return err
			}
			return os.Lchown(path, nobody, nobody)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	p.by(t, "setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups")
}

// TestAnOrdinaryUser: everything works without being root, with services that
// need processes of their own as well.
func TestAnOrdinaryUser(t *testing.T) {
	dir := application(t, map[string]string{
		"app.py": server + "serve()",
		"roadworthy.yaml": short + `build: {run: ["test $(id -u) != 0"]}
services: {db: {type: postgres}, cache: {type: redis}, mail: {type: smtp}}
`})
	state, home := observe(t), openFolder(t)
	p := tool(t, dir, "check", "--json", "--only", "log.stdout,codebase,processes")
	p.cmd.Env = append(p.cmd.Env, "HOME="+home, "XDG_CONFIG_HOME="+home, "XDG_CACHE_HOME="+home)
	p.ordinary(t, dir, state.temp, home)
	p.start(t)
	p.wait(t, 90*time.Second)
	for _, r := range p.report(t).Requirements {
		for _, claim := range r.Claims {
			c := claim.Verdict
			if c.Outcome == standard.Error || r.ID == "log.stdout" && c.Outcome != standard.Pass {
				t.Errorf("%s: %s because of %q", c.Claim, c.Outcome, c.Why)
			}
		}
	}
	if _, err := os.Stat(filepath.Join(dir, ".roadworthy", "check.roadworthy")); err != nil {
		t.Errorf("there is no bundle: %v\n%s", err, &p.stderr)
	}
	state.assertNothingLeft(t)
}

// TestCtrlCByAnOrdinaryUser: what root can end, an ordinary user must too.
func TestCtrlCByAnOrdinaryUser(t *testing.T) {
	dir := slow(t, "services: {db: {type: postgres}}\n")
	for _, after := range []time.Duration{500, 1000, 1500, 2000} {
		state, home := observe(t), openFolder(t)
		p := tool(t, dir, "check", "--only", "log.stdout")
		p.cmd.Env = append(p.cmd.Env, "HOME="+home, "XDG_CONFIG_HOME="+home, "XDG_CACHE_HOME="+home)
		p.ordinary(t, dir, state.temp, home)
		p.start(t)
		time.Sleep(after * time.Millisecond) // the moment is what is tested
		if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
		p.wait(t, 5*time.Second)
		if code := p.cmd.ProcessState.ExitCode(); code != 130 {
			t.Errorf("after %d ms: exit code %d\n%s", after, code, &p.stderr)
		}
		state.assertNothingLeft(t)
	}
}
