package flatfile_test

import (
	"strings"
	"testing"

	"github.com/roadworthy-dev/roadworthy/internal/flatfile"
	"github.com/roadworthy-dev/roadworthy/internal/problem"
)

func TestEveryFormatGivesTheSame(t *testing.T) {
	for format, text := range map[string]string{
		"yaml":   "port: 8080\nlog:\n  level: DEBUG # loud\nname: \"a b\"\n",
		"json":   "{\"port\": 8080,\n \"log\": {\"level\": \"DEBUG\"},\n \"name\": \"a b\"}",
		"toml":   "port = 8080\nname = \"a b\"\n[log]\nlevel = \"DEBUG\"\n",
		"ini":    "; comment\nport = 8080\nname = \"a b\"\n[log]\nlevel = DEBUG # loud\n",
		"dotenv": "# comment\nexport port=8080\nname='a b'\nlog.level=DEBUG\n",
	} {
		entries, err := flatfile.Read("app.conf", format, []byte(text))
		if err != nil {
			t.Errorf("%s: %v", format, err)
			continue
		}
		got := map[string]string{}
		for _, e := range entries {
			got[e.Key] = e.Text
			if e.Line == 0 && format != "toml" {
				t.Errorf("%s: %s has no line", format, e.Key)
			}
		}
		if len(got) != 3 || got["port"] != "8080" || got["log.level"] != "DEBUG" || got["name"] != "a b" {
			t.Errorf("%s: got %v", format, got)
		}
	}
}

func TestTextsStayAsTheyStand(t *testing.T) {
	entries, err := flatfile.Read("a.yaml", "yaml", []byte("v: 1.10\nlist: [a, b]\nempty:\nblock: |\n  x\n  y\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := []flatfile.Entry{{Key: "v", Text: "1.10", Line: 1}, {Key: "list.0", Text: "a", Line: 2}, {Key: "list.1", Text: "b", Line: 2}, {Key: "block", Text: "x\ny\n"}}
	for i, e := range want {
		if i >= len(entries) || entries[i].Key != e.Key || entries[i].Text != e.Text {
			t.Fatalf("got %+v", entries)
		}
	}
}

func TestTabsBetweenTheWordsOfJSON(t *testing.T) {
	for _, text := range []string{"{\"port\"\t: 8080}", "\t{\"port\": 8080}", "{\n\t\"port\"\t:\t8080\t\n}\n"} {
		entries, err := flatfile.Read("app.json", "json", []byte(text))
		if err != nil || len(entries) != 1 || entries[0].Key != "port" || entries[0].Text != "8080" {
			t.Errorf("%q gives %v, %v", text, entries, err)
		}
	}
}

func TestBrokenFilesAreRefusedWithTheirLine(t *testing.T) {
	for _, row := range []struct{ format, text, at string }{
		{"yaml", "port: 1\nlog: [\n", "app.conf"},
		{"yaml", "port: 1\n  bad: : x\n", "app.conf:2"},
		{"yaml", "just text", "app.conf:1"},
		{"yaml", "a: 1\nb: *hush\n", "app.conf:2"},
		{"yaml", "a: 1\nb: !hush\n", "app.conf:2"},
		{"yaml", "a: 1\nb: |hush\n", "app.conf:2"},
		{"yaml", "a: 1\nb:\n  <<: {c: 1}\n", "app.conf:3"},
		{"yaml", "a: 1\na: 2\n", "app.conf:2"},
		{"yaml", "---\n---\nport: 9\n", "app.conf:2"},
		{"yaml", strings.Repeat("[", 500), "app.conf:1"},
		{"json", "{\"port\": 1,\n}", "app.conf:2"},
		{"toml", "port = 1\nlog = = 2\n", "app.conf:2"},
		{"ini", "port = 1\n[log\n", "app.conf:2"},
		{"ini", "port = 1\nport = 2\n", "app.conf:2"},
		{"dotenv", "A=1\nB\n", "app.conf:2"},
		{"dotenv", "A=1\nB='x\n", "app.conf:2"},
		{"xml", "<a/>", "app.conf"},
		{"yaml", strings.Repeat("#", flatfile.MaxSize+1), "app.conf"},
	} {
		entries, err := flatfile.Read("app.conf", row.format, []byte(row.text))
		p, ok := problem.Of(err)
		if !ok || !strings.HasPrefix(p.At, row.at) || p.Fix == "" || entries != nil || strings.Contains(err.Error(), "hush") {
			t.Errorf("%s %.20q: got %v, %v; want it at %s", row.format, row.text, entries, err, row.at)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add("yaml", "a: 1\nb: {c: [d]}\n")
	f.Add("json", `{"a": {"b": 1}}`)
	f.Add("toml", "a = 1\n")
	f.Add("ini", "[a]\nb = 1\n")
	f.Add("dotenv", "A='1'\n")
	f.Fuzz(func(t *testing.T, format, text string) {
		entries, err := flatfile.Read("x", format, []byte(text))
		if err != nil && entries != nil {
			t.Errorf("entries of a broken file: %v", entries)
		}
	})
}
