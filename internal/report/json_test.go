package report

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/roadworthy-dev/roadworthy/internal/standard"
)

func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema()))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	if err := compiler.AddResource(SchemaID, doc); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile(SchemaID)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func validate(t *testing.T, schema *jsonschema.Schema, text string) error {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return schema.Validate(doc)
}

func TestJSONFollowsItsPublishedSchema(t *testing.T) {
	schema := compiled(t)
	for name, run := range map[string]Run{
		"sample": sample(), "passing": passing(), "hostile": hostile(), "invalid": with("port.given", "green"),
		"empty": {Mode: Full}, "no claims": {Mode: Only, Requirements: []Requirement{{ID: "workers"}}},
	} {
		if err := validate(t, schema, written(t, jsonFormat{}, run)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTheSchemaRefusesWhatIsNotAReport(t *testing.T) {
	schema := compiled(t)
	good := written(t, jsonFormat{}, sample())
	for _, c := range [][2]string{
		{`"outcome": "fail"`, `"outcome": "green"`},
		{`"mode": "full"`, `"mode": "some"`},
		{`"check_seconds": 48.3`, `"check_seconds": "48.3"`},
		{`"exit_code": 1`, `"exit_code": 64`},
		{`"started": "2026-07-09T14:02:11Z"`, `"started": "yesterday"`},
		{SchemaID, "https://example.com/other"},
	} {
		bad := strings.Replace(good, c[0], c[1], 1)
		if bad == good {
			t.Fatalf("the report does not hold %s", c[0])
		}
		if validate(t, schema, bad) == nil {
			t.Errorf("%s was accepted", c[1])
		}
	}
}

// TestTheSchemaKnowsEveryField fails when a field is added to a type and not
// to the schema.
func TestTheSchemaKnowsEveryField(t *testing.T) {
	strict := strings.ReplaceAll(string(Schema()), `"type": "object",`, `"type": "object", "additionalProperties": false,`)
	strict = strings.ReplaceAll(strict, SchemaID, SchemaID+"-strict")
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(strict))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource(SchemaID+"-strict", doc); err != nil {
		t.Fatal(err)
	}
	run := sample()
	run.Requirements[0].Claims[0].Cheats = []string{"one"}
	text := strings.Replace(written(t, jsonFormat{}, run), SchemaID, SchemaID+"-strict", 1)
	if err := validate(t, compiler.MustCompile(SchemaID+"-strict"), text); err != nil {
		t.Error(err)
	}
}

func TestTheSchemaListsEveryOutcome(t *testing.T) {
	var doc struct {
		Defs struct {
			Outcome struct{ Enum []standard.Outcome }
		} `json:"$defs"`
	}
	if err := json.Unmarshal(Schema(), &doc); err != nil {
		t.Fatal(err)
	}
	if len(doc.Defs.Outcome.Enum) != len(standard.Outcomes) {
		t.Fatalf("%v, want %v", doc.Defs.Outcome.Enum, standard.Outcomes)
	}
	for i, outcome := range standard.Outcomes {
		if doc.Defs.Outcome.Enum[i] != outcome {
			t.Errorf("%v, want %v", doc.Defs.Outcome.Enum, standard.Outcomes)
		}
	}
}

// TestJSONEscapesSteeringWithoutLosingIt reads hostile text back.
func TestJSONEscapesSteeringWithoutLosingIt(t *testing.T) {
	run := with("port.given", standard.Fail)
	r, _ := requirementOf(run, "port")
	text := "\x1b[2J \u009b31m \u202e \U000e0041 \x7f \u2028 naïve 漢字 <b>"
	r.Claims[0].Verdict.Seen = text
	out := written(t, jsonFormat{}, run)
	if !strings.Contains(out, `\u001b[2J \u009b31m \u202e \udb40\udc41 \u007f \u2028 naïve 漢字 \u003cb\u003e`) {
		t.Error("the text is not escaped")
	}
	var got document
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatal(err)
	}
	back, _ := requirementOf(got.Run, "port")
	if seen := back.Claims[0].Verdict.Seen; seen != text {
		t.Errorf("got %q, want %q", seen, text)
	}
}

func TestSecondsRoundToTheMillisecond(t *testing.T) {
	data, err := json.Marshal(Seconds(1_234_567_890))
	if err != nil || string(data) != "1.235" {
		t.Errorf("got %s, %v", data, err)
	}
	var s Seconds
	if json.Unmarshal([]byte(`"soon"`), &s) == nil {
		t.Error("text was read as seconds")
	}
}
