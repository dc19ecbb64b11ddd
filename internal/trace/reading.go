package trace

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
)

// Trace reads a group: type, message and frames, as [Find] does, without what
// a logger wrote before each line. Of a trace in JSON it reads the field. What
// Find is too strict for is read line by line, for a group is known to be a
// trace. The zero Trace is returned for an ordinary line.
func (g Group) Trace() Trace {
	if g.Language == "" {
		return Trace{}
	}
	text := g.bodies()
	isInline := !strings.Contains(text, "\n") && strings.Contains(text, `\n`)
	found := Find(text)
	if isInline {
		found = FindAnywhere(text)
	}
	for _, t := range found {
		if t.Language == g.Language && t.Type != "" {
			t.Text = string(g.Text)
			return t
		}
	}
	if isInline {
		text = strings.NewReplacer(`\n`, "\n", `\t`, "\t", `\"`, `"`, `\/`, "/", `\\`, `\`).Replace(text)
	}
	t := lenient(text, g.Language)
	if isInline && t.Type == "" {
		t.Message = cmp.Or(said(g.bodies()), t.Message)
	}
	t.Text = string(g.Text)
	return t
}

// said is what a record in JSON says of its error besides the stack: Go's, if
// nothing panicked, names none. "" where it says nothing.
func said(record string) string {
	for _, key := range []string{"error", "err", "exception", "msg", "message"} {
		if text := strings.TrimSpace(jsonString(record, key)); text != "" {
			return text
		}
	}
	return ""
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

// lenient takes the frames from whatever lines have them, and the headline
// from those before the first; in Python from those behind the last.
func lenient(text, language string) Trace {
	t := Trace{Language: language}
	if at := strings.Index(text, `trace":["`); at > 0 && !strings.Contains(text, "\n") {
		t.Frames = listedFrames(text[at+len(`trace":[`):])
		t.Type, t.Message = jsonString(text, "class"), jsonString(text, "message")
		return t
	}
	lines := strings.Split(text, "\n")
	from, to := len(lines), 0
	for i := range lines {
		if f, ok := frameOf(lines, i, language); ok {
			t.Frames = append(t.Frames, f)
			from, to = min(from, i), i+1
		}
	}
	if language == Python {
		t.Type, t.Message = headline(lines[min(to, len(lines)):])
	}
	if t.Type == "" {
		t.Type, t.Message = headline(lines[:from])
	}
	if language == Ruby && t.Type == "" && from < len(lines) {
		_, rest, _ := rubyFrame(lines[from])
		t.Type, t.Message = rubyHead(strings.TrimPrefix(rest, ": "))
		if t.Type == "" {
			t.Type, t.Message = "RuntimeError", strings.TrimPrefix(rest, ": ")
		}
	}
	return t
}

// frameOf reads the frame that a line holds.
func frameOf(lines []string, i int, language string) (f Frame, ok bool) {
	l := lines[i]
	switch language {
	case Python:
		return pythonFrame("  " + strings.TrimLeft(l, " |+"))
	case Java, Node, DotNet:
		f, found := atFrame(l)
		return f, found == language
	case Go:
		if i > 0 && strings.HasPrefix(l, "\t") {
			place, _, _ := strings.Cut(l[1:], " +0x")
			f.File, f.Line, ok = fileLine(place)
			f.Function = goFunction(lines[i-1])
		}
		return f, ok && !strings.HasPrefix(lines[i-1], "\t")
	case Ruby:
		f, _, ok = rubyFrame(l)
	case PHP:
		if isPHPFrame([]byte(l)) {
			var one Trace
			phpFrames([]string{"#0" + l[strings.IndexByte(l, ' '):]}, 0, &one)
			if len(one.Frames) > 0 {
				return one.Frames[0], true
			}
		}
	case Rust:
		if place, isPlace := strings.CutPrefix(strings.TrimLeft(l, " "), "at "); isPlace && i > 0 {
			_, f.Function, _ = strings.Cut(lines[i-1], ": ")
			f.File, f.Line, ok = fileLineColumn(place)
		}
	}
	return f, ok
}

// listedFrames reads a list of strings in JSON, each a frame of Ruby or
// "file:3" of PHP.
func listedFrames(text string) (frames []Frame) {
	list, _, _ := strings.Cut(text, "]")
	for part := range strings.SplitSeq(list, `","`) {
		part = strings.Trim(part, `"`)
		if f, _, ok := rubyFrame(part); ok {
			frames = append(frames, f)
		} else if file, number, ok := fileLine(part); ok {
			frames = append(frames, Frame{file, number, ""})
		}
	}
	return frames
}

// jsonString reads the first string with a key.
func jsonString(text, key string) (value string) {
	_, rest, ok := strings.Cut(text, `"`+key+`":`)
	if !ok {
		return ""
	}
	if n := quotedLength(rest); n > 0 && rest[0] == '"' && json.Unmarshal([]byte(rest[:n]), &value) != nil {
		return rest[1 : n-1]
	}
	return value
}

// beforeType stand before the type in the first line of a trace.
var beforeType = []string{"Uncaught ", "Unhandled exception. ", "Unhandled exception: ", "PHP Fatal error:  ", "Fatal error: "}

// headline looks for "Type: message", from the end on.
func headline(lines []string) (typ, message string) {
	for _, l := range slices.Backward(lines) {
		if typ, message, ok := typedLine(strings.TrimLeft(l, " |+")); ok {
			return typ, message
		}
	}
	if len(lines) == 0 {
		return "", ""
	}
	return "", strings.TrimSpace(lines[0])
}

func typedLine(l string) (typ, message string, ok bool) {
	for _, mark := range beforeType {
		if _, after, ok := strings.Cut(l, mark); ok {
			l = after
		}
	}
	if rest, ok := strings.CutPrefix(l, `Exception in thread "`); ok {
		_, l, _ = strings.Cut(rest, `" `)
	}
	for _, kind := range []string{"panic", "fatal error", "Fatal Python error"} {
		if rest, ok := strings.CutPrefix(l, kind+": "); ok {
			return kind, rest, true
		}
	}
	name, rest, hasMessage := strings.Cut(l, ": ")
	if word, _, ok := strings.Cut(name, " in /"); ok {
		name = word // PHP without a message
	}
	isName := isTypeName(strings.NewReplacer("<", "", ">", "").Replace(name), `.$\:`)
	if isName && (hasMessage || strings.ContainsAny(name, `.\$`) || isTypeWord([]byte(name))) {
		return name, rest, true
	}
	h, ok := errorHead(l, false)
	return h.typ, h.message, ok
}
