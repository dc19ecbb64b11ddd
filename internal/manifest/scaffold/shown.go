package scaffold

import (
	"regexp"
	"slices"
	"strings"

	"github.com/roadworthy-dev/roadworthy/internal/manifest"
)

// handlers begin the code that answers a GET of a path, where the code itself
// follows.
var handlers = []*regexp.Regexp{
	regexp.MustCompile(`HandleFunc\("(?:GET )?(/[\w./-]*)(?:\{\$\})?",\s*func\(`),
	regexp.MustCompile("[\"'`](?:GET )?(/[\\w/-]*)[\"'`]\\s*[:,]\\s*(?:async\\s*)?(?:\\([^()]*\\)\\s*=>|\\w+\\s*=>|function)"),
	regexp.MustCompile(`@\w+\.(?:route|get)\(\s*["'](/[\w/-]*)["']`),
	regexp.MustCompile(`def do_GET(\()`),
	regexp.MustCompile(`(?m)^\s*get\s+["'](/[\w/-]*)["']\s+do`),
}

// shownLines is how far from the begin of a handler a setting is taken to be
// part of its answer.
const shownLines = 12

// shown tells which page shows a setting, and by what: the code that answers
// the page reads it, or a page's template writes a value of its name.
func (f *facts) shown(variable, key string) (request, where string) {
	if manifest.SecretName(variable) {
		return "", ""
	}
	use := regexp.MustCompile(`\b` + regexp.QuoteMeta(variable) + `\b`)
	for _, name := range f.sources {
		text := f.texts[name]
		if !strings.Contains(text, variable) {
			continue
		}
		for _, at := range use.FindAllStringIndex(text, -1) {
			if page := handled(text, at[0]); page != "" {
				return "GET " + page, place(name, text, at[0])
			}
		}
	}
	written := regexp.MustCompile(`(?:\{\{-?\s*(?:\.|\w+\.)*|\$\{(?:\w+\.)*|<%=\s*@?(?:\w+\.)*)(?i:` + names(variable, key) + `)\s*(?:\||-?\}|%>)|<\w+[^\n<>]*>[^\n<>]{0,40}[({.](?i:` + names(variable, key) + `)[)}]`)
	for _, name := range f.pages {
		if at := written.FindStringIndex(f.texts[name]); at != nil {
			return "GET /", place(name, f.texts[name], at[0])
		}
	}
	return "", ""
}

// handled returns the page whose handler a place in a source belongs to, ""
// for none that is known.
func handled(text string, at int) string {
	begin := at
	for line := 0; line <= shownLines && begin >= 0; line++ {
		begin = strings.LastIndexByte(text[:begin], '\n')
	}
	text = text[begin+1 : at]
	start, page := -1, ""
	for _, form := range handlers {
		for _, m := range form.FindAllStringSubmatchIndex(text, -1) {
			if m[0] > start {
				start, page = m[0], text[m[2]:m[3]]
			}
		}
	}
	if page == "(" { // one method for every path
		return "/"
	}
	return page
}

// wordings are last words of settings whose text is for readers of a page.
var wordings = []string{"title", "greeting", "motto", "headline", "heading", "banner", "footer", "tagline", "slogan", "brand", "welcome", "subtitle"}

// names lists how a template may call a setting: by its key, its variable, or
// the last word of it where that is for readers.
func names(variable, key string) string {
	lower := strings.ToLower(variable)
	list := []string{regexp.QuoteMeta(lower), regexp.QuoteMeta(strings.ReplaceAll(lower, "_", ""))}
	last := lower[strings.LastIndexByte(lower, '_')+1:]
	if slices.Contains(wordings, last) {
		list = append(list, last)
	}
	if word := key[strings.LastIndexByte(key, '.')+1:]; len(word) > 3 && word != "name" && word != "user" && word != "text" {
		list = append(list, regexp.QuoteMeta(word))
	}
	return strings.Join(list, "|")
}
