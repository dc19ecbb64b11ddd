package worker

import (
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

//go:embed shim/sitecustomize.py
var pythonShim string

//go:embed shim/dump.rb
var rubyShim string

//go:embed shim/prepend.php
var phpShim string

// shims is the folder with the files that make interpreters tell their stacks
// when they get dumpSignal. They are loaded through the environment, chain to
// the application's own, and never fail it.
type shims string

// files are the paths and texts of all of them.
func (s shims) files() map[string]string {
	dir := string(s)
	return map[string]string{
		filepath.Join(dir, "python/sitecustomize.py"): pythonShim,
		filepath.Join(dir, "ruby/dump.rb"):            rubyShim,
		filepath.Join(dir, "php/prepend.php"):         phpShim,
		filepath.Join(dir, "php/roadworthy.ini"):      "auto_prepend_file=" + filepath.Join(dir, "php/prepend.php") + "\n",
	}
}

// whole reports whether all of them are there.
func (s shims) whole() bool {
	for path := range s.files() {
		if _, err := os.Lstat(path); err != nil {
			return false
		}
	}
	return true
}

// writeShims writes them below the run folder.
func writeShims(run string) (shims, error) {
	s := shims(filepath.Join(run, "shims"))
	for path, text := range s.files() {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // workers of other users read them
			return "", fmt.Errorf("make %s: %w", filepath.Dir(path), err)
		}
		if err := replaceFile(path, strings.ReplaceAll(text, "$SIGNAL", strconv.Itoa(dumpSignal))); err != nil {
			return "", fmt.Errorf("write %s: %w", path, err)
		}
	}
	return s, nil
}

// instrument adds to an environment what loads the shims. Variables that are
// set already keep their value beside it. PHP has no variable of its own for
// this, so that its configuration is touched only where php is the program.
func (s shims) instrument(env []string, program, dumpFile string) []string {
	set := func(key, value string) { env = append(without(env, key), key+"="+value) }
	join := func(key, separator, first, second string) {
		if first == "" || second == "" {
			separator = ""
		}
		set(key, first+separator+second)
	}
	set("ROADWORTHY_DUMP", dumpFile)
	join("PYTHONPATH", ":", filepath.Join(string(s), "python"), value(env, "PYTHONPATH", ""))
	join("RUBYOPT", " ", value(env, "RUBYOPT", ""), "-r"+filepath.Join(string(s), "ruby/dump.rb"))
	join("NODE_OPTIONS", " ", value(env, "NODE_OPTIONS", ""), "--inspect-port=127.0.0.1:0")
	if strings.HasPrefix(filepath.Base(program), "php") {
		// The empty element before the colon is the folder compiled in.
		set("PHP_INI_SCAN_DIR", value(env, "PHP_INI_SCAN_DIR", "")+":"+filepath.Join(string(s), "php"))
	}
	return env
}
