package trace

import "strings"

// findRuby reads what the interpreter prints for an uncaught exception
// ("file:3:in `f': message (Type)" with "from" lines below), and the list of
// frames that loggers put below a message.
func findRuby(lines []string, i, floor int) (t Trace, from, to int, ok bool) {
	frame, rest, isFrame := rubyFrame(lines[i])
	if !isFrame || strings.HasPrefix(strings.TrimLeft(lines[i], " \t"), "from ") {
		return t, 0, 0, false
	}
	t = Trace{Language: Ruby, Frames: []Frame{frame}}
	from, to = i, i+1
	switch {
	case strings.HasPrefix(rest, ": "):
		to = rubyMessage(lines, to)
		t.Type, t.Message = rubyHead(strings.Join(append([]string{rest[2:]}, lines[i+1:to]...), "\n"))
	case rest == "":
		from = rubyAbove(lines, i, floor, &t)
	}
	if t.Type == "" {
		return t, 0, 0, false
	}
	to = rubyFrames(lines, to, rest == "", &t)
	for { // causes, each with its own head
		cause, causeRest, isCause := rubyFrame(line(lines, to))
		if !isCause || !strings.HasPrefix(causeRest, ": ") || !strings.HasSuffix(causeRest, ")") {
			break
		}
		t.Frames = append(t.Frames, cause)
		to = rubyFrames(lines, rubyMessage(lines, to+1), false, &t)
	}
	return t, from, to, true
}

// rubyFrame reads "file:3:in `f'" (or 'f', since Ruby 3.4) and returns what
// follows.
func rubyFrame(l string) (f Frame, rest string, ok bool) {
	l = strings.TrimPrefix(strings.TrimLeft(l, " \t"), "from ")
	place, call, ok := strings.Cut(l, ":in ")
	if !ok || call == "" || (call[0] != '`' && call[0] != '\'') {
		return f, "", false
	}
	end := strings.IndexByte(call[1:], '\'')
	file, number, isPlace := fileLine(place)
	if end < 0 || !isPlace || strings.ContainsAny(file, " \t") {
		return f, "", false
	}
	return Frame{file, number, call[1 : end+1]}, call[end+2:], true
}

// rubyMessage passes over further lines of a message, if frames follow them.
func rubyMessage(lines []string, i int) int {
	for j := i; j < min(i+12, len(lines)); j++ {
		if _, _, isFrame := rubyFrame(lines[j]); isFrame {
			return j
		}
	}
	return i
}

// rubyHead splits "message (Type)\nmore lines".
func rubyHead(text string) (typ, message string) {
	first, more, _ := strings.Cut(text, "\n")
	if !strings.HasSuffix(first, ")") {
		first, more = text, ""
	}
	open := strings.LastIndex(first, " (")
	if open < 0 || !strings.HasSuffix(first, ")") || !isTypeName(first[open+2:len(first)-1], ":") {
		return "", ""
	}
	message = first[:open]
	if more != "" {
		message += "\n" + more
	}
	return first[open+2 : len(first)-1], message
}

// rubyAbove looks above a list of frames for "message (Type)" or Rails'
// "Type (message):".
func rubyAbove(lines []string, i, floor int, t *Trace) int {
	for j := i - 1; j >= max(floor, i-6); j-- {
		l := strings.TrimSpace(lines[j])
		if typ, message, ok := strings.Cut(l, " ("); ok && strings.HasSuffix(message, "):") && isTypeName(typ, ":") {
			t.Type, t.Message = typ, strings.TrimSuffix(message, "):")
			return j
		}
		if typ, message := rubyHead(l); typ != "" && typ[0] >= 'A' && typ[0] <= 'Z' {
			t.Type, t.Message = typ, message
			return j
		}
	}
	return i
}

// rubyFrames reads "from" lines, or bare ones.
func rubyFrames(lines []string, i int, bare bool, t *Trace) int {
	for ; i < len(lines); i++ {
		f, rest, ok := rubyFrame(lines[i])
		isFrom := strings.HasPrefix(strings.TrimLeft(lines[i], " \t"), "from ")
		if !ok || rest != "" || (!isFrom && !bare) {
			break
		}
		t.Frames = append(t.Frames, f)
	}
	return i
}
