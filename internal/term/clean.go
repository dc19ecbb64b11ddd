package term

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

const tabWidth = 4

// Unsafe reports whether a rune must never reach a terminal, because it steers
// the terminal or deceives the reader: C0 and C1 controls, marks that turn the
// reading direction (Unicode UAX #9), line separators, and characters that
// take no room but can be searched, copied and run.
func Unsafe(r rune) bool {
	switch {
	case unicode.IsControl(r):
		return true
	case r == '\u061c', r == '\u200e', r == '\u200f': // direction marks
		return true
	case r >= '\u202a' && r <= '\u202e', r >= '\u2066' && r <= '\u206f': // embeddings, overrides, isolates
		return true
	case r == '\u2028', r == '\u2029': // separators
		return true
	case r == '\u200b', r >= '\u2060' && r <= '\u2065', r == '\ufeff', r == '\u00ad': // invisible
		return true
	case r >= '\ufff9' && r <= '\ufffb', r >= 0xe0000 && r <= 0xe0fff: // annotations, tags
		return true
	}
	return false
}

// Clean makes foreign text safe to print: tabs become spaces, CR LF becomes
// LF, and every unsafe rune or broken byte becomes a visible escape such as
// \x1b or \u202e. Line breaks stay.
func Clean(s string) string { return clean(s, true) }

// Line is [Clean] for a place that holds one line: line breaks are escaped too.
func Line(s string) string { return clean(s, false) }

func clean(s string, breaks bool) string {
	if isTame(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size <= 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case r == '\n' && breaks:
			b.WriteByte('\n')
		case r == '\r' && breaks && strings.HasPrefix(s[i+1:], "\n"):
		case r == '\t':
			b.WriteString(strings.Repeat(" ", tabWidth))
		case Unsafe(r):
			b.WriteString(escape(r))
		default:
			b.WriteString(s[i : i+size])
		}
		i += size
	}
	return b.String()
}

// CleanJSON makes a JSON document safe to print without changing what it says:
// unsafe runes become escapes, which readers of JSON turn back. Line breaks
// stay; outside strings there is nothing else that is unsafe.
func CleanJSON(data []byte) []byte {
	out := make([]byte, 0, len(data))
	for i := 0; i < len(data); {
		r, size := utf8.DecodeRune(data[i:])
		switch {
		case r == '\n' || !Unsafe(r):
			out = append(out, data[i:i+size]...)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			out = fmt.Appendf(out, `\u%04x\u%04x`, high, low)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
		i += size
	}
	return out
}

// isTame spares the common case, printable ASCII, the copy.
func isTame(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

func escape(r rune) string {
	switch {
	case r == '\n':
		return `\n`
	case r == '\r':
		return `\r`
	case r < 0x80:
		return fmt.Sprintf(`\x%02x`, r)
	case r < 0x10000:
		return fmt.Sprintf(`\u%04x`, r)
	}
	return fmt.Sprintf(`\U%08x`, r)
}

// ascii holds what our own text uses outside ASCII, and its plain form.
var ascii = strings.NewReplacer(
	"…", "...", "·", "-", "–", "-", "—", "-", "×", "x", "→", "->", "≤", "<=", "≥", ">=", "≠", "!=",
	"“", `"`, "”", `"`, "‘", "'", "’", "'", "µ", "u", "\u00a0", " ", "⊆", "within", "−", "-",
)

// ASCII writes clean text without any character outside ASCII: punctuation
// becomes its plain form, everything else an escape.
func ASCII(s string) string {
	if isTame(s) {
		return s
	}
	var b strings.Builder
	for _, r := range ascii.Replace(s) {
		if r < utf8.RuneSelf {
			b.WriteRune(r)
		} else {
			b.WriteString(escape(r))
		}
	}
	return b.String()
}
