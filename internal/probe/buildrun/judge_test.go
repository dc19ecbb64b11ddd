package buildrun

import (
	"testing"

	"github.com/roadworthy-dev/roadworthy/internal/standard"
)

func TestJudge(t *testing.T) {
	pyc := Change{Path: "/app/__pycache__/a.cpython-311.pyc", Kind: "file", Created: true}
	for name, test := range map[string]struct {
		record                    Observations
		writes, compiles, fetches standard.Outcome
	}{
		"honest":                {Observations{Replies: 4}, standard.Pass, standard.Pass, standard.Pass},
		"nothing was recorded":  {Observations{}, standard.Unknown, standard.Unknown, standard.Unknown},
		"a trace with holes":    {Observations{Replies: 4, Dropped: 1}, standard.Unknown, standard.Unknown, standard.Unknown},
		"byte code is no write": {Observations{Replies: 1, Changed: []Change{pyc, {Path: "/app/__pycache__", Kind: "dir"}}}, standard.Pass, standard.Pass, standard.Pass},
		"a file appears":        {Observations{Replies: 1, Changed: []Change{pyc, {Path: "/app/upload", Kind: "file", Created: true}}}, standard.Fail, standard.Pass, standard.Pass},
		"a file goes":           {Observations{Dropped: 1, Changed: []Change{{Path: "/app/a.py", Kind: "removed"}}}, standard.Fail, standard.Unknown, standard.Unknown},
		"a name of an origin":   {Observations{Replies: 1, Names: []string{"telemetry.example", "packages.example"}}, standard.Pass, standard.Pass, standard.Fail},
		"a compiler":            {Observations{Replies: 1, Programs: []Program{{Path: "/usr/bin/gcc", Args: []string{"gcc", "a.c"}}}}, standard.Pass, standard.Fail, standard.Pass},
		"another name":          {Observations{Replies: 1, Names: []string{"telemetry.example"}}, standard.Pass, standard.Pass, standard.Pass},
	} {
		got := judge(test.record)
		if len(got) != 3 || got[0].Outcome != test.writes || got[1].Outcome != test.compiles || got[2].Outcome != test.fetches {
			t.Errorf("%s: got %+v", name, got)
		}
	}
}

func TestWhatBuildsIsRecognised(t *testing.T) {
	for _, test := range []struct {
		path string
		args []string
		want bool
	}{
		{"/usr/bin/gcc", []string{"gcc", "a.c"}, true},
		{"/usr/bin/go", []string{"go", "run", "."}, true},
		{"/usr/bin/go", []string{"go", "version"}, false},
		{"/usr/bin/npm", []string{"npm", "start"}, false},
		{"/usr/bin/npm", []string{"npm", "ci"}, true},
		{"/usr/bin/node", []string{"node", "/usr/bin/npm", "install"}, true},
		{"/usr/bin/node", []string{"node", "node_modules/.bin/esbuild.js"}, true},
		{"/usr/bin/node", []string{"node", "--test", "main.js", "esbuild"}, false},
		{"/usr/bin/node", []string{"node", "--no-warnings", "node_modules/.bin/esbuild"}, true},
		{"/bin/sh", []string{"sh", "tools/webpack"}, true},
		{"/usr/bin/java", []string{"java", "-cp", "x", "Main.java"}, true},
		{"/usr/bin/java", []string{"java", "-cp", "x", "Main"}, false},
		{"/usr/bin/python3", []string{"python3", "-m", "pip", "install", "x"}, true},
		{"/usr/bin/python3", []string{"python3", "-m", "compileall", "."}, true},
		{"/usr/bin/python3", []string{"python3", "-m", "http.server"}, false},
		{"/usr/bin/python3", []string{"python3", "main.py", "build"}, false},
		{"/app/bin/web", []string{"./bin/web"}, false},
		{"/app/bin/web", nil, false},
	} {
		if got := builds(Program{test.path, test.args}); got != test.want {
			t.Errorf("%s %v: got %v", test.path, test.args, got)
		}
	}
}
