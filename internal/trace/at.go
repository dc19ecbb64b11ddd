package trace

import "strings"

// findAt reads the traces whose frames begin with "at": those of Java, Node
// and .NET. The first frame is the sure sign; the headline is looked for
// above it, and without one there is no trace.
func findAt(lines []string, i, floor int) (t Trace, from, to int, ok bool) {
	_, language := atFrame(lines[i])
	if language == "" {
		return t, 0, 0, false
	}
	t.Language = language
	from = atHead(lines, i, floor, &t)
	if from < 0 {
		return t, 0, 0, false
	}
	switch language {
	case Java:
		to = javaFrames(lines, i, &t)
	case Node:
		if from > floor+1 && strings.TrimSpace(lines[from-1]) == "[errors]: [" {
			from -= 2
			head, _ := errorHead(lines[from], true)
			t.Type, t.Message = head.typ, strings.TrimSuffix(head.message, "]")
		}
		to = nodeFrames(lines, from, i, &t)
	default:
		to = dotNetFrames(lines, i, &t)
	}
	return t, from, to, true
}

// atFrame reads one frame and tells whose it is; "" where it is none.
func atFrame(l string) (f Frame, language string) {
	body := strings.TrimLeft(l, " \t\u00a0")
	if body == l || !strings.HasPrefix(body, "at ") {
		return f, ""
	}
	body = strings.TrimSpace(body[len("at "):])
	if f, ok := javaFrame(body); ok {
		return f, Java
	}
	if f, ok := nodeFrame(strings.TrimSuffix(strings.TrimSuffix(body, ","), " {")); ok {
		return f, Node
	}
	if f, ok := dotNetFrame(body); ok {
		return f, DotNet
	}
	return f, ""
}

// javaFrame reads "module/package.Class.method(File.java:3)". Logback puts
// the jar behind it.
func javaFrame(body string) (f Frame, ok bool) {
	if at := strings.Index(body, ") "); at > 0 && strings.HasSuffix(body, "]") {
		body = body[:at+1]
	}
	open := strings.LastIndexByte(body, '(')
	if open <= 0 || !strings.HasSuffix(body, ")") {
		return f, false
	}
	f.Function = body[:open]
	place := body[open+1 : len(body)-1]
	if strings.ContainsAny(f.Function, " (") || !strings.Contains(f.Function, ".") {
		return f, false
	}
	if place == "Native Method" || place == "Unknown Source" || place == "<generated>" {
		return f, true
	}
	f.File = place
	if file, number, hasLine := fileLine(place); hasLine {
		f.File, f.Line = file, number
	}
	for _, extension := range []string{".java", ".kt", ".scala", ".groovy", ".clj"} {
		if strings.HasSuffix(f.File, extension) {
			return f, true
		}
	}
	return f, false
}

// nodeFrame reads "function (file:1:2)" and "file:1:2" (V8's stack trace API).
func nodeFrame(body string) (f Frame, ok bool) {
	if strings.HasSuffix(body, ")") {
		open := strings.LastIndex(body, " (")
		if open < 0 {
			return f, false
		}
		f.Function = body[:open]
		place := body[open+2 : len(body)-1]
		if place == "<anonymous>" || place == "native" || strings.HasPrefix(place, "index ") {
			return f, true
		}
		f.File, f.Line, ok = fileLineColumn(place)
		return f, ok
	}
	f.File, f.Line, ok = fileLineColumn(strings.TrimPrefix(body, "async "))
	return f, ok && (strings.ContainsAny(f.File, `/\`) || strings.HasPrefix(f.File, "node:"))
}

// dotNetFrame reads "Namespace.Type.Method(Type argument) in file:line 3".
func dotNetFrame(body string) (f Frame, ok bool) {
	call, place, hasPlace := strings.Cut(body, ") in ")
	if hasPlace {
		file, number, isLine := cutLast(place, ":line ")
		if !isLine {
			return f, false
		}
		f.File = file
		if f.Line, ok = naturalNumber(number); !ok {
			return f, false
		}
		call += ")"
	}
	open := strings.IndexByte(call, '(')
	if open <= 0 || !strings.HasSuffix(call, ")") || strings.Contains(call[:open], " ") || !strings.Contains(call[:open], ".") {
		return f, false
	}
	f.Function = call[:open]
	return f, true
}

// atHead looks back for the headline. Lines between it and the frames are of
// its message, but for the inner exceptions that .NET lists there.
func atHead(lines []string, i, floor int, t *Trace) int {
	for j := i - 1; j >= max(floor, i-12); j-- {
		if strings.HasPrefix(strings.TrimSpace(lines[j]), "---> ") {
			continue
		}
		if _, language := atFrame(lines[j]); language != "" {
			return -1
		}
		h, ok := errorHead(lines[j], j == i-1)
		if !ok {
			continue
		}
		t.Type, t.Message = h.typ, h.message
		for _, l := range lines[j+1 : i] {
			if !strings.HasPrefix(strings.TrimSpace(l), "---> ") {
				t.Message += "\n" + l
			}
		}
		return j
	}
	return -1
}

type head struct{ typ, message string }

// errorHead finds "Type: message" in a line, after whatever a logger wrote
// before it. The name must end as those of errors do; in the line right above
// the frames a whole line "Type: message" does with any name.
func errorHead(l string, isAbove bool) (head, bool) {
	for at := 0; at < len(l); {
		space := strings.IndexByte(l[at:], ' ')
		word := l[at:]
		if space >= 0 {
			word = l[at : at+space]
		}
		if h, ok := headAt(strings.TrimLeft(l[at:], "[("), strings.TrimLeft(word, "[("), isAbove && at == len(l)-len(strings.TrimLeft(l, " \t"))); ok {
			return h, true
		}
		if space < 0 {
			break
		}
		at += space + 1
	}
	return head{}, false
}

func headAt(rest, word string, anyName bool) (head, bool) {
	name := strings.TrimRight(word, ":")
	bare := strings.TrimSuffix(name, "]")
	if !isTypeName(bare, ".$+`") {
		return head{}, false
	}
	rest = strings.TrimPrefix(rest, word)
	hasColon := strings.HasSuffix(word, ":")
	if !hasColon && strings.HasPrefix(rest, " [") { // Node: "TypeError [ERR_X]: message"
		if _, after, ok := strings.Cut(rest, "]:"); ok {
			rest, hasColon = after, true
		}
	}
	endsAsError := false
	for _, suffix := range []string{"Exception", "Error", "Throwable", "Failure", "Fault"} {
		endsAsError = endsAsError || strings.HasSuffix(bare, suffix)
	}
	simple := bare[strings.LastIndexAny(bare, ".$+")+1:]
	isName := anyName && simple != "" && (hasColon || strings.Contains(bare, ".")) && simple[0] >= 'A' && simple[0] <= 'Z'
	isError := endsAsError && (hasColon || strings.TrimSpace(rest) == "" || rest == " {")
	if !isError && (!isName || (!hasColon && rest != "")) {
		return head{}, false
	}
	return head{bare, strings.TrimSpace(strings.TrimSuffix(rest, "{"))}, true
}
