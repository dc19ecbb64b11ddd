package app

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/roadworthy-dev/roadworthy/internal/settings"
)

// commandLine is what the arguments say.
type commandLine struct {
	flags map[string]string // by name without dashes
	words []string
	show  string // "", "help", "show-config", "example-config", "document-config"
	file  string
}

// parseArgs reads --name=value, --name value and words; a setting that is true
// or false takes its value by = alone, and is true without. After -- all are words.
func parseArgs(args []string, known []settings.Setting) (commandLine, error) {
	line := commandLine{flags: map[string]string{}}
	for i := 0; i < len(args); i++ {
		name, dashed := strings.CutPrefix(args[i], "--")
		switch {
		case args[i] == "--":
			line.words = append(line.words, args[i+1:]...)
			return line, nil
		case args[i] == "-h" || name == "help" && dashed:
			line.show = "help"
			return line, nil
		case !dashed && len(name) > 1 && name[0] == '-':
			return line, fmt.Errorf("there is no flag %s: see --help, and write -- before words that begin with a dash", name)
		case !dashed:
			line.words = append(line.words, name)
			continue
		case name == "show-config" || name == "example-config" || name == "document-config":
			line.show = name
			continue
		}
		name, value, given := strings.Cut(name, "=")
		if !given && isSwitch(name, known) {
			value = "true"
		} else if !given {
			if i++; i == len(args) {
				return line, fmt.Errorf("the flag --%s has no value: write --%s=VALUE", name, name)
			}
			value = args[i]
		}
		if name == "config" {
			line.file = value
		} else {
			line.flags[name] = value
		}
	}
	return line, nil
}

// flagOf is the flag of a setting: log.level is --log-level.
func flagOf(key string) string { return strings.NewReplacer(".", "-", "_", "-").Replace(key) }

func isSwitch(flag string, known []settings.Setting) bool {
	for _, s := range known {
		if flagOf(s.Key) == flag {
			return s.Type == settings.TrueOrFalse
		}
	}
	return false
}

// keyed turns the names of flags into keys of settings.
func keyed(flags map[string]string, known []settings.Setting) map[string]string {
	keys := map[string]string{}
	for name, value := range flags {
		key := name
		for _, s := range known {
			if flagOf(s.Key) == name {
				key = s.Key
			}
		}
		keys[key] = value
	}
	return keys
}

// fileVariable is the variable that names the file of settings.
func (a *App) fileVariable() string {
	return strings.ToUpper(strings.NewReplacer("-", "_", ".", "_").Replace(a.name)) + "_CONFIG"
}

// writeHelp lists all settings.
func (a *App) writeHelp(w io.Writer, known []settings.Setting) error {
	columns := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintf(columns, "usage: %s [--SETTING=VALUE…] [COMMAND…]\n\n", a.name)
	for _, s := range known {
		note := ""
		switch {
		case s.Required:
			note = " (required)"
		case s.Default != "":
			note = " (" + s.Default + ")"
		}
		fmt.Fprintf(columns, "  --%s\t%s\t%s%s\n", flagOf(s.Key), s.Variable, strings.ReplaceAll(s.Help, "\n", " "), note)
	}
	fmt.Fprintf(columns, "  --config\t%s\tfile with settings, in YAML\n\n", a.fileVariable())
	for _, row := range [][2]string{
		{"show-config", "print each value and where it came from"}, {"example-config", "print a file to begin with"},
		{"document-config", "print the settings as a table in Markdown"}, {"help", "print this"},
	} {
		fmt.Fprintf(columns, "  --%s\t\t%s\n", row[0], row[1])
	}
	return columns.Flush()
}
