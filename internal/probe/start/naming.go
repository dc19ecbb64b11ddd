package start

import (
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/roadworthy-dev/roadworthy/internal/manifest"
)

// Naming counts the lines of a text that name a setting: by its variable, in
// any case and with dashes, or by its key in the file. A variable or key that
// is a plain word, such as "port", counts in small letters only where it
// stands as a name does: quoted, before a colon or an equals sign, or alone.
func Naming(text string, setting manifest.Setting) int {
	var forms []*regexp.Regexp
	forms = append(forms, regexp.MustCompile(`\b`+regexp.QuoteMeta(setting.Name)+`\b`))
	for _, name := range []string{setting.Name, setting.Key} {
		if name != "" {
			forms = append(forms, loose(name))
		}
	}
	lines := 0
	for line := range strings.Lines(text) {
		if slices.ContainsFunc(forms, func(form *regexp.Regexp) bool { return form.MatchString(line) }) {
			lines++
		}
	}
	return lines
}

var separator = regexp.MustCompile(`[._-]`)

// loose matches a name as configuration libraries of other languages write it.
func loose(name string) *regexp.Regexp {
	parts := separator.Split(name, -1)
	for i, part := range parts {
		parts[i] = regexp.QuoteMeta(part)
	}
	if len(parts) > 1 {
		// "log.level", "log-level", "log/level", log["level"], and LogLevel
		return regexp.MustCompile(`(?i)\b` + strings.Join(parts, `(?:[._/-]|["']?\]\[["']?|)`) + `\b`)
	}
	const (
		said   = "\\b(?:setting|settings|variable|option|key|field|parameter)\\s+[\"'`]?"
		before = "(?:^\\s*|[\"'`\\[(]|--|[:=]\\s+)"
		after  = "(?:[\"'`\\])]|\\s*[:=]|\\s*$)"
	)
	return regexp.MustCompile(`(?im)` + said + parts[0] + `\b|` + before + parts[0] + after)
}

// NamesFile counts the lines of a text that name a file, by its whole path or
// by its last element.
func NamesFile(text, file string) int {
	form := regexp.MustCompile(`(?:^|[^\w.-])` + regexp.QuoteMeta(path.Base(file)) + `(?:$|[^\w.-]|\.(?:\W|$))`)
	lines := 0
	for line := range strings.Lines(text) {
		if form.MatchString(line) {
			lines++
		}
	}
	return lines
}

// NamesLine reports whether a text says a line number, or one beside it: "line
// 3", "file:3:" or "(3,". A number in a time of day does not count.
func NamesLine(text string, line int) bool {
	for n := max(1, line-1); n <= line+1; n++ {
		number := strconv.Itoa(n)
		form := regexp.MustCompile(`(?i)\b(?:line|ln|row|zeile)\W{0,3}` + number + `\b|[^\d\s]:` + number + `(?:\D|$)|[(\[]` + number + `(?:[,:]\s*\d+)?[)\]]`)
		if form.MatchString(text) {
			return true
		}
	}
	return false
}
