package trace

import "strings"

// javaFrames reads frames, causes and suppressed exceptions.
func javaFrames(lines []string, i int, t *Trace) int {
	for i < len(lines) {
		f, language := atFrame(lines[i])
		trimmed := strings.TrimSpace(lines[i])
		switch {
		case language == Java:
			t.Frames = append(t.Frames, f)
		case strings.HasPrefix(trimmed, "... ") && (strings.HasSuffix(trimmed, " more") || strings.HasSuffix(trimmed, " omitted")):
		case startsWithAny(trimmed, "Caused by: ", "Suppressed: ", "Wrapped by: "):
			next := nextFrame(lines, i+1, Java)
			if next < 0 {
				return i + 1
			}
			i = next
			continue
		default:
			return i
		}
		i++
	}
	return i
}

// nextFrame returns the first frame after a headline whose message may go
// over several lines; -1 where none follows.
func nextFrame(lines []string, i int, language string) int {
	for j := i; j < min(i+12, len(lines)); j++ {
		if _, found := atFrame(lines[j]); found == language {
			return j
		}
		if strings.HasPrefix(strings.TrimSpace(lines[j]), "... ") {
			return j
		}
	}
	return -1
}

func startsWithAny(text string, prefixes ...string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(text, p) {
			return true
		}
	}
	return false
}

// nodeFrames reads frames from line i on, and the braces that util.inspect
// puts around causes, errors and other properties.
func nodeFrames(lines []string, from, i int, t *Trace) int {
	const maxBlock = 400
	depth := 0
	for _, l := range lines[from:i] {
		depth += opens(l)
	}
	first := i
	for ; i < min(len(lines), first+maxBlock); i++ {
		f, language := atFrame(lines[i])
		trimmed := strings.TrimSpace(lines[i])
		switch {
		case language == Node:
			t.Frames = append(t.Frames, f)
			depth += opens(lines[i])
			continue
		case strings.HasPrefix(trimmed, "... ") && strings.HasSuffix(trimmed, "stack trace ..."):
			continue
		case depth == 0:
			return i
		}
		depth += opens(lines[i])
		if strings.TrimRight(trimmed, ",") == "}" || strings.TrimRight(trimmed, ",") == "]" {
			depth--
		}
		if depth <= 0 {
			return i + 1
		}
	}
	return i
}

// opens counts the brace or bracket that a line leaves open at its end.
func opens(l string) int {
	if strings.HasSuffix(l, " {") || strings.HasSuffix(l, ": [") {
		return 1
	}
	return 0
}

// dotNetFrames reads frames, inner exceptions and the lines between them.
func dotNetFrames(lines []string, i int, t *Trace) int {
	for i < len(lines) {
		f, language := atFrame(lines[i])
		trimmed := strings.TrimSpace(lines[i])
		switch {
		case language == DotNet:
			t.Frames = append(t.Frames, f)
		case strings.HasPrefix(trimmed, "--- End of ") && strings.HasSuffix(trimmed, "---"):
		case strings.HasPrefix(trimmed, "---> "):
			next := nextFrame(lines, i+1, DotNet)
			if next < 0 {
				return i + 1
			}
			i = next
			continue
		default:
			return i
		}
		i++
	}
	return i
}
