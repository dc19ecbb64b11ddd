package coverage

import (
	"os"
	"path/filepath"
	"testing"
)

// Outputs of real runs: two tests pass and one is skipped, unless the name
// says otherwise; Go has two subtests besides.
func TestCountInRealOutputs(t *testing.T) {
	for name, want := range map[string]struct {
		count  int
		runner string
	}{
		"go-v": {4, "go test"}, "go-json": {4, "go test"}, "go-plain": {1, "go test (packages)"},
		"pytest": {2, "pytest"}, "pytest-q": {2, "pytest"}, "pytest-v": {2, "pytest"}, "pytest-empty": {0, "pytest"},
		"unittest": {2, "unittest"}, "unittest-empty": {0, "unittest"}, "django": {2, "Django"},
		"node-tap": {3, "node --test"}, "node-spec": {3, "node --test"},
		"mocha": {2, "mocha"}, "mocha-fail": {3, "mocha"}, "jest": {2, "jest"}, "vitest": {2, "vitest"},
		"junit4": {2, "JUnit 4"}, "junit4-fail": {2, "JUnit 4"},
		"rspec": {2, "RSpec"}, "minitest": {2, "minitest"},
		"phpunit": {1, "PHPUnit"}, "phpunit-skip": {2, "PHPUnit"}, "cargo": {2, "cargo test"},
	} {
		t.Run(name, func(t *testing.T) {
			output, err := os.ReadFile(filepath.Join("testdata", "counts", name+".txt"))
			if err != nil {
				t.Fatal(err)
			}
			count, runner, ok := TestCount(output)
			if !ok || count != want.count || runner != want.runner {
				t.Errorf("%d %q %v, want %d %q", count, runner, ok, want.count, want.runner)
			}
		})
	}
}

// Forms that the runners document.
func TestCountInDocumentedForms(t *testing.T) {
	for _, c := range []struct {
		output string
		count  int
		runner string
		ok     bool
	}{
		{"", 0, "", false},
		{"everything passed, 12 tests\n", 0, "", false},
		{"?   \texample.com/a\t[no test files]\n", 0, "go test (packages)", true},
		{"\texample.com/a\t\tcoverage: 0.0% of statements\n", 0, "go test (packages)", true},
		{"ok  \ta\t(cached)\nok  \tb\t0.01s [no tests to run]\nFAIL\tc\t0.2s\nFAIL\td [build failed]\n", 2, "go test (packages)", true},
		{"testing: warning: no tests to run\nPASS\nok  \ta\t0.001s [no tests to run]\n", 0, "go test (packages)", true},
		{"===== \x1b[31m1 failed\x1b[0m, \x1b[32m3 passed\x1b[0m, 2 warnings in 65.02s (0:01:05) =====\n", 4, "pytest", true},
		{"===== 2 passed, 1 xfailed, 1 error in 0.02s =====\r\n", 3, "pytest", true},
		{"Ran 12 tests in 0.010s\n\nFAILED (failures=1, skipped=2)\n", 10, "unittest", true},
		{"Ran 0 tests in 0.000s\n\nNO TESTS RAN\n", 0, "unittest", true},
		{"Creating test database for alias 'default'...\nRan 5 tests in 1.1s\n\nOK\n", 5, "Django", true},
		{"# tests 12\n# pass  12\n", 0, "", false},
		{"  0 passing (1ms)\n", 0, "mocha", true},
		{"Tests:       1 failed, 4 passed, 5 total\n", 5, "jest", true},
		{"No tests found, exiting with code 1\n", 0, "jest", true},
		{"      Tests  1 failed | 1 passed (2)\n", 2, "vitest", true},
		{"[         4 tests found           ]\n[         3 tests started         ]\n[         1 tests aborted         ]\n", 2, "JUnit console", true},
		{"[INFO] Tests run: 3, Failures: 0, Errors: 0, Skipped: 1, Time elapsed: 0.04 s - in a.B\n[INFO] Results:\n[WARNING] Tests run: 3, Failures: 0, Errors: 0, Skipped: 1\n", 2, "Maven Surefire", true},
		{"[INFO] No tests to run.\n", 0, "Maven Surefire", true},
		{"No tests executed!\n", 0, "PHPUnit", true},
		{"Tests: 5, Assertions: 9, Failures: 1, Skipped: 1, Incomplete: 1.\n", 3, "PHPUnit", true},
		{"3 tests, 3 assertions, 0 failures, 0 errors, 1 pendings, 0 omissions, 0 notifications\n", 2, "test-unit", true},
		{"1 example, 0 failures\n", 1, "RSpec", true},
		{"Ran 5 tests in 1.1s\n\nOK\n\n  2 passing (3ms)\n", 7, "unittest + mocha", true},
	} {
		count, runner, ok := TestCount([]byte(c.output))
		if count != c.count || runner != c.runner || ok != c.ok {
			t.Errorf("%q: %d %q %v, want %d %q %v", c.output, count, runner, ok, c.count, c.runner, c.ok)
		}
	}
}
