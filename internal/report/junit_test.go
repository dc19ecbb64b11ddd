package report

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/roadworthy-dev/roadworthy/internal/standard"
)

// wellFormed reads XML to its end, strictly.
func wellFormed(t *testing.T, text string) {
	t.Helper()
	decoder := xml.NewDecoder(strings.NewReader(text))
	for {
		if _, err := decoder.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatalf("%v at byte %d", err, decoder.InputOffset())
		}
	}
}

func junitOf(t *testing.T, run Run) junitSuites {
	t.Helper()
	out := written(t, junitFormat{}, run)
	wellFormed(t, out)
	var suites junitSuites
	if err := xml.Unmarshal([]byte(out), &suites); err != nil {
		t.Fatal(err)
	}
	return suites
}

func TestJUnitNeverShowsAnUnknownAsPassedOrSkipped(t *testing.T) {
	for outcome, want := range map[standard.Outcome]string{
		standard.Pass: "", standard.NotApplicable: "skipped", standard.Unknown: "error unknown",
		standard.Error: "error error", standard.Fail: "failure fail", "green": "error error", "": "error unknown",
	} {
		suites := junitOf(t, with("port.given", outcome))
		for _, suite := range suites.Suites {
			for _, c := range suite.Cases {
				got := ""
				switch {
				case c.Failure != nil:
					got = "failure " + c.Failure.Type
				case c.Error != nil:
					got = "error " + c.Error.Type
				case c.Skipped != nil:
					got = "skipped"
				}
				if strings.HasPrefix(c.Name, "port.given:") != (want == got) && want != "" {
					t.Errorf("%s: %s is %q", outcome, c.Name, got)
				}
			}
		}
	}
}

func TestJUnitCountsWhatItHolds(t *testing.T) {
	suites := junitOf(t, sample())
	if suites.Tests != len(sampleClaims) || suites.Failures != 2 || suites.Errors != 4 || suites.Skipped != 1 {
		t.Errorf("tests %d, failures %d, errors %d, skipped %d", suites.Tests, suites.Failures, suites.Errors, suites.Skipped)
	}
	if len(suites.Suites) != len(standard.Requirements) || suites.Time != "48.300" {
		t.Errorf("%d suites in %s", len(suites.Suites), suites.Time)
	}
	for _, suite := range suites.Suites {
		if suite.Tests != len(suite.Cases) || suite.Tests == 0 {
			t.Errorf("%s: %d tests, %d cases", suite.Name, suite.Tests, len(suite.Cases))
		}
	}
}

func TestJUnitOfHostileTextIsWellFormed(t *testing.T) {
	out := written(t, junitFormat{}, hostile())
	wellFormed(t, out)
	if !strings.Contains(out, `\x1b[2J`) || !strings.Contains(out, "]]&gt;") {
		t.Error("hostile text is not there, escaped")
	}
}
