package loglevels

import (
	"regexp"
	"slices"
	"strings"
)

// maxTemplate is how many bytes of a template count.
const maxTemplate = 240

var (
	escapes  = regexp.MustCompile("\x1b\\[[0-9;]*[A-Za-z]")
	moment   = regexp.MustCompile(`\d{4}[-/]\d\d[-/]\d\d[T ,]+\d\d:\d\d:\d\d(?:[.,]\d+)?(?: ?(?:Z|UTC|[+-]\d\d:?\d\d))?`)
	word     = regexp.MustCompile(`[A-Za-z0-9+_=-]{6,}`)
	hex      = regexp.MustCompile(`0x[0-9a-fA-F]+`)
	numbers  = regexp.MustCompile(`\d+(?:[.,:]\d+)*`)
	duration = regexp.MustCompile(`#\s?(?:ns|µs|us|ms|s|m|h|sec|seconds|milliseconds)\b`)
	place    = regexp.MustCompile(`(^|[\s"'=(\[:])(?:https?://[^\s/"']+)?/[^\s"')\],]*`)
)

// masker knows the values of one boot, which are different in the next.
type masker struct{ replace *strings.Replacer }

// newMasker masks the given texts, the longest first.
func newMasker(values []string) masker {
	values = slices.DeleteFunc(slices.Clone(values), func(v string) bool { return len(v) < 4 })
	slices.SortFunc(values, func(a, b string) int { return len(b) - len(a) })
	var pairs []string
	for _, v := range values {
		pairs = append(pairs, v, "*")
	}
	return masker{strings.NewReplacer(pairs...)}
}

// template reduces a line to what does not differ from request to request:
// values of the boot, times, ids and numbers are masked. What is in quotes
// stays, since in many logs everything is.
func (m masker) template(line string) string {
	line = m.replace.Replace(line)
	line = escapes.ReplaceAllString(line, "")
	line = moment.ReplaceAllString(line, "TIME")
	line = hex.ReplaceAllString(line, "#")
	line = word.ReplaceAllStringFunc(line, func(w string) string {
		if looksRandom(w) {
			return "*"
		}
		return w
	})
	line = numbers.ReplaceAllString(line, "#")
	line = duration.ReplaceAllString(line, "#")
	return strings.ToValidUTF8(line[:min(len(line), maxTemplate)], "")
}

// form reduces a line further: its paths are masked, so that the access lines
// of different requests are the same.
func (m masker) form(line string) string {
	return place.ReplaceAllString(m.template(line), "$1/")
}

// looksRandom tells an id from a word: it mixes letters and digits more than
// words such as "http2" and "local3" do.
func looksRandom(w string) bool {
	letters, digits, changes, last := 0, 0, 0, 0
	for _, r := range w {
		kind := 0
		switch {
		case r >= '0' && r <= '9':
			kind, digits = 2, digits+1
		case r >= 'A' && r <= 'Z', r >= 'a' && r <= 'z':
			kind, letters = 1, letters+1
		}
		if kind != 0 && last != 0 && kind != last {
			changes++
		}
		if kind != 0 {
			last = kind
		}
	}
	return letters > 0 && digits > 1 && changes > 1
}
