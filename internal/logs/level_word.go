package logs

import "log/slog"

// letters says how a word is written.
type letters uint8

const (
	upper letters = iota // ERROR
	lower                // error
	title                // Error
	mixed                // anything else
)

// strength says how much more than the word it takes to believe in a level.
type strength uint8

const (
	strong strength = iota // ERROR
	weak                   // LOG, FINE, CONFIG: words of ordinary text too
)

// maxWord is the length of the longest level word.
const maxWord = 13

// levelWord reads a word, whatever its letters.
func levelWord(word []byte) (level slog.Level, how letters, s strength, ok bool) {
	if len(word) < 3 || len(word) > maxWord {
		return 0, 0, 0, false
	}
	var up [maxWord]byte
	ups := 0
	for i, c := range word {
		switch {
		case c >= 'A' && c <= 'Z':
			ups++
		case c >= 'a' && c <= 'z':
			c -= 'a' - 'A'
		default:
			return 0, 0, 0, false
		}
		up[i] = c
	}
	level, s, ok = upperWord(up[:len(word)])
	switch {
	case ups == len(word):
		how = upper
	case ups == 0:
		how = lower
	case ups == 1 && word[0] == up[0]:
		how = title
	default:
		how = mixed
	}
	return level, how, s, ok
}

func upperWord(word []byte) (slog.Level, strength, bool) {
	switch string(word) {
	case "ERROR", "ERR", "ERRO", "SEVERE", "FAIL", "EROR":
		return slog.LevelError, strong, true
	case "WARNING", "WARN", "WRN":
		return slog.LevelWarn, strong, true
	case "INFO", "INF", "INFORMATION", "INFORMATIONAL":
		return slog.LevelInfo, strong, true
	case "DEBUG", "DBG", "DEBU", "DBUG", "VERBOSE":
		return slog.LevelDebug, strong, true
	case "FATAL", "CRITICAL", "CRIT", "FTL", "FATA", "PANIC", "DPANIC", "PANI", "EMERG", "EMERGENCY":
		return LevelFatal, strong, true
	case "ALERT":
		return LevelFatal, weak, true
	case "TRACE", "TRC", "TRAC", "TRCE", "FINEST":
		return LevelTrace, strong, true
	case "NOTICE", "SUCCESS":
		return LevelNotice, strong, true
	case "NOTE":
		return LevelNotice, weak, true
	case "FINE", "FINER":
		return slog.LevelDebug, weak, true
	case "CONFIG", "LOG", "HTTP":
		return slog.LevelInfo, weak, true
	}
	return 0, 0, false
}

// namedLevel reads the value of a level key, where any spelling counts.
func namedLevel(value []byte) (slog.Level, bool) {
	if len(value) == 1 && value[0] != 'A' {
		return letterLevel(value[0] &^ 0x20)
	}
	level, _, _, ok := levelWord(value)
	return level, ok
}

// numberLevel reads the numbers of bunyan and pino (10 to 60), of Monolog (100
// to 600) and of syslog (0 to 7).
func numberLevel(n int) (slog.Level, bool) {
	switch {
	case n < 10:
		return severityLevel(n)
	case n < 20:
		return LevelTrace, true
	case n < 30:
		return slog.LevelDebug, true
	case n < 40:
		return slog.LevelInfo, true
	case n < 50:
		return slog.LevelWarn, true
	case n < 60:
		return slog.LevelError, true
	case n == 60:
		return LevelFatal, true
	case n < 100 || n > 600:
		return 0, false
	case n < 200:
		return slog.LevelDebug, true
	case n < 250:
		return slog.LevelInfo, true
	case n < 300:
		return LevelNotice, true
	case n < 400:
		return slog.LevelWarn, true
	case n < 500:
		return slog.LevelError, true
	}
	return LevelFatal, true
}
