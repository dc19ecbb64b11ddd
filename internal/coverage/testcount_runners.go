package coverage

import (
	"regexp"
	"strings"
)

var (
	pytestSummary  = regexp.MustCompile(`^(?:=+ )?(no tests ran|(?:\d+ [a-z]+(?:, )?)+) in [0-9.]+s(?: \([0-9:]+\))?(?: =+)?$`)
	pytestPart     = regexp.MustCompile(`(\d+) (passed|failed|xfailed|xpassed)\b`)
	unittestRan    = regexp.MustCompile(`^Ran (\d+) tests? in `)
	unittestSkips  = regexp.MustCompile(`^(?:OK|FAILED) \(.*\bskipped=(\d+)`)
	nodeSummary    = regexp.MustCompile(`^(?:#|ℹ) (tests|skipped|cancelled|duration_ms) ([0-9.]+)$`)
	mochaSummary   = regexp.MustCompile(`^\s+(\d+) (?:passing(?: \(.*\))?|failing)$`)
	jestSummary    = regexp.MustCompile(`^Tests: +(?:.*, )?\d+ total$`)
	vitestSummary  = regexp.MustCompile(`^ +Tests  +.*\(\d+\)$`)
	jsPart         = regexp.MustCompile(`(\d+) (passed|failed)\b`)
	junitPart      = regexp.MustCompile(`^\[ +(\d+) tests (started|aborted) +\]$`)
	surefireTotal  = regexp.MustCompile(`^(?:\[[A-Z]+\] +)?Tests run: (\d+), Failures: \d+, Errors: \d+, Skipped: (\d+)$`)
	junit4Good     = regexp.MustCompile(`^OK \((\d+) tests?\)$`)
	junit4Bad      = regexp.MustCompile(`^Tests run: (\d+),  Failures: \d+$`)
	testUnit       = regexp.MustCompile(`^(\d+) tests, \d+ assertions, \d+ failures, \d+ errors, (\d+) pendings, (\d+) omissions`)
	phpunitGood    = regexp.MustCompile(`^OK \((\d+) tests?, \d+ assertions?\)$`)
	phpunitTotal   = regexp.MustCompile(`^Tests: (\d+), Assertions: \d+`)
	phpunitMissing = regexp.MustCompile(`(?:Skipped|Incomplete): (\d+)`)
	cargoSummary   = regexp.MustCompile(`^test result: \w+\. (\d+) passed; (\d+) failed;`)
)

func readPytest(lines []string) tally {
	var t tally
	for _, l := range lines {
		if m := pytestSummary.FindStringSubmatch(l); m != nil {
			t.add(sumParts(pytestPart, m[1]))
		}
	}
	return t
}

// sumParts adds up the first groups of all matches.
func sumParts(expression *regexp.Regexp, text string) int {
	sum := 0
	for _, m := range expression.FindAllStringSubmatch(text, -1) {
		sum += smallNumber(m[1])
	}
	return sum
}

// readUnittest subtracts the skipped, which stand on the line of the result.
func readUnittest(lines []string) tally {
	var t tally
	pending := 0
	for _, l := range lines {
		if m := unittestRan.FindStringSubmatch(l); m != nil {
			pending = smallNumber(m[1])
			t.add(pending)
		} else if m := unittestSkips.FindStringSubmatch(l); m != nil {
			t.ran -= min(smallNumber(m[1]), pending)
			pending = 0
		}
	}
	return t
}

// unittestName tells Django's runner from the plain one by its first words.
func unittestName(lines []string) string {
	for _, l := range lines {
		if strings.HasPrefix(l, "System check identified ") || strings.HasPrefix(l, "Creating test database for alias ") {
			return "Django"
		}
	}
	return "unittest"
}

// readNodeTest counts a summary only once its last line, the duration, came:
// other tools that write TAP have "# tests" for assertions.
func readNodeTest(lines []string) tally {
	var t tally
	counts := map[string]int{}
	for _, l := range lines {
		m := nodeSummary.FindStringSubmatch(l)
		if m == nil {
			continue
		}
		if m[1] != "duration_ms" {
			counts[m[1]] = smallNumber(m[2])
			continue
		}
		if total, seen := counts["tests"]; seen {
			t.add(max(total-counts["skipped"]-counts["cancelled"], 0))
		}
		counts = map[string]int{}
	}
	return t
}

func readMocha(lines []string) tally {
	var t tally
	for _, l := range lines {
		if m := mochaSummary.FindStringSubmatch(l); m != nil {
			t.add(smallNumber(m[1]))
		}
	}
	return t
}

func readJest(lines []string) tally {
	var t tally
	for _, l := range lines {
		if jestSummary.MatchString(l) {
			t.add(sumParts(jsPart, l))
		} else if strings.HasPrefix(l, "No tests found, exiting with code ") {
			t.add(0)
		}
	}
	return t
}

func readVitest(lines []string) tally {
	var t tally
	for _, l := range lines {
		if vitestSummary.MatchString(l) {
			t.add(sumParts(jsPart, l))
		} else if strings.HasPrefix(l, "No test files found, exiting with code ") {
			t.add(0)
		}
	}
	return t
}

// readJUnitConsole counts the tests that started, less the aborted ones,
// whose assumptions did not hold.
func readJUnitConsole(lines []string) tally {
	var t tally
	for _, l := range lines {
		if m := junitPart.FindStringSubmatch(l); m != nil && m[2] == "started" {
			t.add(smallNumber(m[1]))
		} else if m != nil {
			t.ran = max(t.ran-smallNumber(m[1]), 0)
		}
	}
	return t
}

// readSurefire counts the total of each module; the lines of single classes
// go on with the time.
func readSurefire(lines []string) tally {
	var t tally
	for _, l := range lines {
		if m := surefireTotal.FindStringSubmatch(l); m != nil {
			t.add(less(m[1], m[2]))
		} else if strings.HasSuffix(l, "No tests to run.") {
			t.add(0)
		}
	}
	return t
}

func readJUnit4(lines []string) tally {
	var t tally
	for _, l := range lines {
		for _, expression := range []*regexp.Regexp{junit4Good, junit4Bad} {
			if m := expression.FindStringSubmatch(l); m != nil {
				t.add(smallNumber(m[1]))
			}
		}
	}
	return t
}

func readTestUnit(lines []string) tally {
	var t tally
	for _, l := range lines {
		if m := testUnit.FindStringSubmatch(l); m != nil {
			t.add(less(m[1], m[2], m[3]))
		}
	}
	return t
}

func readPHPUnit(lines []string) tally {
	var t tally
	for _, l := range lines {
		if m := phpunitGood.FindStringSubmatch(l); m != nil {
			t.add(smallNumber(m[1]))
		} else if m := phpunitTotal.FindStringSubmatch(l); m != nil {
			t.add(max(smallNumber(m[1])-sumParts(phpunitMissing, l), 0))
		} else if l == "No tests executed!" {
			t.add(0)
		}
	}
	return t
}

func readCargo(lines []string) tally {
	var t tally
	for _, l := range lines {
		if m := cargoSummary.FindStringSubmatch(l); m != nil {
			t.add(smallNumber(m[1]) + smallNumber(m[2]))
		}
	}
	return t
}
