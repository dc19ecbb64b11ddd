package testcoverage

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestFailedLines(t *testing.T) {
	for text, want := range map[string]int{
		"--- FAIL: TestA (0.00s)\nFAIL\texample.com/a\t0.1s\n": 2, "=== 1 failed, 3 passed in 0.12s ===\n": 1, "1 failed in 0.1s\n": 1,
		"FAILED (failures=1, skipped=2)\n": 1, "Ran 3 tests in 0.1s\n\nOK\n": 0, "# fail 0\n# fail 2\r\n": 1, "not ok 3 - x # TODO later\nnot ok 4 - y\n": 1,
		"  2 failing\n": 1, "Tests:       1 failed, 4 passed, 5 total\n": 1, "Tests:       4 passed, 4 total\n": 0,
		"Tests run: 3, Failures: 0, Errors: 0, Skipped: 1\n": 0, "Tests run: 3, Failures: 0, Errors: 2, Skipped: 1\n": 1, "Tests run: 3,  Failures: 1\n": 1,
		"5 examples, 0 failures\n": 0, "5 examples, 2 failures\n": 1, "5 runs, 9 assertions, 0 failures, 1 errors, 0 skips\n": 1,
		"test result: FAILED. 1 passed; 1 failed;\n": 1, "test result: ok. 1 passed; 0 failed;\n": 0, "FAILURES!\nTests: 5, Assertions: 9, Failures: 1.\n": 1,
		"== 2 passed, 1 xfailed in 0.1s ==\n": 0, "\x1b[31m--- FAIL: TestA\x1b[0m\n": 1, "ok: nothing FAILED here\n": 0,
		strings.Repeat("--- FAIL: x\n", 9): 5,
	} {
		if got := failed([]byte(text)); len(got) != want {
			t.Errorf("%q: got %q, want %d", text, got, want)
		}
	}
}

// Real outputs of suites that pass tell of no failure, and those that fail do.
func TestFailedLinesOfRealRuns(t *testing.T) {
	outputs, err := filepath.Glob("../../coverage/testdata/counts/*.txt")
	if err != nil || len(outputs) < 10 {
		t.Fatalf("%d outputs: %v", len(outputs), err)
	}
	for _, name := range outputs {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := failed(text); (len(got) > 0) != strings.Contains(name, "fail") {
			t.Errorf("%s: %q", filepath.Base(name), got)
		}
	}
}

func TestInstallStepsAreLeftOut(t *testing.T) {
	steps := []string{
		"npm ci", "npm install --omit=dev", "pip install -r requirements.txt", "venv/bin/pip install -r req.txt --no-deps", "go mod download", "bundle install",
		"python3 -m pip install -r r.txt", "npm ci && npm run build", "pip install .", "pip install -e .", "npm run build", "go build ./...", "npm install lodash", "make",
	}
	want := steps[7:]
	if got := affected(steps); !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

func TestOutputIsBounded(t *testing.T) {
	var o output
	chunk := bytes.Repeat([]byte("a"), 1<<20)
	for range 20 {
		if n, err := o.Write(chunk); n != len(chunk) || err != nil {
			t.Fatal(n, err)
		}
	}
	_, _ = o.Write([]byte("the end"))
	kept := o.bytes()
	if len(kept) != keptHead+keptTail || !bytes.HasSuffix(kept, []byte("athe end")) || cap(o.tail) > 8*keptTail {
		t.Errorf("kept %d bytes, capacity of the tail %d", len(kept), cap(o.tail))
	}
}

func TestExcerpt(t *testing.T) {
	long := strings.Repeat("ä line of output\n", 100) + "\x1b[31mlast\x1b[0m\n"
	got := excerpt([]byte(long))
	if len(got) > maxText || !strings.HasSuffix(got, "\nlast") || !strings.HasPrefix(got, "ä line") || !utf8.ValidString(got) {
		t.Errorf("got %q", got)
	}
	if got := excerpt([]byte(strings.Repeat("ü", 400))); len(got) > maxText || !utf8.ValidString(got) || len(got) < maxText-2 {
		t.Errorf("got %q", got)
	}
	if excerpt([]byte(" short \n")) != "short" {
		t.Error("a short text changes")
	}
}
