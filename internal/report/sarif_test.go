package report

import (
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/roadworthy-dev/roadworthy/internal/standard"
)

// sarifSchema is what SARIF 2.1.0 asks of the parts that are written here:
// sections 3.13 to 3.30 and 3.49 to 3.52 of the OASIS standard.
const sarifSchema = `{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object", "required": ["$schema", "version", "runs"], "additionalProperties": false,
  "properties": {
    "$schema": {"type": "string", "format": "uri"},
    "version": {"const": "2.1.0"},
    "runs": {"type": "array", "minItems": 1, "items": {
      "type": "object", "required": ["tool", "results"], "additionalProperties": false,
      "properties": {
        "tool": {"type": "object", "required": ["driver"], "additionalProperties": false, "properties": {"driver": {
          "type": "object", "required": ["name"], "additionalProperties": false,
          "properties": {
            "name": {"type": "string"}, "version": {"type": "string"},
            "informationUri": {"type": "string", "format": "uri"},
            "rules": {"type": "array", "uniqueItems": true, "items": {
              "type": "object", "required": ["id"], "additionalProperties": false,
              "properties": {
                "id": {"type": "string"}, "shortDescription": {"$ref": "#/$defs/text"},
                "fullDescription": {"$ref": "#/$defs/text"}, "help": {"$ref": "#/$defs/text"},
                "defaultConfiguration": {"type": "object", "properties": {"level": {"$ref": "#/$defs/level"}}},
                "properties": {"type": "object", "properties": {"tags": {"type": "array", "uniqueItems": true, "items": {"type": "string"}}}}
              }
            }}
          }
        }}},
        "automationDetails": {"type": "object", "properties": {"id": {"type": "string"}}},
        "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
        "properties": {"type": "object"},
        "invocations": {"type": "array", "items": {
          "type": "object", "required": ["executionSuccessful"], "additionalProperties": false,
          "properties": {
            "executionSuccessful": {"type": "boolean"}, "exitCode": {"type": "integer"},
            "startTimeUtc": {"type": "string", "format": "date-time"}, "endTimeUtc": {"type": "string", "format": "date-time"},
            "toolExecutionNotifications": {"type": "array", "items": {
              "type": "object", "required": ["message"], "properties": {"level": {"$ref": "#/$defs/level"}, "message": {"$ref": "#/$defs/text"}}
            }}
          }
        }},
        "results": {"type": "array", "items": {
          "type": "object", "required": ["message"], "additionalProperties": false,
          "properties": {
            "ruleId": {"type": "string"}, "ruleIndex": {"type": "integer", "minimum": 0},
            "level": {"$ref": "#/$defs/level"}, "message": {"$ref": "#/$defs/text"},
            "partialFingerprints": {"type": "object", "additionalProperties": {"type": "string"}},
            "properties": {"type": "object"},
            "locations": {"type": "array", "minItems": 1, "items": {
              "type": "object", "additionalProperties": false, "properties": {"physicalLocation": {
                "type": "object", "required": ["artifactLocation"], "additionalProperties": false,
                "properties": {
                  "artifactLocation": {"type": "object", "required": ["uri"], "properties": {
                    "uri": {"type": "string", "format": "uri-reference"}, "uriBaseId": {"type": "string"}}},
                  "region": {"type": "object", "properties": {"startLine": {"type": "integer", "minimum": 1}}}
                }
              }}
            }}
          }
        }}
      }
    }}
  },
  "$defs": {
    "level": {"enum": ["none", "note", "warning", "error"]},
    "text": {"type": "object", "required": ["text"], "additionalProperties": false, "properties": {"text": {"type": "string", "minLength": 1}}}
  }
}`

func sarifOf(t *testing.T, run Run) sarifRun {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(sarifSchema))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	if err := compiler.AddResource("sarif", doc); err != nil {
		t.Fatal(err)
	}
	out := written(t, sarifFormat{}, run)
	if err := validate(t, compiler.MustCompile("sarif"), out); err != nil {
		t.Error(err)
	}
	var log sarifLog
	if err := json.Unmarshal([]byte(out), &log); err != nil {
		t.Fatal(err)
	}
	return log.Runs[0]
}

func TestSARIFHasAResultForEachClaimThatDidNotPass(t *testing.T) {
	run := sample()
	log := sarifOf(t, run)
	levels := map[string]string{}
	seen := map[string]bool{}
	for _, result := range log.Results {
		levels[result.RuleID] = result.Level
		if rule := log.Tool.Driver.Rules[result.RuleIndex]; rule.ID != result.RuleID {
			t.Errorf("%s points at rule %s", result.RuleID, rule.ID)
		}
		if uri := result.Locations[0].Physical.Artifact.URI; uri != "roadworthy.yaml" {
			t.Errorf("%s is at %s", result.RuleID, uri)
		}
		print := result.Fingerprints["roadworthyClaim/v1"]
		if seen[print] || len(print) != 64 {
			t.Errorf("%s has fingerprint %q", result.RuleID, print)
		}
		seen[print] = true
	}
	want := map[string]string{
		"log.syslog.udp": "error", "error.mail.storm": "error", "log.syslog.stalled": "warning",
		"dependencies.declared": "warning", "error.mail.dead": "note", "workers.replace": "note",
	}
	if fmt.Sprint(levels) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", levels, want)
	}
	if n := len(log.Tool.Driver.Rules); n != len(sampleClaims) {
		t.Errorf("%d rules, want %d", n, len(sampleClaims))
	}
	if in := log.Invocations[0]; in.Successful || in.ExitCode != 1 || len(in.Notifications) != 3 {
		t.Errorf("invocation %+v", in)
	}
}

func TestSARIFFingerprintsStayTheSameFromRunToRun(t *testing.T) {
	first := sarifOf(t, sample()).Results[0].Fingerprints
	run := sample()
	run.Application.Commit, run.Started = "other", run.Started.AddDate(0, 1, 0)
	r, _ := requirementOf(run, "workers")
	r.Claims[1].Verdict.Seen = "something else"
	if again := sarifOf(t, run).Results[0].Fingerprints; fmt.Sprint(first) != fmt.Sprint(again) {
		t.Errorf("%v became %v", first, again)
	}
}

func TestSARIFOfAReadyRunIsEmptyAndSuccessful(t *testing.T) {
	log := sarifOf(t, passing())
	if len(log.Results) != 0 || !log.Invocations[0].Successful || log.Invocations[0].ExitCode != 0 {
		t.Errorf("%d results, %+v", len(log.Results), log.Invocations[0])
	}
}

func TestSARIFMessagesHoldNoLinkAndNoPlaceholder(t *testing.T) {
	placeholder := regexp.MustCompile(`(^|[^{])(\{\{)*\{\d+\}`)
	link := regexp.MustCompile(`(^|[^\\])\[[^\]]*[^\\]\]\(`)
	log := sarifOf(t, hostile())
	for _, result := range log.Results {
		if placeholder.MatchString(result.Message.Text) || link.MatchString(result.Message.Text) {
			t.Errorf("%s: %q", result.RuleID, result.Message.Text[:200])
		}
		uri := result.Locations[0].Physical.Artifact.URI
		if parsed, err := url.Parse(uri); err != nil || parsed.IsAbs() || strings.Contains(uri, "..") {
			t.Errorf("location %q: %v", uri, err)
		}
	}
	if len(log.Results) == 0 {
		t.Error("no results")
	}
}

func TestAManifestInAFolderIsALocation(t *testing.T) {
	for path, want := range map[string]string{
		"shop/a b/roadworthy.yaml": "shop/a%20b/roadworthy.yaml", "/etc/passwd": "roadworthy.yaml",
		"": "roadworthy.yaml", "x/../../roadworthy.yaml": "roadworthy.yaml",
	} {
		run := with("port.given", standard.Fail)
		run.Application.Manifest = path
		if got := sarifOf(t, run).Results[0].Locations[0].Physical.Artifact.URI; got != want {
			t.Errorf("%q: %q, want %q", path, got, want)
		}
	}
}
