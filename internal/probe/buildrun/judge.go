package buildrun

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/roadworthy-dev/roadworthy/internal/standard"
)

func judge(o Observations) []standard.Finding {
	return []standard.Finding{writes(o), compiles(o), fetches(o)}
}

// seen fills in what all claims need: a session that was really run, and a
// trace that was kept whole.
func seen(o Observations, f standard.Finding) standard.Finding {
	switch {
	case f.Outcome == standard.Fail:
	case o.Replies == 0:
		f.Outcome, f.Why = standard.Unknown, "no request of the session was answered"
	case o.Dropped > 0:
		f.Outcome, f.Why = standard.Unknown, fmt.Sprintf("%d lines of the trace were too many to keep", o.Dropped)
	}
	return f
}

func writes(o Observations) standard.Finding {
	f := standard.Finding{Claim: "build-run.writes", Outcome: standard.Pass}
	var changed []string
	for _, c := range o.Changed {
		if byteCode(c) {
			continue
		}
		what := "changed"
		switch {
		case c.Kind == "removed":
			what = "removed"
		case c.Created:
			what = "created"
		}
		changed = append(changed, c.Path+" was "+what)
	}
	f.Seen = "nothing below its folder was created, changed or removed"
	if len(changed) > 0 {
		f.Outcome, f.Seen = standard.Fail, strings.Join(changed[:min(len(changed), 6)], "; ")
		f.Why = fmt.Sprintf("%d changes in its own code", len(changed)+o.More)
	}
	return seen(o, f)
}

// byteCode is what an interpreter caches beside the sources.
func byteCode(c Change) bool {
	return path.Base(c.Path) == "__pycache__" && c.Kind == "dir" ||
		strings.Contains(c.Path, "/__pycache__/") && strings.Contains(path.Base(c.Path), ".pyc")
}

// builders compile, bundle or install whatever they are called with.
var builders = []string{
	"gcc", "cc", "g++", "c++", "clang", "clang++", "cc1", "cc1plus", "collect2", "ld", "as", "rustc", "javac", "kotlinc", "scalac", "tsc",
	"esbuild", "webpack", "rollup", "vite", "parcel", "babel", "sass", "node-gyp", "cmake", "make", "ninja", "mvn", "gradle", "compile", "link",
	"apt", "apt-get", "dpkg", "apk", "yum", "dnf", "pip", "pip3", "pipenv", "poetry", "uv", "gem", "composer", "cargo", "npx", "git", "asm",
}

// runners run what is there, but build or install with these words.
var runners = map[string][]string{
	"go": {"build", "run", "install", "get", "generate", "mod"}, "npm": {"install", "i", "ci", "add", "update", "rebuild", "build"},
	"yarn": {"install", "add", "build"}, "pnpm": {"install", "i", "add", "build"}, "bundle": {"install", "update"},
	"dotnet": {"build", "run", "restore", "publish"}, "mix": {"compile", "deps.get"},
}

func compiles(o Observations) standard.Finding {
	f := standard.Finding{Claim: "build-run.compiles", Outcome: standard.Pass}
	f.Seen = fmt.Sprintf("%d programs executed, none of them a compiler, bundler or package manager", len(o.Programs))
	var found []string
	for _, p := range o.Programs {
		if builds(p) {
			found = append(found, strings.Join(p.Args, " "))
		}
	}
	if len(found) > 0 {
		f.Outcome, f.Seen, f.Why = standard.Fail, "executed: "+strings.Join(found[:min(len(found), 4)], "; "), "it builds when it runs"
	}
	return seen(o, f)
}

// builds reports whether a program, or the script that an interpreter runs,
// is one that builds.
func builds(p Program) bool {
	names := []string{path.Base(p.Path)}
	for i, arg := range p.Args {
		names = append(names, path.Base(arg))
		if i > 0 && !strings.HasPrefix(arg, "-") {
			break // the script that an interpreter runs; what follows are its arguments
		}
	}
	for _, name := range names {
		name = strings.TrimSuffix(name, ".js")
		if slices.Contains(builders, name) {
			return true
		}
		for _, word := range runners[name] {
			if slices.Contains(p.Args, word) {
				return true
			}
		}
	}
	return inProcess(p)
}

// inProcess recognises interpreters that are told to compile or install.
func inProcess(p Program) bool {
	name := path.Base(p.Path)
	for i, arg := range p.Args {
		if i == 0 {
			continue
		}
		switch {
		case name == "java" && strings.HasSuffix(arg, ".java"): // the source launcher (JEP 330)
			return true
		case strings.HasPrefix(name, "python") && p.Args[i-1] == "-m" && slices.Contains([]string{"pip", "compileall", "build", "venv", "ensurepip"}, arg):
			return true
		}
	}
	return false
}

func fetches(o Observations) standard.Finding {
	f := standard.Finding{Claim: "build-run.fetches", Outcome: standard.Pass}
	var found []string
	for _, name := range o.Names {
		if standard.Origin(name) {
			found = append(found, name)
		}
	}
	f.Seen = fmt.Sprintf("%d names looked up beside the declared services, none that programs are fetched from", len(o.Names))
	if len(found) > 0 {
		f.Outcome, f.Seen, f.Why = standard.Fail, "looked up "+strings.Join(found, ", "), "it fetches when it runs"
	}
	return seen(o, f)
}
