package manifest

import (
	"regexp"
	"strings"
)

// reference is a "$name" in a text of the manifest.
var reference = regexp.MustCompile(`\$[A-Za-z_][A-Za-z0-9_]*`)

// References returns the names behind each "$" of a text, in order: "nonce",
// "token", the name of a setting.
func References(text string) []string {
	found := reference.FindAllString(text, -1)
	for i, name := range found {
		found[i] = strings.TrimPrefix(name, "$")
	}
	return found
}

// Expand replaces every "$name" of a text for which value returns true. What
// it does not know stays as it is, so a price such as "$5" does too.
func Expand(text string, value func(name string) (string, bool)) string {
	return reference.ReplaceAllStringFunc(text, func(name string) string {
		if v, ok := value(strings.TrimPrefix(name, "$")); ok {
			return v
		}
		return name
	})
}
