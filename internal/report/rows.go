package report

import "github.com/roadworthy-dev/roadworthy/internal/standard"

// row is one line of what is told about a claim, with its name.
type row struct {
	Name    string // did, expected, seen, why, allow, mend
	Text    string
	Command bool // the text can be typed
}

const suppliedBy = "supplied by roadworthy, not by the application itself"

// rowsOf tells a claim: what was done, expected and seen, and, where it did
// not pass, why and how to mend it. Empty lines are left out.
func rowsOf(host Host, c Claim) []row {
	v := c.Verdict
	all := []row{{"did", v.Did, false}, {"expected", v.Expected, false}, {"seen", v.Seen, false}}
	if v.Outcome != standard.Pass {
		all = append(all, row{"why", v.Why, false})
	}
	if !v.Outcome.Ready() {
		if v.Outcome != standard.Fail { // a refused host does not explain what was refuted
			all = append(all, row{"allow", host.allow(c), true})
		}
		mend := v.Remedy
		if mend == "" && v.Outcome == standard.Fail {
			mend = c.Remedy
		}
		all = append(all, row{"mend", mend, false})
	}
	if v.By == standard.ByRoadworthy {
		all = append(all, row{"by", suppliedBy, false})
	}
	rows := all[:0]
	for _, r := range all {
		if r.Text != "" {
			rows = append(rows, r)
		}
	}
	return rows
}

// group is the requirements of one section, under a heading.
type group struct {
	Title        string
	Requirements []Requirement
}

// groups returns the requirements by section, in the order of the standard. A
// section that the standard does not know keeps its own name; nothing is lost.
func (r Run) groups() []group {
	titles := map[standard.Section]string{
		standard.Features: "required features",
		standard.Factors:  "twelve factors",
	}
	at := map[standard.Section]int{}
	var groups []group
	for _, requirement := range r.Requirements {
		section := requirement.Section
		if _, ok := at[section]; !ok {
			at[section] = len(groups)
			title := titles[section]
			if title == "" {
				title = label(string(section))
			}
			groups = append(groups, group{Title: title})
		}
		g := &groups[at[section]]
		g.Requirements = append(g.Requirements, requirement)
	}
	return groups
}

// claimsReady counts the claims of a requirement that pass or do not apply.
func (r Requirement) claimsReady() int {
	n := 0
	for _, c := range r.Claims {
		if c.Verdict.Outcome.Ready() {
			n++
		}
	}
	return n
}
