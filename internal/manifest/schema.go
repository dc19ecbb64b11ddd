package manifest

import (
	"encoding/json"
	"fmt"
)

// Schema returns the JSON Schema (2020-12) of roadworthy.yaml, for editors. It
// is made of the same table that [Parse] refuses by, so both agree on keys,
// types and words; what a name refers to is beyond a schema.
func Schema() []byte {
	s := manifestShape.schema()
	s["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	s["title"] = Name
	out, err := json.MarshalIndent(s, "", "  ")
	if err != nil { // maps, lists and texts can always be written
		panic(fmt.Errorf("write the schema: %w", err))
	}
	return append(out, '\n')
}

// schema returns the forms of a shape.
func (s *shape) schema() map[string]any {
	var forms []any
	if s.text != nil {
		forms = append(forms, s.text.schema())
	}
	if s.truth {
		forms = append(forms, map[string]any{"type": "boolean"})
	}
	if s.list != nil {
		form := map[string]any{"type": "array", "items": s.list.schema()}
		if s.least > 0 {
			form["minItems"] = s.least
		}
		forms = append(forms, form)
	}
	if s.keys != nil || s.each != nil {
		forms = append(forms, s.mappingSchema())
	}
	if s.null {
		forms = append(forms, map[string]any{"type": "null"})
	}
	if len(forms) == 1 {
		if only, ok := forms[0].(map[string]any); ok {
			return only
		}
	}
	return map[string]any{"anyOf": forms}
}

func (t *text) schema() map[string]any {
	switch {
	case t.enum != nil:
		return map[string]any{"type": "string", "enum": t.enum}
	case t.loose:
		return map[string]any{"type": []string{"string", "number", "boolean"}}
	case t.form != nil:
		return map[string]any{"type": "string", "pattern": t.form.String()}
	}
	return map[string]any{"type": "string"}
}

func (s *shape) mappingSchema() map[string]any {
	out := map[string]any{"type": "object"}
	var required []string
	if s.each != nil {
		out["additionalProperties"] = s.each.schema()
		out["propertyNames"] = s.names.schema()
		for _, k := range s.must {
			required = append(required, k.name)
		}
	} else {
		properties := map[string]any{}
		for _, k := range s.keys {
			properties[k.name] = k.schema()
			if k.required {
				required = append(required, k.name)
			}
		}
		out["properties"], out["additionalProperties"] = properties, false
	}
	if required != nil {
		out["required"] = required
	}
	return out
}

// schema returns the shape of a key with its documentation.
func (k key) schema() map[string]any {
	out := k.shape.schema()
	out["description"] = k.doc
	if k.shape.def != "" {
		out["default"] = k.shape.def
	}
	return out
}
