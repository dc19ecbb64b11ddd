package report

import (
	"bytes"
	_ "embed" // the published schema
	"encoding/json"
	"fmt"
	"io"

	"github.com/roadworthy-dev/roadworthy/internal/term"
)

// SchemaID names the form of the JSON document. Fields are only ever added;
// a change of meaning gets another number.
const SchemaID = "https://roadworthy.dev/schema/check-report/v1"

//go:embed schema.json
var schema []byte

// Schema returns the JSON Schema (draft 2020-12) of the JSON document.
func Schema() []byte { return bytes.Clone(schema) }

type jsonFormat struct{}

// document is the JSON form of a run.
type document struct {
	Schema string `json:"schema"`
	State  State  `json:"state"`
	Exit   int    `json:"exit_code"`
	Run
}

// Write writes one indented document.
func (jsonFormat) Write(w io.Writer, run Run) error {
	run = run.bounded()
	if run.Requirements == nil {
		run.Requirements = []Requirement{}
	}
	return writeJSON(w, document{SchemaID, run.State(), run.ExitCode(), run})
}

// writeJSON writes a document that can be shown on a terminal: everything that
// could steer it is an escape, which JSON readers turn back.
func writeJSON(w io.Writer, v any) error {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(true)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(v); err != nil {
		return fmt.Errorf("encode report: %w", err)
	}
	_, err := w.Write(term.CleanJSON(b.Bytes()))
	return err
}
