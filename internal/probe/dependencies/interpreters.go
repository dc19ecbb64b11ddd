package dependencies

import (
	"bufio"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/roadworthy-dev/roadworthy/internal/bench"
	"github.com/roadworthy-dev/roadworthy/internal/debian"
)

// interpreters are the packages of the programs that the processes name. What
// belongs to one that no package installed is noted instead.
func (o *Observations) interpreters(b *bench.Bench, database *debian.Database) []string {
	var packages []string
	for _, process := range b.Manifest.Processes {
		path := onPath(firstWord(process.Run))
		for range 2 { // a script names its interpreter in turn
			if path == "" {
				break
			}
			if owner, ok := database.Owner(path); ok {
				packages = append(packages, owner)
			} else if target, err := filepath.EvalSymlinks(path); err == nil {
				o.Prefixes = append(o.Prefixes, installed(path, target)...)
			}
			path = onPath(interpreterOf(path))
		}
	}
	return packages
}

// installed lists what belongs to a program that no package installed: the
// folder that it was unpacked to, or where that is everybody's, the program and
// the libraries, headers and data that bear its name.
func installed(path, target string) []string {
	prefix := filepath.Dir(filepath.Dir(target))
	if !slices.Contains([]string{"/", "/usr", "/usr/local", "/opt"}, prefix) && filepath.Base(prefix) != ".local" {
		return []string{prefix}
	}
	own := []string{path, target}
	name := letters.FindString(filepath.Base(target))
	if name == "" {
		return own
	}
	named := regexp.MustCompile(`^(?:lib)?` + name + `(?:$|[-._0-9])`)
	for _, folder := range []string{"lib", "lib64", "libexec", "include", "share", "etc"} {
		entries, _ := os.ReadDir(filepath.Join(prefix, folder)) // one that is not there holds nothing
		for _, entry := range entries {
			if named.MatchString(entry.Name()) {
				own = append(own, filepath.Join(prefix, folder, entry.Name()))
			}
		}
	}
	return own
}

// letters are the name of an interpreter without its version: python3.12, php-fpm8.
var letters = regexp.MustCompile(`^[A-Za-z]+`)

// interpreterOf is the program that a script's first line names; "" for none.
func interpreterOf(script string) string {
	file, err := os.Open(script)
	if err != nil {
		return ""
	}
	defer file.Close()
	line, _ := bufio.NewReaderSize(file, 256).ReadSlice('\n')
	rest, ok := strings.CutPrefix(string(line), "#!")
	words := strings.Fields(rest)
	if !ok || len(words) == 0 {
		return ""
	}
	if filepath.Base(words[0]) == "env" && len(words) > 1 {
		return words[len(words)-1]
	}
	return words[0]
}

func firstWord(command string) string {
	for word := range strings.FieldsSeq(command) {
		if !strings.Contains(word, "=") && word != "exec" {
			return word
		}
	}
	return ""
}

// onPath finds a program of the host; "" for one of the artifact.
func onPath(name string) string {
	if strings.HasPrefix(name, "/") {
		return name
	}
	if name == "" || strings.Contains(name, "/") {
		return ""
	}
	for folder := range strings.SplitSeq(bench.Path(), ":") {
		path := filepath.Join(folder, name)
		if info, err := os.Stat(path); err == nil && !info.IsDir() {
			return path
		}
	}
	return ""
}
