package logs

import (
	"bytes"
	"log/slog"
)

// jsonLevel looks for a level among the members of a JSON object, and in the
// object "log" of the Elastic Common Schema. It skips values without checking
// them: what is not quite JSON may still state its level.
func jsonLevel(line []byte) (slog.Level, bool) {
	var parent []byte // the last key of the outermost object
	depth := 0
	for i := 0; i < len(line); i++ {
		switch line[i] {
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		case '"':
			text, next, ok := jsonString(line, i)
			if !ok {
				return 0, false
			}
			i = next - 1
			value := afterColon(line, next)
			if value < 0 {
				continue
			}
			if depth == 1 {
				parent = text
			}
			if states(text, parent, depth) {
				if level, ok := jsonValue(line, value); ok {
					return level, true
				}
			}
			i = value - 1
		}
	}
	return 0, false
}

// states reports whether a key of a depth is one that holds the level.
func states(key, parent []byte, depth int) bool {
	return depth == 1 && isLevelKey(key) || depth == 2 && string(key) == "level" && string(parent) == "log"
}

// jsonString returns the text of the string at i, as written, and the index
// behind it.
func jsonString(line []byte, i int) (text []byte, next int, ok bool) {
	start := i + 1
	for j := start; j < len(line); {
		quote := bytes.IndexByte(line[j:], '"')
		if quote < 0 {
			return nil, 0, false
		}
		j += quote
		back := 0
		for j-back > start && line[j-back-1] == '\\' {
			back++
		}
		if back%2 == 0 {
			return line[start:j], j + 1, true
		}
		j++
	}
	return nil, 0, false
}

// afterColon returns the index of the value of a key that ends at i, or -1
// where the string was no key.
func afterColon(line []byte, i int) int {
	for i < len(line) && line[i] == ' ' {
		i++
	}
	if i == len(line) || line[i] != ':' {
		return -1
	}
	for i++; i < len(line) && line[i] == ' '; i++ {
	}
	return i
}

func isLevelKey(key []byte) bool {
	switch string(key) {
	case "level", "severity", "lvl", "log.level", "levelname", "level_name", "loglevel", "log_level", "logLevel", "LogLevel", "Level", "Severity",
		"severityText", "severity_text", "SeverityText", "@level", "@l", "LEVEL", "PRIORITY":
		return true
	}
	return false
}

func jsonValue(line []byte, i int) (slog.Level, bool) {
	if i < len(line) && line[i] == '"' {
		text, _, ok := jsonString(line, i)
		if !ok {
			return 0, false
		}
		if len(text) < 4 && digits(text) {
			return numberLevel(number(text))
		}
		return namedLevel(text)
	}
	end := i
	for end < len(line) && end-i < 4 && line[end] >= '0' && line[end] <= '9' {
		end++
	}
	if end == i || end-i > 3 || end < len(line) && line[end] == '.' {
		return 0, false
	}
	return numberLevel(number(line[i:end]))
}

func number(text []byte) int {
	n := 0
	for _, c := range text {
		n = n*10 + int(c-'0')
	}
	return n
}
