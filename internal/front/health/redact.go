package health

import (
	"net/url"
	"regexp"
	"strings"
)

// maxOutput bounds an error text in a report, in bytes.
const maxOutput = 300

var (
	userinfo = regexp.MustCompile(`://[^\s/@]*@`)
	password = regexp.MustCompile(`(?i)\b(password|passwd|pwd|token|secret|key)=\S+`)
)

// redact takes passwords out of an error text: those that are known and those
// that look like one.
func redact(text string, secrets []string) string {
	for _, secret := range secrets {
		if len(secret) < 3 {
			continue
		}
		text = strings.ReplaceAll(text, secret, "***")
		text = strings.ReplaceAll(text, url.QueryEscape(secret), "***")
		text = strings.ReplaceAll(text, url.PathEscape(secret), "***")
	}
	text = userinfo.ReplaceAllString(text, "://***@")
	text = password.ReplaceAllString(text, "$1=***")
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > maxOutput {
		text = strings.ToValidUTF8(text[:maxOutput], "") + "…"
	}
	return text
}

// passwordOf returns the password of a URL.
func passwordOf(u *url.URL) []string {
	if u.User == nil {
		return nil
	}
	if secret, ok := u.User.Password(); ok {
		return []string{secret}
	}
	return nil
}
