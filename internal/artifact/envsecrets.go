package artifact

import (
	"path"
	"regexp"
	"slices"
	"strings"
)

// isEnvFile tells files of KEY=VALUE settings by their name.
func isEnvFile(name string) bool {
	base := path.Base(name)
	return base == ".env" || strings.HasPrefix(base, ".env.") || strings.HasSuffix(base, ".env")
}

var (
	envLine   = regexp.MustCompile(`(?m)^[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_]*)[ \t]*=[ \t]*(.*?)[ \t\r]*$`)
	envSecret = regexp.MustCompile(`(?i)(?:^|_)(?:SECRET|PASSWORD|PASSWD|KEY|TOKEN)$`)
	envPublic = regexp.MustCompile(`(?i)PUBLIC|PUBLISHABLE|SITE_KEY|^(?:VITE|REACT_APP|NEXT_PUBLIC|GATSBY)_`)
)

// envSecrets finds settings that are secret by name, with a value that looks
// like one: not a placeholder, a reference, a path or a plain word.
func envSecrets(content []byte) []secret {
	var all []secret
	for _, m := range envLine.FindAllSubmatchIndex(content, -1) {
		name, value := string(content[m[2]:m[3]]), unquote(string(content[m[4]:m[5]]))
		if !envSecret.MatchString(name) || envPublic.MatchString(name) || !looksSecret(value) {
			continue
		}
		all = append(all, secret{"env", m[2], value, name + "=…"})
	}
	return all
}

// unquote removes quotes, or the comment behind a value that has none.
func unquote(value string) string {
	if value != "" && (value[0] == '"' || value[0] == '\'') {
		if end := strings.IndexByte(value[1:], value[0]); end >= 0 {
			return value[1 : 1+end]
		}
		return value[1:]
	}
	if i := strings.Index(value, " #"); i >= 0 {
		value = value[:i]
	}
	return strings.TrimSpace(value)
}

// looksSecret asks for eight characters and more than one kind of them:
// a lower case word such as "postgres" is the password of a laptop.
func looksSecret(value string) bool {
	switch {
	case len(value) < 8, isPlaceholder(value), strings.ContainsAny(value, " \t"):
		return false
	case strings.HasPrefix(value, "pk_"), strings.HasPrefix(value, "/"), strings.HasPrefix(value, "./"), strings.Contains(value, "://"):
		return false
	}
	kinds := 0
	for _, set := range []string{"abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789"} {
		if strings.ContainsAny(value, set) {
			kinds++
		}
	}
	if strings.Trim(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") != "" {
		kinds++
	}
	different := map[rune]bool{}
	for _, r := range value {
		different[r] = true
	}
	return kinds >= 2 && len(different) >= 6
}

// fillers are words that people write where a secret will be.
var fillers = []string{
	"example", "changeme", "change-me", "change_me", "placeholder", "replace", "insert", "your-", "your_", "yourkey",
	"xxxx", "dummy", "sample", "redacted", "todo", "fixme", "notreal", "not-a-real", "not_a_real", "fake", "insecure",
	"secret-key-here", "secret_key_here", "password", "1234567890", "0123456789", "abcdefgh", "....", "****", "0000000",
}

// isPlaceholder tells a value that stands for a secret from one that is it.
func isPlaceholder(value string) bool {
	lower := strings.ToLower(strings.TrimSpace(value))
	switch {
	case lower == "", strings.Contains(lower, "${"), strings.Contains(lower, "$("), strings.Contains(lower, "{{"),
		strings.HasPrefix(lower, "$"), strings.HasPrefix(lower, "<"), strings.HasPrefix(lower, "["), strings.HasPrefix(lower, "%"):
		return true
	}
	return slices.ContainsFunc(fillers, func(filler string) bool { return strings.Contains(lower, filler) })
}
