package runner_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/roadworthy-dev/roadworthy/internal/problem"
	"github.com/roadworthy-dev/roadworthy/internal/runner"
)

const withStatus = "name: shop\nprocesses: {web: ./app}\nconfig: {settings: {STATUS_TOKEN: token}}\nstatus: {path: /health, token: STATUS_TOKEN}\ntraffic: [GET /]\n"

// The manifest says where the status route is, unless the one who runs it does.
func TestWhereTheStatusRouteIs(t *testing.T) {
	for name, at := range map[string]struct {
		run          string
		options      runner.Options
		path, origin string
	}{
		"manifest":    {"run: {}\n", runner.Options{}, "/health", "from file roadworthy.yaml"},
		"run":         {"run: {status: {path: /mine}}\n", runner.Options{}, "/mine", "from file roadworthy.yaml:1"},
		"environment": {"run: {}\n", runner.Options{Environ: []string{"ROADWORTHY_STATUS_PATH=/mine"}}, "/mine", "from environment ROADWORTHY_STATUS_PATH"},
		"flag":        {"run: {}\n", runner.Options{Flags: map[string]string{"status.path": "/mine"}}, "/mine", "from flag --status-path"},
		"own":         {"run: {leave: [status.route]}\n", runner.Options{}, "/status", "default"},
	} {
		t.Run(name, func(t *testing.T) {
			folder(t, map[string]string{"roadworthy.yaml": at.run + withStatus})
			c, err := runner.Load(at.options)
			if err != nil {
				t.Fatal(err)
			}
			if c.Settings.Status.Path != at.path {
				t.Errorf("the route is %s, want %s", c.Settings.Status.Path, at.path)
			}
			for _, s := range c.Table.Settings {
				if s.Key == "status.path" && (s.Value != at.path || s.Origin.String() != at.origin) {
					t.Errorf("the table tells %s %s, want %s %s", s.Value, s.Origin, at.path, at.origin)
				}
			}
		})
	}
}

func TestTheStatusRouteIsWhereTheEnvironmentSays(t *testing.T) {
	folder(t, map[string]string{"roadworthy.yaml": "run: {}\n" + withStatus, "index.html": "hello"})
	r := startHere(t, []string{"python3", "-m", "http.server", "--bind", "127.0.0.1", "{port}"}, nil, "ROADWORTHY_STATUS_PATH=/mine", "STATUS_TOKEN=0123456789abcdef")
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.url+"/mine", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer 0123456789abcdef")
	reply, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	if reply.StatusCode != http.StatusOK {
		t.Errorf("it answers %s", reply.Status)
	}
}

// What error mail cannot use is refused before anything starts: at a start, a
// reload and an upgrade, rather than with the first mail.
func TestWrongSettingsOfErrorMailAreRefused(t *testing.T) {
	for name, row := range map[string]struct{ set, refused string }{
		"sender without an address": {"MAIL_FROM=Shop", "MAIL_FROM"},
		"two senders":               {"MAIL_FROM=a@example.org, b@example.org", "MAIL_FROM"},
		"recipient":                 {"ERROR_MAIL=Shop", "ERROR_MAIL"},
		"server":                    {"SMTP_URL=http://mail.example.org", "SMTP_URL"},
		"sender with a name":        {"MAIL_FROM=Shop <shop@example.org>", ""},
		"no sender":                 {"MAIL_FROM=", ""},
	} {
		t.Run(name, func(t *testing.T) {
			folder(t, nil)
			options := runner.Options{Command: []string{"true"}, Environ: []string{row.set, "ERROR_MAIL=errors@example.org", "SMTP_URL=smtp://mail.example.org"}}
			_, err := runner.Load(options)
			p, ok := problem.Of(err)
			if row.refused == "" && err != nil || row.refused != "" && (!ok || p.Code != "RW-R02" || !strings.Contains(p.Summary, row.refused)) {
				t.Errorf("got %v", err)
			}
			options.Environ = []string{row.set} // error mail is off
			if _, err := runner.Load(options); err != nil {
				t.Errorf("without error mail: %v", err)
			}
		})
	}
}
