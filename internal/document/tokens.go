package document

import (
	"fmt"
	"strings"

	"github.com/goccy/go-yaml/token"
)

// tokens splits a text and refuses what nests too deep and what the parser
// would be slow with, before the parser, which recurses, sees it.
func (r *reader) tokens(text string) (token.Tokens, bool) {
	tokens := r.lex(text)
	w := &walk{reader: r, lines: strings.Split(text, "\n")}
	for i, t := range tokens {
		if i == r.limits.Values {
			r.tooMuch(placeOf(t), "the file has too many values", fmt.Sprintf("%d words and signs", len(tokens)),
				fmt.Sprintf("at most %d", r.limits.Values), "keep only settings in this file; move data into files that it names")
			return nil, false
		}
		if !w.line(t) || !w.nesting(t) || !w.separator(t) || !w.key(t) || !w.tabs(t) {
			return nil, false
		}
		if t.Type != token.CommentType {
			w.last = t
		}
	}
	return tokens, true
}

// walk is what is known of a text on the way through its tokens. Its methods
// take one token each and tell whether it is allowed.
type walk struct {
	*reader
	lines      []string
	number     int            // of the line
	inLine     int            // levels that the line opens: "- - - -"
	flow       int            // levels of brackets
	separators []*token.Token // "---" and "..."
	last       *token.Token   // but for comments; nil at first
}

// line refuses tabs in the indentation of a line that begins with a token.
func (w *walk) line(t *token.Token) bool {
	if t.Position.Line == w.number {
		return true
	}
	w.inLine, w.number = 0, t.Position.Line
	c := tabIn(w.lines, t)
	if c == 0 || w.flow > 0 {
		return true
	}
	w.notYAML(Place{w.number, c}, "a line is indented with a tab", "a tab", "spaces: YAML does not allow tabs here", fmt.Sprintf("on line %d replace the tab by two spaces", w.number))
	return false
}

func (w *walk) nesting(t *token.Token) bool {
	switch t.Type {
	case token.SequenceStartType, token.MappingStartType:
		w.flow++
	case token.SequenceEndType, token.MappingEndType:
		w.flow = max(0, w.flow-1)
	case token.SequenceEntryType, token.MappingKeyType:
		w.inLine++
	}
	if w.flow > MaxDepth || w.inLine > MaxDepth {
		w.tooDeep(placeOf(t))
		return false
	}
	return true
}

// separator refuses two heads of documents with nothing between them: the
// library takes the first for an empty document and drops all that follows.
// One document has a head and an end at most; of many the library's time
// grows with the square.
func (w *walk) separator(t *token.Token) bool {
	if t.Type != token.DocumentHeaderType && t.Type != token.DocumentEndType {
		return true
	}
	if w.last != nil && w.last.Type == token.DocumentHeaderType && t.Type == token.DocumentHeaderType {
		w.severalDocuments(placeOf(t), fmt.Sprintf("remove line %d", t.Position.Line))
		return false
	}
	w.separators = append(w.separators, t)
	if len(w.separators) > 2 {
		second := placeOf(w.separators[1])
		w.severalDocuments(second, andWhatFollows(second))
		return false
	}
	return true
}

// key refuses a long key, which the parser writes out once more for each value
// below it. What several keys have together is counted in the tree.
func (w *walk) key(t *token.Token) bool {
	if t.Type != token.MappingValueType || w.last == nil || len(w.last.Value) <= MaxKey {
		return true
	}
	w.longKey(placeOf(w.last))
	return false
}

// tabs refuses tabs that the lexer loses something by: in the middle of a text
// without quotes it drops them, and for each in one in double quotes it skips a
// sign behind the text, which can be a key with its value.
func (w *walk) tabs(t *token.Token) bool {
	text, kept := t.Origin, 0
	switch t.Type {
	case token.CommentType, token.SingleQuoteType, token.InvalidType:
		return true
	case token.DoubleQuoteType:
		_, text, _ = strings.Cut(strings.ReplaceAll(text, "\\\t", ""), `"`)
		text = strings.TrimSuffix(text, "\t\"") + `"` // one at the end does no harm
	default:
		kept = strings.Count(t.Value, "\t")
	}
	if tabsWithin(text) <= kept {
		return true
	}
	at := placeOf(t)
	w.notYAML(at, "a tab stands in the middle of a text", "a tab", `a blank, or \t within double quotes`,
		fmt.Sprintf(`in the text that begins on line %d write a blank instead of the tab, or \t within double quotes`, at.Line))
	return false
}

// tabsWithin counts the tabs of a text that stand between the words of a line.
func tabsWithin(text string) int {
	count := 0
	for line := range strings.Lines(text) {
		count += strings.Count(strings.Trim(line, " \t\r\n"), "\t")
	}
	return count
}

// tabIn returns the column of a tab in the indentation of the line that a
// token is the first of, 0 for none. The library lets some of them pass, and
// then the line means something else than it looks. Within a block of text a
// tab is text, within brackets it is a blank.
func tabIn(lines []string, t *token.Token) int {
	if t.Position.Line < 1 || t.Position.Line > len(lines) || strings.HasPrefix(strings.TrimSpace(lines[t.Position.Line-1]), "#") {
		return 0
	}
	if t.Prev != nil && (t.Prev.Type == token.LiteralType || t.Prev.Type == token.FoldedType) {
		return 0
	}
	line := lines[t.Position.Line-1]
	indent := line[:len(line)-len(strings.TrimLeft(line, " \t"))]
	return strings.IndexByte(indent, '\t') + 1
}
