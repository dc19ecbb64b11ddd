package artifact

import (
	"bytes"
	"cmp"
	"fmt"
	"hash/crc32"
	"path"
	"regexp"
	"slices"
	"strings"
)

// secret is one found in a file.
type secret struct {
	kind     string
	at       int    // offset in the file
	secret   string // itself: hashed to tell equal ones, then dropped
	redacted string
}

// detector finds one kind of secret. Its words are looked for first, as a
// search is far cheaper than an expression.
type detector struct {
	kind       string
	words      []string
	expression *regexp.Regexp          // its last group, or all of it, is the secret
	accept     func(whole string) bool // what else must hold
}

// detectors list forms that nothing but a secret has. GitHub's tokens end in
// a checksum; the others have a prefix and a fixed alphabet and length.
var detectors = []detector{
	{"github", []string{"gh"}, regexp.MustCompile(`\bgh[pousr]_[A-Za-z0-9]{36}\b`), gitHubChecksum},
	{"github", []string{"github_pat_"}, regexp.MustCompile(`\bgithub_pat_([A-Za-z0-9]{22}_[A-Za-z0-9]{59})\b`), varied},
	{"gitlab", []string{"glpat-"}, regexp.MustCompile(`\bglpat-([A-Za-z0-9_-]{27,300}\.[0-9a-z]{9}|[A-Za-z0-9_-]{20})(?:[^A-Za-z0-9_.-]|$)`), varied},
	{"slack", []string{"xox"}, regexp.MustCompile(`\bxox[abposr]-[0-9]{10,13}-[0-9]{10,13}-(?:[0-9]{10,13}-)?([A-Za-z0-9]{24,34})\b`), varied},
	{"slack", []string{"hooks.slack.com"}, regexp.MustCompile(`hooks\.slack\.com/services/T[A-Z0-9]{8,12}/B[A-Z0-9]{8,12}/([A-Za-z0-9]{24})\b`), varied},
	{"stripe", []string{"k_live_"}, regexp.MustCompile(`\b[sr]k_live_([A-Za-z0-9]{24,247})\b`), varied},
	// The body follows at once: an encrypted key has a header between. "\n"
	// stands for a line end in JSON and in environment files.
	{"private-key", []string{"PRIVATE KEY"}, regexp.MustCompile(
		`-----BEGIN (?:(?:RSA |EC |DSA |OPENSSH )?PRIVATE KEY|PGP PRIVATE KEY BLOCK)-----(?:[\s\\nr]|Version:[^\n]*\n|Comment:[^\n]*\n)*([A-Za-z0-9+/=]{40,}[A-Za-z0-9+/=\s\\]*)`), realKey},
}

// secretsIn finds the secrets of one file, in the order of the detectors.
func secretsIn(name string, content []byte) []secret {
	var all []secret
	for _, d := range detectors {
		if slices.ContainsFunc(d.words, func(word string) bool { return bytes.Contains(content, []byte(word)) }) {
			all = append(all, d.find(content)...)
		}
	}
	all = append(all, awsPairs(content)...)
	if !isEnvFile(name) {
		return all
	}
	for _, setting := range envSecrets(content) {
		// Of a token in a setting its own form says more.
		if !slices.ContainsFunc(all, func(s secret) bool { return strings.Contains(setting.secret, s.secret) }) {
			all = append(all, setting)
		}
	}
	return all
}

func (d detector) find(content []byte) []secret {
	var all []secret
	for _, m := range d.expression.FindAllSubmatchIndex(content, -1) {
		whole := string(content[m[len(m)-2]:m[len(m)-1]])
		if !d.accept(whole) {
			continue
		}
		all = append(all, secret{d.kind, m[0], whole, redact(string(content[m[0]:m[len(m)-1]]))})
	}
	return all
}

// redact keeps the part that every secret of the kind has.
func redact(text string) string {
	for _, public := range []string{"github_pat_", "glpat-", "hooks.slack.com/services/", "sk_live_", "rk_live_"} {
		if strings.HasPrefix(text, public) {
			return fmt.Sprintf("%s… (%d characters)", public, len(text))
		}
	}
	if strings.HasPrefix(text, "-----BEGIN") {
		header, _, _ := strings.Cut(text[len("-----"):], "-----")
		return "-----" + header + "-----…"
	}
	return fmt.Sprintf("%s… (%d characters)", text[:4], len(text))
}

// gitHubChecksum verifies the last six characters of a token: the CRC-32 of
// the 30 before them, in base 62
// (https://github.blog/engineering/platform-security/behind-githubs-new-authentication-token-formats/).
func gitHubChecksum(token string) bool {
	const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	body := token[len("ghp_"):]
	sum := crc32.ChecksumIEEE([]byte(body[:30]))
	want := make([]byte, 6)
	for i := range want {
		want[5-i] = digits[sum%62]
		sum /= 62
	}
	return string(want) == body[30:]
}

// realKey tells the body of a private key from words that stand for one. Its
// text is too long to look for single words in it: they come by chance.
func realKey(body string) bool {
	return diverse(body) && !strings.Contains(strings.ToUpper(body), "EXAMPLE")
}

// varied refuses what a person typed to fill a place.
func varied(text string) bool { return diverse(text) && !isExample(text) }

// isExample tells a token that was written for a manual. Only long words count:
// short ones come up by chance in what a generator made.
func isExample(token string) bool {
	lower := strings.ToLower(token)
	return slices.ContainsFunc([]string{"example", "placeholder", "changeme", "redacted", "1234567890", "0123456789", "abcdefgh"},
		func(word string) bool { return strings.Contains(lower, word) })
}

// diverse reports whether a text has at least ten different characters.
func diverse(text string) bool {
	different := map[rune]bool{}
	for _, r := range text {
		different[r] = true
	}
	return len(different) >= 10
}

var (
	awsID     = regexp.MustCompile(`\b(?:AKIA|ASIA)[A-Z2-7]{16}\b`)
	awsSecret = regexp.MustCompile(`(?:^|[^A-Za-z0-9/+])([A-Za-z0-9/+]{40})(?:[^A-Za-z0-9/+=]|$)`)
)

// awsPairs finds an access key's id with its secret within 400 bytes: neither
// is of use alone, and forty characters are often something else.
func awsPairs(content []byte) []secret {
	const near = 400
	var all []secret
	for _, id := range awsID.FindAllIndex(content, -1) {
		name := string(content[id[0]:id[1]])
		if isExample(name) {
			continue
		}
		from := max(0, id[0]-near)
		for _, m := range awsSecret.FindAllSubmatchIndex(content[from:min(len(content), id[1]+near)], -1) {
			key := string(content[from+m[2] : from+m[3]])
			if varied(key) && hasAll(key, "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz", "0123456789") {
				all = append(all, secret{"aws", from + m[2], key, name[:4] + "… with its secret (40 characters)"})
				break
			}
		}
	}
	return all
}

func hasAll(text string, sets ...string) bool {
	return !slices.ContainsFunc(sets, func(set string) bool { return !strings.ContainsAny(text, set) })
}

// isFixture tells paths whose secrets are usually made for them.
func isFixture(name string) bool {
	for part := range strings.SplitSeq(strings.ToLower(name), "/") {
		switch part {
		case "test", "tests", "testdata", "fixtures", "fixture", "__tests__", "spec", "specs", "example", "examples", "docs", "mock", "mocks":
			return true
		}
	}
	base := strings.ToLower(path.Base(name))
	return slices.ContainsFunc([]string{"example", "sample", "template", ".dist", "_test.", ".test.", ".spec."}, func(part string) bool {
		return strings.Contains(base, part)
	})
}

func sortFindings(all []Finding) {
	slices.SortFunc(all, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Kind, b.Kind))
	})
}
