package services

import (
	"fmt"
	"slices"
	"strings"

	"github.com/roadworthy-dev/roadworthy/internal/standard"
)

func judge(o Observations) []standard.Finding {
	return []standard.Finding{declared(o), swapped(o)}
}

// declared passes if everything that was reached or looked up is known.
func declared(o Observations) standard.Finding {
	f := standard.Finding{Claim: "services.declared", Outcome: standard.Pass}
	f.Did = fmt.Sprintf("ran the session twice, an error and the status route, and watched the network for %.0f s", o.Watched)
	var strange, kinds []string
	for _, d := range o.Destinations {
		kind := o.Known.destination(d)
		if kind == "" {
			strange = append(strange, fmt.Sprintf("%s %s", d.Network, d.Address))
		} else if !slices.Contains(kinds, kind) {
			kinds = append(kinds, kind)
		}
	}
	for _, l := range o.Lookups {
		if name := "the name " + l.Name; o.Known.lookup(l) == "" && !slices.Contains(strange, name) {
			strange = append(strange, name)
		}
	}
	f.Seen = fmt.Sprintf("%d destinations: %s; %d names", len(o.Destinations), strings.Join(kinds, ", "), len(o.Lookups))
	switch {
	case len(strange) > 0:
		f.Outcome = standard.Fail
		f.Seen = "it reached for " + strings.Join(strange[:min(len(strange), 5)], ", ")
		f.Why = strange[0] + " is that of no declared service"
	case o.Answered == 0 || o.Watched < 3:
		f.Outcome, f.Why = standard.Unknown, "the session was not answered"
	case o.Known.Resolver == "":
		f.Outcome, f.Why = standard.Unknown, "nothing watched the network"
	}
	return f
}

// swapped passes if the second start used the second instances alone.
func swapped(o Observations) standard.Finding {
	f := standard.Finding{Claim: "services.swapped", Outcome: standard.Pass}
	f.Did = "started it, then again in the same place on other instances, addresses and credentials of each service"
	if why := o.wrong(); why != "" {
		f.Outcome, f.Seen, f.Why = standard.Fail, why, why
		return f
	}
	if len(o.Known.Endpoints) == 0 && len(o.Uses) == 0 && o.Answered > 0 {
		f.Outcome, f.Why = standard.NotApplicable, "no backing service is declared"
		return f
	}
	if o.Swap == nil {
		f.Outcome, f.Why = standard.Unknown, "nothing was swapped"
		return f
	}
	var used, unused []string
	for _, u := range o.Uses {
		switch {
		case u.First.reached(u.Type) && u.Second.reached(u.Type):
			used = append(used, u.Service)
		case u.store():
			unused = append(unused, u.Service)
		}
	}
	f.Seen = fmt.Sprintf("it used the second instances of %s and the first ones no more; %d requests worked, %d before",
		strings.Join(used, ", "), o.Swap.Worked, o.Swap.Before)
	for _, u := range o.Uses {
		if len(u.Second.Right) > 0 {
			f.Seen += fmt.Sprintf("; %s saw the right %s", u.Service, strings.Join(u.Second.Right, " and "))
		}
	}
	switch {
	case len(unused) > 0:
		f.Outcome = standard.Unknown
		f.Why = fmt.Sprintf("the session does not use %s: add a request to traffic: that does", strings.Join(unused, ", "))
	case len(used) == 0 || o.Swap.Worked == 0:
		f.Outcome, f.Why = standard.Unknown, "no service was used"
	}
	return f
}

// wrong says what is wrong with the swap, causes before their effects; "" for
// nothing.
func (o Observations) wrong() string {
	for _, u := range o.Uses {
		switch {
		case len(u.First.Wrong) > 0:
			return fmt.Sprintf("%s was sent another %s than the one that was given", u.Service, strings.Join(u.First.Wrong, " and "))
		case u.Returned > 0:
			return "after the swap it still reached the first instance of " + u.Service
		case len(u.Second.Wrong) > 0:
			return fmt.Sprintf("the second instance of %s was sent another %s than the one that was given", u.Service, strings.Join(u.Second.Wrong, " and "))
		}
	}
	if o.Swap == nil {
		return ""
	}
	if why := o.Swap.wrong(); why != "" {
		return why
	}
	for _, u := range o.Uses {
		if u.First.reached(u.Type) && !u.Second.reached(u.Type) {
			return fmt.Sprintf("it used the first instance of %s, but not the second", u.Service)
		}
	}
	return ""
}

// store reports whether the session must use a service. Mail goes out only
// where an error can be made, and syslog only where the application has it.
func (u Use) store() bool { return u.Type != "smtp" && u.Type != "syslog" }

// reached reports whether an instance was used: it answered something, where
// that can be seen.
func (i Instance) reached(kind string) bool {
	switch kind {
	case "smtp", "syslog", "sqlite":
		return i.Contacts > 0
	}
	return i.Contacts > 0 && i.Bytes > 0
}

// wrong says what is wrong with the second start; "" for nothing.
func (w Swap) wrong() string {
	switch {
	case !w.Started:
		return "it did not start on other instances: " + w.Err
	case w.Crossed:
		return "its replies show what was stored in the first instances"
	case w.Worked < w.Before:
		return fmt.Sprintf("on other instances %d requests worked, on the first ones %d", w.Worked, w.Before)
	case w.Showed && !w.Shows:
		return "its replies showed what it stored in the first instances, but not what it stored in the second"
	}
	return ""
}
