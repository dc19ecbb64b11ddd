package manifest

import (
	"fmt"
	"strings"

	"github.com/roadworthy-dev/roadworthy/internal/document"
	"github.com/roadworthy-dev/roadworthy/internal/problem"
)

// limits of a manifest; a long one has 20 kB and a thousand words and signs.
var limits = document.Limits{Bytes: 256 << 10, Values: 20_000}

var faultCodes = map[document.FaultKind]string{
	document.NotYAML: codeSyntax, document.Syntax: codeSyntax, document.TooMuch: codeSize, document.WrongType: codeType, document.NoAnchor: codeReference,
}

// decode reads a text as one document. It returns nil where nothing can be
// made of the text; the report then says why.
func (r *report) decode(data []byte, within document.Limits) *document.Node {
	root, faults := document.Read(r.path, data, within)
	for _, f := range faults {
		if f.Kind == document.Syntax {
			if step, ok := stepOn(string(data), f.At.Line); ok {
				f.Fix = fmt.Sprintf("on line %d put the step into quotes: - %s", f.At.Line, problem.Quote(step))
			}
		}
		r.add(f.At, problem.Problem{Code: faultCodes[f.Kind], Summary: f.Summary, Got: f.Got, Want: f.Want, Fix: f.Fix})
	}
	return root
}

// stepOn returns the step that stands unquoted on a line: its colon is what
// most often makes a manifest no YAML.
func stepOn(text string, line int) (string, bool) {
	lines := strings.Split(text, "\n")
	if line > len(lines) {
		return "", false
	}
	step := strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(lines[line-1]), "- "))
	return step, stepForm.MatchString(step)
}
