package mail

import (
	"cmp"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

const scrubbed = "[scrubbed]"

// Scrubber cuts secrets out of texts: those that it is given by value, and
// those that show by their form: credentials in headers and addresses, values
// behind names such as password, keys and tokens of well-known services. It
// cannot know a secret that has neither a name nor a form.
type Scrubber struct {
	values *strings.Replacer
	known  []string       // the same, as texts
	key    *regexp.Regexp // a private key, over several lines
	names  form
	forms  []form
}

// form is a secret that shows by its shape within a line. Keep is what may
// stay of it; hints are lower-case texts without which the shape, which is
// slow to look for, cannot be there.
type form struct {
	hints []string
	shape *regexp.Regexp
	keep  string
}

func (f form) mayBeIn(lower string) bool {
	return slices.ContainsFunc(f.hints, func(hint string) bool { return strings.Contains(lower, hint) })
}

// minSecret is the length below which a value is too ordinary a text to be
// cut out of others.
const minSecret = 5

// NewScrubber returns a Scrubber that knows some secrets by value.
func NewScrubber(secrets []string) *Scrubber {
	known := map[string]bool{}
	for _, secret := range secrets {
		for _, written := range []string{secret, url.QueryEscape(secret), url.PathEscape(secret)} {
			if len(written) >= minSecret {
				known[written] = true
			}
		}
	}
	longest := make([]string, 0, len(known))
	for secret := range known {
		longest = append(longest, secret)
	}
	slices.SortFunc(longest, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	var pairs []string
	for _, secret := range longest {
		pairs = append(pairs, secret, scrubbed)
	}
	return &Scrubber{
		values: strings.NewReplacer(pairs...),
		known:  longest,
		key:    regexp.MustCompile(`(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\z)`),
		names: form{hints: []string{"pass", "pwd", "secret", "token", "credential", "key", "session", "signature"}, shape: regexp.MustCompile(
			`(?im)([\w.-]*(?:password|passwd|passphrase|pwd|secret|token|credentials?|api[_-]?key|access[_-]?key|private[_-]?key|secret[_-]?key|session[_-]?id|signature))` +
				`(["']?\s*(?:=>|[:=])\s*)(b?"(?:[^"\\\n]|\\.)*"|b?'(?:[^'\\\n]|\\.)*'|b?` + torn + `|[^\s,;&)}\]"'<]+)`)},
		forms: forms(),
	}
}

// torn is a quoted value whose end was cut off with the line. It needs the mark
// of that: source code has many quotes that are not ended, such as the second
// one of "wrong token: " + text.
const torn = `["'][^\n]*` + ellipsis + `$`

func forms() []form {
	const value = `(["']?\s*(?:=>|[:=,])\s*)(\[scrubbed\]|"[^"\n]*"|'[^'\n]*'|` + torn + `|[^\n"']+)`
	return []form{
		{[]string{"authorization", "cookie", "x-"}, regexp.MustCompile(`(?im)((?:proxy-|http_)?authorization|(?:set-|http_)?cookie|x-api-key|x-auth-token|x-csrf-token)` + value), "${1}${2}" + scrubbed},
		{[]string{"bearer ", "basic "}, regexp.MustCompile(`(?i)\b(bearer|basic) +[A-Za-z0-9+/._~=-]{8,}`), "${1} " + scrubbed},
		{[]string{"://"}, regexp.MustCompile(`([A-Za-z][A-Za-z0-9+.-]*://)[^\s/"'<>]+@`), "${1}" + scrubbed + "@"},
		{[]string{"://"}, regexp.MustCompile(`(?m)([A-Za-z][A-Za-z0-9+.-]*://)[^\s/"'<>:]*:[^\s/"'<>]*` + ellipsis + `$`), "${1}" + scrubbed + ellipsis},
		{[]string{"akia", "asia", "aroa", "aida"}, regexp.MustCompile(`\b(?:AKIA|ASIA|AROA|AIDA)[0-9A-Z]{16}\b`), scrubbed},
		{[]string{"gh", "glpat-", "xox", "k_live_", "k_test_", "aiza", "sg.", "npm_"}, regexp.MustCompile(`\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|glpat-[A-Za-z0-9_-]{16,}|xox[abprs]-[A-Za-z0-9-]{10,}|[sr]k_(?:live|test)_[A-Za-z0-9]{10,}|AIza[A-Za-z0-9_-]{30,}|SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}|npm_[A-Za-z0-9]{30,})`), scrubbed},
		{[]string{"eyj"}, regexp.MustCompile(`\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*`), scrubbed},
	}
}

// Scrub returns the text without its secrets. Where a line ends with "…" it is
// taken for one that was cut: a known secret that begins before that is cut
// out, too, as far as it is there.
func (s *Scrubber) Scrub(text string) string {
	text = s.mend(s.values.Replace(s.mend(text))) // what is torn may begin with a shorter one that is whole, and the other way round
	if strings.Contains(text, "PRIVATE KEY") {
		text = s.key.ReplaceAllString(text, scrubbed)
	}
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString(s.line(line))
	}
	return b.String()
}

// mend cuts what is left of a known secret on either side of a cut.
func (s *Scrubber) mend(text string) string {
	if !strings.Contains(text, ellipsis) {
		return text
	}
	pieces := strings.Split(text, seam)
	for i, piece := range pieces {
		if i > 0 {
			piece = s.without(piece, strings.HasPrefix, strings.TrimPrefix, func(secret string, n int) string { return secret[len(secret)-n:] })
		}
		pieces[i] = s.mendLines(piece, i < len(pieces)-1)
	}
	return strings.Join(pieces, seam)
}

// mendLines mends the cut ends of lines, and the end of a text that was cut.
func (s *Scrubber) mendLines(text string, cut bool) string {
	const end = ellipsis + "\n"
	bodies := strings.Split(text, end)
	last := len(bodies) - 1
	for i, body := range bodies {
		body, mark := strings.CutSuffix(body, ellipsis)
		if i < last || mark || cut {
			body = s.without(body, strings.HasSuffix, strings.TrimSuffix, func(secret string, n int) string { return secret[:n] })
		}
		if mark {
			body += ellipsis
		}
		bodies[i] = body
	}
	return strings.Join(bodies, end)
}

// without cuts the longest part of a secret that a text begins or ends with.
func (s *Scrubber) without(text string, has func(text, part string) bool, trim func(text, part string) string, partOf func(secret string, n int) string) string {
	longest := ""
	for _, secret := range s.known {
		for n := len(secret) - 1; n >= minSecret && n > len(longest); n-- {
			if part := partOf(secret, n); has(text, part) {
				longest = part
			}
		}
	}
	return trim(text, longest)
}

func (s *Scrubber) line(line string) string {
	lower := strings.ToLower(line)
	for _, f := range s.forms {
		if f.mayBeIn(lower) {
			line = f.shape.ReplaceAllString(line, f.keep)
		}
	}
	if s.names.mayBeIn(lower) {
		line = s.names.shape.ReplaceAllStringFunc(line, s.named)
	}
	return withoutKeys(line)
}

// withoutKeys cuts long words that look random.
func withoutKeys(line string) string {
	const shortest = 40 // a secret key of AWS
	from := 0
	for i := 0; i <= len(line); i++ {
		if i < len(line) && inKey(line[i]) {
			continue
		}
		if i-from >= shortest && looksRandom(line[from:i]) {
			line = line[:from] + scrubbed + line[i:]
			i = from + len(scrubbed)
		}
		from = i + 1
	}
	return line
}

// inKey tells whether a byte is one of base64.
func inKey(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '+' || c == '/'
}

// named cuts the value behind a name such as password, unless the name is the
// type of an exception and what follows its message: "InvalidToken: expired".
func (s *Scrubber) named(found string) string {
	m := s.names.shape.FindStringSubmatch(found)
	name, between, value := m[1], m[2], m[3]
	capitals := strings.IndexFunc(strings.TrimLeftFunc(name, unicode.IsUpper), unicode.IsUpper) >= 0
	word := !strings.ContainsFunc(value, func(r rune) bool { return !unicode.IsLetter(r) })
	if value == scrubbed || strings.HasPrefix(scrubbed, value) || capitals && word && strings.HasPrefix(between, ":") {
		return found
	}
	return name + between + scrubbed
}

// looksRandom tells a key from a path, a name and a digest, which are as long:
// a key mixes both cases and digits and changes between them at every turn.
func looksRandom(text string) bool {
	count, turns, last := map[rune]int{}, 0, rune(0)
	for _, r := range text {
		class := '/'
		switch {
		case unicode.IsUpper(r):
			class = 'A'
		case unicode.IsLower(r):
			class = 'a'
		case unicode.IsDigit(r):
			class = '0'
		}
		count[class]++
		if class != last {
			turns++
		}
		last = class
	}
	return count['A'] >= 5 && count['a'] >= 5 && count['0'] >= 1 && count['/'] <= len(text)/16 && turns*100 > 38*len(text)
}

// event scrubs every text of an event but its fingerprint.
func (s *Scrubber) event(e Event) Event {
	for _, text := range []*string{&e.Title, &e.Text, &e.Where, &e.Worker, &e.Release, &e.Request, &e.RequestID} {
		*text = s.Scrub(*text)
	}
	return e
}
