package trace

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// sentences are messages of ordinary records, with the words of traces. A %d is
// a number.
var sentences = []string{
	"GET /items/%d 200 in %d ms", "POST /orders/%d 201", "cache filled: %d keys", "worker %d ready", "connected to db at 10.0.0.%d:5432", "no error in %d files",
	"Error: cannot load item %d", "error while reading chunk %d, will retry", "Error rate is 0.%d %%", "the order was placed at %d o'clock", "arrived at main.js:%d",
	"Caused by rain, %d trains are late", "Caused by: operator %d", "File \"x%d\" was uploaded", "File \"report.py\", line %d of the list, in stock", "panic: at the disco, track %d",
	"don't panic, %d left", "panic button pressed by user %d", "Traceback (most recent call last) was requested by user %d", "goroutine %d is not a word", "goroutines: %d", "thread 'main' has run %d jobs",
	"Exception handling was improved in version %d", "java.lang.NullPointerException was seen %d times", "ValueError: %d is out of range", "TypeError handled, code %d", "retrying after TimeoutError: %d s",
	"Stack trace: disabled for level %d", "stack depth %d", "#0 of %d", "#%d closed by commit", "... %d more", "... %d common items omitted", "---> step %d", "--- End of list %d ---",
	"from app.rb:%d", "thrown in at step %d", "fatal: not a git repository, code %d", "critical section entered %d times", "failed at step %d", "SEVERE weather: %d mm", "[errors]: %d", "exception_count=%d",
	"cannot open /srv/app.py:%d", "see server.go:%d", "at least %d items", "at com.example:%d", "    at the end of day %d", "\tat noon, %d items", "\tat position %d (first)", "  at index %d", "  File listing of %d", "    %d: done",
	"unhandled event %d", "Uncaught fish: %d kg", "alert %d was acknowledged", "emergency exit %d is open", "Traceback of parcel %d", "shop.rb:%d:in stock", "loaded a.rb:%d:in 3 ms", "Did you mean? %d", "note: run %d of 7",
	"user typed `panicked at %d`", "Node.js v%d is supported", "^", "    ^", "}", "{", "  \"id\": %d,", "", "- item %d", "caused by (see line %d)", "Suppressed: %d mails", "Next run in %d s", "exit status %d",
	"SyntaxError is documented at page %d", "created by user %d", "main.init() took %d ms", "\t/srv/data/%d", "panic=%d", "DeprecationWarning: use of %d", "thread-%d: exception table flushed", "query failed: ERROR: relation \"x%d\" does not exist",
	"com.example.Service: started %d", "NotFound: item %d", "Started: %d", "stacktrace=false depth=%d", "trace_id=4bf92f3577b34da6a3ce929d0e0e%d", "Fatal error rate: %d", "Exception in thread pool size: %d",
	"größe %d: 数 🚚", "SELECT * FROM error WHERE at > %d", "mail to error@example.com (%d)", "+ | %d |", "  + Group %d", "  | a | %d |", "  warnings.warn(\"old %d\")",
}

// formats are heads of records of well-known programs.
var formats = []func(r *rand.Rand, level, text string) string{
	func(_ *rand.Rand, _, text string) string { return text },
	func(r *rand.Rand, level, text string) string {
		return stamp(r, "2006-01-02 15:04:05,000") + " " + level + " shop.app: " + text
	},
	func(_ *rand.Rand, level, text string) string { return level + ":root:" + text },
	func(r *rand.Rand, level, text string) string {
		return "[" + stamp(r, "2006-01-02 15:04:05 -0700") + "] [12] [" + level + "] " + text
	},
	func(r *rand.Rand, _, text string) string { return stamp(r, "2006/01/02 15:04:05") + " " + text },
	func(r *rand.Rand, level, text string) string {
		return stamp(r, "15:04:05.000") + " [main] " + level + "  c.e.shop.Service - " + text
	},
	func(r *rand.Rand, level, text string) string {
		return fmt.Sprintf("time=%s level=%s msg=%q n=%d", stamp(r, time.RFC3339Nano), level, text, r.IntN(99))
	},
	func(r *rand.Rand, level, text string) string {
		return fmt.Sprintf(`{"time":%q,"level":%q,"msg":%q,"error":null,"stack":""}`, stamp(r, time.RFC3339Nano), level, text)
	},
	func(r *rand.Rand, level, text string) string {
		return fmt.Sprintf("%c, [%s #%d] %5s -- : %s", level[0], stamp(r, "2006-01-02T15:04:05.000000"), r.IntN(9999), level, text)
	},
	func(r *rand.Rand, _, text string) string {
		return fmt.Sprintf("10.0.%d.%d - - [%s] \"GET /%s HTTP/1.1\" 500 %d \"-\" \"Mozilla/5.0 (X11; Linux x86_64)\"", r.IntN(255), r.IntN(255), stamp(r, "02/Jan/2006:15:04:05 -0700"), text, r.IntN(9999))
	},
	func(r *rand.Rand, level, text string) string {
		return fmt.Sprintf("%c%s %d server.go:%d] %s", level[0], stamp(r, "0102 15:04:05.000000"), r.IntN(9999), r.IntN(999), text)
	},
	func(r *rand.Rand, _, text string) string {
		return stamp(r, "Jan _2 15:04:05") + " host app[12]: " + text
	},
	func(r *rand.Rand, level, text string) string {
		return stamp(r, "Jan 02, 2006 3:04:05 PM") + " shop.Main run\n" + level + ": " + text
	},
	func(r *rand.Rand, _, text string) string {
		return fmt.Sprintf("[%s] [wsgi:error] [pid %d:tid %d] %s", stamp(r, "Mon Jan 02 15:04:05.000000 2006"), r.IntN(9), r.IntN(9), text)
	},
	func(r *rand.Rand, level, text string) string {
		return "[" + stamp(r, "02-Jan-2006 15:04:05") + " UTC] PHP " + level + ":  " + text + " in /srv/shop/index.php on line 3"
	},
	func(_ *rand.Rand, level, text string) string {
		return "info: Shop.Startup[0]\n      " + level + " " + text
	},
	func(r *rand.Rand, level, text string) string {
		return fmt.Sprintf("\x1b[32m%s\x1b[0m web.%d | %s", stamp(r, "15:04:05"), r.IntN(4), level+" "+text)
	},
}

func stamp(r *rand.Rand, layout string) string {
	return time.Unix(1_700_000_000+r.Int64N(1e7), r.Int64N(1e9)).UTC().Format(layout)
}

// ordinaryLines makes a stream in one format, or of all of them.
func ordinaryLines(r *rand.Rand, format, count int) []string {
	levels := []string{"INFO", "INFO", "INFO", "INFO", "DEBUG", "DEBUG", "WARNING", "ERROR"}
	var all []string
	for len(all) < count {
		f := format
		if format == len(formats) {
			f = r.IntN(len(formats))
		}
		text := sentences[r.IntN(len(sentences))]
		if r.IntN(3) > 0 {
			text = sentences[r.IntN(6)]
		}
		if n := countVerbs(text); n == 1 {
			text = fmt.Sprintf(text, r.IntN(1000))
		} else if n == 2 {
			text = fmt.Sprintf(text, r.IntN(1000), r.IntN(1000))
		}
		all = append(all, splitLines(formats[f](r, levels[r.IntN(len(levels))], text))...)
	}
	return all[:count]
}

func countVerbs(text string) (n int) {
	for i := range len(text) - 1 {
		if text[i] == '%' && text[i+1] == 'd' {
			n++
		}
	}
	return n
}

// A million ordinary lines, in streams of one format each and in streams of
// all of them, hold no trace.
func TestOrdinaryMillion(t *testing.T) {
	const goal, total = 100, 1_000_000
	r := rand.New(rand.NewPCG(1, 2))
	falses, lines := 0, 0
	for round := 0; lines < total; round++ {
		stream := ordinaryLines(r, round%(len(formats)+1), 10_000)
		in, out := 0, 0
		g := NewGrouper(Limits{}, func(e Group) {
			for l := range bytes.SplitSeq(e.Text, []byte("\n")) {
				if out < len(stream) && stream[out] != string(l) {
					t.Fatalf("line %d came out as %q, not %q", out, l, stream[out])
				}
				out++
			}
			if e.Language != "" {
				falses += e.Lines
				if falses < 200 {
					t.Logf("format %d: %s:\n%s", round%(len(formats)+1), e.Language, e.Text)
				}
			}
		})
		now := time.Unix(1_700_000_000, 0)
		for _, l := range stream {
			g.Add([]byte(l), now)
			now = now.Add(time.Microsecond)
			in++
		}
		g.Flush(now, true)
		if in != out {
			t.Fatalf("%d lines in, %d out", in, out)
		}
		lines += in
	}
	t.Logf("%d of %d ordinary lines were grouped (%.4f %%)", falses, lines, 100*float64(falses)/float64(lines))
	if falses > goal {
		t.Errorf("the goal is %d", goal)
	}
}
