package scaffold

import (
	"regexp"
	"slices"
	"strings"

	"github.com/roadworthy-dev/roadworthy/internal/manifest"
)

// row is a line of a table of settings in a source.
type row struct {
	variable, key string
	where         string // "file:line"
	rest          string // what stands behind the key: the default, what parses it
}

// The rows of tables: ("PORT", "port", …), {"PORT": "port"}, and
// bind("log.level", "LOG_LEVEL").
var (
	rowForm      = regexp.MustCompile("([\\w.]*[({\\[]|[,\\n]|\\w+\\s*[:=])\\s*[\"'`]([A-Z][A-Z0-9_]*)[\"'`]\\s*(,|:|=>)\\s*(?:\\w+\\s*[:=]\\s*)?[\"'`]([a-z][a-z0-9_.-]*)[\"'`]([^\\n]*)")
	reversedForm = regexp.MustCompile("([\\w.]+\\()\\s*[\"'`]([a-z][a-z0-9_.-]*)[\"'`]\\s*,\\s*[\"'`]([A-Z][A-Z0-9_]*)[\"'`]")
	laterForm    = regexp.MustCompile("^\\s*,\\s*[\"'`]([a-z][a-z0-9_.-]*)[\"'`]([^\\n]*)")
	wordSplit    = regexp.MustCompile(`[._-]+`)
)

// leastRows is how many rows make a table: fewer may be a default by chance.
const leastRows = 3

// findTable returns the first table that pairs variables with keys of a file.
func (f *facts) findTable() map[string]row {
	for _, name := range f.sources {
		text := f.texts[name]
		tables := map[string][]row{}
		for _, at := range rowForm.FindAllStringSubmatchIndex(text, -1) {
			form := group(text, at, 3)
			if form == "," {
				form = strings.TrimSpace(group(text, at, 1)) + form
			}
			tables[form] = append(tables[form], row{group(text, at, 2), group(text, at, 4), place(name, text, at[4]), group(text, at, 5)})
		}
		for _, at := range reversedForm.FindAllStringSubmatchIndex(text, -1) {
			form := group(text, at, 1) + "reversed"
			tables[form] = append(tables[form], row{group(text, at, 3), group(text, at, 2), place(name, text, at[6]), ""})
		}
		var best []row
		for _, rows := range tables {
			rows = laterKeys(rows)
			if isTable(rows) && (len(rows) > len(best) || len(rows) == len(best) && rows[0].where < best[0].where) {
				best = rows
			}
		}
		if best != nil {
			return byVariable(best)
		}
	}
	return nil
}

// laterKeys takes the next column for the keys where the first holds names of
// the code: keys of a file are dotted, names are not.
func laterKeys(rows []row) []row {
	later := make([]row, len(rows))
	dotted := false
	for i, r := range rows {
		m := laterForm.FindStringSubmatch(r.rest)
		if m == nil || strings.Contains(r.key, ".") {
			return rows
		}
		dotted = dotted || strings.Contains(m[1], ".")
		later[i] = row{r.variable, m[1], r.where, m[2]}
	}
	if !dotted {
		return rows
	}
	return later
}

// isTable tells a table from defaults that happen to stand behind variables:
// in a table most keys share a word with their variable.
func isTable(rows []row) bool {
	shared, known := 0, false
	for _, r := range rows {
		_, convention := manifest.ConventionOf(r.variable)
		known = known || convention
		words := wordSplit.Split(strings.ToLower(r.variable), -1)
		if slices.ContainsFunc(wordSplit.Split(r.key, -1), func(w string) bool { return slices.Contains(words, w) }) {
			shared++
		}
	}
	return len(rows) >= leastRows && known && 2*shared >= len(rows)
}

func byVariable(rows []row) map[string]row {
	out := map[string]row{}
	for _, r := range rows {
		if _, ok := out[r.variable]; !ok {
			out[r.variable] = r
		}
	}
	return out
}

// formats are told by what the source that reads the file names.
var formats = []struct {
	name string
	form *regexp.Regexp
}{
	{"yaml", regexp.MustCompile(`(?i)\byaml\b`)},
	{"toml", regexp.MustCompile(`(?i)\btoml(lib)?\b`)},
	{"dotenv", regexp.MustCompile(`(?i)dotenv`)},
	{"ini", regexp.MustCompile(`(?i)configparser|\bini\b`)},
	{"json", regexp.MustCompile(`(?i)json\.(parse|load|unmarshal|newdecoder)|encoding/json`)},
}

// formatOf returns the format of the file that a variable names, and where
// that shows; "" where it does not.
func (f *facts) formatOf(variable string) (format, where string) {
	for _, known := range formats {
		for _, name := range f.sources {
			text := f.texts[name]
			if at := known.form.FindStringIndex(text); at != nil && strings.Contains(text, variable) {
				return known.name, place(name, text, at[0])
			}
		}
	}
	return "", ""
}
