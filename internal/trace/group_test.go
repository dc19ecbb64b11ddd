package trace

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// group is what a test keeps of a Group.
type group struct {
	text, language string
	lines          int
	truncated      bool
}

// groupsOf feeds a text to a grouper, a millisecond between lines.
func groupsOf(limits Limits, text string) []group {
	var got []group
	g := NewGrouper(limits, func(e Group) {
		got = append(got, group{string(e.Text), e.Language, e.Lines, e.Truncated})
	})
	now := time.Unix(1_700_000_000, 0)
	for l := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
		g.Add([]byte(l), now)
		now = now.Add(time.Millisecond)
	}
	g.Flush(now, true)
	return got
}

func traceGroups(all []group) []group {
	return slices.DeleteFunc(slices.Clone(all), func(g group) bool { return g.language == "" })
}

func joined(all []group) string {
	texts := make([]string, 0, len(all))
	for _, g := range all {
		texts = append(texts, g.text)
	}
	return strings.Join(texts, "\n")
}

// What Find finds in the outputs of real runtimes is grouped too, and no line
// is lost or moved.
func TestGrouperOnTheOutputsOfFind(t *testing.T) {
	for name, want := range samples {
		t.Run(name, func(t *testing.T) {
			text := strings.TrimSuffix(load(t, name), "\n")
			got := groupsOf(Limits{}, text)
			if joined(got) != text {
				t.Errorf("the lines changed:\n%s\n---\n%s", text, joined(got))
			}
			traces := traceGroups(got)
			if len(traces) != len(want) {
				t.Fatalf("%d traces, want %d:\n%s", len(traces), len(want), dump(got))
			}
			for i, w := range want {
				if traces[i].language != w.language {
					t.Errorf("%s, want %s", traces[i].language, w.language)
				}
			}
		})
	}
}

func dump(all []group) string {
	var b strings.Builder
	for _, g := range all {
		fmt.Fprintf(&b, "[%s %d]\n%s\n", g.language, g.lines, g.text)
	}
	return b.String()
}

// A trace is over after the idle time, which the deadline tells.
func TestIdleEndsATrace(t *testing.T) {
	var got []string
	g := NewGrouper(Limits{}, func(e Group) { got = append(got, e.Language) })
	if _, ok := g.Deadline(); ok {
		t.Error("a new grouper waits for nothing")
	}
	now := testTime
	for _, l := range splitLines("java.lang.Error: x\n\tat a.B.c(B.java:1)") {
		g.Add([]byte(l), now)
	}
	at, ok := g.Deadline()
	if !ok || at.Sub(now) != 300*time.Millisecond {
		t.Fatalf("the deadline is in %v, %v", at.Sub(now), ok)
	}
	if g.Flush(at.Add(-time.Millisecond), false); len(got) != 0 {
		t.Fatalf("%q came out early", got)
	}
	if g.Flush(at, false); !slices.Equal(got, []string{Java}) {
		t.Fatalf("%q at the deadline", got)
	}
	g.Add([]byte("2024-01-01 ERROR x"), at)
	at, ok = g.Deadline()
	if g.Flush(at, false); !ok || !slices.Equal(got, []string{Java, ""}) {
		t.Fatalf("%q after the head of a record", got)
	}
	if _, ok := g.Deadline(); ok {
		t.Error("nothing is held, and yet there is a deadline")
	}
}

// Late lines do not need a Flush: Add ends what was idle.
func TestAddEndsWhatWasIdle(t *testing.T) {
	var got []string
	g := NewGrouper(Limits{Idle: time.Second}, func(e Group) { got = append(got, e.Language) })
	g.Add([]byte("java.lang.Error: x"), testTime)
	g.Add([]byte("\tat a.B.c(B.java:1)"), testTime)
	g.Add([]byte("\tat a.B.d(B.java:2)"), testTime.Add(2*time.Second))
	if !slices.Equal(got, []string{Java, ""}) {
		t.Errorf("%q", got)
	}
}

// A long trace keeps its beginning and its end.
func TestLongTracesAreCut(t *testing.T) {
	var b strings.Builder
	b.WriteString("2024-01-01 10:00:00 ERROR app: failed\nTraceback (most recent call last):\n")
	for i := range 5000 {
		fmt.Fprintf(&b, "  File \"/srv/shop/a.py\", line %d, in f%d\n    f()\n", i, i)
	}
	b.WriteString("ValueError: the end\n2024-01-01 10:00:00 INFO app: on\n")
	for name, limits := range map[string]Limits{"lines": {MaxLines: 100}, "bytes": {MaxBytes: 4000}} {
		got := groupsOf(limits, b.String())
		if len(got) != 2 || got[0].language != Python || !got[0].truncated || got[0].lines != 10_003 || got[1].text != "2024-01-01 10:00:00 INFO app: on" {
			t.Fatalf("%s: %d groups, the first of %d lines", name, len(got), got[0].lines)
		}
		text := got[0].text
		if !strings.HasPrefix(text, "2024-01-01 10:00:00 ERROR") || !strings.HasSuffix(text, "\nValueError: the end") || !strings.Contains(text, " lines cut ...]") || len(text) > 12_000 {
			t.Errorf("%s: %d bytes: %s", name, len(text), text[max(0, len(text)-200):])
		}
	}
}

// A thousand goroutines are one record, cut where the limits say so.
func TestThousandGoroutines(t *testing.T) {
	var b strings.Builder
	b.WriteString("panic: boom\n\ngoroutine 1 [running]:\nmain.main()\n\t/srv/shop/main.go:3 +0x1d\n")
	for i := range 1000 {
		fmt.Fprintf(&b, "\ngoroutine %d gp=0xc000 m=nil [select, 3 minutes]:\nmain.wait(0x%x)\n\t/srv/shop/main.go:9 +0x1d\ncreated by main.main in goroutine 1\n\t/srv/shop/main.go:4 +0x2a\n", i+2, i)
	}
	got := groupsOf(Limits{}, b.String())
	if len(got) != 1 || got[0].language != Go || !got[0].truncated || got[0].lines != 6005 || strings.Count(got[0].text, "\n") > 2100 {
		t.Errorf("%d groups, the first of %d lines", len(got), got[0].lines)
	}
	if got = groupsOf(Limits{MaxLines: 10_000}, b.String()); len(got) != 1 || got[0].truncated || got[0].text+"\n" != b.String() {
		t.Errorf("%d groups", len(got))
	}
}

// Shapes of .NET as its documentation shows them; they are not of the corpus,
// for no runtime printed them here.
func TestDotNet(t *testing.T) {
	for _, text := range []string{
		"Unhandled exception. System.Exception: boom\n   at Program.<Main>$(String[] args) in /srv/shop/Program.cs:line 3",
		"Unhandled exception. System.AggregateException: One or more errors occurred. (a) (b)\n ---> System.Exception: a\n   at A.B() in /srv/A.cs:line 1\n   --- End of inner exception stack trace ---\n   at System.Threading.Tasks.Task.WaitAll(Task[] tasks)\n ---> (Inner Exception #1) System.Exception: b\n   at A.C()<---\n",
		"fail: Shop.Orders[0]\n      cannot pay\n      System.InvalidOperationException: declined\n       ---> System.TimeoutException: slow\n         at Bank.Call(Int32 id) in /srv/Bank.cs:line 9\n         --- End of inner exception stack trace ---\n         at Shop.Pay()",
		"System.ArgumentNullException: Value cannot be null. (Parameter 'x')\n   at Shop.Store.Load(String x)\n--- End of stack trace from previous location ---\n   at Shop.Store.Go()",
	} {
		text = strings.TrimSuffix(text, "\n")
		got := groupsOf(Limits{}, "info: Shop[0]\n      started\n"+text+"\ninfo: Shop[0]\n      stopped")
		traces := traceGroups(got)
		if len(traces) != 1 || traces[0].text != text || traces[0].language != DotNet {
			t.Errorf("want\n%s\ngot\n%s", text, dump(got))
		}
	}
}

// More shapes, each between ordinary lines.
func TestShapes(t *testing.T) {
	for language, texts := range map[string][]string{
		Python: {
			"ERROR:asyncio:Task exception was never retrieved\nfuture: <Task finished name='T' coro=<f() done> exception=E()>\nTraceback (most recent call last):\n  File \"a.py\", line 1, in f\n    x\nE",
			"  File \"/srv/shop/a.py\", line 3\n    def f(:\n          ^\nSyntaxError: invalid syntax",
			"Fatal Python error: Segmentation fault\n\nCurrent thread 0x00007f (most recent call first):\n  File \"a.py\", line 3 in f\n  File \"a.py\", line 4 in <module>",
			"2024-01-01 ERROR app: failed\nTraceback (most recent call last):\n  File \"a.py\", line 1, in f\n    x\nKeyError: 'x'",
		},
		Java: {
			"12:00:00.123 [main] ERROR c.e.shop.Service - cannot load\ncom.example.NotFound: no such item\n\tat com.example.Db.query(Db.kt:3) ~[app.jar:na]\n\t... 2 common frames omitted\nCaused by: java.io.IOException: disk\n\tat com.example.Db.open(Db.kt:9) ~[app.jar:na]\n\t... 3 common frames omitted",
			"java.lang.IllegalStateException: reactive\n\tat a.B.c(B.java:1)\n\tSuppressed: reactor.core.publisher.FluxOnAssembly$OnAssemblyException: \nError has been observed at the following site(s):\n\t*__checkpoint ⇢ Handler x\nOriginal Stack Trace:\n\t\tat a.B.c(B.java:1)\n\t\tat a.B.d(B.java:2)",
		},
		Ruby: {"app.rb:3:in 'Shop#load': no such item (Shop::Missing)\n\tfrom app.rb:9:in '<main>'"},
		PHP:  {"PHP Fatal error:  Uncaught Error: boom in /srv/a.php:3\nStack trace:\n#0 /srv/b.php(4): f()\n#1 {main}\n  thrown in /srv/a.php on line 3"},
		Go: {
			"fatal error: all goroutines are asleep - deadlock!\n\ngoroutine 1 [chan receive]:\nmain.main()\n\t/srv/shop/main.go:3 +0x1d",
			"2024/01/01 10:00:00 http: panic serving 127.0.0.1:1: boom\ngoroutine 7 [running]:\nnet/http.(*conn).serve.func1()\n\t/usr/local/go/src/net/http/server.go:1 +0x1\npanic({0x1?, 0x2?})\n\t/usr/local/go/src/runtime/panic.go:2 +0x1",
			`{"level":"error","ts":1.7,"msg":"failed","stacktrace":"main.main\n\t/srv/shop/main.go:12\nruntime.main\n\t/usr/local/go/src/runtime/proc.go:283"}`,
			`time=2024-01-01T10:00:00Z level=ERROR msg=recovered stack="goroutine 7 [running]:\nmain.main()\n\t/srv/main.go:3 +0x1d\n"`,
		},
		Node: {`{"level":50,"err":{"type":"Error","message":"x","stack":"Error: x\n    at f (/srv/a.js:1:2)\n    at g (/srv/a.js:3:4)"},"msg":"x"}`},
	} {
		for _, text := range texts {
			got := groupsOf(Limits{}, "2024-01-01 INFO app: one\n"+text+"\n2024-01-01 INFO app: two")
			if len(got) != 3 || got[1].text != text || got[1].language != language {
				t.Errorf("want as %s\n%s\ngot\n%s", language, text, dump(got))
			}
		}
	}
}

// Warnings and half traces are ordinary lines.
func TestNoTraces(t *testing.T) {
	for _, text := range []string{
		"/srv/shop/a.py:3: DeprecationWarning: use g\n  warnings.warn(\"use g\")",
		"Traceback (most recent call last):\nnothing follows",
		"panic: no\n\nmore text",
		"java.lang.Error: lonely",
		"Error: at the disco\n    at noon",
	} {
		if got := groupsOf(Limits{}, "one\n"+text+"\ntwo"); len(traceGroups(got)) != 0 || joined(got) != "one\n"+text+"\ntwo" {
			t.Errorf("%q: %s", text, dump(got))
		}
	}
}

// The ordinary path costs no allocation, and the line is handed on as it is.
func TestOrdinaryPathDoesNotAllocate(t *testing.T) {
	lines := plainLines(100)
	same := true
	var line []byte
	g := NewGrouper(Limits{}, func(e Group) { same = same && &e.Text[0] == &line[0] })
	i := 0
	if n := testing.AllocsPerRun(1000, func() { line = lines[i%100]; i++; g.Add(line, testTime) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if !same {
		t.Error("an ordinary line was copied")
	}
}

// Memory is given back when a storm is over.
func TestHeldLinesLeave(t *testing.T) {
	g := NewGrouper(Limits{}, func(Group) {})
	for range 200 {
		for _, l := range splitLines(declined) {
			g.Add([]byte(l), testTime)
		}
		g.Add([]byte("2024-01-01 INFO app: between"), testTime)
	}
	g.Flush(testTime, true)
	if !g.held.empty() || len(g.machines) != 0 || len(g.held.text) != 0 {
		t.Errorf("%d lines and %d machines stay", len(g.held.lines), len(g.machines))
	}
}

// Whatever comes in goes out: every line once, and nothing panics.
func FuzzGrouper(f *testing.F) {
	for name := range samples {
		f.Add(seed(f, name), uint8(0))
	}
	for file, list := range spans(f) {
		lines := corpusLines(f, file)
		f.Add(strings.Join(lines[max(0, list[0].from-3):min(len(lines), list[0].to+3)], "\n"), uint8(3))
	}
	f.Fuzz(func(t *testing.T, text string, step uint8) {
		var out []string
		cut := false
		count := 0
		g := NewGrouper(Limits{MaxLines: 1 << 20, MaxBytes: 1 << 30}, func(e Group) {
			out = append(out, strings.Split(string(e.Text), "\n")...)
			cut = cut || e.Truncated
			count += e.Lines
			e.Trace().Fingerprint("/srv/shop")
		})
		now := testTime
		lines := splitLines(text)
		for _, l := range lines {
			g.Add([]byte(l), now)
			now = now.Add(time.Duration(step) * time.Millisecond)
		}
		g.Flush(now, true)
		if _, waits := g.Deadline(); waits || !g.held.empty() {
			t.Fatal("lines stay behind")
		}
		if cut || count != len(lines) {
			t.Fatalf("%d lines in, %d out", len(lines), count)
		}
		slices.Sort(lines)
		slices.Sort(out)
		if !slices.Equal(lines, out) {
			t.Fatalf("in %q\nout %q", lines, out)
		}
	})
}

func seed(t testing.TB, name string) string {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
