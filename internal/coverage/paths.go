package coverage

import (
	"path"
	"strings"
)

// Relative returns the report with its paths relative to root, the absolute
// folder in which the suite ran. Go import paths lose the module path
// goModule (the "module" line of go.mod; "" for none), absolute paths lose
// root. Paths outside both stay as they are. The receiver is not changed.
func (r Report) Relative(root, goModule string) Report {
	root = path.Clean(slashed(root))
	return r.renamed(func(name string) string {
		if rest, ok := strings.CutPrefix(name, goModule+"/"); ok && goModule != "" && r.Format == FormatGo {
			return path.Clean(rest)
		}
		if rest, ok := strings.CutPrefix(name, strings.TrimSuffix(root, "/")+"/"); ok && absolute(root) {
			return path.Clean(rest)
		}
		return path.Clean(name)
	})
}

// Resolve returns the report with each relative path that is not a source
// replaced by the one source that ends with it, as
// "com/example/Bill.java" is the end of "src/main/java/com/example/Bill.java".
// Sources are paths of the checkout, with forward slashes. A path that no
// source or more than one ends with stays as it is; so does an absolute one,
// which is a file outside the checkout. The receiver is not changed.
func (r Report) Resolve(sources []string) Report {
	known := make(map[string]bool, len(sources))
	byBase := map[string][]string{}
	for _, s := range sources {
		known[s] = true
		byBase[path.Base(s)] = append(byBase[path.Base(s)], s)
	}
	return r.renamed(func(name string) string {
		if known[name] || absolute(name) {
			return name
		}
		match := ""
		for _, s := range byBase[path.Base(name)] {
			if strings.HasSuffix(s, "/"+name) {
				if match != "" {
					return name
				}
				match = s
			}
		}
		if match == "" {
			return name
		}
		return match
	})
}

// renamed copies the report under new paths. Files that meet under one path
// are merged; a line has then run as often as in the one where it ran most.
func (r Report) renamed(to func(string) string) Report {
	b := newBuilder()
	for _, f := range r.Files {
		lines := b.file(to(f.Path))
		for n, hits := range f.Lines {
			lines[n] = max(lines[n], hits)
		}
	}
	return b.report(r.Format)
}

// slashed gives Windows paths forward slashes; a backslash in a path that
// also has forward ones is part of a name.
func slashed(name string) string {
	if strings.Contains(name, "/") {
		return name
	}
	return strings.ReplaceAll(name, `\`, "/")
}

// absolute reports whether a path begins at a root: "/x" or "C:/x".
func absolute(name string) bool {
	return strings.HasPrefix(name, "/") || (len(name) > 2 && name[1] == ':' && name[2] == '/')
}
