package trace

import (
	"encoding/json"
	"html"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func load(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

type expected struct {
	language, typ, message string
	frames                 int
	has                    Frame
}

// What real runtimes printed (those of .NET, Kotlin and anyhow as documented).
var samples = map[string][]expected{
	"python-chained.txt":   {{Python, "json.decoder.JSONDecodeError", "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)", 9, Frame{"/srv/shop/chained.py", 3, "load"}}},
	"python-groups.txt":    {{Python, "ExceptionGroup", "several (2 sub-exceptions)", 6, Frame{"/srv/shop/groups.py", 2, "fail"}}},
	"python-logged.txt":    {{Python, "ZeroDivisionError", "division by zero", 4, Frame{"/srv/shop/logged.py", 4, "recurse"}}},
	"python-syntax.txt":    {{Python, "SyntaxError", "invalid syntax", 2, Frame{"settings.py", 1, ""}}},
	"go-panic.txt":         {{Go, "panic", "assignment to entry in nil map", 2, Frame{"/srv/shop/main.go", 15, "main.(*shop).add"}}},
	"go-error.txt":         {{Go, "panic", "load: no file\nsecond line", 1, Frame{"/srv/shop/main.go", 22, "main.main"}}},
	"go-repanic.txt":       {{Go, "panic", "first [recovered]\npanic: again: first", 3, Frame{"/srv/shop/main.go", 24, "main.main.func1"}}},
	"go-stack.txt":         {{Go, "panic", "", 5, Frame{"/srv/shop/main.go", 33, "main.main.func2"}}},
	"go-http.txt":          {{Go, "panic", "assignment to entry in nil map", 8, Frame{"/usr/local/go/src/net/http/server.go", 3464, "net/http.(*Server).Serve"}}},
	"java-uncaught.txt":    {{Java, "java.lang.IllegalArgumentException", "cannot load: x", 4, Frame{"Shop.java", 3, "Shop$Res.close"}}},
	"java-lambda.txt":      {{Java, "java.lang.RuntimeException", "two\nlines", 3, Frame{"Iterable.java", 75, "java.base/java.lang.Iterable.forEach"}}},
	"java-logged.txt":      {{Java, "java.lang.IllegalArgumentException", "cannot load: y", 4, Frame{"Shop.java", 4, "Shop.load"}}, {Java, "java.lang.Error", "", 1, Frame{"Shop.java", 10, "Shop.main"}}},
	"kotlin-logback.txt":   {{Java, "com.example.shop.NotFound", "no such item", 4, Frame{"Db.kt", 3, "com.example.shop.Db.query"}}},
	"node-type.txt":        {{Node, "TypeError", "Cannot read properties of null (reading 'x')", 7, Frame{"/srv/shop/shop.js", 5, "Object.<anonymous>"}}},
	"node-cause.txt":       {{Node, "Error", "cannot load", 13, Frame{"/srv/shop/shop.js", 1, "load"}}},
	"node-console.txt":     {{Node, "Error", "cannot load", 13, Frame{"/srv/shop/shop.js", 2, "Shop.handle"}}},
	"node-aggregate.txt":   {{Node, "AggregateError", "All promises were rejected", 14, Frame{"/srv/shop/shop.js", 7, "Object.<anonymous>"}}},
	"node-async.txt":       {{Node, "ShopError", "async\nsecond line", 1, Frame{"/srv/shop/shop.js", 8, ""}}},
	"ruby-uncaught.txt":    {{Ruby, "KeyError", "cannot load\nsecond line", 7, Frame{"/srv/shop/shop.rb", 2, "Integer"}}},
	"ruby-logged.txt":      {{Ruby, "KeyError", "second line", 5, Frame{"shop.rb", 4, "handle"}}, {Ruby, "KeyError", "cannot load\nsecond line", 11, Frame{"shop.rb", 2, "load"}}},
	"php-uncaught.txt":     {{PHP, "RuntimeException", "cannot load", 5, Frame{"/srv/shop/shop.php", 3, "load()"}}},
	"php-log.txt":          {{PHP, "RuntimeException", "cannot load", 5, Frame{"/srv/shop/shop.php", 5, "Shop->handle()"}}},
	"php-logged.txt":       {{PHP, "RuntimeException", "cannot load", 5, Frame{"/srv/shop/shop.php", 2, ""}}},
	"rust-panic.txt":       {{Rust, "panic", "index out of bounds: the len is 2 but the index is 6", 7, Frame{"./shop.rs", 1, "shop::load"}}},
	"rust-bare.txt":        {{Rust, "panic", "index out of bounds: the len is 2 but the index is 6", 1, Frame{"shop.rs", 1, ""}}},
	"rust-anyhow.txt":      {{Rust, "Error", "cannot load settings", 2, Frame{"./src/main.rs", 7, "shop::load"}}},
	"dotnet-unhandled.txt": {{DotNet, "System.InvalidOperationException", "cannot load", 4, Frame{"/srv/shop/Store.cs", 12, "Shop.Store.Load"}}},
	"dotnet-logged.txt":    {{DotNet, "System.NullReferenceException", "Object reference not set to an instance of an object.", 3, Frame{"/srv/shop/Pages/Index.cshtml.cs", 20, "Shop.Pages.IndexModel.OnGet"}}},
	"ordinary.log":         nil,
}

func check(t *testing.T, found []Trace, want []expected) {
	t.Helper()
	if len(found) != len(want) {
		t.Fatalf("%d traces, want %d:\n%+v", len(found), len(want), found)
	}
	for i, w := range want {
		f := found[i]
		if f.Language != w.language || f.Type != w.typ || f.Message != w.message || len(f.Frames) != w.frames {
			t.Errorf("%s %q %q with %d frames, want %s %q %q with %d\n%+v", f.Language, f.Type, f.Message, len(f.Frames), w.language, w.typ, w.message, w.frames, f.Frames)
		}
		has := false
		for _, frame := range f.Frames {
			has = has || frame == w.has
		}
		if !has {
			t.Errorf("no frame %+v in %+v", w.has, f.Frames)
		}
	}
}

func TestFindInRealOutput(t *testing.T) {
	files, err := os.ReadDir("testdata")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if file.IsDir() {
			continue
		}
		t.Run(file.Name(), func(t *testing.T) {
			want, listed := samples[file.Name()]
			if !listed {
				t.Fatal("nothing is expected of this file")
			}
			text := load(t, file.Name())
			found := Find(text)
			check(t, found, want)
			for _, f := range found {
				if !strings.Contains(text, f.Text) || f.Text == "" {
					t.Errorf("the text of the trace is not in the output: %q", f.Text)
				}
			}
			check(t, Find(strings.ReplaceAll(text, "\n", "\r\n")), want)
		})
	}
}

func TestTextEndsWithTheTrace(t *testing.T) {
	for name, end := range map[string]string{
		"python-logged.txt":  "ZeroDivisionError: division by zero",
		"go-stack.txt":       "main.go:34 +0x109",
		"java-logged.txt":    "... 2 more",
		"node-cause.txt":     "\n}",
		"node-console.txt":   "\n}",
		"node-aggregate.txt": "  ]\n}",
		"php-uncaught.txt":   "on line 3",
		"php-logged.txt":     "#1 {main}",
		"rust-anyhow.txt":    "main.rs:12:5",
		"dotnet-logged.txt":  "ILogger logger)",
		"kotlin-logback.txt": "~[app.jar:na]",
	} {
		if text := Find(load(t, name))[0].Text; !strings.HasSuffix(text, end) {
			t.Errorf("%s ends with %q, want %q", name, text[max(0, len(text)-60):], end)
		}
	}
}

// Traces amid ordinary lines are found as they are alone, and nothing else is.
func TestFindAmidLogs(t *testing.T) {
	ordinary := load(t, "ordinary.log")
	for name, want := range samples {
		check(t, Find("10:00 begin\n"+load(t, name)+"10:01 at 10:00 all is well\n"+ordinary), want)
	}
}

func TestOrdinaryLinesOneByOne(t *testing.T) {
	for l := range strings.SplitSeq(load(t, "ordinary.log"), "\n") {
		for _, text := range []string{l, "a\n" + l + "\nb", "java.lang.Error: x\n\n" + l} {
			if found := FindAnywhere(text); len(found) > 0 {
				t.Errorf("%q is taken for a trace: %+v", text, found)
			}
		}
	}
}

func TestFindAnywhere(t *testing.T) {
	for name, want := range samples {
		t.Run(name, func(t *testing.T) {
			text := load(t, name)
			check(t, FindAnywhere(text), want)
			page := "<!DOCTYPE html><html><head><style>a{}</style><SCRIPT>if (a<b) {}</SCRIPT></head><body><h1>Error</h1><pre class=\"x\">" + html.EscapeString(text) + "</pre></body></html>"
			check(t, FindAnywhere(page), want)
			broken := "<html><body>" + strings.ReplaceAll(strings.ReplaceAll(html.EscapeString(text), "  ", "&nbsp; "), "\n", "<br>\n") + "</body>"
			// Go's frames need their tabs, which a page without <pre> does not keep.
			if !strings.HasPrefix(name, "go-") {
				check(t, FindAnywhere(strings.ReplaceAll(broken, "<br>\n", "<br>")), want)
			}
			document, err := json.Marshal(map[string]any{"status": 500, "error": map[string]string{"detail": text}})
			if err != nil {
				t.Fatal(err)
			}
			check(t, FindAnywhere(string(document)), want)
		})
	}
}

func TestFindAnywhereTakesTheSameTraceOnce(t *testing.T) {
	text := load(t, "python-logged.txt")
	document, err := json.Marshal([]string{text, text})
	if err != nil {
		t.Fatal(err)
	}
	if found := FindAnywhere(string(document) + "\n" + text); len(found) != 1 {
		t.Errorf("%d traces", len(found))
	}
}

func TestFindAnywhereInComments(t *testing.T) {
	page := "<html><body>Oops</body></html><!--\n" + load(t, "python-logged.txt") + "-->"
	check(t, FindAnywhere(page), samples["python-logged.txt"])
}

func TestPrefixedPythonLines(t *testing.T) {
	var b strings.Builder
	for l := range strings.Lines(load(t, "python-logged.txt")) {
		b.WriteString("web-1  | 10:00:01 " + l)
	}
	check(t, Find(b.String()), samples["python-logged.txt"])
}

func TestPHPInMonologAndHTML(t *testing.T) {
	log := "[2026-01-02 10:00:00] local.ERROR: no such {\"exception\":\"[object] (App\\\\Missing(code: 0): no such at /srv/app.php:3)\n[stacktrace]\n#0 /srv/index.php(9): handle()\n#1 {main}\n\"}\n"
	check(t, Find(strings.ReplaceAll(log, `\\`, `\`)), []expected{{PHP, `App\Missing`, "no such", 2, Frame{"/srv/app.php", 3, ""}}})
	page := "<br />\n<b>Fatal error</b>:  Uncaught RuntimeException: no such in /srv/app.php:3\nStack trace:\n#0 /srv/index.php(9): Shop-&gt;handle()\n#1 {main}\n  thrown in <b>/srv/app.php</b> on line <b>3</b><br />\n"
	check(t, FindAnywhere(page), []expected{{PHP, "RuntimeException", "no such", 2, Frame{"/srv/index.php", 9, "Shop->handle()"}}})
}

func TestRubyOfOtherFormats(t *testing.T) {
	check(t, Find("shop.rb:3:in 'Shop#load': no such (Shop::Missing)\n\tfrom shop.rb:9:in '<main>'\n"), []expected{{Ruby, "Shop::Missing", "no such", 2, Frame{"shop.rb", 9, "<main>"}}})
	check(t, Find("F, [2026] FATAL -- : \nNoMethodError (undefined method `x' for nil:NilClass):\n  \napp/controllers/shop.rb:3:in `show'\nlib/a.rb:1:in `call'\nnext\n"), []expected{{Ruby, "NoMethodError", "undefined method `x' for nil:NilClass", 2, Frame{"lib/a.rb", 1, "call"}}})
}

func TestOldRustPanic(t *testing.T) {
	check(t, Find("thread 'main' panicked at 'no, such', src/main.rs:4:5\nnote: run with `RUST_BACKTRACE=1` environment variable to display a backtrace\nok\n"), []expected{{Rust, "panic", "no, such", 1, Frame{"src/main.rs", 4, ""}}})
}

func TestFindOfNothing(t *testing.T) {
	if found := Find(""); found != nil || !reflect.DeepEqual(FindAnywhere("{}"), []Trace(nil)) {
		t.Error("nothing holds a trace")
	}
}

func FuzzFindAnywhere(f *testing.F) {
	for name := range samples {
		data, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(data))
	}
	f.Add("<html><pre>at a.b(C.java:1)")
	f.Fuzz(func(t *testing.T, text string) {
		for _, found := range Find(text) {
			if found.Language == "" || len(found.Frames) == 0 {
				t.Fatalf("half a trace: %+v", found)
			}
		}
		FindAnywhere(text)
	})
}

func BenchmarkOrdinaryLines(b *testing.B) {
	data, err := os.ReadFile(filepath.Join("testdata", "ordinary.log"))
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		Find(string(data))
	}
}
