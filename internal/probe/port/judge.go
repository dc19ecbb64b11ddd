package port

import (
	"fmt"
	"slices"
	"strings"

	"github.com/roadworthy-dev/roadworthy/internal/standard"
)

func judge(o Observations) []standard.Finding {
	f := standard.Finding{Claim: "port.given", Outcome: standard.Pass}
	var ports []string
	for _, b := range o.Boots {
		ports = append(ports, fmt.Sprint(b.Port))
	}
	f.Did = fmt.Sprintf("booted it %d times, on the ports %s", len(o.Boots), strings.Join(ports, ", "))
	f.Outcome, f.Seen, f.Why = decide(o)
	return []standard.Finding{f}
}

func decide(o Observations) (outcome standard.Outcome, seen, why string) {
	if len(o.Boots) < 3 || o.Boots[0].Port == o.Boots[1].Port || o.Boots[1].Port == o.Boots[2].Port || o.Boots[0].Port == o.Boots[2].Port {
		return standard.Unknown, "too few boots", "it was not booted on three different ports"
	}
	for _, b := range o.Boots {
		if !b.Answers {
			return standard.Fail, b.silence(), fmt.Sprintf("nothing answered on port %d", b.Port)
		}
		if !b.Own {
			return standard.Fail, fmt.Sprintf("%s listens on port %d", named(b.Listener), b.Port), "the process that was started does not hold the port, nor does a child of it"
		}
	}
	for _, other := range o.Boots[0].Others {
		if front, inside := o.forwarded(other.Port); front {
			return standard.Fail, fmt.Sprintf("in every boot %s also listens on port %d and speaks HTTP there; %d connections to it came from inside", other.Program, other.Port, inside),
				fmt.Sprintf("it serves on the fixed port %d, and the port that it is given only forwards to that", other.Port)
		}
	}
	return standard.Pass, o.served(), ""
}

func named(program string) string {
	if program == "" {
		return "nobody"
	}
	return program
}

// silence says what there was instead of an answer.
func (b Boot) silence() string {
	parts := []string{}
	switch {
	case b.Status != 0:
		parts = append(parts, fmt.Sprintf("port %d answered with status %d", b.Port, b.Status))
	case b.Listener == "":
		parts = append(parts, fmt.Sprintf("no process listens on port %d", b.Port))
	default:
		parts = append(parts, fmt.Sprintf("%s listens on port %d but does not answer", b.Listener, b.Port))
	}
	for _, other := range b.Others {
		parts = append(parts, fmt.Sprintf("%s listens on port %d", other.Program, other.Port))
	}
	if b.Exit != "" {
		parts = append(parts, "it ended with "+b.Exit)
	}
	if len(b.Tail) > 0 {
		parts = append(parts, "its last words: "+strings.Join(b.Tail, " / "))
	}
	return strings.Join(parts, "; ")
}

// forwarded reports whether a port is the same in every boot, speaks HTTP, and
// is connected to by the application itself.
func (o Observations) forwarded(port int) (front bool, inside int) {
	for _, b := range o.Boots {
		i := slices.IndexFunc(b.Others, func(other Other) bool { return other.Port == port })
		if i < 0 || !b.Others[i].HTTP || b.Others[i].Inside == 0 {
			return false, 0
		}
		inside += b.Others[i].Inside
	}
	return true, inside
}

func (o Observations) served() string {
	seen := fmt.Sprintf("each time %s answered on it with status %d", o.Boots[0].Listener, o.Boots[0].Status)
	if others := o.Boots[0].Others; len(others) > 0 {
		var list []string
		for _, other := range others {
			list = append(list, fmt.Sprint(other.Port))
		}
		seen += ", and also listens on " + strings.Join(list, ", ")
	}
	return seen
}
