package health

import (
	"encoding/json"
	"time"
)

// Status is a verdict of the health+json format.
type Status string

// The statuses, in the words of draft-inadarei-api-health-check-06, section 3.1.
const (
	Pass Status = "pass"
	Warn Status = "warn"
	Fail Status = "fail"
)

// Result is what one check saw (section 4 of the draft).
type Result struct {
	ComponentType string    `json:"componentType,omitempty"` // "datastore", "system" or "component"
	Status        Status    `json:"status"`
	Value         any       `json:"observedValue,omitempty"`
	Unit          string    `json:"observedUnit,omitempty"`
	Time          time.Time `json:"time,omitzero"`    // when it was seen
	Output        string    `json:"output,omitempty"` // why it is not pass
}

// Report is the body of the status route. The zero value passes.
type Report struct {
	Status  Status              `json:"status"`
	Version string              `json:"version,omitempty"`
	Checks  map[string][]Result `json:"checks,omitempty"`
}

// Add puts a result under its name, such as "db:responseTime", and lets it
// count for the status of the whole.
func (r *Report) Add(name string, result Result) {
	if r.Checks == nil {
		r.Checks = map[string][]Result{}
	}
	r.Checks[name] = append(r.Checks[name], result)
	r.Status = worse(r.Status, result.Status)
}

func worse(a, b Status) Status {
	rank := map[Status]int{"": 0, Pass: 0, Warn: 1, Fail: 2}
	if rank[b] > rank[a] {
		return b
	}
	if a == "" {
		return Pass
	}
	return a
}

// MarshalJSON writes the status first; a report without checks passes.
func (r Report) MarshalJSON() ([]byte, error) {
	type plain Report
	r.Status = worse(r.Status, Pass)
	return json.Marshal(plain(r)) //nolint:wrapcheck // the caller's encoder says enough
}
