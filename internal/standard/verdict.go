package standard

// Outcome is what a claim received.
type Outcome string

// The outcomes, from best to worst. Error and Unknown are never a pass.
const (
	Pass          Outcome = "pass"           // proven
	NotApplicable Outcome = "not-applicable" // the policy or the form of the application says so, with a reason
	Unknown       Outcome = "unknown"        // could not be proven
	Error         Outcome = "error"          // the tool broke, or a control failed
	Fail          Outcome = "fail"           // refuted
)

// Outcomes lists every outcome, best first.
var Outcomes = []Outcome{Pass, NotApplicable, Unknown, Error, Fail}

// rank orders outcomes for Worst. What does not apply weighs less than what
// was proven: a requirement of which a part does not apply passes by the rest.
func (o Outcome) rank() int {
	for i, other := range []Outcome{NotApplicable, Pass, Unknown, Error, Fail} {
		if o == other {
			return i
		}
	}
	return len(Outcomes) // a value from outside the list is worse than any
}

// Ready reports whether an outcome lets an application through.
func (o Outcome) Ready() bool { return o == Pass || o == NotApplicable }

// Valid reports whether o is one of [Outcomes].
func (o Outcome) Valid() bool { return o.rank() < len(Outcomes) }

// Worst combines outcomes: the worst of them wins. Of no outcomes at all it
// is Unknown, because nothing was proven.
func Worst(outcomes ...Outcome) Outcome {
	if len(outcomes) == 0 {
		return Unknown
	}
	worst := outcomes[0]
	for _, o := range outcomes[1:] {
		if o.rank() > worst.rank() {
			worst = o
		}
	}
	return worst
}

// Strength is how a verdict was reached.
type Strength string

// The strengths, strongest first.
const (
	Observed Strength = "observed" // we made it happen and saw it
	Attested Strength = "attested" // a signed statement by someone else
	Declared Strength = "declared" // only written down
)

// Who supplies a feature that a verdict speaks of.
const (
	ByApplication = "application"
	ByRoadworthy  = "roadworthy"
)

// Verdict is the answer to one claim: what was done, expected and seen, and
// how to mend it. A judge makes it; nobody else does.
type Verdict struct {
	Claim    string   `json:"claim"`            // claim id
	Outcome  Outcome  `json:"outcome"`          //
	Strength Strength `json:"strength"`         // how it was reached
	By       string   `json:"by"`               // who supplied the feature: ByApplication or ByRoadworthy
	Did      string   `json:"did"`              // the stimulus, with this run's values
	Expected string   `json:"expected"`         // what the pass rule asked for
	Seen     string   `json:"seen"`             // what was observed
	Why      string   `json:"why,omitempty"`    // the reason, where the outcome is not a pass
	Remedy   string   `json:"remedy,omitempty"` // how to mend it, where the outcome is not a pass
}

// Requirement returns the id of the requirement that the verdict's claim
// belongs to: everything before the last dot.
func (v Verdict) Requirement() string { return RequirementOf(v.Claim) }

// RequirementOf returns the requirement id of a claim id.
func RequirementOf(claim string) string {
	for i := len(claim) - 1; i >= 0; i-- {
		if claim[i] == '.' {
			return claim[:i]
		}
	}
	return claim
}

// Overall gives each requirement in verdicts the worst outcome of its claims.
func Overall(verdicts []Verdict) map[string]Outcome {
	byRequirement := map[string][]Outcome{}
	for _, v := range verdicts {
		id := v.Requirement()
		byRequirement[id] = append(byRequirement[id], v.Outcome)
	}
	overall := make(map[string]Outcome, len(byRequirement))
	for id, outcomes := range byRequirement {
		overall[id] = Worst(outcomes...)
	}
	return overall
}
