package dependencies

import (
	"testing"

	"github.com/roadworthy-dev/roadworthy/internal/standard"
)

func TestLocked(t *testing.T) {
	for name, test := range map[string]struct {
		record Observations
		want   standard.Outcome
	}{
		"nothing to pin": {Observations{}, standard.Pass},
		"pinned":         {Observations{Ecosystems: []Ecosystem{{Name: "go", Manifest: "go.mod", Locked: true}}, Build: []string{"npm ci", "pip install -r requirements.txt", "go build ."}}, standard.Pass},
		"loose":          {Observations{Ecosystems: []Ecosystem{{Locked: true}, {Manifest: "package.json", Why: "no lock"}}}, standard.Fail},
		"by name":        {Observations{Build: []string{"pip install flask"}}, standard.Fail},
		"the newest":     {Observations{Build: []string{"go install example.com/x@latest"}}, standard.Fail},
	} {
		if got := locked(test.record); got.Outcome != test.want {
			t.Errorf("%s: got %+v", name, got)
		}
	}
}

func TestDeclared(t *testing.T) {
	honest := Observations{Replies: 4, InArtifact: 3, Packages: map[string]Package{
		"libc6": {Base: true, Files: 2}, "python3": {Declared: true, Files: 9}, "openssl": {Startup: true, Files: 1}, "tzdata": {Files: 1},
	}, Unowned: []string{"/etc/ld.so.cache", "/usr/lib/python3/dist-packages/x.pth"}}
	with := func(change func(*Observations)) Observations {
		o := honest
		o.Packages = map[string]Package{"libc6": {Base: true, Files: 2}}
		change(&o)
		return o
	}
	for name, test := range map[string]struct {
		record Observations
		want   standard.Outcome
	}{
		"honest":                        {honest, standard.Pass},
		"nothing was recorded":          {Observations{}, standard.Unknown},
		"nothing of the artifact":       {with(func(o *Observations) { o.InArtifact = 0 }), standard.Unknown},
		"no reply":                      {with(func(o *Observations) { o.Replies = 0 }), standard.Unknown},
		"a trace with holes":            {with(func(o *Observations) { o.Dropped = 3 }), standard.Unknown},
		"a declared package is missing": {with(func(o *Observations) { o.Missing = []string{"x"} }), standard.Unknown},
		"an undeclared package":         {with(func(o *Observations) { o.Packages["git"] = Package{Files: 1, Example: "/usr/bin/git"} }), standard.Fail},
		"a file of nobody":              {with(func(o *Observations) { o.Unowned = []string{"/opt/x/lib.so"} }), standard.Fail},
		"an interpreter of nobody":      {with(func(o *Observations) { o.Unowned, o.Prefixes = []string{"/opt/node/lib/a.js"}, []string{"/opt/node"} }), standard.Pass},
		"a library added to it": {with(func(o *Observations) {
			o.Unowned, o.Prefixes = []string{"/opt/py/site-packages/a.py"}, []string{"/opt/py"}
		}), standard.Fail},
		"descriptions that RubyGems reads": {with(func(o *Observations) {
			o.Unowned, o.Prefixes = []string{"/opt/ruby/lib/ruby/gems/3.3.0/specifications/default/json-2.7.1.gemspec"}, []string{"/opt/ruby"}
		}), standard.Pass},
		"a gem added to it": {with(func(o *Observations) {
			o.Unowned, o.Prefixes = []string{"/opt/ruby/lib/ruby/gems/3.3.0/gems/sinatra-4.0.0/lib/sinatra.rb"}, []string{"/opt/ruby"}
		}), standard.Fail},
		"an interpreter that is one file": {with(func(o *Observations) {
			o.Unowned, o.Prefixes = []string{"/usr/local/bin/node"}, []string{"/usr/local/bin/node"}
		}), standard.Pass},
		"a tool beside it": {with(func(o *Observations) {
			o.Unowned, o.Prefixes = []string{"/usr/local/bin/node", "/usr/local/bin/tool"}, []string{"/usr/local/bin/node"}
		}), standard.Fail},
	} {
		if got := declared(test.record); got.Outcome != test.want {
			t.Errorf("%s: got %+v", name, got)
		}
	}
}

func TestByteCodeBelongsToItsSource(t *testing.T) {
	for path, want := range map[string]string{
		"/usr/lib/python3/dist-packages/django/__pycache__/x.cpython-311.pyc": "/usr/lib/python3/dist-packages/django/x.py",
		"/usr/lib/a.pyc": "/usr/lib/a.pyc", "/usr/bin/ls": "/usr/bin/ls",
	} {
		if got := source(path); got != want {
			t.Errorf("%s: got %s", path, got)
		}
	}
}
