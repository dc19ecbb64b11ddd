package report

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/roadworthy-dev/roadworthy/internal/standard"
	"github.com/roadworthy-dev/roadworthy/internal/term"
)

func textAt(width int, colour, utf8, verbose bool) Format {
	return NewText(Settings{Terminal: term.Fixed(nil, width, colour, utf8), Verbose: verbose})
}

func TestTextReadsWell(t *testing.T) {
	golden(t, "text-80.txt", written(t, textAt(80, false, true, false), sample()))
	golden(t, "text-120.txt", written(t, textAt(120, false, true, false), sample()))
	golden(t, "text-80-ascii.txt", written(t, textAt(80, false, false, false), sample()))
	golden(t, "text-80-verbose.txt", written(t, textAt(80, false, true, true), sample()))
	golden(t, "text-80-ready.txt", written(t, textAt(80, false, true, false), passing()))
}

func TestTextStaysWithinItsWidth(t *testing.T) {
	run := sample()
	for _, r := range run.Requirements {
		for i := range r.Claims {
			r.Claims[i].Verdict.Seen += strings.Repeat(" 漢字漢字 naïve", 40)
		}
	}
	for _, width := range []int{40, 60, 80, 100, 120, 200} {
		for line := range strings.SplitSeq(written(t, textAt(width, false, true, true), run), "\n") {
			command := strings.Contains(line, "sudo sysctl") || strings.Contains(line, run.Bundle) ||
				strings.Contains(line, run.Application.ShortDigest()) || strings.Contains(line, run.Next)
			if got := term.Width(line); got > width && !command {
				t.Errorf("at %d columns: %d in %q", width, got, line)
			}
		}
	}
}

func TestTextWithoutUTF8IsASCII(t *testing.T) {
	for _, run := range []Run{sample(), hostile()} {
		for i, r := range written(t, textAt(80, false, false, true), run) {
			if r > '~' {
				t.Fatalf("%q at byte %d", r, i)
			}
		}
	}
}

func TestColourOnlyAddsColour(t *testing.T) {
	plain := written(t, textAt(80, false, true, true), sample())
	coloured := written(t, textAt(80, true, true, true), sample())
	if !strings.Contains(coloured, "\x1b[1;31m◆ failed\x1b[0m") {
		t.Error("a failure is not coloured")
	}
	for _, code := range []string{"0", "1", "2", "36", "32", "1;31", "33"} {
		coloured = strings.ReplaceAll(coloured, "\x1b["+code+"m", "")
	}
	if coloured != plain {
		t.Errorf("without its colours the text differs: %d bytes, want %d", len(coloured), len(plain))
	}
}

func TestTheLastLineIsTheNextCommand(t *testing.T) {
	for _, c := range []struct {
		run  Run
		want string
	}{
		{sample(), "roadworthy explain log.syslog.udp"},
		{func() Run { r := sample(); r.Next = ""; return r }(), "roadworthy explain log.syslog.udp"},
		{passing(), "roadworthy verify .roadworthy/bundles/2026-07-09T140211-77be0d4c.tar"},
	} {
		out := strings.TrimSuffix(written(t, textAt(80, false, true, false), c.run), "\n")
		if last := out[strings.LastIndex(out, "\n")+1:]; strings.TrimSpace(last) != "next      "+c.want {
			t.Errorf("last line %q, want %q", last, c.want)
		}
	}
}

func TestAPathThatAShellWouldReadIsNotMadeACommand(t *testing.T) {
	run := passing()
	run.Bundle = "x; rm -rf $HOME"
	if got := run.next(); got != "" {
		t.Errorf("got %q", got)
	}
}

func TestAFindingIsTheSameBlockAsInTheReport(t *testing.T) {
	run := sample()
	format := NewText(Settings{Terminal: term.Fixed(nil, 80, false, true)})
	report := written(t, format, run)
	for _, r := range run.Requirements {
		var b bytes.Buffer
		if err := format.WriteFinding(&b, run.Host, r); err != nil {
			t.Fatal(err)
		}
		if r.Outcome.Ready() != (b.Len() == 0) {
			t.Errorf("%s (%s): finding %q", r.ID, r.Outcome, b.String())
		}
		if !strings.Contains(report, b.String()) {
			t.Errorf("%s: the report does not hold\n%s", r.ID, b.String())
		}
	}
}

func TestLongTextIsCutUnlessVerbose(t *testing.T) {
	run := with("port.given", standard.Fail)
	r, _ := requirementOf(run, "port")
	var lines strings.Builder
	for i := range 30 {
		fmt.Fprintf(&lines, "line %d\n", i)
	}
	r.Claims[0].Verdict.Seen = lines.String()
	short := written(t, textAt(80, false, true, false), run)
	if strings.Contains(short, "line 12\n") || !strings.Contains(short, "… 18 more lines, shown with --verbose") {
		t.Errorf("not cut:\n%s", short)
	}
	if long := written(t, textAt(80, false, true, true), run); !strings.Contains(long, "line 29\n") {
		t.Error("verbose is cut too")
	}
}

func requirementOf(run Run, id string) (Requirement, bool) {
	for _, r := range run.Requirements {
		if r.ID == id {
			return r, true
		}
	}
	return Requirement{}, false
}
