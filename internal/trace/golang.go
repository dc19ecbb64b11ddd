package trace

import "strings"

// findGo reads what the runtime prints on a panic or a fatal error, and what
// runtime/debug.Stack returns. The sure sign is the line of the goroutine.
func findGo(lines []string, i, floor int) (t Trace, from, to int, ok bool) {
	if !isGoroutine(lines[i]) {
		return t, 0, 0, false
	}
	t.Language = Go
	from = goHead(lines, i, floor, &t)
	to = goFrames(lines, i+1, &t)
	for from < i && line(lines, to) == "" && isGoroutine(line(lines, to+1)) {
		to = goFrames(lines, to+2, &t)
	}
	if t.Type == "" {
		for _, f := range t.Frames {
			if f.Function == "panic" {
				t.Type = "panic"
			}
		}
	}
	return t, from, to, len(t.Frames) > 0
}

// isGoroutine matches "goroutine 7 [running]:", at the end of a line where it
// follows something as in `stack="goroutine 7 …`.
func isGoroutine(l string) bool {
	_, after, found := strings.Cut(l, "goroutine ")
	if !found || !strings.HasSuffix(l, "]:") {
		return false
	}
	number, state, ok := strings.Cut(after, " ")
	_, isNumber := naturalNumber(number)
	return ok && isNumber && strings.Contains(state, "[")
}

// goHead looks back for the line of the panic and returns where it begins.
// The runtime puts an empty line before the goroutine, net/http puts none.
func goHead(lines []string, i, floor int, t *Trace) int {
	for j := i - 1; j >= max(floor, i-6); j-- {
		if at := strings.Index(lines[j], "http: panic serving "); at >= 0 {
			_, message, _ := strings.Cut(lines[j][at+len("http: panic serving "):], ": ")
			t.Type, t.Message = "panic", goMessage(message, lines[j+1:i])
			return j
		}
	}
	if i == floor || lines[i-1] != "" {
		return i
	}
	for j := i - 1; j >= max(floor, i-40); j-- {
		for _, kind := range []string{"panic", "fatal error"} {
			if message, ok := strings.CutPrefix(lines[j], kind+": "); ok {
				t.Type, t.Message = kind, goMessage(message, lines[j+1:i])
				return j
			}
		}
	}
	return i
}

// goMessage joins the lines of a message up to the empty one.
func goMessage(first string, rest []string) string {
	message := []string{first}
	for _, l := range rest {
		if l == "" || strings.HasPrefix(l, "[signal ") || isGoroutine(l) {
			break
		}
		message = append(message, strings.TrimPrefix(l, "\t"))
	}
	return strings.Join(message, "\n")
}

// goFrames reads pairs of a function and its place.
func goFrames(lines []string, i int, t *Trace) int {
	for i+1 < len(lines) {
		place, ok := strings.CutPrefix(lines[i+1], "\t")
		if !ok {
			break
		}
		place, _, _ = strings.Cut(place, " +0x")
		file, number, isPlace := fileLine(place)
		if !isPlace {
			break
		}
		t.Frames = append(t.Frames, Frame{file, number, goFunction(lines[i])})
		i += 2
	}
	return i
}

// goFunction cuts the arguments: "main.(*shop).add(...)" is a method.
func goFunction(l string) string {
	if created, ok := strings.CutPrefix(l, "created by "); ok {
		created, _, _ = strings.Cut(created, " in goroutine ")
		return created
	}
	if at := strings.LastIndexByte(l, '('); at > 0 && strings.HasSuffix(l, ")") {
		return l[:at]
	}
	return l
}
