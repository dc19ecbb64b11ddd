package bench

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/url"
	"strings"
)

// Disguise is a text that gives a secret away.
type Disguise struct {
	Form string // plain, first half, second half, base64, hexadecimal, URL
	Text string
}

// Disguises lists the forms in which a secret is looked for. Base64 has three
// forms, by what stands before the secret; of each only the characters that
// depend on the secret alone.
func Disguises(secret string) []Disguise {
	list := []Disguise{{"plain", secret}}
	add := func(form, text string) {
		for _, known := range list {
			if known.Text == text {
				return
			}
		}
		list = append(list, Disguise{form, text})
	}
	for before := range 3 {
		text := base64Of(before, secret)
		add("base64", text)
		add("base64", strings.NewReplacer("+", "-", "/", "_").Replace(text))
	}
	add("hexadecimal", hex.EncodeToString([]byte(secret)))
	add("hexadecimal", strings.ToUpper(hex.EncodeToString([]byte(secret))))
	add("URL", url.QueryEscape(secret))
	add("URL", url.PathEscape(secret))
	var lower, upper strings.Builder
	for _, c := range []byte(secret) {
		fmt.Fprintf(&lower, "%%%02x", c)
		fmt.Fprintf(&upper, "%%%02X", c)
	}
	add("URL", lower.String())
	add("URL", upper.String())
	// A half of a long secret is nothing that appears by chance.
	if half := len(secret) / 2; half >= 12 {
		add("first half", secret[:half])
		add("second half", secret[half:])
	}
	return list
}

// base64Of encodes a secret that stands behind so many bytes, and keeps the
// characters whose six bits are the secret's (RFC 4648 section 4).
func base64Of(before int, secret string) string {
	text := base64.RawStdEncoding.EncodeToString([]byte(strings.Repeat("x", before) + secret))
	first := (before*8 + 5) / 6
	last := (before + len(secret)) * 8 / 6
	return text[first:last]
}
