package statusroute

import (
	"slices"
	"strconv"
	"strings"
)

// stateKeys are the keys whose values tell a state.
var stateKeys = []string{
	"status", "state", "health", "healthy", "ok", "up", "alive", "available", "reachable", "connected", "connection", "online",
	"success", "passing", "ready", "result", "serving", "operational", "working",
}

// wrongKeys are the keys that stand for a failure by being there, unless
// their value denies it.
var wrongKeys = []string{"error", "errors", "failed", "failing", "failure", "down", "unhealthy", "degraded", "exception"}

// nameKeys are the keys whose values name what an object speaks of.
var nameKeys = []string{"name", "service", "component", "id", "key", "dependency", "resource", "componentid", "componentname", "target", "label"}

var goodWords = []string{
	"pass", "passed", "passing", "ok", "okay", "up", "healthy", "true", "yes", "online", "available", "alive", "connected", "running",
	"ready", "green", "operational", "good", "success", "successful", "normal", "reachable", "serving", "pong", "active", "fine", "working",
}

var badWords = []string{
	"fail", "failed", "failing", "failure", "error", "errors", "down", "unhealthy", "false", "no", "not", "offline", "unavailable", "dead",
	"disconnected", "unreachable", "timeout", "timed", "red", "degraded", "outage", "critical", "crit", "warn", "warning", "refused", "reset",
	"broken", "lost", "unknown", "ko", "bad", "exception", "stopped", "problem", "inactive", "yellow", "orange", "none", "missing", "unavail",
}

// tellsState reports whether the key of a leaf is one that tells a state. A
// value that stands at the name itself does.
func (l Leaf) tellsState() bool {
	if len(l.Path) == 0 {
		return true
	}
	return slices.Contains(stateKeys, strings.ToLower(l.Path[len(l.Path)-1]))
}

// state is what a leaf says.
func (l Leaf) state() state {
	value := strings.ToLower(strings.TrimSpace(l.Value))
	if n := len(l.Path); n > 0 && slices.Contains(wrongKeys, strings.ToLower(l.Path[n-1])) {
		if slices.Contains([]string{"", "false", "null", "0", "none", "no", "[]", "{}"}, value) {
			return silent
		}
		return bad
	}
	if !l.tellsState() {
		return silent
	}
	if number, err := strconv.ParseFloat(value, 64); err == nil {
		return stateOfNumber(number)
	}
	word := value
	if end := strings.IndexFunc(value, func(r rune) bool { return r < 'a' || r > 'z' }); end >= 0 {
		word = value[:end]
	}
	switch {
	case slices.Contains(goodWords, word):
		return good
	case slices.Contains(badWords, word), value == "null":
		return bad
	}
	return silent
}

// stateOfNumber reads 1 and 0 as yes and no, and three digits as an HTTP status.
func stateOfNumber(number float64) state {
	switch {
	case number == 1, number >= 200 && number < 400:
		return good
	case number == 0, number >= 400 && number < 600:
		return bad
	}
	return silent
}
