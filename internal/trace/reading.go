package trace

import "strings"

// Trace reads a group: type, message and frames, as [Find] does, without what
// a logger wrote before each line. Of a trace in JSON it reads the field. Where
// there are no frames to be read the type and the message come from the lines.
// The zero Trace is returned for an ordinary line.
func (g Group) Trace() Trace {
	if g.Language == "" {
		return Trace{}
	}
	text := g.bodies()
	found := Find(text)
	if len(found) == 0 {
		found = FindAnywhere(text)
	}
	for _, t := range found {
		if t.Language == g.Language {
			t.Text = string(g.Text)
			return t
		}
	}
	t := Trace{Language: g.Language, Text: string(g.Text)}
	t.Type, t.Message = headline(text, g.Language)
	return t
}

// bodies returns the lines without the heads of the logger.
func (g Group) bodies() string {
	if len(g.prefix) == 0 {
		return string(g.Text)
	}
	lines := strings.Split(string(g.Text), "\n")
	for i, l := range lines {
		if at, ok := matchPrefix(g.prefix, []byte(l)); ok {
			lines[i] = l[at:]
		}
	}
	return strings.Join(lines, "\n")
}

// headline looks for "Type: message" in lines that are no frames. Python has
// it at the end.
func headline(text, language string) (typ, message string) {
	lines := strings.Split(text, "\n")
	for i := range lines {
		l := lines[i]
		if language == Python {
			l = lines[len(lines)-1-i]
		}
		l = strings.TrimLeft(l, " |+")
		for _, kind := range []string{"panic", "fatal error", "Fatal Python error"} {
			if rest, ok := strings.CutPrefix(l, kind+": "); ok {
				return kind, rest
			}
		}
		if h, ok := errorHead(l, false); ok {
			return h.typ, h.message
		}
	}
	return "", strings.TrimSpace(lines[0])
}
