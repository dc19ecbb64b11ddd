package syslogsink

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func frames(chunks ...string) []string {
	var f framer
	var out []string
	emit := func(raw []byte, _ bool) { out = append(out, string(raw)) }
	for _, c := range chunks {
		f.feed([]byte(c), emit)
	}
	f.end(emit)
	return out
}

func TestFraming(t *testing.T) {
	for name, c := range map[string]struct{ in, want []string }{
		"lines":            {[]string{"<1>a\n<1>b\n<1>c"}, []string{"<1>a", "<1>b", "<1>c"}},
		"nul":              {[]string{"<1>a\x00<1>b\x00"}, []string{"<1>a", "<1>b"}},
		"nul and line":     {[]string{"<1>a\x00\n<1>b"}, []string{"<1>a", "<1>b"}},
		"counted":          {[]string{"4 <1>a6 <1>b\nc"}, []string{"<1>a", "<1>b\nc"}},
		"counted and line": {[]string{"4 <1>a\n4 <1>b\n"}, []string{"<1>a", "<1>b"}},
		"counted, in bits": {[]string{"1", "0 <1>", "abc", "defg4 <", "1>a"}, []string{"<1>abcdefg", "<1>a"}},
		"counted, cut":     {[]string{"10 <1>ab"}, []string{"<1>ab"}},
		"no count at all":  {[]string{"12x\nmore\n"}, []string{"12x", "more"}},
		"count too long":   {[]string{"1234567890123 x\n"}, []string{"1234567890123 x"}},
		"nothing":          {nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			if got := frames(c.in...); !slices.Equal(got, c.want) {
				t.Fatalf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestLongFramesAreTruncated(t *testing.T) {
	long := strings.Repeat("x", maxFrameBytes+10)
	for _, in := range []string{"<" + long + "\n<1>next\n", fmt.Sprintf("%d %s7 <1>next", len(long), long)} {
		got := frames(in)
		if len(got) != 2 || len(got[0]) != maxFrameBytes || got[1] != "<1>next" {
			t.Fatalf("%d frames, the first of %d bytes", len(got), len(got[0]))
		}
	}
}

// TestCutsDoNotMatter: whatever pieces the network makes of a stream, its
// frames are the same.
func TestCutsDoNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var stream strings.Builder
		byCount := rapid.Bool().Draw(t, "counted")
		var want []string
		for range rapid.IntRange(1, 6).Draw(t, "frames") {
			m := "<14>" + rapid.StringMatching(`[a-z 0-9]{0,40}`).Draw(t, "message")
			want = append(want, m)
			if byCount {
				fmt.Fprintf(&stream, "%d %s", len(m), m)
			} else {
				stream.WriteString(m + "\n")
			}
		}
		var chunks []string
		for rest := stream.String(); rest != ""; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "cut")
			chunks, rest = append(chunks, rest[:n]), rest[n:]
		}
		if got := frames(chunks...); !slices.Equal(got, want) {
			t.Fatalf("got %q, want %q", got, want)
		}
	})
}

func TestParse(t *testing.T) {
	for raw, want := range map[string]Parsed{
		"<165>1 2003-10-11T22:14:15.003Z host app 12 ID47 - hello":    {RFC5424, 20, 5, "app", "host", "hello", ""},
		"<34>Oct 11 22:14:15 mymachine su: 'su root' failed":          {RFC3164, 4, 2, "su", "mymachine", "'su root' failed", ""},
		"<34>Oct  1 22:14:15 su[12]: local form":                      {RFC3164, 4, 2, "su", "", "local form", ""},
		"<34>Oct  1 22:14:15 su: local form\n":                        {RFC3164, 4, 2, "su", "", "local form", ""},
		"<34>2003-10-11T22:14:15+02:00 host app[1]: stamp of RFC3339": {RFC3164, 4, 2, "app", "host", "stamp of RFC3339", ""},
	} {
		if got := Parse([]byte(raw)); got != want {
			t.Errorf("%q:\n got %+v\nwant %+v", raw, got, want)
		}
	}
	for raw, want := range map[string][2]int{
		"<131>message\x00": {16, 3}, "<0>": {0, 0}, "<192>x": {-1, -1}, "no priority": {-1, -1},
		"<14>1 yesterday host app - - - x": {1, 6}, "<014>x": {-1, -1},
		"<14>0": {1, 6}, "<14>1 ": {1, 6}, "<14>Oct 11": {1, 6},
	} {
		got := Parse([]byte(raw))
		if got.Format != "" || got.Error == "" || [2]int{got.Facility, got.Severity} != want {
			t.Errorf("%q: %+v", raw, got)
		}
	}
	if got := Parse([]byte("<131>message\x00")).Message; got != "message" {
		t.Errorf("message %q", got)
	}
}

func FuzzFrames(f *testing.F) {
	f.Add([]byte("34 <165>1 2003-10-11T22:14:15.003Z h a - - - x"))
	f.Add([]byte("<34>Oct  1 22:14:15 su[12]: x\n<1>y\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		var fr framer
		total := 0
		emit := func(raw []byte, _ bool) {
			total += len(raw)
			p := Parse(raw)
			if (p.Format == "") != (p.Error != "") {
				t.Fatalf("%q: %+v", raw, p)
			}
		}
		fr.feed(data, emit)
		fr.end(emit)
		if total > len(data) {
			t.Fatalf("%d bytes became %d", len(data), total)
		}
	})
}
