package coverage

import (
	"bytes"
	"regexp"
	"strings"
)

// tally is what one runner said. Only a runner that said something counts.
type tally struct {
	said bool
	ran  int
}

func (t *tally) add(ran int) { t.said, t.ran = true, t.ran+ran }

// TestCount tells, from the output of a suite, how many tests ran. Skipped
// and pending tests did not run; subtests of Go count, as its own events do.
// Where several runners ran one after the other, their tests are summed and
// the names joined with " + ". Colours are ignored.
//
// `go test` without -v or -json names packages and no tests. The count is
// then the number of packages whose tests ran, and the runner is
// "go test (packages)". "[no test files]", "[no tests to run]" and
// "Ran 0 tests" are a count of zero with ok true. ok is false where no known
// runner spoke; the count then means nothing.
//
// Known are: go test, pytest, unittest, Django, node --test (TAP and spec),
// mocha, jest, vitest, JUnit (console and text), Maven Surefire, RSpec,
// minitest, test-unit, PHPUnit and cargo test.
func TestCount(output []byte) (count int, runner string, ok bool) {
	lines := plainLines(output)
	var names []string
	for _, r := range runners {
		if found := r.read(lines); found.said {
			count += found.ran
			names = append(names, r.name(lines))
		}
	}
	return count, strings.Join(names, " + "), len(names) > 0
}

type runnerReader struct {
	name func(lines []string) string
	read func(lines []string) tally
}

func named(name string) func([]string) string { return func([]string) string { return name } }

var runners = []runnerReader{
	{goRunnerName, readGoTest},
	{named("pytest"), readPytest},
	{unittestName, readUnittest},
	{named("node --test"), readNodeTest},
	{named("mocha"), readMocha},
	{named("jest"), readJest},
	{named("vitest"), readVitest},
	{named("JUnit console"), readJUnitConsole},
	{named("Maven Surefire"), readSurefire},
	{named("JUnit 4"), readJUnit4},
	{named("RSpec"), perLine(`^(\d+) examples?, \d+ failures?(?:, (\d+) pending)?`)},
	{named("minitest"), perLine(`^(\d+) runs, \d+ assertions, \d+ failures, \d+ errors, (\d+) skips`)},
	{named("test-unit"), readTestUnit},
	{named("PHPUnit"), readPHPUnit},
	{named("cargo test"), readCargo},
}

var escapes = regexp.MustCompile("\x1b\\[[0-9;?]*[A-Za-z]")

// plainLines returns the lines without colours and trailing blanks. What a
// terminal would overwrite after a carriage return is a line of its own.
func plainLines(output []byte) []string {
	output = escapes.ReplaceAll(output, nil)
	output = bytes.ReplaceAll(output, []byte("\r\n"), []byte("\n"))
	lines := strings.FieldsFunc(string(output), func(r rune) bool { return r == '\n' || r == '\r' })
	for i, l := range lines {
		lines[i] = strings.TrimRight(l, " \t")
	}
	return lines
}

// perLine reads a summary whose first group is how many tests there were and
// whose further groups, where they match, are how many of those did not run.
func perLine(pattern string) func([]string) tally {
	expression := regexp.MustCompile(pattern)
	return func(lines []string) tally {
		var t tally
		for _, l := range lines {
			if m := expression.FindStringSubmatch(l); m != nil {
				t.add(less(m[1], m[2:]...))
			}
		}
		return t
	}
}

// less returns total less the parts; parts that are no number are zero.
func less(total string, parts ...string) int {
	n := smallNumber(total)
	for _, p := range parts {
		n -= smallNumber(p)
	}
	return max(n, 0)
}

// smallNumber reads a count of tests; what is none, or is beyond what any
// suite has, is zero.
func smallNumber(text string) int {
	n, ok := natural(text)
	if !ok || n > 100_000_000 {
		return 0
	}
	return n
}
