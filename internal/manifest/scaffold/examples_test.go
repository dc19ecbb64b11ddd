package scaffold

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/roadworthy-dev/roadworthy/internal/manifest"
)

// examples are the applications whose proposal must be right without edits:
// it agrees with the manifest that is committed, but for these commands, which
// do the same in another way.
var examples = map[string]struct {
	build []string
	web   string
	test  string
	forms int // steps of the traffic that send a form
}{
	"guestbook": {
		build: []string{"go build -o bin/guestbook ."}, web: "./bin/guestbook",
		test: "go test -coverprofile=coverage.out ./...", forms: 2,
	},
	"polls": {
		build: []string{"/usr/bin/python3 -m compileall -q ."}, web: "/usr/bin/python3 -B -m gunicorn production.wsgi",
		test: "/usr/bin/python3 -B -m coverage run manage.py test -v 2 --settings tests.settings && /usr/bin/python3 -m coverage json", forms: 2,
	},
	"notes": {
		build: []string{"npm ci"}, web: "node main.mjs",
		test: "node --test --experimental-test-coverage --test-reporter=lcov --test-reporter-destination=lcov.info" +
			" --test-reporter=tap --test-reporter-destination=stdout test/", forms: 2,
	},
	"bare/python": {web: "python3 app.py"},
	"bare/node":   {web: "node app.js"},
	"bare/go":     {build: []string{"go build -o bin/bare ."}, web: "./bin/bare"},
}

func TestExamplesNeedNoEdits(t *testing.T) {
	for name, want := range examples {
		t.Run(strings.ReplaceAll(name, "/", "-"), func(t *testing.T) {
			from := filepath.Join("..", "..", "..", "examples", filepath.FromSlash(name))
			committed, err := manifest.Load(from)
			if err != nil {
				t.Fatal(err)
			}
			p, m := propose(t, without(t, from))
			t.Logf("%s", p.YAML)
			same(t, "build", m.Build.Run, want.build)
			same(t, "build.context", m.Build.Context, committed.Build.Context)
			same(t, "processes", m.Processes, map[string]manifest.Process{"web": {Run: want.web}})
			if (m.Run == nil) != (committed.Run == nil) {
				t.Errorf("run is %v, want %v", m.Run, committed.Run)
			}
			sameTest(t, m.Test, committed.Test, want.test)
			same(t, "release", m.Release, committed.Release)
			same(t, "admin", m.Admin, committed.Admin)
			same(t, "system", slices.Sorted(slices.Values(m.System)), slices.Sorted(slices.Values(committed.System)))
			same(t, "config.file", m.Config.File, committed.Config.File)
			sameSettings(t, m, committed)
			same(t, "services", services(m), services(committed))
			same(t, "status", m.Status, committed.Status)
			same(t, "traffic", steps(m.Traffic...), steps(committed.Traffic...))
			forms := 0
			for _, s := range m.Traffic {
				if s.Form != nil {
					forms++
				}
			}
			same(t, "forms in the traffic", forms, want.forms)
			same(t, "faults.exception", steps(*m.Faults.Exception), steps(*committed.Faults.Exception))
			same(t, "faults.slow", steps(*m.Faults.Slow), steps(*committed.Faults.Slow))
		})
	}
}

// without copies an application without its manifests, and without what git
// does not hold.
func without(t *testing.T, from string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), filepath.Base(from))
	err := filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if slices.Contains([]string{".roadworthy", "node_modules", "bin", "__pycache__"}, d.Name()) {
				return fs.SkipDir
			}
			return nil
		}
		local, err := filepath.Rel(from, path)
		if err != nil || strings.HasPrefix(local, "roadworthy.") {
			return err
		}
		if err := os.MkdirAll(filepath.Dir(filepath.Join(to, local)), 0o750); err != nil {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, local), data, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
	return to
}

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if g, w := reflect.ValueOf(got), reflect.ValueOf(want); g.Kind() == reflect.Slice && g.Len() == 0 && w.Len() == 0 {
		return
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s is %+v, want %+v", what, got, want)
	}
}

func sameTest(t *testing.T, got, committed *manifest.Test, run string) {
	t.Helper()
	if got == nil || committed == nil {
		same(t, "test", got, committed)
		return
	}
	same(t, "test.run", got.Run, run)
	same(t, "test.coverage", got.Coverage, committed.Coverage)
}

func sameSettings(t *testing.T, m, committed *manifest.Manifest) {
	t.Helper()
	same(t, "settings", slices.Sorted(maps.Keys(m.Config.Settings)), slices.Sorted(maps.Keys(committed.Config.Settings)))
	for name, want := range committed.Config.Settings {
		got := m.Config.Settings[name]
		if m.Run == nil || want.Effect == manifest.EffectReply { // under roadworthy run the manifest itself names the keys
			same(t, name+".key", got.Key, want.Key)
		} else if got.Key == "" {
			t.Errorf("%s has no key", name)
		}
		same(t, name+".effect", []any{got.Effect, got.Service, got.Value, got.Secret, got.Invalid, got.Levels}, []any{want.Effect, want.Service, want.Value, want.Secret, want.Invalid, want.Levels})
		if want.Reply != nil {
			same(t, name+".reply", steps(*got.Reply), steps(*want.Reply))
		}
	}
}

// services are those of a manifest without what no source can tell: the time
// within which their loss shows.
func services(m *manifest.Manifest) map[string]manifest.Service {
	out := maps.Clone(m.Services)
	for name, s := range out {
		s.Within = 0
		out[name] = s
	}
	return out
}

// steps are requests without their lines and without the values of fields.
func steps(list ...manifest.Step) []manifest.Step {
	out := slices.Clone(list)
	for i, s := range out {
		out[i].Line, out[i].Form = 0, nil
		for _, field := range s.Form {
			out[i].Form = append(out[i].Form, [2]string{field[0]})
		}
	}
	return out
}
