package check_test

import (
	"slices"
	"testing"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/check"
	"github.com/roadworthy-dev/roadworthy/internal/standard"
)

// TestADeadApplicationPassesNothing: asked the whole standard, an application
// that ends at once passes only what is read from its repository and artifact.
func TestADeadApplicationPassesNothing(t *testing.T) {
	still := []string{"codebase", "dependencies", "secrets", "test.coverage"}
	dir := application(t, map[string]string{
		"app.py": "raise SystemExit('no such table: users')",
		"roadworthy.yaml": hasty + `services: {db: {type: postgres}, mail: {type: smtp}, logs: {type: syslog}}
admin: {hello: echo hello}
status: {path: /status, token: STATUS_TOKEN}
faults: {exception: GET /fault}
`,
	})
	requirements := []string{}
	for _, p := range check.Probes {
		requirements = append(requirements, p.Requirement)
	}
	result, err := run(t, 5*time.Minute, check.Options{Dir: dir, Only: requirements})
	if err != nil {
		t.Fatal(err)
	}
	for claim, v := range verdicts(result) {
		if v.Outcome == standard.Error {
			t.Errorf("%s: the tool broke: %s", claim, v.Why)
		}
		if v.Outcome == standard.Pass && !slices.Contains(still, v.Requirement()) {
			t.Errorf("%s: a pass: %s", claim, v.Seen)
		}
	}
}

// TestMisdeedsAreRefused: what TestApplicationsThatMisbehave lets pass, since
// it asks for the log alone, is refused where it is asked for.
func TestMisdeedsAreRefused(t *testing.T) {
	for _, test := range []struct{ name, app, claim string }{
		{"ignores every signal", server + `
for n in range(1, 65):
    try: signal.signal(n, signal.SIG_IGN)
    except (OSError, ValueError): pass
serve()`, "disposable.term"},
		{"forks and leaves once it serves", server + `
s = ThreadingHTTPServer(("", int(os.environ["PORT"])), H)
if os.fork(): os._exit(0)
os.setsid()
if os.fork(): os._exit(0)
s.serve_forever()`, "processes.foreground"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := application(t, map[string]string{"app.py": test.app, "roadworthy.yaml": short})
			result, err := run(t, 3*time.Minute, check.Options{Dir: dir, Only: []string{standard.RequirementOf(test.claim)}})
			if err != nil {
				t.Fatal(err)
			}
			if v := verdicts(result)[test.claim]; v.Outcome != standard.Fail || v.Remedy == "" {
				t.Errorf("%s: got %s (%s; %s), want fail with a remedy", test.claim, v.Outcome, v.Seen, v.Why)
			}
		})
	}
}
