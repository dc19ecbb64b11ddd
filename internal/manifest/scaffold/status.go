package scaffold

import (
	"regexp"
	"slices"
)

// fault is a route that misbehaves on purpose.
type fault struct {
	line
	header string // what opens it, as YAML; "" for nothing
}

// findStatus looks for a status route and the setting of its token.
func (p *plan) findStatus() {
	for _, path := range []string{"/status", "/healthz", "/health"} {
		if p.facts.where(path) != "" {
			p.status = path
			break
		}
	}
	sdk := p.facts.findUse()
	if p.status == "" && sdk != "" {
		p.status = "/status"
		p.facts.routes[p.status] = sdk + ", package app"
	}
	for _, s := range p.settings {
		if s.name == "STATUS_TOKEN" || p.token == "" && statusToken.MatchString(s.name) {
			p.token = s.name
		}
	}
	p.unknown = slices.DeleteFunc(p.unknown, func(name string) bool { return name == p.token && p.status != "" })
	switch {
	case p.status == "":
		p.note("No status route was found: the standard asks for one behind a secret token.")
	case p.token == "":
		p.note("The route %s was found, but no setting for its token: add one, then declare status.", p.status)
	case p.facts.find(bearer) == "" && sdk == "":
		p.note("The status route is taken to read its token from the header \"Authorization: Bearer …\".")
	}
}

var (
	statusToken = regexp.MustCompile(`^(STATUS|HEALTH|HEALTHZ|MONITOR|MONITORING)_(TOKEN|SECRET|KEY)$`)
	guards      = regexp.MustCompile(`(?i)private|guard|token|auth|protect|restrict|require|internal|admin`)
	bearer      = regexp.MustCompile(`Bearer[ "'` + "`" + `]`)
)

// findFaults looks for routes that fail or dawdle on purpose. Those that stand
// behind the same guard as the status route are opened as it is.
func (p *plan) findFaults() {
	for _, known := range []struct {
		name   string
		routes []string
	}{{"exception", []string{"/fault", "/boom", "/crash"}}, {"slow", []string{"/slow", "/sleep"}}} {
		i := slices.IndexFunc(known.routes, func(route string) bool { return p.facts.where(route) != "" })
		if i < 0 {
			p.note("No route for faults.%s was found: without it some claims stay unknown.", known.name)
			continue
		}
		route := known.routes[i]
		f := fault{line: line{known.name, "GET " + route, p.facts.where(route)}}
		if status, d := p.facts.route("GET", p.status), p.facts.route("GET", route); status != nil && d != nil && p.token != "" && !p.run &&
			d.guard != "" && d.guard == status.guard {
			f.header, f.why = `{Authorization: "Bearer $`+p.token+`"}`, f.why+", behind "+d.guard+" as the status route is"
		} else if status == nil && d != nil && p.token != "" && guards.MatchString(d.guard) {
			f.header, f.why = `{Authorization: "Bearer $`+p.token+`"}`, f.why+", behind "+d.guard
		}
		p.faults = append(p.faults, f)
	}
}
