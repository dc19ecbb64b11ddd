package trace

import "bytes"

var escapedBreak = []byte(`\n`)

// inline tells the language of a trace within one line, where JSON or logfmt
// has it in a string: fields as exc_info, stack, stack_trace, error.stack. It
// returns "" for other lines.
func inline(l []byte) string {
	if language := inlineList(l); language != "" {
		return language
	}
	for rest := l; ; {
		at := bytes.Index(rest, escapedBreak)
		if at < 0 {
			return ""
		}
		before := rest[:at]
		rest = rest[at+2:]
		if language := inlineFrame(before, rest); language != "" {
			return language
		}
	}
}

// inlineFrame tells whose frame begins behind an escaped line break.
func inlineFrame(before, after []byte) string {
	text := after
	if at := bytes.Index(text, escapedBreak); at >= 0 {
		text = text[:at]
	}
	tabbed := bytes.HasPrefix(text, []byte(`\t`)) || bytes.HasPrefix(text, []byte(`\u0009`))
	body := bytes.TrimLeft(bytes.TrimPrefix(bytes.TrimPrefix(text, []byte(`\t`)), []byte(`\u0009`)), " ")
	indented := tabbed || len(body) < len(text)
	switch {
	case indented && bytes.HasPrefix(body, markAt):
		end := bytes.IndexByte(body, '"')
		if end < 0 {
			end = len(body)
		}
		frame := bytes.TrimSuffix(body[:end], []byte(`\r`))
		_, language := atFrame("  " + string(frame))
		return language
	case indented && bytes.HasPrefix(bytes.TrimLeft(body, " |"), []byte(`File \"`)) && bytes.Contains(text, []byte(`\", line `)):
		return Python
	case tabbed && bytes.Contains(text, []byte(".go:")):
		return Go
	case bytes.HasPrefix(text, []byte("#0 ")) && (bytes.Contains(text, []byte("): ")) || hasAnyPrefix(text, "#0 {main}", "#0 [internal function]: ")):
		return PHP
	case rubyInline(text) || rubyInline(before[max(0, len(before)-200):]):
		return Ruby
	case bytes.HasPrefix(text, []byte("   0: ")) && bytes.Contains(before, []byte("acktrace:")):
		return Rust
	}
	return ""
}

// rubyInline matches "file.rb:3:in `f'".
func rubyInline(text []byte) bool {
	at := bytes.Index(text, []byte(":in "))
	return at > 3 && isDigit(text[at-1]) && at+4 < len(text) && (text[at+4] == '`' || text[at+4] == '\'') && bytes.Contains(text[:at], []byte(".rb"))
}

// inlineList tells the language of a list of frames, as the JSON formats of
// Ruby and PHP have it.
func inlineList(l []byte) string {
	if len(l) < 2 || l[0] != '{' {
		return ""
	}
	if at := bytes.Index(l, []byte(`trace":["`)); at > 0 {
		list := l[at:]
		switch {
		case rubyInline(list):
			return Ruby
		case bytes.Contains(list[:min(len(list), 400)], []byte(".php:")):
			return PHP
		}
	}
	return ""
}
