package trace

import (
	"encoding/json"
	"fmt"
	"html"
	"strings"
)

// FindAnywhere returns the traces in a body of unknown form: plain text, HTML
// (tags stripped, entities decoded, comments kept as text) and escaped strings
// in quotes, as those of JSON and of logfmt. The same trace in several places
// is returned once.
func FindAnywhere(body string) []Trace {
	if looksLikeHTML(body) {
		body = htmlText(body)
	}
	found := Find(body)
	for _, text := range quotedTexts(body) {
		found = append(found, Find(text)...)
	}
	seen := map[string]bool{}
	var once []Trace
	for _, t := range found {
		key := fmt.Sprint(t.Language, t.Type, t.Message, t.Frames)
		if !seen[key] {
			seen[key] = true
			once = append(once, t)
		}
	}
	return once
}

func looksLikeHTML(body string) bool {
	start := strings.ToLower(body[:min(len(body), 4096)])
	for _, tag := range []string{"<!doctype html", "<html", "<body", "<pre", "<br", "<div", "<p>", "<h1", "<b>", "<table"} {
		if strings.Contains(start, tag) {
			return true
		}
	}
	return false
}

// htmlText strips tags. Tags that end a line do so in the text; what is in
// scripts and styles is dropped.
func htmlText(body string) string {
	var b strings.Builder
	for len(body) > 0 {
		open := strings.IndexByte(body, '<')
		if open < 0 {
			b.WriteString(body)
			break
		}
		b.WriteString(body[:open])
		body = body[open:]
		name, rest, isTag := htmlTag(body)
		switch {
		case !isTag:
			b.WriteByte('<')
			body = body[1:]
			continue
		case name == "script" || name == "style":
			rest = rest[closing(rest, "</"+name):]
		case endsLine[name]:
			b.WriteByte('\n')
		}
		body = rest
	}
	return strings.ReplaceAll(html.UnescapeString(b.String()), "\u00a0", " ")
}

var endsLine = map[string]bool{
	"br": true, "p": true, "/p": true, "div": true, "/div": true, "li": true, "/li": true, "tr": true, "/tr": true, "pre": true, "/pre": true,
	"h1": true, "/h1": true, "h2": true, "/h2": true, "h3": true, "/h3": true, "textarea": true, "/textarea": true, "!--": true, "title": true, "/title": true, "ul": true, "/ul": true,
}

// closing returns where a closing tag begins, in any case of letters; the end
// of the text where it is missing.
func closing(text, tag string) int {
	for at := 0; ; at++ {
		next := strings.Index(text[at:], "</")
		if next < 0 {
			return len(text)
		}
		at += next
		if len(text)-at >= len(tag) && strings.EqualFold(text[at:at+len(tag)], tag) {
			return at
		}
	}
}

// maxTag bounds how far the end of a tag is looked for.
const maxTag = 8 << 10

// htmlTag reads the tag at the start of the text: its name, with the slash of
// a closing one, and what follows. Of a comment only the mark is a tag.
func htmlTag(body string) (name, rest string, ok bool) {
	if strings.HasPrefix(body, "<!--") {
		return "!--", body[4:], true
	}
	end := strings.IndexByte(body[:min(len(body), maxTag)], '>')
	if end < 0 || len(body) < 3 || !beginsTag(body[1]) {
		return "", "", false
	}
	fields := strings.FieldsFunc(body[1:end], func(r rune) bool { return r == ' ' || r == '\n' || r == '\t' || r == '\r' })
	if len(fields) == 0 {
		return "", body[end+1:], true
	}
	return strings.TrimSuffix(strings.ToLower(fields[0]), "/"), body[end+1:], true
}

// beginsTag reports whether a byte after "<" makes it a tag.
func beginsTag(c byte) bool {
	return c == '/' || c == '!' || (c|0x20 >= 'a' && c|0x20 <= 'z')
}

// quotedTexts returns the unescaped strings in double quotes that hold a line
// break. A string does not go over a line, so that a lone quote spoils
// but its own line.
func quotedTexts(body string) []string {
	var texts []string
	if !strings.Contains(body, `\n`) && !strings.Contains(body, `\u000a`) {
		return nil
	}
	for l := range strings.Lines(body) {
		for {
			open := strings.IndexByte(l, '"')
			if open < 0 {
				break
			}
			length := quotedLength(l[open:])
			if length == 0 {
				break
			}
			if text, ok := unescape(l[open : open+length]); ok {
				texts = append(texts, text)
			}
			l = l[open+length:]
		}
	}
	return texts
}

// quotedLength returns the length of the string literal at the start of a
// text; 0 where it is not closed.
func quotedLength(l string) int {
	for i := 1; i < len(l); i++ {
		switch l[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return 0
}

func unescape(literal string) (string, bool) {
	if !strings.Contains(literal, `\n`) && !strings.Contains(literal, `\u000a`) {
		return "", false
	}
	var text string
	if json.Unmarshal([]byte(literal), &text) != nil {
		text = strings.NewReplacer(`\n`, "\n", `\t`, "\t", `\"`, `"`, `\\`, `\`).Replace(literal[1 : len(literal)-1])
	}
	return text, hasMark(text)
}
