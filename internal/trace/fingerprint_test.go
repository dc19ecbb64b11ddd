package trace

import (
	"strings"
	"testing"
)

func first(t *testing.T, text string) Trace {
	t.Helper()
	found := Find(text)
	if len(found) == 0 {
		t.Fatalf("no trace in %q", text)
	}
	return found[0]
}

const declined = `Traceback (most recent call last):
  File "/srv/shop/releases/41/app/web.py", line 30, in handle
    return pay(order)
  File "/srv/shop/releases/41/app/pay.py", line 12, in pay
    raise Declined(order)
  File "/srv/shop/releases/41/venv/lib/python3.11/site-packages/bank/client.py", line 7, in call
    raise Declined(1)
bank.Declined: order 1881 of "jane" was declined
`

// A fingerprint stays over releases, lines and values, and tells faults apart.
func TestFingerprint(t *testing.T) {
	base := first(t, declined).Fingerprint("/srv/shop/releases/41")
	if !strings.HasPrefix(base, "1:") || len(base) != 18 {
		t.Fatalf("%q", base)
	}
	next := strings.NewReplacer("releases/41", "releases/42", "line 30", "line 31", "line 7", "line 70", "1881", "7", "jane", "joe").Replace(declined)
	for root, text := range map[string]string{"/srv/shop/releases/42": next, "/srv/shop/current": next, "/srv/shop/releases/41": strings.ReplaceAll(declined, "line 12", "line 99")} {
		if got := first(t, text).Fingerprint(root); got != base {
			t.Errorf("below %s: %s, want %s", root, got, base)
		}
	}
	for old, other := range map[string]string{"in pay": "in refund", "app/pay.py": "app/refund.py", "bank.Declined": "bank.Refused"} {
		if got := first(t, strings.ReplaceAll(declined, old, other)).Fingerprint("/srv/shop/releases/41"); got == base {
			t.Errorf("%s in place of %s has the same fingerprint", other, old)
		}
	}
	library := strings.ReplaceAll(declined, "in call", "in invoke")
	if got := first(t, library).Fingerprint("/srv/shop/releases/41"); got != base {
		t.Error("a frame of a library counts")
	}
}

// Without frames of the application the message counts, but not its values.
func TestFingerprintOfMessages(t *testing.T) {
	of := func(message string) string {
		return Trace{Language: Java, Type: "E", Message: message, Frames: []Frame{{"List.java", 3, "java.base/java.util.List.of"}}}.Fingerprint("")
	}
	same := []string{
		`user 17 at 0x7f3a with 1b4e28ba-2fa1-11d2-883f-0016d3cca427 "joe" of deadbeef01`,
		`user 9 at 0xff with 00000000-2fa1-11d2-883f-0016d3cca427 "jane and joe" of 0123456789`,
	}
	if of(same[0]) != of(same[1]) {
		t.Errorf("%q and %q", stableMessage(same[0]), stableMessage(same[1]))
	}
	if of("disk full") == of("disk slow") {
		t.Error("two messages have one fingerprint")
	}
}

func TestInApp(t *testing.T) {
	for _, c := range []struct {
		language, file, function string
		want                     bool
	}{
		{Python, "/srv/shop/app.py", "f", true}, {Python, "/usr/lib/python3.11/json/decoder.py", "f", false}, {Python, "/srv/shop/venv/lib/python3.11/site-packages/x.py", "f", false}, {Python, "/opt/other/x.py", "f", false}, {Python, "app.py", "f", true},
		{Node, "/srv/shop/node_modules/x/i.js", "f", false}, {Node, "node:internal/main", "f", false}, {Node, "file:///srv/shop/a.mjs", "f", true}, {Node, "", "new Promise", false},
		{Go, "/usr/local/go/src/net/http/server.go", "net/http.serve", false}, {Go, "/home/dev/go/pkg/mod/x/y.go", "x.y", false}, {Go, "/srv/shop/main.go", "main.main", true}, {Go, "/srv/shop/vendor/x/y.go", "x.y", false}, {Go, "", "panic", false},
		{Java, "List.java", "java.base/java.util.List.of", false}, {Java, "A.java", "jdk.internal.A.b", false}, {Java, "A.java", "com.example.A.b", true}, {Java, "A.java", "app//com.example.A.b", true},
		{Ruby, "/usr/lib/ruby/gems/3.1.0/gems/x/x.rb", "f", false}, {Ruby, "<internal:kernel>", "loop", false}, {Ruby, "/srv/shop/a.rb", "f", true},
		{PHP, "/srv/shop/vendor/x.php", "f", false}, {PHP, "[internal function]", "f", false}, {PHP, "/srv/shop/a.php", "f", true},
		{Rust, "/rustc/abc/library/core/src/panicking.rs", "core::panicking::panic", false}, {Rust, "./src/main.rs", "shop::main", true}, {DotNet, "", "System.Linq.X", false}, {DotNet, "", "Shop.X", true},
	} {
		if got := (Trace{Language: c.language}).inApp(Frame{c.file, 3, c.function}, "/srv/shop"); got != c.want {
			t.Errorf("%s %s %s: %v", c.language, c.file, c.function, got)
		}
	}
}

func TestTitle(t *testing.T) {
	for want, trace := range map[string]Trace{
		"KeyError: 'x'":  {Type: "KeyError", Message: "'x'\nsecond"},
		"Missing":        {Type: "Missing"},
		"only a text":    {Message: "only a text"},
		"go stack trace": {Language: Go},
		"E: " + strings.Repeat("ö", 156) + "…": {Type: "E", Message: strings.Repeat("ö", 900)},
	} {
		if got := trace.Title(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// The same fault of the corpus has one fingerprint however often it came, and
// nearly all of its traces can be read.
func TestTracesOfTheCorpus(t *testing.T) {
	kinds, prints, unread, all := map[string]map[string]bool{}, map[string]map[string]bool{}, 0, 0
	for file, want := range spans(t) {
		lines := corpusLines(t, file)
		for _, s := range want {
			var read Trace
			g := NewGrouper(Limits{}, func(e Group) {
				if e.Language != "" {
					read = e.Trace()
				}
			})
			for _, l := range lines[s.from-1 : s.to] {
				g.Add([]byte(l), testTime)
			}
			g.Flush(testTime, true)
			if read.Language == "" {
				continue // of the misses of TestCorpus, or hidden by the missing head
			}
			all++
			if len(read.Frames) == 0 || read.Type == "" {
				unread++
				t.Logf("not read: %s:%d %s: %q", file, s.from, s.name, read.Title())
			}
			print1 := read.Fingerprint("/srv/tracegen")
			language := read.Language + " " + s.name
			add(kinds, language, print1)
			add(prints, print1, s.name)
		}
	}
	for kind, different := range kinds {
		if len(different) > 2 {
			t.Logf("%s has %d fingerprints", kind, len(different))
		}
	}
	t.Logf("%d traces, %d fingerprints; %d (%.2f %%) without frames or type", all, len(prints), unread, 100*float64(unread)/float64(all))
	if unread*20 > all {
		t.Error("more than 5 % cannot be read")
	}
}

func add(m map[string]map[string]bool, key, value string) {
	if m[key] == nil {
		m[key] = map[string]bool{}
	}
	m[key][value] = true
}

func TestWhereIsTheInnermostFrameOfTheApplication(t *testing.T) {
	text := "Traceback (most recent call last):\n  File \"/srv/shop/app.py\", line 4, in <module>\n    main()\n" +
		"  File \"/srv/shop/shop/cart.py\", line 42, in total\n    return json.loads(x)\n  File \"/usr/lib/python3.11/json/__init__.py\", line 346, in loads\n    return _default_decoder.decode(s)\nValueError: no\n"
	found := Find(text)
	if len(found) != 1 {
		t.Fatalf("got %+v", found)
	}
	if got := found[0].Where("/srv/shop"); got != "shop/cart.py:42 in total" {
		t.Errorf("got %q", got)
	}
	if got := (Trace{}).Where("/srv/shop"); got != "" {
		t.Errorf("a trace without frames is at %q", got)
	}
}

// A record in JSON whose Go stack names no panic is titled by what it says of
// the error.
func TestTheTitleOfAStackInJSON(t *testing.T) {
	const stack = `"stack":"no user\n\ngoroutine 7 [running]:\nmain.(*shop).buy(0xc000012345)\n\t/srv/shop/buy.go:42 +0x1d\nmain.main()\n\t/srv/shop/main.go:9 +0x25\n"}`
	for head, want := range map[string]string{
		`{"time":"2026-11-23T20:00:00Z","level":"ERROR","msg":"error","error":"no user \"ann\"",`: `no user "ann"`,
		`{"time":"2026-11-23T20:00:00Z","level":"ERROR","msg":"cannot buy","error":{"code":3},`:   "cannot buy",
		`{"level":"ERROR","error":"a\nb",`: "a",
	} {
		g := Group{Text: []byte(head + stack), Lines: 1, Language: Go}
		got := g.Trace()
		if got.Title() != want || len(got.Frames) != 2 || got.Type != "" {
			t.Errorf("%s: title %q, type %q, %d frames; want %q and 2", head, got.Title(), got.Type, len(got.Frames), want)
		}
	}
}
