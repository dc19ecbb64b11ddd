package logs

import (
	"bytes"
	"log/slog"
)

// logfmtLevel looks for a level among key=value pairs. Quoted values are passed
// over, so that a message which quotes a level does not state one.
func logfmtLevel(line []byte) (slog.Level, bool) {
	start := 0 // of the key
	for i := 0; i < len(line); i++ {
		switch line[i] {
		case ' ', '\t':
			start = i + 1
		case '"':
			end := closing(line, i)
			if end < 0 {
				return 0, false
			}
			i = end
		case '=':
			if isLogfmtKey(line[start:i]) {
				if level, ok := logfmtValue(line[i+1:]); ok {
					return level, true
				}
			}
		}
	}
	return 0, false
}

// closing returns the index of the quote that ends a value, -1 where none does.
func closing(line []byte, i int) int {
	for i++; i < len(line); i++ {
		switch line[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return -1
}

func isLogfmtKey(key []byte) bool {
	switch string(key) {
	case "level", "lvl", "severity", "levelname", "loglevel", "log_level", "log.level", "at", "LEVEL", "l":
		return true
	}
	return false
}

func logfmtValue(text []byte) (slog.Level, bool) {
	text = bytes.TrimPrefix(text, []byte{'"'})
	n := letterRun(text)
	if n == 0 || n < len(text) && text[n] != ' ' && text[n] != '\t' && text[n] != '"' && text[n] != '+' && text[n] != '-' && text[n] != ',' {
		return 0, false
	}
	if n == 1 {
		return upperLetter(text[0] &^ 0x20)
	}
	return namedLevel(text[:n])
}

// isAccess knows the lines of access logs: common and combined format, morgan,
// the built-in servers of PHP, Ruby and Python, gin, uWSGI and Rails.
func isAccess(line []byte) bool {
	if isMethod(line) {
		return true
	}
	for i := bytes.IndexByte(line, '"'); i >= 0 && i+1 < len(line); {
		if isMethod(line[i+1:]) {
			return true
		}
		next := bytes.IndexByte(line[i+1:], '"')
		if next < 0 {
			break
		}
		i += 1 + next
	}
	switch line[0] {
	case '[':
		return has(line, "[GIN] ") || has(line, "[pid: ") || isPHPServer(line)
	case 'S':
		return has(line, `Started GET "`) || has(line, `Started POST "`) || has(line, `Started PUT "`) || has(line, `Started DELETE "`) || has(line, `Started PATCH "`)
	case 'C':
		return len(line) > 13 && has(line, "Completed ") && digits(line[10:13])
	}
	return false
}

// isMethod reports whether text begins with a request line.
func isMethod(text []byte) bool {
	blank := bytes.IndexByte(text[:min(len(text), 9)], ' ')
	if blank < 3 || blank+1 >= len(text) || text[blank+1] != '/' && text[blank+1] != '*' && !has(text[blank+1:], "http") {
		return false
	}
	switch string(text[:blank]) {
	case "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "CONNECT", "TRACE":
		return true
	}
	return false
}

// isPHPServer knows "[Tue Jan  2 15:04:05 2024] 127.0.0.1:5000 [200]: GET /".
func isPHPServer(line []byte) bool {
	end := bytes.IndexByte(line, ']')
	if end != 25 || len(line) < end+3 || line[end+2] != '[' && (line[end+2] < '0' || line[end+2] > '9') {
		return false
	}
	rest := line[end+1:]
	return bytes.Contains(rest, []byte("]: GET /")) || bytes.Contains(rest, []byte("]: POST /")) ||
		bytes.HasSuffix(rest, []byte(" Accepted")) || bytes.HasSuffix(rest, []byte(" Closing"))
}
