package dependencies

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/roadworthy-dev/roadworthy/internal/standard"
)

func judge(o Observations) []standard.Finding {
	return []standard.Finding{locked(o), declared(o)}
}

// pastTheLock recognises steps that install packages by name or take whatever
// is newest, whatever the lock file says.
var pastTheLock = regexp.MustCompile(`\bpip3?\s+install\s+(?:-U\s+|--upgrade\s+)*[A-Za-z]` +
	`|\bnpm\s+(?:install|i|add)\s+(?:-\S+\s+)*[@A-Za-z]|\b(?:yarn|pnpm)\s+add\b|\bgem\s+install\b` +
	`|\bgo\s+(?:install|get)\s+\S+@(?:latest|master|main)|\bgo\s+get\s+-u|\bcomposer\s+(?:update|require)\b|\bcargo\s+update\b|\bnpm\s+update\b`)

func locked(o Observations) standard.Finding {
	f := standard.Finding{Claim: "dependencies.locked", Outcome: standard.Pass}
	var pinned, loose []string
	for _, e := range o.Ecosystems {
		if e.Locked {
			pinned = append(pinned, e.Manifest)
		} else {
			loose = append(loose, e.Manifest+": "+e.Why)
		}
	}
	for _, step := range o.Build {
		if pastTheLock.MatchString(step) {
			loose = append(loose, "the build step `"+step+"` installs past any lock file")
		}
	}
	f.Seen = "no package manager's manifest, so nothing to pin"
	if len(pinned) > 0 {
		f.Seen = strings.Join(pinned, ", ") + " pinned"
	}
	if len(loose) > 0 {
		f.Outcome, f.Seen, f.Why = standard.Fail, strings.Join(loose, "; "), "a dependency is not pinned to one version"
	}
	return f
}

func declared(o Observations) standard.Finding {
	f := standard.Finding{Claim: "dependencies.declared", Outcome: standard.Pass}
	used, count := undeclared(o)
	f.Seen = fmt.Sprintf("%d files and programs of the artifact and of %d system packages, all declared", count, len(o.Packages))
	switch {
	case len(used) > 0:
		f.Outcome, f.Seen = standard.Fail, strings.Join(used[:min(len(used), 8)], "; ")
		f.Why = "it uses what nothing declares"
		if len(used) > 8 {
			f.Seen += fmt.Sprintf("; and %d more", len(used)-8)
		}
	case len(o.Missing) > 0:
		f.Outcome, f.Why = standard.Unknown, "declared under system: but not installed here: "+strings.Join(o.Missing, ", ")
	case o.Replies == 0 || o.InArtifact == 0:
		f.Outcome, f.Why = standard.Unknown, "the traced session used nothing of the artifact"
	case o.Dropped > 0:
		f.Outcome, f.Why = standard.Unknown, fmt.Sprintf("%d lines of the trace were too many to keep", o.Dropped)
	}
	return f
}

// undeclared lists what is used without being declared, and counts all that is used.
func undeclared(o Observations) ([]string, int) {
	var used []string
	count := o.InArtifact + len(o.Unowned)
	for _, name := range slices.Sorted(maps.Keys(o.Packages)) {
		p := o.Packages[name]
		count += p.Files
		if !p.Base && !p.Declared && !ubiquitous[name] && !p.Startup {
			used = append(used, fmt.Sprintf("%s of the package %s", p.Example, name))
		}
	}
	for _, path := range o.Unowned {
		if !generated(path) && !startup(path) && !interpreters(path, o.Prefixes) {
			used = append(used, path+" of no package")
		}
	}
	return used, count
}

// ubiquitous packages are data that a base system is expected to have,
// although their priority does not say so.
var ubiquitous = map[string]bool{"ca-certificates": true, "tzdata": true, "locales": true, "libc-bin": true, "media-types": true, "netbase": true}

// generated files are written at installation, so that no package owns them.
func generated(path string) bool {
	for _, prefix := range []string{
		"/etc/ld.so.", "/etc/ssl/", "/usr/local/share/ca-certificates/", "/etc/passwd", "/etc/group", "/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/etc/nsswitch.conf",
		"/etc/localtime", "/etc/timezone", "/etc/alternatives/", "/etc/environment", "/etc/app.conf", "/etc/machine-id", "/etc/mime.types",
		"/usr/lib/locale/", "/usr/lib/x86_64-linux-gnu/gconv/", "/usr/lib/aarch64-linux-gnu/gconv/", "/usr/share/zoneinfo/",
		"/usr/lib/jvm/", "/var/cache/fontconfig/",
	} {
		if strings.HasPrefix(path, prefix) {
			return true
		}
	}
	return false
}

// startup files are read by an interpreter or the C library whatever the
// application is: Python's site module looks into every .pth file, one of
// setuptools loads a hook, what looks for entry points reads the description of
// every package that is installed, as RubyGems does at every start, and name
// services are the machine's choice (nsswitch.conf(5)).
func startup(path string) bool {
	return strings.HasSuffix(path, ".pth") || strings.HasSuffix(path, "/sitecustomize.py") || strings.Contains(path, "/_distutils_hack/") ||
		strings.Contains(path, ".egg-info/") || strings.HasSuffix(path, ".egg-info") || strings.Contains(path, ".dist-info/") ||
		strings.HasSuffix(path, ".gemspec") && strings.Contains(path, "/specifications/") ||
		strings.Contains(path, "/libnss_")
}

// interpreters reports whether a path is part of an interpreter that was
// installed without a package, libraries added to it aside.
func interpreters(path string, prefixes []string) bool {
	for _, folder := range []string{"/site-packages/", "/dist-packages/", "/node_modules/", "/gems/"} {
		if strings.Contains(path, folder) && !strings.Contains(path, "/node_modules/npm/") {
			return false
		}
	}
	for _, prefix := range prefixes {
		if path == prefix || strings.HasPrefix(path, prefix+"/") {
			return true
		}
	}
	return false
}
