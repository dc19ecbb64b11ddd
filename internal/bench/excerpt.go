package bench

import "strings"

// maxExcerpt is how many bytes of a text a record keeps.
const maxExcerpt = 300

// Excerpt returns the beginning of a text for a record: at most 300 bytes,
// valid UTF-8, without the values of secrets, whose names take their place.
func (b *Boot) Excerpt(text string) string {
	text = text[:min(len(text), 8*maxExcerpt)] // a flood must not cost time
	for _, canary := range b.Canaries() {
		text = strings.ReplaceAll(text, canary.Value, "("+canary.Name+")")
	}
	return strings.ToValidUTF8(text[:min(len(text), maxExcerpt)], "")
}
