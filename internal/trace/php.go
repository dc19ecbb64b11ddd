package trace

import "strings"

// findPHP reads an exception as its __toString prints it, and the form of
// Monolog, which has "[stacktrace]" before the frames.
func findPHP(lines []string, i, floor int) (t Trace, from, to int, ok bool) {
	if strings.TrimSpace(lines[i]) != "Stack trace:" && !strings.HasSuffix(strings.TrimSpace(lines[i]), "[stacktrace]") {
		return t, 0, 0, false
	}
	t.Language = PHP
	if from = phpHead(lines, i, floor, &t); from < 0 {
		return t, 0, 0, false
	}
	frames := len(t.Frames)
	to = phpFrames(lines, i+1, &t)
	if len(t.Frames) == frames && to == i+1 {
		return t, 0, 0, false
	}
	for line(lines, to) == "" && strings.HasPrefix(line(lines, to+1), "Next ") {
		j := to + 1
		for j < len(lines) && lines[j] != "Stack trace:" && j < to+12 {
			j++
		}
		if line(lines, j) != "Stack trace:" || phpHead(lines, j, to+1, &t) < 0 {
			break
		}
		to = phpFrames(lines, j+1, &t)
	}
	if strings.HasPrefix(line(lines, to), "  thrown in ") {
		to++
	}
	return t, from, to, true
}

// phpHead looks back for "Type: message in file:3"; its end tells the place
// of the throw. It returns -1 where there is none.
func phpHead(lines []string, i, floor int, t *Trace) int {
	file, number, ok := "", 0, false
	for j := i - 1; j >= max(floor, i-12); j-- {
		l := lines[j]
		if !ok {
			if file, number, ok = phpPlace(l); !ok {
				return -1
			}
		}
		head := l
		for _, mark := range []string{"Uncaught ", "Next ", "[object] (", "] "} {
			if at := strings.LastIndex(head, mark); at >= 0 && (mark != "] " || strings.HasPrefix(l, "[")) {
				head = head[at+len(mark):]
				break
			}
		}
		head = strings.Replace(head, "(code: 0): ", ": ", 1)
		typ, message, isHead := splitHead(head, `\`)
		isThrown := strings.HasSuffix(typ, "Exception") || strings.HasSuffix(typ, "Error") || head != l
		if !isHead || !isThrown {
			continue
		}
		whole := strings.Join(append([]string{message}, lines[j+1:i]...), "\n")
		t.Type, t.Message = typ, phpMessage(whole)
		t.Frames = append(t.Frames, Frame{file, number, ""})
		return j
	}
	return -1
}

// phpMessage cuts the place from the end of a message.
func phpMessage(whole string) string {
	for _, mark := range []string{" in ", " at "} {
		if at := strings.LastIndex(whole, mark); at >= 0 {
			return whole[:at]
		}
	}
	return whole
}

// phpPlace reads "… in file:3", or "… at file:3)" of Monolog.
func phpPlace(l string) (file string, number int, ok bool) {
	for _, mark := range []string{" in ", " at "} {
		if at := strings.LastIndex(l, mark); at >= 0 {
			if file, number, ok = fileLine(strings.TrimSuffix(l[at+len(mark):], ")")); ok {
				return file, number, true
			}
		}
	}
	return "", 0, false
}

// phpFrames reads "#0 file(3): function()" up to "#n {main}".
func phpFrames(lines []string, i int, t *Trace) int {
	for n := 0; i < len(lines); i, n = i+1, n+1 {
		rest, ok := strings.CutPrefix(lines[i], "#")
		if !ok {
			break
		}
		number, call, _ := strings.Cut(rest, " ")
		if at, isNumber := naturalNumber(number); !isNumber || at != n {
			break
		}
		if strings.HasPrefix(call, "{main}") {
			return i + 1
		}
		place, function, _ := strings.Cut(call, ": ")
		f := Frame{Function: function}
		if open := strings.LastIndexByte(place, '('); open > 0 {
			f.Line, _ = naturalNumber(strings.TrimSuffix(place[open+1:], ")"))
			f.File = place[:open]
		}
		t.Frames = append(t.Frames, f)
	}
	return i
}
