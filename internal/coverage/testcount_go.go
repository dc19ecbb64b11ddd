package coverage

import (
	"encoding/json"
	"regexp"
	"strings"
)

const goRun, goSkip = "=== RUN   ", "--- SKIP: "

// goPackage is a line that go test prints for a package, without -v as well.
var goPackage = regexp.MustCompile(`^(ok  |FAIL|\?   )?\t(\S+)\t+(\(cached\)|[0-9.]+s|\[no test files\]|coverage: )(.*)$`)

type goEvent struct{ Action, Package, Test string }

// readGoTest prefers what is exact: events of -json, then the RUN lines of
// -v, then the packages.
func readGoTest(lines []string) tally {
	var events, verbose, packages tally
	for _, l := range lines {
		if strings.HasPrefix(l, `{"`) && strings.Contains(l, `"Action":"`) {
			readGoEvent(l, &events)
			continue
		}
		switch m := goPackage.FindStringSubmatch(l); {
		case strings.HasPrefix(l, goRun):
			verbose.add(1)
		case strings.HasPrefix(strings.TrimLeft(l, " "), goSkip) && verbose.said:
			verbose.ran--
		case m != nil:
			packages.add(packageRan(m))
		}
	}
	switch {
	case events.said:
		return events
	case verbose.said:
		return verbose
	}
	return packages
}

func readGoEvent(line string, t *tally) {
	var e goEvent
	if json.Unmarshal([]byte(line), &e) != nil || e.Package == "" {
		return
	}
	ended := e.Action == "pass" || e.Action == "fail"
	if ended && e.Test != "" {
		t.add(1)
	} else {
		t.add(0)
	}
}

// packageRan is 1 for a package whose tests ran, from the groups of goPackage.
func packageRan(m []string) int {
	state, rest := m[1], m[3]+m[4]
	if (state != "ok  " && state != "FAIL") || strings.Contains(rest, "[no test") {
		return 0
	}
	return 1
}

func goRunnerName(lines []string) string {
	for _, l := range lines {
		if strings.HasPrefix(l, goRun) || (strings.HasPrefix(l, `{"`) && strings.Contains(l, `"Action":"`)) {
			return "go test"
		}
	}
	return "go test (packages)"
}
