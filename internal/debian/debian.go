// Package debian tells which installed Debian package a file belongs to and
// what a package needs, from dpkg's own database (dpkg-query(1), deb822(5)).
//
// The invariant: it reads files below one root folder and runs nothing, so
// that a thousand questions cost one look at the disk. A system without dpkg
// gives [ErrNoDatabase]; nothing is guessed for it. Read next:
// internal/probe/dependencies, which asks.
package debian

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// ErrNoDatabase tells that this is no system of packages that dpkg installed.
var ErrNoDatabase = errors.New("no dpkg database")

// Database is what dpkg knows. It is not changed after Read.
type Database struct {
	root     string
	packages map[string]*installed
	provides map[string][]string // virtual package → packages
	owners   map[string]string   // path → package
}

type installed struct {
	base    bool     // Essential, or of priority required or important
	depends []string // names, all alternatives
}

// Read reads the database below root, which is "/" but in tests.
func Read(root string) (*Database, error) {
	d := &Database{root: root, packages: map[string]*installed{}, provides: map[string][]string{}, owners: map[string]string{}}
	if err := d.readStatus(filepath.Join(root, "var/lib/dpkg/status")); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoDatabase, err)
	}
	lists, err := filepath.Glob(filepath.Join(root, "var/lib/dpkg/info/*.list"))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoDatabase, err)
	}
	for _, list := range lists {
		name, _, _ := strings.Cut(strings.TrimSuffix(filepath.Base(list), ".list"), ":")
		if err := d.readList(list, name); err != nil {
			return nil, fmt.Errorf("read what %s installed: %w", name, err)
		}
	}
	return d, nil
}

func (d *Database) readStatus(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	fields := map[string]string{}
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := lines.Text()
		name, value, ok := strings.Cut(line, ": ")
		switch {
		case line == "":
			d.add(fields)
			clear(fields)
		case ok && !strings.HasPrefix(line, " "):
			fields[name] = value
		}
	}
	d.add(fields)
	return lines.Err()
}

func (d *Database) add(fields map[string]string) {
	name := fields["Package"]
	if name == "" || !strings.HasSuffix(fields["Status"], " installed") {
		return
	}
	priority := fields["Priority"]
	d.packages[name] = &installed{
		base:    fields["Essential"] == "yes" || priority == "required" || priority == "important",
		depends: append(names(fields["Depends"]), names(fields["Pre-Depends"])...),
	}
	for _, virtual := range names(fields["Provides"]) {
		d.provides[virtual] = append(d.provides[virtual], name)
	}
}

// names reads a relationship field: "a (>= 1), b | c:any" gives a, b, c.
func names(field string) []string {
	var list []string
	for part := range strings.FieldsFuncSeq(field, func(r rune) bool { return r == ',' || r == '|' }) {
		name, _, _ := strings.Cut(strings.TrimSpace(part), " ")
		name, _, _ = strings.Cut(name, ":")
		if name != "" {
			list = append(list, name)
		}
	}
	return list
}

func (d *Database) readList(path, name string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(data)) {
		d.owners[merged(strings.TrimSuffix(line, "\n"))] = name
	}
	return nil
}

// merged gives the path on a system whose /bin, /lib and /sbin are links into
// /usr, as Debian's have been since 12; lists still hold the old ones.
func merged(path string) string {
	for _, folder := range []string{"/bin/", "/sbin/", "/lib/", "/lib64/"} {
		if strings.HasPrefix(path, folder) {
			return "/usr" + path
		}
	}
	return path
}

// Owner returns the package that installed a path, or that of the file that
// the path is a link to.
func (d *Database) Owner(path string) (string, bool) {
	if name, ok := d.owners[merged(path)]; ok {
		return name, true
	}
	target, err := filepath.EvalSymlinks(filepath.Join(d.root, path))
	if err != nil {
		return "", false
	}
	name, ok := d.owners[merged("/"+strings.TrimPrefix(strings.TrimPrefix(target, d.root), "/"))]
	return name, ok
}

// Installed reports whether a package is installed.
func (d *Database) Installed(name string) bool { return d.packages[name] != nil }

// Base returns the packages that every system has, with all that they need.
func (d *Database) Base() map[string]bool {
	var base []string
	for name, p := range d.packages {
		if p.base {
			base = append(base, name)
		}
	}
	return d.Needs(base...)
}

// Needs returns the packages, with all that they need, directly or not.
// Packages that are not installed are left out.
func (d *Database) Needs(packages ...string) map[string]bool {
	all := map[string]bool{}
	for queue := packages; len(queue) > 0; {
		name := queue[0]
		queue = queue[1:]
		p := d.packages[name]
		if all[name] {
			continue
		}
		if p == nil {
			queue = append(queue, d.provides[name]...)
			continue
		}
		all[name] = true
		queue = append(queue, p.depends...)
	}
	return all
}
