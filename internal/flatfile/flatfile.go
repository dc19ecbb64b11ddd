// Package flatfile reads the configuration files that applications use (YAML,
// JSON, TOML, INI, dotenv) into one form: dotted keys with texts, in order.
//
// It is for files that roadworthy run reads in an application's place, so that
// one which knows nothing but its environment can be configured by a file. A
// value is the text as it stands in the file: a number keeps its zeros, and
// what it means is decided by whoever takes it. The invariant: a file that is
// broken anywhere gives a problem with its line and no entry at all.
//
// The room does no I/O and knows no key. Read next: internal/runner/surroundings.go.
package flatfile

import (
	"fmt"
	"strings"

	"github.com/roadworthy-dev/roadworthy/internal/problem"
)

// MaxSize bounds a file, in bytes.
const MaxSize = 1 << 20

// Formats lists the formats, as manifest.File names them.
var Formats = []string{"yaml", "json", "toml", "ini", "dotenv"}

// Entry is one value.
type Entry struct {
	Key  string // dotted: "log.level"; keys of a list's items end in .0, .1, …
	Text string // as it stands in the file, without quotes
	Line int    // from 1; 0 where the format does not tell
}

// Read reads a whole file. The name is for messages.
func Read(name, format string, data []byte) ([]Entry, error) {
	if len(data) > MaxSize {
		return nil, broken(name, 0, fmt.Sprintf("%d bytes", len(data)), fmt.Sprintf("at most %d bytes", MaxSize), nil)
	}
	var entries []Entry
	var err error
	switch format {
	case "yaml":
		entries, err = readYAML(name, data)
	case "json":
		entries, err = readJSON(name, data)
	case "toml":
		entries, err = readTOML(name, data)
	case "ini":
		entries, err = readLines(name, data, true)
	case "dotenv":
		entries, err = readLines(name, data, false)
	default:
		return nil, &problem.Problem{
			Code: "RW-M08", Summary: "the format of a configuration file is not known", At: name, Got: format,
			Want: "one of " + strings.Join(Formats, ", "), Fix: "in roadworthy.yaml write config: {file: {format: yaml}}",
		}
	}
	if err != nil {
		return nil, err
	}
	seen := map[string]int{}
	for _, e := range entries {
		if line, twice := seen[e.Key]; twice {
			return nil, broken(name, e.Line, fmt.Sprintf("%s for the second time, after line %d", e.Key, line), "each key once", nil)
		}
		seen[e.Key] = e.Line
	}
	return entries, nil
}

func broken(name string, line int, got, want string, cause error) *problem.Problem {
	at := name
	if line > 0 {
		at = fmt.Sprintf("%s:%d", name, line)
	}
	return &problem.Problem{Code: "RW-R01", Summary: "the configuration file is broken", At: at, Got: got, Want: want, Fix: "mend " + at, Cause: cause}
}
