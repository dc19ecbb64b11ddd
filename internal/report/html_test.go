package report

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

func pageOf(t *testing.T, run Run) (string, *html.Node) {
	t.Helper()
	text := written(t, htmlFormat{}, run)
	root, err := html.Parse(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return text, root
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func elements(root *html.Node, name string) []*html.Node {
	var found []*html.Node
	for n := range root.Descendants() {
		if n.Type == html.ElementNode && (name == "" || n.Data == name) {
			found = append(found, n)
		}
	}
	return found
}

func content(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data)
		}
	}
	return b.String()
}

// TestThePageNeedsNothingAndRunsNothing holds for any text an application may write.
func TestThePageNeedsNothingAndRunsNothing(t *testing.T) {
	allowed := " html head meta title style body a header p h1 span ul li dl div dt dd time main section h2 table thead " +
		"tbody tr th td br details summary pre code footer "
	for name, run := range map[string]Run{"sample": sample(), "passing": passing(), "hostile": hostile(), "empty": {}} {
		_, root := pageOf(t, run)
		for _, n := range elements(root, "") {
			if !strings.Contains(allowed, " "+n.Data+" ") {
				t.Errorf("%s: element %s", name, n.Data)
			}
			for _, a := range n.Attr {
				link := a.Key == "href" && !strings.HasPrefix(a.Val, "#")
				if link || strings.HasPrefix(a.Key, "on") || a.Key == "style" || a.Key == "src" || a.Val == "refresh" {
					t.Errorf("%s: <%s %s=%q>", name, n.Data, a.Key, a.Val)
				}
			}
		}
	}
}

func TestThePolicyAllowsTheStylesheetAndNothingElse(t *testing.T) {
	text, root := pageOf(t, sample())
	start, end := strings.Index(text, "<style>")+len("<style>"), strings.Index(text, "</style>")
	sum := sha256.Sum256([]byte(text[start:end]))
	want := "default-src 'none'; script-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; base-uri 'none'; form-action 'none'"
	for _, meta := range elements(root, "meta") {
		if attribute(meta, "http-equiv") == "Content-Security-Policy" {
			if got := attribute(meta, "content"); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
			return
		}
	}
	t.Error("there is no policy")
}

func TestEveryLinkOfThePageLeadsToOnePlaceInIt(t *testing.T) {
	run := sample()
	run.Requirements = append(run.Requirements, Requirement{ID: "extra", Title: "has no claims"})
	_, root := pageOf(t, run)
	ids := map[string]int{}
	for _, n := range elements(root, "") {
		if id := attribute(n, "id"); id != "" {
			ids[id]++
		}
	}
	for id, n := range ids {
		if n > 1 {
			t.Errorf("id %s stands %d times", id, n)
		}
	}
	for _, a := range elements(root, "a") {
		if target := strings.TrimPrefix(attribute(a, "href"), "#"); ids[target] != 1 {
			t.Errorf("#%s leads nowhere", target)
		}
	}
	run.each(func(r Requirement, c Claim) {
		if ids[r.ID] != 1 || ids[c.ID] != 1 {
			t.Errorf("%s or %s cannot be linked to", r.ID, c.ID)
		}
	})
}

// TestARowIsOpenWhenItNeedsALook also holds that a link into a closed row
// opens it: its target stands inside.
func TestARowIsOpenWhenItNeedsALook(t *testing.T) {
	run := sample()
	_, root := pageOf(t, run)
	open := map[string]bool{}
	for _, n := range elements(root, "details") {
		for c := range n.ChildNodes() {
			if id := attribute(c, "id"); id != "" {
				open[id] = false
				for _, a := range n.Attr {
					open[id] = open[id] || a.Key == "open"
				}
			}
		}
	}
	run.each(func(r Requirement, c Claim) {
		for id, want := range map[string]bool{r.ID: !r.Outcome.Ready(), c.ID: !c.Verdict.Outcome.Ready()} {
			if got, ok := open[id]; !ok || got != want {
				t.Errorf("%s: open %v (found %v), want %v", id, got, ok, want)
			}
		}
	})
}

func TestStatusOnThePageIsAShapeAndAWord(t *testing.T) {
	_, root := pageOf(t, sample())
	seen := map[string]bool{}
	for _, n := range elements(root, "span") {
		if strings.HasPrefix(attribute(n, "class"), "pill") {
			seen[attribute(n, "class")+" "+content(n)] = true
		}
	}
	for _, want := range []string{"pill ok ● ok", "pill bad ◆ failed", "pill warn ▲ not proven", "pill idle ○ not applicable", "pill bad ■ tool error"} {
		if !seen[want] {
			t.Errorf("no %q in %v", want, seen)
		}
	}
	if len(seen) != 5 {
		t.Errorf("%v", seen)
	}
}

func TestExcerptsAreShownAsTextAndBounded(t *testing.T) {
	_, root := pageOf(t, hostile())
	for _, n := range elements(root, "pre") {
		if text := content(n); len(text) > 8*excerptLimit {
			t.Errorf("%d bytes", len(text))
		} else if strings.Contains(text, "1048") && strings.Contains(text, "<script>alert(1)</script>") {
			return
		}
	}
	t.Error("the excerpt is not there, or does not say what was cut")
}

func TestThePageIsSmall(t *testing.T) {
	text, _ := pageOf(t, sample())
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(text)); err != nil || z.Close() != nil {
		t.Fatal(err)
	}
	if b.Len() > 60<<10 {
		t.Errorf("%d bytes when packed", b.Len())
	}
	if len(pageStyle) > 15<<10 {
		t.Errorf("the stylesheet has %d bytes", len(pageStyle))
	}
}
