package logsyslog

import (
	"fmt"
	"slices"
	"strings"

	"github.com/roadworthy-dev/roadworthy/internal/standard"
)

// arriveSeconds is the limit of the pass rule.
const arriveSeconds = 5.0

func judge(o Observations) []standard.Finding {
	return []standard.Finding{
		o.arrival("unix"), o.arrival("udp"), o.arrival("tcp"), o.severity(), o.stalled(),
	}
}

const noCollector = "no setting of the manifest leads to a log collector"

// arrival passes if every request and the induced error arrived by a
// transport, each record in a frame of its own that parses.
func (o Observations) arrival(transport string) standard.Finding {
	f := standard.Finding{Claim: "log.syslog." + transport, Outcome: standard.Pass}
	boot, tried := o.first(transport)
	switch {
	case !tried && !o.Collector:
		f.Outcome, f.Seen, f.Why = standard.Fail, "nothing to send to over "+transport, noCollector
		return f
	case !tried:
		f.Outcome, f.Why = standard.Unknown, "no boot was made with it"
		return f
	}
	answered, arrived, slowest, missing := boot.count()
	f.Did = fmt.Sprintf("sent %d requests, each with a nonce, to a boot set to %s", len(boot.Requests), transport)
	f.Seen = fmt.Sprintf("%d of %d requests in %d frames, the slowest after %.0f ms", arrived, answered, boot.Frames, slowest*1000)
	switch {
	case answered == 0:
		f.Outcome, f.Why = standard.Unknown, "no request was answered"
	case arrived < answered && boot.Unrecorded > 0:
		f.Outcome, f.Why = standard.Unknown, fmt.Sprintf("%d frames were too many to keep", boot.Unrecorded)
	case arrived < answered:
		f.Outcome, f.Why = standard.Fail, fmt.Sprintf("nothing arrived of %s within %.0f s%s", missing, arriveSeconds, boot.elsewhere())
	case boot.Unparsed > 0:
		f.Outcome, f.Why = standard.Fail, fmt.Sprintf("%d frames are neither RFC 5424 nor RFC 3164: %s", boot.Unparsed, boot.Bad)
	case boot.Merged > 0:
		f.Outcome, f.Why = standard.Fail, fmt.Sprintf("%d frames hold several records", boot.Merged)
	}
	return f
}

func (o Observations) first(transport string) (Boot, bool) {
	for _, boot := range o.Boots {
		if boot.Transport == transport {
			return boot, true
		}
	}
	return Boot{}, false
}

// count tells how many requests count, and how many of them arrived in time.
// One without a reply counts only if it was to raise an exception.
func (b Boot) count() (answered, arrived int, slowest float64, missing string) {
	for _, r := range b.Requests {
		if r.Status == 0 && r.Kind != Induced {
			continue
		}
		answered++
		if r.Arrived && r.After <= arriveSeconds {
			arrived++
			slowest = max(slowest, r.After)
		} else if missing == "" {
			missing = r.Target
		}
	}
	return answered, arrived, slowest, missing
}

func (b Boot) elsewhere() string {
	for _, transport := range []string{"unix", "udp", "tcp"} {
		if n := b.Elsewhere[transport]; n > 0 {
			return fmt.Sprintf(", while %d frames came over %s", n, transport)
		}
	}
	return ""
}

// The borders of severity (RFC 5424 section 6.2.1).
const (
	warning = 4
	notice  = 5
)

// severity passes if ordinary requests are notice or less, the error is err or
// worse, and each boot has its facility.
func (o Observations) severity() standard.Finding {
	f := standard.Finding{Claim: "log.syslog.severity", Outcome: standard.Pass}
	levels, wrong, raised := o.levels()
	facilities, configured := o.facilities()
	f.Seen = levels + "; " + facilities
	switch {
	case o.frames() == 0:
		f.Outcome, f.Seen, f.Why = standard.Fail, "no record at any collector", "a record that does not arrive has no severity"
	case wrong != "":
		f.Outcome, f.Why = standard.Fail, wrong
	case !raised:
		f.Outcome, f.Why = standard.Unknown, "no record of a higher level was seen"
	case configured != "":
		f.Outcome, f.Why = standard.Fail, configured
	}
	return f
}

func (o Observations) frames() (n int) {
	for _, boot := range o.Boots {
		n += boot.Frames
	}
	return n
}

// levels describes the severities; wrong says what is wrong with them, and
// raised whether a record above the ordinary ones was seen.
func (o Observations) levels() (seen, wrong string, raised bool) {
	byKind := map[Kind][]int{}
	ordinary := false
	for _, boot := range o.Boots {
		for _, r := range boot.Requests {
			byKind[r.Kind] = append(byKind[r.Kind], r.Severities...)
			worst := worstOf(r.Severities)
			switch {
			case len(r.Severities) == 0:
			case r.Kind == Ordinary && r.Status > 0 && r.Status < 400:
				ordinary = true
				if worst < notice && wrong == "" {
					wrong = fmt.Sprintf("%s was answered with %d and its record came with severity %d", r.Target, r.Status, worst)
				}
			case r.Kind == Induced && worst < warning:
				raised = true
			case r.Kind == Induced && (r.Status == 0 || r.Status >= 500) && wrong == "":
				wrong = fmt.Sprintf("the exception of %s came with severity %d at worst", r.Target, worst)
			case r.Kind == Missing && !o.Exception && worst < notice:
				raised = true
			}
		}
	}
	if !ordinary {
		raised = false
	}
	return fmt.Sprintf("ordinary requests with severity %s, missing pages %s, the induced error %s",
		list(byKind[Ordinary]), list(byKind[Missing]), list(byKind[Induced])), wrong, raised
}

// warned reports whether missing pages alone show a second level.
func (o Observations) warned() bool {
	_, _, raised := o.levels()
	return raised
}

// worstOf returns the lowest number; a frame without a priority counts as the worst.
func worstOf(severities []int) int {
	if len(severities) == 0 {
		return -1
	}
	return slices.Min(severities)
}

func list(numbers []int) string {
	if len(numbers) == 0 {
		return "none"
	}
	sorted := slices.Clone(numbers)
	slices.Sort(sorted)
	return strings.Trim(fmt.Sprint(slices.Compact(sorted)), "[]")
}

// facilities describes the facilities and says what is wrong with them.
func (o Observations) facilities() (seen, wrong string) {
	given := map[string]bool{}
	var parts []string
	for _, boot := range o.Boots {
		if boot.Frames == 0 {
			continue
		}
		var came []int
		for facility := range boot.Facilities {
			came = append(came, facility)
		}
		parts = append(parts, fmt.Sprintf("facility %s over %s", list(came), boot.Transport))
		want := number(boot.Facility)
		if o.Facility == "" {
			continue
		}
		given[boot.Facility] = true
		parts[len(parts)-1] += fmt.Sprintf(" where %s is %d", boot.Facility, want)
		if wrong == "" && (len(came) != 1 || came[0] != want) {
			wrong = fmt.Sprintf("%s was set to %s (%d), and frames came with facility %s", o.Facility, boot.Facility, want, list(came))
		}
	}
	switch {
	case o.Facility == "":
		wrong = "no setting chooses the facility"
	case wrong == "" && len(given) < 2:
		wrong = "records arrived under one facility only"
	}
	return strings.Join(parts, ", "), wrong
}

// number gives the number of local0 to local7 (RFC 5424 section 6.2.1); -2 of
// any other name.
func number(facility string) int {
	names := []string{"local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7"}
	if i := slices.Index(names, facility); i >= 0 {
		return 16 + i
	}
	return -2
}
