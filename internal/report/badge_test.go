package report

import (
	"strings"
	"testing"

	"github.com/roadworthy-dev/roadworthy/internal/standard"
)

const green = "#166b2f"

func TestTheBadgeIsGreenOnlyWhenReady(t *testing.T) {
	partly := passing()
	partly.Mode = Quick
	for _, c := range []struct {
		run  Run
		text string
	}{
		{passing(), "ready"},
		{sample(), "not ready: 2"},
		{with("port.given", standard.Unknown), "not proven: 1"},
		{with("port.given", standard.Error), "tool error: 1"},
		{partly, "partly ready: 20 of 20 asked"},
		{Run{Mode: Full}, "not proven: 0"},
	} {
		out := written(t, badgeFormat{}, c.run)
		wellFormed(t, out)
		if !strings.Contains(out, ">"+c.text+"</text>") || !strings.Contains(out, `aria-label="roadworthy: `+c.text+`"`) {
			t.Errorf("the badge does not say %q:\n%s", c.text, out)
		}
		if (c.run.State() == Ready) != strings.Contains(out, green) {
			t.Errorf("%s: green is wrong", c.text)
		}
	}
}

func TestTheBadgeNamesItsDateAndDigest(t *testing.T) {
	out := written(t, badgeFormat{}, sample())
	want := "<title>roadworthy: not ready: 2 (guestbook, sha256:77be0d4c2f1a, 2026-07-09 14:02 UTC)</title>"
	if !strings.Contains(out, want) {
		t.Errorf("no %s in\n%s", want, out)
	}
}

func TestTheBadgeOfHostileTextIsWellFormed(t *testing.T) {
	out := written(t, badgeFormat{}, hostile())
	wellFormed(t, out)
	if strings.Contains(out, "<script") || strings.Contains(out, "<img") {
		t.Error(out)
	}
}

// TestBadgeWidths compares with the widths that Verdana has at 11 pixels.
func TestBadgeWidths(t *testing.T) {
	for text, want := range map[string]int{"roadworthy": 64, "ready": 32, "not ready: 3": 69} {
		if got := badgeColumns(text); got < want-3 || got > want+3 {
			t.Errorf("%q: %d, want about %d", text, got, want)
		}
	}
}
