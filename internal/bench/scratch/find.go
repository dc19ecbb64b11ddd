package scratch

import (
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// finder looks up programs. The zero value looks nowhere; see hostFinder.
type finder struct {
	path  string   // as in PATH
	globs []string // folders outside PATH, as patterns
}

// hostFinder looks in PATH, and in the folders where Debian, Fedora, Arch and
// Alpine keep servers that are not meant for users.
func hostFinder() finder {
	return finder{
		path: os.Getenv("PATH"),
		globs: []string{
			"/usr/lib/postgresql/*/bin", "/usr/lib/postgresql*/bin", "/usr/pgsql-*/bin", "/usr/libexec/postgresql*",
			"/usr/sbin", "/usr/local/sbin", "/usr/local/bin", "/usr/libexec", "/usr/bin", "/sbin", "/bin",
		},
	}
}

// find returns the first folder's program of the first name that there is, or
// the problem that names pkg.
func (f finder) find(pkg string, names ...string) (string, error) {
	folders := filepath.SplitList(f.path)
	for _, glob := range f.globs {
		found, err := filepath.Glob(glob)
		if err != nil {
			continue // only a malformed pattern, and those above are not
		}
		slices.SortFunc(found, newestFirst)
		folders = append(folders, found...)
	}
	for _, name := range names {
		for _, folder := range folders {
			if path := filepath.Join(folder, name); filepath.IsAbs(path) && executable(path) {
				return path, nil
			}
		}
	}
	return "", missing(names[0], pkg)
}

// sibling returns the program of that name beside another one: the initdb of
// the very postgres that was found, not of another version.
func sibling(program, name, pkg string) (string, error) {
	target, err := filepath.EvalSymlinks(program)
	if err != nil {
		target = program
	}
	for _, folder := range []string{filepath.Dir(program), filepath.Dir(target)} {
		if path := filepath.Join(folder, name); executable(path) {
			return path, nil
		}
	}
	return "", missing(name, pkg)
}

// Installed tells whether the programs of a kind of server are there: nil, or
// the problem that names the package, which wraps ErrMissing.
func Installed(kind Kind) (err error) {
	switch kind {
	case Postgres:
		_, _, err = findPostgres()
	case MariaDB:
		_, _, err = findMariaDB()
	case Redis:
		_, err = findRedis()
	}
	return err
}

func findPostgres() (program, initdb string, err error) {
	if program, err = hostFinder().find("postgresql", "postgres"); err != nil {
		return "", "", err
	}
	initdb, err = sibling(program, "initdb", "postgresql")
	return program, initdb, err
}

func findMariaDB() (program, install string, err error) {
	if program, err = hostFinder().find("mariadb-server", "mariadbd"); err != nil {
		return "", "", err
	}
	install, err = hostFinder().find("mariadb-server", "mariadb-install-db")
	return program, install, err
}

func findRedis() (string, error) {
	return hostFinder().find("redis-server", "redis-server", "valkey-server")
}

func executable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

// newestFirst orders folders such as /usr/lib/postgresql/9.6/bin and .../17/bin
// by the first number in them, the larger one first.
func newestFirst(a, b string) int {
	return cmp.Or(cmp.Compare(firstNumber(b), firstNumber(a)), strings.Compare(a, b))
}

func firstNumber(path string) float64 {
	isDigit := func(r rune) bool { return r >= '0' && r <= '9' }
	start := strings.IndexFunc(path, isDigit)
	if start < 0 {
		return 0
	}
	path = path[start:]
	if end := strings.IndexFunc(path, func(r rune) bool { return !isDigit(r) && r != '.' }); end >= 0 {
		path = path[:end]
	}
	n, err := strconv.ParseFloat(path, 64)
	if err != nil {
		return 0
	}
	return n
}
