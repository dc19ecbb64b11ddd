package loglevels

import "testing"

func TestTemplatesOfTheSameRecordAreEqual(t *testing.T) {
	for name, pair := range map[string][2]string{
		"times and numbers":   {"2026-11-23T07:04:27.123Z INFO GET / 200 3 ms", "2026-11-23T07:05:00.9Z INFO GET / 404 1.25 s"},
		"a log in UTC":        {"[2026-11-23 07:04:27,123 +0000] [12] [INFO] ok", "[2026-11-23 07:04:28,456 +0000] [1345] [INFO] ok"},
		"an access line":      {`10.1.2.3 - - [23/Nov/2026:07:04:27 +0000] "GET / HTTP/1.1" 200 12`, `10.4.5.6 - - [23/Nov/2026:07:04:28 +0000] "GET / HTTP/1.1" 500 7`},
		"values of the boot":  {"session of quitefreshtext began", "session of otherfreshtext began"},
		"ids":                 {"request 9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d", "request 1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed"},
		"addresses in memory": {"main.(*app).route(0xc0000b4000, {0x781930, 0x4})", "main.(*app).route(0xc0001b8010, {0x66, 0x9})"},
		"colours":             {"\x1b[32mINFO\x1b[0m ok", "INFO ok"},
		"durations":           {"took 850µs", "took 1.2ms"},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMasker([]string{"quitefreshtext", "otherfreshtext"})
			if a, b := m.template(pair[0]), m.template(pair[1]); a != b {
				t.Errorf("%q and %q", a, b)
			}
		})
	}
}

func TestTemplatesOfDifferentRecordsDiffer(t *testing.T) {
	m := newMasker([]string{"abc", "", "quitefreshtext"})
	for _, pair := range [][2]string{
		{"INFO GET / 200", "DEBUG GET / 200"},
		{`{"level":"info","msg":"done"}`, `{"level":"warn","msg":"done"}`},
		{"nothing at /a", "nothing at /b"},
		{"level=info msg=abc", "level=info msg=other"},
		{"request_id missing", "session_id missing"},
	} {
		if a, b := m.template(pair[0]), m.template(pair[1]); a == b {
			t.Errorf("%q and %q are both %q", pair[0], pair[1], a)
		}
	}
}

func TestFormsOfAccessLinesAreEqual(t *testing.T) {
	m := newMasker([]string{"firstfreshnonce", "secondfreshnonce"})
	for _, pair := range [][2]string{
		{"INFO GET /?q=firstfreshnonce 200 1 ms request_id=firstfreshnonce", "INFO GET /fault?q=secondfreshnonce 500 22 ms request_id=secondfreshnonce"},
		{`"GET /firstfreshnonce HTTP/1.1" 404`, `"GET /fault/now HTTP/1.1" 500`},
		{`{"path":"/a?q=firstfreshnonce","status":200}`, `{"path":"/fault?q=secondfreshnonce","status":500}`},
	} {
		if a, b := m.form(pair[0]), m.form(pair[1]); a != b {
			t.Errorf("%q and %q", a, b)
		}
	}
	if a, b := m.form("INFO GET / 200 firstfreshnonce"), m.form("ERROR GET /fault secondfreshnonce"); a == b {
		t.Errorf("an error has the form of a request: %q", a)
	}
}

func TestTemplatesAreBounded(t *testing.T) {
	long := make([]byte, 5000)
	for i := range long {
		long[i] = 'a'
	}
	if got := newMasker(nil).template(string(long)); len(got) != maxTemplate {
		t.Errorf("%d bytes", len(got))
	}
}
