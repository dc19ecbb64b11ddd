package trace

import "strings"

const pythonMark = "Traceback (most recent call last):"

var pythonChains = []string{
	"The above exception was the direct cause of the following exception:",
	"During handling of the above exception, another exception occurred:",
}

// findPython reads a traceback as the module traceback prints it. A prefix on
// each line, as log collectors put it there, is cut at its width.
func findPython(lines []string, i, _ int) (t Trace, from, to int, ok bool) {
	at := strings.Index(lines[i], pythonMark)
	if at < 0 || strings.TrimSpace(lines[i][at+len(pythonMark):]) != "" {
		return t, 0, 0, false
	}
	if strings.Contains(lines[i], "Exception Group "+pythonMark) {
		return pythonGroup(lines, i)
	}
	cut := 0
	if next := line(lines, i+1); !strings.HasPrefix(next, `  File "`) && len(next) > at && strings.HasPrefix(next[at:], `  File "`) {
		cut = at
	}
	t.Language = Python
	to, ok = i, true
	for ok {
		to, ok = pythonSection(lines, to+1, cut, &t)
		next, chained := pythonChain(lines, to, cut)
		if !chained {
			break
		}
		t.Message = strings.Join(append([]string{t.Message}, cutAll(lines[to:next.message], cut)...), "\n")
		to = next.head
	}
	return t, i, to, len(t.Frames) > 0
}

// pythonSection reads frames and the line of the exception from a line on.
func pythonSection(lines []string, i, cut int, t *Trace) (to int, ok bool) {
	for ; i < len(lines); i++ {
		l := cutAt(lines[i], cut)
		if f, isFrame := pythonFrame(l); isFrame {
			t.Frames = append(t.Frames, f)
			continue
		}
		if strings.HasPrefix(l, "  ") || (l == "" && strings.HasPrefix(cutAt(line(lines, i+1), cut), "    ")) {
			continue // source, carets, repetitions
		}
		typ, message, isHead := splitHead(l, ".")
		if !isHead || len(t.Frames) == 0 {
			return i, false
		}
		t.Type, t.Message = typ, message
		return i + 1, true
	}
	return i, false
}

// pythonFrame reads `  File "x", line 3, in f`; a syntax error has no function.
func pythonFrame(l string) (f Frame, ok bool) {
	rest, ok := strings.CutPrefix(l, `  File "`)
	if !ok {
		return f, false
	}
	file, rest, ok := strings.Cut(rest, `", line `)
	if !ok {
		return f, false
	}
	number, function, _ := strings.Cut(rest, ", in ")
	n, ok := naturalNumber(number)
	return Frame{file, n, function}, ok
}

// pythonLink is where a chain goes on: the end of the message before, and the
// head of the traceback after.
type pythonLink struct{ message, head int }

// pythonChain looks for a chain after the exception whose line ended at i. A
// message of several lines may stand between.
func pythonChain(lines []string, i, cut int) (pythonLink, bool) {
	for j := i; j < min(i+40, len(lines)); j++ {
		l := cutAt(lines[j], cut)
		if strings.Contains(l, pythonMark) {
			return pythonLink{}, false
		}
		for _, chain := range pythonChains {
			if l != chain {
				continue
			}
			for head := j + 1; head < min(j+4, len(lines)); head++ {
				if strings.HasPrefix(cutAt(lines[head], cut), pythonMark) {
					return pythonLink{max(j-1, i), head}, true
				}
			}
		}
	}
	return pythonLink{}, false
}

// pythonGroup reads an exception group, whose lines have a margin of bars.
func pythonGroup(lines []string, i int) (t Trace, from, to int, ok bool) {
	t.Language = Python
	for to = i + 1; to < len(lines); to++ {
		margin := strings.TrimLeft(lines[to], " ")
		if !strings.HasPrefix(margin, "|") && !strings.HasPrefix(margin, "+") {
			break
		}
		content := strings.TrimLeft(margin, " |+")
		if f, isFrame := pythonFrame("  " + content); isFrame {
			t.Frames = append(t.Frames, f)
		} else if typ, message, isHead := splitHead(content, "."); isHead && t.Type == "" && message != "" {
			t.Type, t.Message = typ, message
		}
	}
	return t, i, to, len(t.Frames) > 0
}

func cutAt(l string, cut int) string {
	return l[min(cut, len(l)):]
}

func cutAll(lines []string, cut int) []string {
	all := make([]string, 0, len(lines))
	for _, l := range lines {
		all = append(all, cutAt(l, cut))
	}
	return all
}
