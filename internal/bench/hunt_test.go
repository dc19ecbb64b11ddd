package bench

import (
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

const canary = "qx7fj2kd9wmzr4tbv8hn3pcy6gslae5u"

// find hunts one text for the canary and gives the forms that were found.
func find(text string) []string {
	h := (&Boot{}).Hunt(Canary{"KEY", canary})
	h.Text("a text", text)
	leaks, _ := h.Leaks()
	var forms []string
	for _, leak := range leaks {
		forms = append(forms, leak.Form)
	}
	return forms
}

func TestDisguisesAreSeenThrough(t *testing.T) {
	for name, c := range map[string]struct{ text, form string }{
		"plain":       {"token=" + canary + ";", "plain"},
		"base64":      {base64.StdEncoding.EncodeToString([]byte(canary)), "base64"},
		"base64 at 1": {base64.StdEncoding.EncodeToString([]byte("a" + canary + "tail")), "base64"},
		"base64 at 2": {base64.URLEncoding.EncodeToString([]byte("ab" + canary)), "base64"},
		"basic":       {"Basic " + base64.StdEncoding.EncodeToString([]byte("user:"+canary)), "base64"},
		"hexadecimal": {hex.EncodeToString([]byte(canary)), "hexadecimal"},
		"upper case":  {strings.ToUpper(hex.EncodeToString([]byte(canary))), "hexadecimal"},
		"one half":    {"…" + canary[16:], "second half"},
		"other half":  {canary[:16] + "…", "first half"},
	} {
		if forms := find(c.text); len(forms) == 0 || !strings.Contains(strings.Join(forms, " "), c.form) {
			t.Errorf("%s: found as %q, want %s", name, forms, c.form)
		}
	}
	for _, text := range []string{"", "nothing", canary[1:16], strings.ToUpper(canary), base64.StdEncoding.EncodeToString([]byte(canary[:12]))} {
		if forms := find(text); len(forms) > 0 {
			t.Errorf("%q is taken for the canary, as %q", text, forms)
		}
	}
}

func TestDisguisesOfURLs(t *testing.T) {
	const secret = "p@ss/w+rd &more?"
	h := (&Boot{}).Hunt(Canary{"KEY", secret})
	h.Text("query", url.QueryEscape(secret))
	h.Text("path", url.PathEscape(secret))
	var every strings.Builder
	for _, c := range []byte(secret) {
		every.WriteString("%" + strings.ToUpper(hex.EncodeToString([]byte{c})))
	}
	h.Text("every", every.String())
	leaks, _ := h.Leaks()
	if len(leaks) != 3 {
		t.Fatalf("found %+v, want three", leaks)
	}
	for _, leak := range leaks {
		if leak.Form != "URL" {
			t.Errorf("found as %s", leak.Form)
		}
	}
}

func TestNoLeakHoldsASecret(t *testing.T) {
	const other = "zzzz2222yyyy3333xxxx4444wwww5555"
	h := (&Boot{}).Hunt(Canary{"KEY", canary}, Canary{"OTHER", other})
	line := strings.Repeat("long ", 100) + other + " and " + canary + " and " + hex.EncodeToString([]byte(other))
	h.Text("log", "before\n"+line+"\nafter")
	h.Text("log", line) // known already
	h.Reply(Reply{Method: "GET", Target: "/" + other, Status: 200, Header: http.Header{"X-Key": {canary}}, Body: other}, Reply{Body: canary})
	leaks, searched := h.Leaks()
	if searched.Replies != 1 {
		t.Errorf("%d replies were searched, want 1", searched.Replies)
	}
	wheres := map[string]int{}
	for _, leak := range leaks {
		wheres[leak.Where]++
		for _, secret := range []string{canary, other, hex.EncodeToString([]byte(other)), "before", "after"} {
			if strings.Contains(leak.Excerpt, secret) {
				t.Errorf("the excerpt holds %q: %q", secret, leak.Excerpt)
			}
		}
		if len(leak.Excerpt) > 200 || !strings.Contains(leak.Excerpt, "("+leak.Secret+")") {
			t.Errorf("excerpt %q", leak.Excerpt)
		}
		if strings.Contains(leak.Where, other) {
			t.Errorf("the place holds a secret: %q", leak.Where)
		}
	}
	if wheres["log"] < 3 || len(wheres) != 3 {
		t.Errorf("found in %v", wheres)
	}
}

func TestLeaksAreBounded(t *testing.T) {
	h := (&Boot{}).Hunt(Canary{"KEY", canary})
	for range 10 * maxLeaks {
		h.Text("a text", canary)
	}
	if leaks, _ := h.Leaks(); len(leaks) != 3 { // plain and its halves
		t.Errorf("one place gives %d leaks", len(leaks))
	}
	for i := range 10 * maxLeaks {
		h.Text(strings.Repeat("x", i), canary)
		h.miss("x")
	}
	if leaks, searched := h.Leaks(); len(leaks) != maxLeaks || len(searched.Missed) != maxMissed {
		t.Errorf("%d leaks, %d missed", len(leaks), len(searched.Missed))
	}
}
