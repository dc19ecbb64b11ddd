package problem_test

import (
	"errors"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/roadworthy-dev/roadworthy/internal/problem"
)

func TestAProblemReadsFromTopToBottom(t *testing.T) {
	p := &problem.Problem{Code: "RW-M02", Summary: "unknown key \"sevices\"", At: "roadworthy.yaml:4:1", Want: "services", Fix: "write services:"}
	want := "error[RW-M02]: unknown key \"sevices\"\n  at   roadworthy.yaml:4:1\n  want services\n  fix  write services:\n  see  roadworthy explain RW-M02"
	if got := p.Error(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestTheCauseStaysReachable(t *testing.T) {
	p := &problem.Problem{Code: "RW-A02", Fix: "x", Cause: os.ErrNotExist}
	if !errors.Is(p, os.ErrNotExist) {
		t.Error("the cause is lost")
	}
	if got, ok := problem.Of(errors.Join(errors.New("a"), p)); !ok || got != p {
		t.Errorf("got %v", got)
	}
}

func TestTheCatalogIsSortedAndWhole(t *testing.T) {
	var codes []string
	for _, entry := range problem.Catalog {
		codes = append(codes, entry.Code)
		if entry.Means == "" || entry.Mend == "" {
			t.Errorf("%s does not explain itself", entry.Code)
		}
	}
	if !slices.IsSorted(codes) || len(slices.Compact(slices.Clone(codes))) != len(codes) {
		t.Errorf("not sorted, or twice: %v", codes)
	}
	out, err := exec.Command("git", "grep", "-hoE", `"RW-[A-Z][0-9]{2}"`, "--", "../*.go", ":!*_test.go").Output()
	if err != nil {
		t.Skipf("no git checkout to look at: %v", err)
	}
	for _, code := range regexp.MustCompile(`RW-[A-Z][0-9]{2}`).FindAllString(string(out), -1) {
		if !slices.Contains(codes, code) {
			t.Errorf("%s is used but not in the catalog", code)
		}
	}
	if !strings.Contains(string(out), "RW-") {
		t.Error("the search found nothing at all")
	}
}
