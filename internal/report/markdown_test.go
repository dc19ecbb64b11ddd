package report

import (
	"strings"
	"testing"
)

func TestMarkdownReadsWell(t *testing.T) {
	golden(t, "summary.md", written(t, markdownFormat{}, sample()))
	golden(t, "summary-ready.md", written(t, markdownFormat{}, passing()))
}

// outsideCode drops fenced blocks and code spans, as CommonMark reads them
// (sections 4.5 and 6.1).
func outsideCode(t *testing.T, text string) string {
	t.Helper()
	var out strings.Builder
	fence := ""
	for line := range strings.SplitSeq(text, "\n") {
		ticks := line[:len(line)-len(strings.TrimLeft(line, "`"))]
		switch {
		case fence == "" && len(ticks) >= 3 && !strings.Contains(line[len(ticks):], "`"):
			fence = ticks
		case fence != "" && len(ticks) >= len(fence) && strings.TrimSpace(line[len(ticks):]) == "":
			fence = ""
		case fence == "":
			out.WriteString(withoutSpans(line) + "\n")
		}
	}
	if fence != "" {
		t.Error("a code block is not closed")
	}
	return out.String()
}

func withoutSpans(line string) string {
	var out strings.Builder
	for line != "" {
		start := strings.IndexByte(line, '`')
		if start < 0 {
			break
		}
		if start > 0 && line[start-1] == '\\' {
			out.WriteString(line[:start+1])
			line = line[start+1:]
			continue
		}
		out.WriteString(line[:start])
		rest := strings.TrimLeft(line[start:], "`")
		n := len(line) - start - len(rest)
		end := closing(rest, n)
		if end < 0 {
			out.WriteString(line[start : start+n])
			line = rest
			continue
		}
		line = rest[end+n:]
	}
	return out.String() + line
}

// closing finds a run of exactly n backticks.
func closing(s string, n int) int {
	for i := 0; i < len(s); {
		if s[i] != '`' {
			i++
			continue
		}
		run := len(s[i:]) - len(strings.TrimLeft(s[i:], "`"))
		if run == n {
			return i
		}
		i += run
	}
	return -1
}

func TestMarkdownKeepsHostileTextInCode(t *testing.T) {
	out := outsideCode(t, written(t, markdownFormat{}, hostile()))
	for _, raw := range []string{"<script", "<img", "@everyone", "tracker.example", "</details>", "# heading"} {
		if strings.Contains(out, raw) {
			t.Errorf("%q stands outside code", raw)
		}
	}
	if !strings.Contains(out, "### ◆ failed") {
		t.Error("our own headings are gone too")
	}
	for line := range strings.SplitSeq(out, "\n") {
		if strings.HasPrefix(line, "|") && strings.Count(strings.ReplaceAll(line, `\|`, ""), "|") != 5 {
			t.Errorf("a table row was broken: %q", line)
		}
	}
}

func TestCodeSpansCannotBeClosedFromWithin(t *testing.T) {
	for in, want := range map[string]string{
		"plain": "`plain`", "a`b": "``a`b``", "`x`": "`` `x` ``", "a``b": "```a``b```", " ": "", "a\nb": "`a\\nb`",
	} {
		if got := mdCode(in); got != want {
			t.Errorf("mdCode(%q) = %q, want %q", in, got, want)
		}
	}
	if got := mdFence("", "````"); !strings.HasPrefix(got, "`````\n") {
		t.Errorf("fence %q", got)
	}
	if got, want := mdText("a|b <i> *c* @d #1"), `a\|b &lt;i&gt; \*c\* \@d \#1`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
