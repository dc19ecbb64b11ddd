package sabotage

import (
	"bytes"
	"path"
	"regexp"
	"strings"
)

// readers find the candidates by file name extension. JSX is left out: its
// text is not tokens.
var readers = map[string]func(data []byte) []fault{
	".go":   goFaults,
	".py":   pythonFaults,
	".js":   javaScriptFaults,
	".mjs":  javaScriptFaults,
	".cjs":  javaScriptFaults,
	".ts":   typeScriptFaults,
	".mts":  typeScriptFaults,
	".cts":  typeScriptFaults,
	".java": javaFaults,
}

const maxSource = 2 << 20

func extension(name string) string { return strings.ToLower(path.Ext(name)) }

var (
	testName    = regexp.MustCompile(`((?i:_test\.go|/test_[^/]*\.py|_tests?\.py|/(tests?|conftest)\.py|[.\-_](test|spec|cy)\.[cm]?[jt]s)|(Tests?|IT|TestCase)\.java)$`)
	testFolder  = regexp.MustCompile(`(?i)/(tests?|__tests__|spec|specs|testdata|fixtures|e2e|node_modules|vendor|site-packages|migrations|dist|\.[^/]+)/`)
	description = regexp.MustCompile(`\.(d\.[cm]?ts|config\.[cm]?[jt]s|min\.js|pb\.go)$`)
	generated   = regexp.MustCompile(`(?m)^(//|#|/\*|\s\*).*(Code generated .* DO NOT EDIT|@generated)`)
)

// isOurs reports whether a fault in the file would say something about the
// suite: not in tests, in dependencies, in generated code.
func isOurs(name string, data []byte) bool {
	slashed := "/" + name
	return len(data) <= maxSource && readers[extension(name)] != nil &&
		!testName.MatchString(slashed) && !testFolder.MatchString(slashed) && !description.MatchString(name) &&
		!generated.Match(data[:min(len(data), 4096)]) && !bytes.Contains(data, []byte{0})
}

// quietNames are functions whose result is for people and logs, or that run
// outside of tests.
var quietNames = regexp.MustCompile(`(?i)^(string|gostring|error|format|main|init|tostring|hashcode|inspect|toJSON|finalize|logvalue|__(repr|str|hash|format|del|sizeof|doc)__)$|^_*(log|debug|trace|print|warn|dump)([A-Z_0-9]|$)|^(log|debug|print|warn)$`)

func isQuiet(function string) bool {
	if i := strings.LastIndexByte(function, '.'); i >= 0 {
		function = function[i+1:]
	}
	return quietNames.MatchString(function)
}

// quietCall matches the beginning of a call that only tells something, or
// that tidies up: removing it changes nothing that a test would see.
var quietCall = regexp.MustCompile(`(?i)^(self\.|this\.|cls\.)?_*(fmt\.f?print|println|print|pprint|log|slog|logging|logger|logrus|zap|console|debug|trace|warnings|metrics|system\.(out|err)|sys\.std|process\.std|.*\b(log|logger|debugf?|infof?|warnf?|warning|errorf|tracef?|printf|println|close|flush|unlock|lock|rlock|runlock|helper|done|gc|release|dispose|unref)\()`)

func isQuietCall(call string) bool { return quietCall.MatchString(call) }
