package syslog

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/leodido/go-syslog/v4/rfc3164"
	"github.com/leodido/go-syslog/v4/rfc5424"
	"pgregory.net/rapid"
)

var at = time.Date(2026, 1, 2, 3, 4, 5, 678_000, time.UTC)

func options(format Format) Options {
	o := Options{Network: "tcp", Address: "127.0.0.1:1", Format: format, Facility: 16, Host: "host", Location: time.UTC}
	o.complete()
	return o
}

var anyText = rapid.OneOf(
	rapid.String(),
	rapid.Custom(func(t *rapid.T) string { return string(rapid.SliceOfN(rapid.Byte(), 0, 60).Draw(t, "bytes")) }),
	rapid.SampledFrom([]string{"", " ", `quote " back \ bracket ]`, "a\x00b", "two\nlines", "end\r", "\ufeffmarked", "grüße", "\xff\xfe", "]] x", "-", "[x]"}),
)

func anyMessage(t *rapid.T) *Message {
	params := func(label string) (list []Param) {
		for range rapid.IntRange(0, 3).Draw(t, label) {
			list = append(list, Param{anyText.Draw(t, "name"), anyText.Draw(t, "value")})
		}
		return list
	}
	return &Message{
		Time: at, Severity: Severity(rapid.IntRange(0, 7).Draw(t, "severity")), Text: []byte(anyText.Draw(t, "text")), Params: params("params"),
		Origin: &Origin{anyText.Draw(t, "app"), anyText.Draw(t, "proc"), anyText.Draw(t, "msgid"), params("shared")},
	}
}

func TestRFC5424RoundTrip(t *testing.T) {
	parser := rfc5424.NewParser()
	rapid.Check(t, func(t *rapid.T) {
		m := anyMessage(t)
		e := newEncoder(options(RFC5424))
		e.lf = rapid.Bool().Draw(t, "lf")
		raw := e.append(nil, m)
		if bytes.IndexByte(raw, 0) >= 0 || e.lf && bytes.IndexByte(raw, '\n') >= 0 {
			t.Fatalf("%q", raw)
		}
		parsed, err := parser.Parse(raw)
		if err != nil {
			t.Fatalf("%q: %v", raw, err)
		}
		p := parsed.(*rfc5424.SyslogMessage)
		if *p.Severity != uint8(m.Severity) || *p.Facility != 16 || !p.Timestamp.Equal(at) || *p.Hostname != "host" {
			t.Fatalf("%q: %+v", raw, p)
		}
		same(t, "app", p.Appname, field(m.Origin.App, maxApp))
		same(t, "proc", p.ProcID, field(m.Origin.ProcID, maxProcID))
		same(t, "msgid", p.MsgID, field(m.Origin.MsgID, maxMsgID))
		sameText(t, m, e.lf, p.Message)
		sameData(t, m, p.StructuredData)
	})
}

func same(t *rapid.T, what string, got *string, want string) {
	if want == "-" && got == nil {
		return
	}
	if got == nil || *got != want {
		t.Fatalf("%s: got %v, want %q", what, got, want)
	}
}

func sameText(t *rapid.T, m *Message, lf bool, got *string) {
	want := strings.TrimSuffix(string(m.Text), "\r")
	valid := utf8.ValidString(want)
	want = strings.ReplaceAll(strings.TrimPrefix(want, "\ufeff"), "\x00", "#000")
	if lf {
		want = strings.ReplaceAll(want, "\n", "#012")
	}
	text := ""
	if got != nil {
		text = *got
	}
	marked := strings.HasPrefix(text, "\ufeff")
	if needs := valid && !isASCII(m.Text); marked != needs && valid {
		t.Fatalf("%q: mark %v, want %v", text, marked, needs)
	}
	if text = strings.TrimPrefix(text, "\ufeff"); text != want && valid {
		t.Fatalf("text %q, want %q", text, want)
	}
}

func sameData(t *rapid.T, m *Message, got *map[string]map[string]string) {
	want := map[string]string{}
	for _, p := range append(append([]Param{}, m.Origin.Params...), m.Params...) {
		name := strings.NewReplacer("=", "_", "]", "_", `"`, "_").Replace(field(p.Name, maxName))
		if _, twice := want[name]; twice {
			return // a map cannot tell
		}
		value := strings.ToValidUTF8(p.Value[:min(len(p.Value), maxValue)], "\uFFFD")
		want[name] = strings.NewReplacer("\x00", " ", "\n", " ", "\r", " ").Replace(value)
	}
	if got == nil {
		if len(want) > 0 {
			t.Fatalf("no data, want %v", want)
		}
		return
	}
	unescape := strings.NewReplacer(`\"`, `"`, `\\`, `\`, `\]`, `]`)
	if len((*got)[defaultDataID]) != len(want) {
		t.Fatalf("%v, want %v", *got, want)
	}
	for name, value := range (*got)[defaultDataID] {
		if v, ok := want[name]; !ok || v != value && v != unescape.Replace(value) {
			t.Fatalf("%s: %q, want %q", name, value, v)
		}
	}
}

func TestRFC3164RoundTrip(t *testing.T) {
	parser := rfc3164.NewParser()
	rapid.Check(t, func(t *rapid.T) {
		m := &Message{Time: at, Severity: Severity(rapid.IntRange(0, 7).Draw(t, "severity")), Origin: &Origin{App: "guest", ProcID: "web.1"}}
		m.Text = []byte(rapid.StringMatching(`[ -~äöü]{1,80}`).Draw(t, "text"))
		raw := newEncoder(options(RFC3164)).append(nil, m)
		parsed, err := parser.Parse(raw)
		if err != nil {
			t.Fatalf("%q: %v", raw, err)
		}
		p := parsed.(*rfc3164.SyslogMessage)
		if *p.Severity != uint8(m.Severity) || *p.Hostname != "host" || *p.Appname != "guest" || *p.ProcID != "web.1" || strings.TrimLeft(*p.Message, " ") != strings.TrimLeft(string(m.Text), " ") {
			t.Fatalf("%q: %+v", raw, p)
		}
	})
}

func TestExactBytes(t *testing.T) {
	m := &Message{Time: at, Severity: Error, Text: []byte("two\nlines"), Origin: &Origin{App: "guest book", ProcID: "web.1", MsgID: "stderr", Params: []Param{{"generation", "2"}}}, Params: []Param{{"request_id", `a"]\`}}}
	local := options(RFC3164)
	local.Network = "unix"
	for _, c := range []struct {
		opts Options
		want string
	}{
		{options(RFC5424), `<131>1 2026-01-02T03:04:05.000678Z host guest_book web.1 stderr [roadworthy@32473 generation="2" request_id="a\"\]\\"] two` + "\nlines"},
		{options(RFC3164), "<131>Jan  2 03:04:05 host guest_book[web.1]: two\nlines"},
		{local, "<131>Jan  2 03:04:05 guest_book[web.1]: two\nlines"},
	} {
		if got := string(newEncoder(c.opts).append(nil, m)); got != c.want {
			t.Errorf("\n got %q\nwant %q", got, c.want)
		}
	}
}

func TestLongMessagesAreCutWithAMark(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := options(rapid.SampledFrom([]Format{RFC5424, RFC3164}).Draw(t, "format"))
		o.MaxMessage = rapid.IntRange(minMessage, 2000).Draw(t, "most")
		text := rapid.StringOfN(rapid.RuneFrom([]rune("aä€😀\x00\n")), 0, 2000, -1).Draw(t, "text")
		e := newEncoder(o)
		e.lf = rapid.Bool().Draw(t, "lf")
		got := e.append([]byte("before"), &Message{Time: at, Origin: &Origin{App: "a"}, Text: []byte(text)})
		if len(got)-len("before") > o.MaxMessage {
			t.Fatalf("%d bytes, the limit is %d", len(got)-6, o.MaxMessage)
		}
		if cut := bytes.HasSuffix(got, []byte(" bytes in all]")); cut != (e.cut == 1) || !cut && len(text) > o.MaxMessage {
			t.Fatalf("cut: %v, counted: %d, %q", cut, e.cut, got)
		}
		if !utf8.Valid(got) {
			t.Fatalf("a character was cut: %q", got)
		}
	})
}

func TestNoCharacterIsCutInTwo(t *testing.T) {
	for i := range 8 {
		o := options(RFC5424)
		o.MaxMessage = minMessage + i
		if got := newEncoder(o).append(nil, &Message{Time: at, Origin: origin, Text: bytes.Repeat([]byte("😀"), 500)}); !utf8.Valid(got) {
			t.Errorf("limit %d: %q", o.MaxMessage, got)
		}
	}
}

func TestSeveritiesAndFacilities(t *testing.T) {
	for level, want := range map[slog.Level]Severity{-8: Debug, -4: Debug, 0: Informational, 2: Notice, 4: Warning, 8: Error, 12: Critical, 20: Critical} {
		if got := SeverityOf(level); got != want {
			t.Errorf("%v: %d, want %d", level, got, want)
		}
	}
	if f, err := ParseFacility("Local7"); f != 23 || err != nil || f.String() != "local7" {
		t.Error(f, err)
	}
	if _, err := ParseFacility("local8"); err == nil || !strings.Contains(err.Error(), "local0, local1") {
		t.Error(err)
	}
}

func TestParseURL(t *testing.T) {
	for text, want := range map[string]Options{
		"unix:///dev/log":                             {Network: "unix", Address: "/dev/log", Facility: User},
		"udp://logs.example.org":                      {Network: "udp", Address: "logs.example.org:514", Facility: User},
		"tcp://[::1]:1514?framing=lf&format=3164":     {Network: "tcp", Address: "[::1]:1514", Framing: LineFeed, Format: RFC3164, Facility: User},
		"tls://h?ca=/ca.pem&facility=local3&max=2048": {Network: "tls", Address: "h:6514", CAFile: "/ca.pem", Facility: 19, MaxMessage: 2048},
	} {
		if got, err := ParseURL(text); err != nil || got.Network != want.Network || got.Address != want.Address || got.Framing != want.Framing || got.Format != want.Format || got.Facility != want.Facility || got.CAFile != want.CAFile || got.MaxMessage != want.MaxMessage {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
	for text, says := range map[string]string{
		"/dev/log": "begins with none of", "unix://dev/log": "three slashes", "tcp://": "want host:port", "tcp://h/x": "no path", "tcp://h?framing=x": "neither octet nor lf",
		"udp://h?format=1": "neither 5424 nor 3164", "udp://h?speed=1": "none of format, framing", "tls://h?framing=lf": "octet counting only", "tcp://h?ca=x": "for tls:// only",
		"tls://h?cert=x": "go together", "udp://h?max=5": "no number of bytes", "udp://h?facility=x": "is none of kern", "tcp://h:%zz": "read a syslog address",
	} {
		if _, err := ParseURL(text); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %q", text, err, says)
		}
	}
}
