package logs

import (
	"bytes"
	"log/slog"
)

// Bounds of what is looked at. A level stands at the head of a line.
const (
	headBytes = 240
	jsonBytes = 16 << 10
)

// FindLevel reads the level that a line states, without its newline. It knows
// JSON, logfmt, the syslog prefix, klog, and the layouts of the usual logging
// libraries; a level word counts only where a layout puts it, so that "no
// errors found" states nothing. Of several lines, it reads the first and, where
// that states nothing, the second (java.util.logging writes the level there).
//
// A line of an access log is INFO whatever its status: it reports a request,
// and the application states the error of a 5xx in a record of its own.
func FindLevel(text []byte) (slog.Level, bool) {
	line, rest, several := bytes.Cut(text, newline)
	level, ok := lineLevel(line)
	if !ok && several {
		line, _, _ = bytes.Cut(rest, newline)
		level, ok = lineLevel(line)
	}
	return level, ok
}

var newline = []byte{'\n'}

func lineLevel(line []byte) (slog.Level, bool) {
	for len(line) > 0 && (line[0] == ' ' || line[0] == '\t') {
		line = line[1:]
	}
	if len(line) < 3 {
		return 0, false
	}
	if line[0] == '{' {
		return jsonLevel(line[:min(len(line), jsonBytes)])
	}
	head := line[:min(len(line), headBytes)]
	var plain [headBytes]byte
	if bytes.IndexByte(head, 0x1b) >= 0 {
		head = plain[:stripColour(plain[:], head)]
		if len(head) < 3 {
			return 0, false
		}
	}
	if level, ok := fixedLevel(head); ok {
		return level, true
	}
	if level, ok := layoutLevel(head); ok {
		return level, true
	}
	return slog.LevelInfo, isAccess(head)
}

// fixedLevel knows the layouts that begin with the level in a form of their own.
func fixedLevel(line []byte) (slog.Level, bool) {
	switch c := line[0]; c {
	case '<': // <3> of the kernel, systemd and syslog
		return priorityLevel(line)
	case 'I', 'W', 'E', 'F', 'D', 'A':
		if isKlog(line) || isRubyLogger(line) {
			return letterLevel(c)
		}
		return crashLevel(line)
	case '=': // Erlang
		if has(line, "=ERROR REPORT=") || has(line, "=CRASH REPORT=") {
			return slog.LevelError, true
		}
	case 'n':
		return npmLevel(line)
	case 'P':
		return phpLevel(line)
	case 'T', 'p', 'f', 't', 'U':
		return crashLevel(line)
	}
	return 0, false
}

// priorityLevel reads the priority of RFC 5424 section 6.2.1, or the bare
// severity of systemd's sd-daemon(3).
func priorityLevel(line []byte) (slog.Level, bool) {
	n := 0
	for i, c := range line[1:min(len(line), 5)] {
		switch {
		case c >= '0' && c <= '9':
			n = n*10 + int(c-'0')
		case c == '>' && i > 0 && n <= 191:
			return severityLevel(n & 7)
		default:
			return 0, false
		}
	}
	return 0, false
}

// severityLevel maps a severity of RFC 5424 table 2.
func severityLevel(severity int) (slog.Level, bool) {
	if severity < 0 || severity > 7 {
		return 0, false
	}
	return [...]slog.Level{
		LevelFatal, LevelFatal, LevelFatal, slog.LevelError, slog.LevelWarn, LevelNotice, slog.LevelInfo, slog.LevelDebug,
	}[severity], true
}

// isKlog knows "E0102 15:04:05.000000".
func isKlog(line []byte) bool {
	return len(line) > 13 && digits(line[1:5]) && line[5] == ' ' && digits(line[6:8]) && line[8] == ':' && digits(line[9:11]) && line[11] == ':'
}

// isRubyLogger knows "E, [2024-01-02T15:04:05.000000 #1] ERROR -- : text".
func isRubyLogger(line []byte) bool {
	return len(line) > 8 && line[1] == ',' && line[2] == ' ' && line[3] == '[' && digits(line[4:8])
}

func letterLevel(c byte) (slog.Level, bool) {
	switch c {
	case 'T':
		return LevelTrace, true
	case 'D':
		return slog.LevelDebug, true
	case 'I':
		return slog.LevelInfo, true
	case 'W':
		return slog.LevelWarn, true
	case 'E':
		return slog.LevelError, true
	case 'F', 'C':
		return LevelFatal, true
	case 'A': // Ruby's "any", written whatever the threshold
		return LevelNotice, true
	}
	return 0, false
}

func npmLevel(line []byte) (slog.Level, bool) {
	switch {
	case has(line, "npm ERR!"), has(line, "npm error "):
		return slog.LevelError, true
	case has(line, "npm WARN "), has(line, "npm warn "):
		return slog.LevelWarn, true
	case has(line, "npm notice "):
		return LevelNotice, true
	}
	return 0, false
}

// phpLevel knows what PHP writes to its error log, without the time.
func phpLevel(line []byte) (slog.Level, bool) {
	switch {
	case has(line, "PHP Fatal error:"), has(line, "PHP Parse error:"), has(line, "PHP Core error:"), has(line, "PHP Compile error:"):
		return LevelFatal, true
	case has(line, "PHP Recoverable fatal error:"):
		return slog.LevelError, true
	case has(line, "PHP Warning:"), has(line, "PHP Deprecated:"), has(line, "PHP Strict Standards:"):
		return slog.LevelWarn, true
	case has(line, "PHP Notice:"):
		return LevelNotice, true
	}
	return 0, false
}

// crashLevel knows the first lines of what dies without a logger.
func crashLevel(line []byte) (slog.Level, bool) {
	switch {
	case has(line, "Traceback (most recent call last):"):
		return slog.LevelError, true
	case has(line, "Exception in thread "), has(line, "Unhandled exception. "):
		return slog.LevelError, true
	case has(line, "panic: "), has(line, "fatal error: "):
		return LevelFatal, true
	case has(line, "thread '") && bytes.Contains(line, []byte("' panicked at ")):
		return LevelFatal, true
	}
	return 0, false
}

func has(line []byte, prefix string) bool {
	return len(line) >= len(prefix) && string(line[:len(prefix)]) == prefix
}

func digits(text []byte) bool {
	for _, c := range text {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(text) > 0
}

// stripColour copies a line without its ANSI control sequences.
func stripColour(to, line []byte) int {
	n := 0
	for i := 0; i < len(line); i++ {
		if line[i] != 0x1b {
			to[n] = line[i]
			n++
			continue
		}
		if i++; i < len(line) && line[i] == '[' {
			for i++; i < len(line) && (line[i] < 0x40 || line[i] > 0x7e); i++ {
			}
		}
	}
	return n
}
