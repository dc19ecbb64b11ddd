package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/roadworthy-dev/roadworthy/internal/problem"
	"github.com/roadworthy-dev/roadworthy/internal/standard"
	"github.com/roadworthy-dev/roadworthy/internal/term"
)

var update = flag.Bool("update", false, "write the golden files again")

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got == string(want) {
		return
	}
	lines := strings.Split(string(want), "\n")
	for i, line := range strings.Split(got, "\n") {
		if i >= len(lines) || line != lines[i] {
			t.Errorf("%s:%d differs (go test -update writes it again); got\n%s", path, i+1, line)
			return
		}
	}
	t.Errorf("%s is longer than what was written", path)
}

func written(t *testing.T, format Format, run Run) string {
	t.Helper()
	var b bytes.Buffer
	if err := format.Write(&b, run); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// passing is a run in which everything passes.
func passing() Run {
	run := sample()
	run.Host.Restrictions, run.Next = nil, ""
	for i := range run.Requirements {
		for j := range run.Requirements[i].Claims {
			run.Requirements[i].Claims[j].Verdict.Outcome = standard.Pass
			run.Requirements[i].Claims[j].Verdict.Why = ""
		}
	}
	return run
}

// with returns the passing run with one verdict changed.
func with(claim string, outcome standard.Outcome) Run {
	run := passing()
	for _, r := range run.Requirements {
		for i := range r.Claims {
			if r.Claims[i].ID == claim {
				r.Claims[i].Verdict.Outcome = outcome
			}
		}
	}
	return run
}

func TestExitCodesFollowTheWorstOutcome(t *testing.T) {
	partly := passing()
	partly.Requirements = partly.Requirements[:3]
	quick := passing()
	quick.Mode = Quick
	for _, c := range []struct {
		name  string
		run   Run
		exit  int
		state State
	}{
		{"all pass", passing(), 0, Ready},
		{"one does not apply", with("admin.runs", standard.NotApplicable), 0, Ready},
		{"one fails", with("log.syslog.udp", standard.Fail), 1, NotReady},
		{"the tool broke", with("log.syslog.udp", standard.Error), 2, Broken},
		{"one unknown", with("log.syslog.udp", standard.Unknown), 3, NotProven},
		{"one invalid", with("log.syslog.udp", "green"), 2, Broken},
		{"one missing", with("log.syslog.udp", ""), 3, NotProven},
		{"fail beats error and unknown", sample(), 1, NotReady},
		{"nothing at all", Run{Mode: Full}, 3, NotProven},
		{"no claims", Run{Mode: Full, Requirements: []Requirement{{ID: "workers", Outcome: standard.Pass}}}, 3, NotProven},
		{"only three", partly, 0, Partly},
		{"quick", quick, 0, Partly},
	} {
		if got := c.run.ExitCode(); got != c.exit {
			t.Errorf("%s: exit %d, want %d", c.name, got, c.exit)
		}
		if got := c.run.State(); got != c.state {
			t.Errorf("%s: state %q, want %q", c.name, got, c.state)
		}
	}
}

func TestArrangeKeepsTheOrderOfTheStandardAndInventsNoPass(t *testing.T) {
	claims, verdicts := sampleVerdicts()
	got := Arrange([]string{"workers", "config.env", "port"}, claims, verdicts[:0], nil)
	var ids []string
	for _, r := range got {
		ids = append(ids, r.ID)
		if r.Outcome != standard.Unknown {
			t.Errorf("%s: %s, want unknown", r.ID, r.Outcome)
		}
	}
	if strings.Join(ids, " ") != "config.env workers port" {
		t.Errorf("order %v", ids)
	}
	all := Arrange(nil, nil, nil, nil)
	if len(all) != len(standard.Requirements) {
		t.Fatalf("%d requirements", len(all))
	}
	if c := all[0].Claims[0]; c.Verdict.Outcome != standard.Unknown || c.Verdict.Why == "" {
		t.Errorf("a requirement without claims got %+v", c.Verdict)
	}
}

// TestNoFormatTrustsAStoredOutcome hands each format a requirement that claims
// to pass while its verdict is unknown.
func TestNoFormatTrustsAStoredOutcome(t *testing.T) {
	run := with("log.syslog.udp", standard.Unknown)
	for i := range run.Requirements {
		run.Requirements[i].Outcome = standard.Pass
	}
	for _, entry := range Formats {
		out := written(t, entry.New(Settings{}), run)
		word := map[string]string{"json": `"state": "not proven"`, "junit": `type="unknown"`, "sarif": `"level": "warning"`}[entry.Name]
		if word == "" {
			word = "not proven: 1"
		}
		if !strings.Contains(out, word) {
			t.Errorf("%s does not say %q", entry.Name, word)
		}
	}
}

func TestWritingDoesNotChangeTheRun(t *testing.T) {
	for _, entry := range Formats {
		run, same := hostile(), hostile()
		written(t, entry.New(Settings{Verbose: true}), run)
		if !reflect.DeepEqual(run, same) {
			t.Errorf("%s changed the run", entry.Name)
		}
	}
}

// TestHostileTextIsBoundedAndTameInEveryFormat is about what all formats owe:
// what is particular to one is tested beside it.
func TestHostileTextIsBoundedAndTameInEveryFormat(t *testing.T) {
	run := hostile()
	for _, entry := range Formats {
		out := written(t, entry.New(Settings{Verbose: true}), run)
		if !utf8.ValidString(out) {
			t.Errorf("%s is not valid UTF-8", entry.Name)
		}
		for _, r := range out {
			if r != '\n' && term.Unsafe(r) {
				t.Errorf("%s holds %U", entry.Name, r)
				break
			}
		}
		if limit := 4 << 20; len(out) > limit {
			t.Errorf("%s is %d bytes long, more than %d", entry.Name, len(out), limit)
		}
		for _, raw := range []string{"<script>", "<img src=x", "</style></title>"} {
			plain := entry.Name == "text" || entry.Name == "markdown" // not mark-up there; see its own test
			if !plain && strings.Contains(out, raw) {
				t.Errorf("%s holds %q as it came", entry.Name, raw)
			}
		}
	}
}

func TestClipEndsBetweenRunesAndSaysWhatIsMissing(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"short", "short"},
		{"12345678", "12345678"},
		{"123456789", "12345678 … [cut: 9 bytes in all]"},
		{"1234567é9", "1234567 … [cut: 10 bytes in all]"},
		{"a\xffb", `a\xffb`},
	} {
		if got := clip(c.in, 8); got != c.want {
			t.Errorf("clip(%q) = %q, want %q", c.in, got, c.want)
		}
	}
}

func TestAnUnknownFormatIsAProblemWithTheNames(t *testing.T) {
	_, err := New("yaml", Settings{})
	var p *problem.Problem
	if !errors.As(err, &p) || p.Code != "RW-U01" || !strings.Contains(p.Want, "sarif") {
		t.Fatalf("got %v", err)
	}
	for _, entry := range Formats {
		if format, err := New(entry.Name, Settings{}); err != nil || format == nil || entry.Means == "" || entry.File == "" {
			t.Errorf("%s: %v %v", entry.Name, format, err)
		}
	}
}

func TestARunComesBackFromItsJSON(t *testing.T) {
	want := sample()
	var got document
	if err := json.Unmarshal([]byte(written(t, jsonFormat{}, want)), &got); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got.Run, want) {
		t.Errorf("got  %+v\nwant %+v", got.Run, want)
	}
}

type brokenWriter struct{}

var errFull = errors.New("no space left")

func (brokenWriter) Write([]byte) (int, error) { return 0, errFull }

func TestErrorsOfTheWriterAreReturned(t *testing.T) {
	for _, entry := range Formats {
		if err := entry.New(Settings{}).Write(brokenWriter{}, sample()); !errors.Is(err, errFull) {
			t.Errorf("%s: got %v", entry.Name, err)
		}
	}
}
