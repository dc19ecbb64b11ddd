package manifest

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/roadworthy-dev/roadworthy/internal/document"
)

// validate checks a manifest against the published schema, by way of a JSON
// schema library that knows nothing of this room.
func validate(t *testing.T, text string) error {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("schema.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	n := (&report{}).decode([]byte(text), limits)
	if n == nil {
		t.Fatalf("no YAML: %s", text)
	}
	asJSON, err := encodeJSON(n)
	if err != nil {
		t.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(asJSON))
	if err != nil {
		t.Fatal(err)
	}
	return schema.Validate(value)
}

func TestSchemaTakesWhatParseTakes(t *testing.T) {
	for _, text := range []string{
		example, least,
		least + "build: make\nservices:\nconfig: {settings: {PORT: port, A: , B: {invalid: 7, secret: false}}}\n",
		least + "faults: {slow: {request: GET /slow, headers: {A: 1}}}\n",
	} {
		mustParse(t, text)
		if err := validate(t, text); err != nil {
			t.Errorf("the schema refuses\n%s\n%v", text, err)
		}
	}
}

// TestSchemaAgreesWithParse compares both on every wrong manifest: what the
// parser refuses for a key, a type, a missing key or a word, the schema does.
func TestSchemaAgreesWithParse(t *testing.T) {
	beyond := map[string]string{ // what a schema cannot see
		"no time at all": "length", "endless time": "length", "path out of folder": "path", "three levels": "together",
		"step body open": "body", "step body list": "body", "step body nested": "body", "step body laughs": "body", "step json number": "body",
		"header of two lines": "header", "tag": "YAML", "list for a key": "YAML", "no token": "together",
		"no way to the file": "together", "reply missing": "together", "levels alone": "together",
		"two ways to the file": "together", "two effects": "together",
	}
	compared := 0
	for name, c := range wrong {
		switch code := c.want[:6]; {
		case beyond[name] != "" || code == codeSyntax || code == codeSize || code == codeReference:
			continue
		}
		compared++
		if err := validate(t, least+c.text); err == nil {
			t.Errorf("%s: the schema takes\n%s", name, c.text)
		}
	}
	if compared < 25 {
		t.Errorf("only %d manifests were compared", compared)
	}
	for name, text := range map[string]string{
		"no name": "processes: {web: a}\ntraffic: [GET /]\n", "no web": "name: a\nprocesses: {w: a}\ntraffic: [GET /]\n",
		"no traffic": "name: a\nprocesses: {web: a}\ntraffic: []\n", "bad name": strings.Replace(least, "app", "App", 1),
	} {
		problemsOf(t, text)
		if validate(t, text) == nil {
			t.Errorf("%s: the schema takes\n%s", name, text)
		}
	}
}

// TestEveryKeyIsRight walks the table: each key is documented, and its
// example is a value that its own shape takes.
func TestEveryKeyIsRight(t *testing.T) {
	var walk func(path string, s *shape)
	walk = func(path string, s *shape) {
		r := &report{path: "example"}
		n := r.decode([]byte(s.example), limits)
		if n == nil {
			t.Fatalf("%s: the example %q is no YAML", path, s.example)
		}
		r.check(n, s, path, n.At)
		if err := r.err(); err != nil {
			t.Errorf("%s: the example %q is wrong: %v", path, s.example, err)
		}
		if s.says == "" {
			t.Errorf("%s does not say what it must be", path)
		}
		for _, k := range s.keys {
			if !strings.HasSuffix(k.doc, ".") {
				t.Errorf("%s.%s has no sentence of documentation", path, k.name)
			}
			walk(path+"."+k.name, k.shape)
		}
		for _, inner := range []*shape{s.list, s.each} {
			if inner != nil {
				walk(path+".x", inner)
			}
		}
	}
	walk("manifest", manifestShape)
}

// TestEveryKeyIsRead removes each key of a full manifest: the result must
// differ, or the key is accepted and then ignored.
func TestEveryKeyIsRead(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("testdata", "full.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	whole := (&report{}).decode(data, limits)
	if _, err := Parse("", data); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	var walk func(path string, n *document.Node, s *shape)
	walk = func(path string, n *document.Node, s *shape) {
		for i, e := range n.Entries {
			inner := s.each
			if s.keys != nil {
				k, _ := find(s.keys, e.Key)
				inner = k.shape
				seen[path+"."+e.Key] = true
				kept := n.Entries
				n.Entries = append(append([]document.Entry{}, kept[:i]...), kept[i+1:]...)
				if read(t, whole) == readText(t, data) {
					t.Errorf("%s.%s changes nothing", path, e.Key)
				}
				n.Entries = kept
			}
			walk(strings.Trim(path+"."+e.Key, "."), e.Value, inner)
		}
	}
	walk("", whole, manifestShape)
	if len(seen) < 40 {
		t.Errorf("full.yaml has only %d of the keys", len(seen))
	}
}

// read reads a tree as Parse does and returns the outcome as text.
func read(t *testing.T, root *document.Node) string {
	t.Helper()
	r := &reader{report: &report{path: Name}}
	r.check(root, manifestShape, "", root.At)
	r.read(root)
	out, err := json.Marshal(r.m)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.err(); err != nil {
		return err.Error()
	}
	return string(out)
}

func readText(t *testing.T, data []byte) string {
	t.Helper()
	return read(t, (&report{}).decode(data, limits))
}
