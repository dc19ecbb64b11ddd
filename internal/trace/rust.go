package trace

import "strings"

// findRust reads a panic, with its backtrace where RUST_BACKTRACE asked for
// one, and the backtrace that anyhow prints below an error.
func findRust(lines []string, i, floor int) (t Trace, from, to int, ok bool) {
	t = Trace{Language: Rust, Type: "panic"}
	switch {
	case lines[i] == "Stack backtrace:":
		from, to, t.Type, t.Message = rustError(lines, i, floor)
		to = rustFrames(lines, to, &t)
		return t, from, to, hasPlace(t.Frames)
	case !strings.Contains(lines[i], "thread '"):
		return t, 0, 0, false
	}
	thread := lines[i][strings.Index(lines[i], "thread '"):]
	_, place, found := strings.Cut(thread, " panicked at ")
	if !found {
		return t, 0, 0, false
	}
	from, to = i, i+1
	if message, after, old := cutLast(place, "', "); old && strings.HasPrefix(message, "'") {
		t.Message, place = message[1:], after // before Rust 1.73
	} else {
		end := to
		for end < len(lines) && end < to+40 && !rustEnds(lines[end]) {
			end++
		}
		t.Message = strings.TrimRight(strings.Join(lines[to:max(end, to)], "\n"), "\n")
		if end == len(lines) || end == to+40 {
			t.Message, end = line(lines, to), min(to+1, len(lines))
		}
		to = end
	}
	file, number, isPlace := fileLineColumn(strings.TrimSuffix(place, ":"))
	if !isPlace {
		return t, 0, 0, false
	}
	t.Frames = append(t.Frames, Frame{file, number, ""})
	if line(lines, to) == "stack backtrace:" {
		to = rustFrames(lines, to+1, &t)
	}
	if strings.HasPrefix(line(lines, to), "note: ") {
		to++
	}
	return t, from, to, true
}

// hasPlace reports whether a frame tells its file, as one at least does in a
// build that keeps symbols.
func hasPlace(frames []Frame) bool {
	for _, f := range frames {
		if f.File != "" {
			return true
		}
	}
	return false
}

func rustEnds(l string) bool {
	return l == "stack backtrace:" || strings.HasPrefix(l, "note: run with `RUST_BACKTRACE=")
}

func cutLast(text, separator string) (before, after string, found bool) {
	at := strings.LastIndex(text, separator)
	if at < 0 {
		return text, "", false
	}
	return text[:at], text[at+len(separator):], true
}

// rustError looks back for "Error: message", with its causes between.
func rustError(lines []string, i, floor int) (from, to int, typ, message string) {
	for j := i - 1; j >= max(floor, i-30); j-- {
		if rest, ok := strings.CutPrefix(lines[j], "Error: "); ok {
			return j, i + 1, "Error", rest
		}
	}
	return i, i + 1, "", ""
}

// rustFrames reads "   3: function" with "at file:1:43" below it, where it is
// known.
func rustFrames(lines []string, i int, t *Trace) int {
	for i < len(lines) {
		number, function, ok := strings.Cut(strings.TrimLeft(lines[i], " "), ": ")
		if _, isNumber := naturalNumber(number); !ok || !isNumber || !strings.HasPrefix(lines[i], " ") {
			break
		}
		f := Frame{Function: function}
		i++
		if place, isPlace := strings.CutPrefix(strings.TrimLeft(line(lines, i), " "), "at "); isPlace && strings.HasPrefix(lines[i], "   ") {
			f.File, f.Line, _ = fileLineColumn(place)
			i++
		}
		t.Frames = append(t.Frames, f)
	}
	return i
}
