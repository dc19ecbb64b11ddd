package statusroute

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/roadworthy-dev/roadworthy/internal/bench"
	"github.com/roadworthy-dev/roadworthy/internal/bench/sandbox"
	"github.com/roadworthy-dev/roadworthy/internal/manifest"
)

func TestMain(m *testing.M) {
	sandbox.RunIfAgent()
	os.Exit(m.Run())
}

const declared = `name: app
boot: 1s
processes: {web: /usr/bin/python3 app.py}
config: {settings: {PORT: {}}}
status: {path: /status, token: STATUS_TOKEN}
traffic: [GET /]
`

// TestUnset: only a process that is gone refused to start.
func TestUnset(t *testing.T) {
	for name, test := range map[string]struct {
		program string
		ended   bool
	}{
		"it ends":           {"raise SystemExit(1)", true},
		"it takes its time": {"import time; time.sleep(60)", false},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := manifest.Parse(manifest.Name, []byte(declared))
			if err != nil {
				t.Fatal(err)
			}
			root := t.TempDir()
			if err := os.WriteFile(filepath.Join(root, "app.py"), []byte(test.program), 0o644); err != nil {
				t.Fatal(err)
			}
			for _, folder := range []string{root, filepath.Dir(root)} {
				if err := os.Chmod(folder, 0o755); err != nil {
					t.Fatal(err)
				}
			}
			b, err := bench.New(bench.Options{Manifest: m, Root: root, Dir: t.TempDir(), Seed: 7})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = b.Close() })
			u, err := unset(t.Context(), b, nil)
			if err != nil || u.Started || u.Ended != test.ended || len(u.Attempts) > 0 {
				t.Errorf("got %+v, %v", u, err)
			}
		})
	}
}
