package scaffold

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/roadworthy-dev/roadworthy/internal/manifest"
)

// The ways in which sources name a kind of service where no file lists what
// they depend on, and in which a setting's row says what its address may be.
var (
	sourceDrivers = map[manifest.ServiceType]*regexp.Regexp{
		manifest.Postgres: regexp.MustCompile(`(?m)^\s*(?:import|from)\s+(?:psycopg2?|asyncpg)\b|django\.db\.backends\.postgresql`),
		manifest.MariaDB:  regexp.MustCompile(`(?m)^\s*(?:import|from)\s+(?:MySQLdb|pymysql)\b|django\.db\.backends\.mysql`),
		manifest.SQLite:   regexp.MustCompile(`(?m)^\s*(?:import|from)\s+sqlite3\b|django\.db\.backends\.sqlite3`),
		manifest.Redis:    regexp.MustCompile(`(?m)^\s*(?:import|from)\s+redis\b`),
	}
	addresses = []struct {
		kind manifest.ServiceType
		form *regexp.Regexp
	}{
		{manifest.Postgres, regexp.MustCompile(`(?i)\bpostgres`)}, {manifest.MariaDB, regexp.MustCompile(`(?i)\b(?:mysql|mariadb)`)},
		{manifest.SQLite, regexp.MustCompile(`(?i)\bsqlite`)},
	}
	tables    = regexp.MustCompile(`(?i)\bcreate table\b|\bCreateModel\(|\bcreate_table\b|\(models\.Model\)|@Entity\b|Schema::create`)
	aboutDoes = regexp.MustCompile(`(?i)health|checks?\b`)
)

// called are names under which applications speak of a service, in the order
// in which they are looked for.
var called = map[manifest.ServiceType][]string{
	manifest.Postgres: {"db", "database", "postgres", "postgresql", "pg", "sql", "store"},
	manifest.MariaDB:  {"db", "database", "mysql", "mariadb", "sql", "store"},
	manifest.SQLite:   {"db", "database", "sqlite", "sql", "store"},
	manifest.Redis:    {"redis", "cache", "valkey", "sessions", "queue"},
}

// findServices tells by drivers which services there may be.
func (p *plan) findServices() {
	for _, d := range drivers {
		for _, file := range dependencyFiles {
			if found := d.form.FindString(p.facts.files[file]); found != "" {
				p.candidates = append(p.candidates, service{kind: d.kind, why: file + " names " + found, apart: strings.Contains(file, "compose.y")})
				break
			}
		}
		if p.stack.ofSystem {
			p.findDriver(d.kind)
		}
	}
}

// findDriver looks into sources for the driver of a kind.
func (p *plan) findDriver(kind manifest.ServiceType) {
	for _, name := range p.facts.sources {
		text := p.facts.texts[name]
		if at := sourceDrivers[kind].FindStringIndex(text); at != nil {
			word := strings.Fields(text[at[0]:at[1]])
			if p.facts.local(word[len(word)-1]) {
				continue
			}
			p.candidates = append(p.candidates, service{kind: kind, why: place(name, text, at[1]) + " names " + word[len(word)-1]})
			return
		}
	}
}

// restServices adds what runs beside the application although no setting names
// it. A library alone makes no service: it may be one of several, or unused.
func (p *plan) restServices() {
	for _, c := range p.candidates {
		named := slices.ContainsFunc(p.services, func(s service) bool { return s.kind == c.kind })
		others := slices.ContainsFunc(p.services, func(s service) bool { return slices.Contains(databases, s.kind) }) && slices.Contains(databases, c.kind)
		switch {
		case c.apart:
			p.service([]manifest.ServiceType{c.kind}, c.why)
		case !named && !others:
			p.note("%s, but no setting that names a %s was found: declare both, if there is one.", c.why, c.kind)
		}
	}
}

// service returns the name of a service of one of some kinds. Where there is
// none it adds the first that something tells of, else one of the first kind.
func (p *plan) service(kinds []manifest.ServiceType, why string) string {
	for _, s := range p.services {
		if slices.Contains(kinds, s.kind) {
			return s.name
		}
	}
	s := service{kind: kinds[0], why: why}
	if i := slices.IndexFunc(p.candidates, func(c service) bool { return slices.Contains(kinds, c.kind) }); i >= 0 {
		s = p.candidates[i]
	}
	name, where := p.calledAs(s.kind)
	if slices.ContainsFunc(p.services, func(s service) bool { return s.name == name }) {
		name = string(s.kind)
	}
	s.name = name
	if where != "" {
		s.why += ", " + where + " its name"
	}
	if slices.Contains(databases, s.kind) {
		if where := p.facts.find(tables); where != "" {
			s.durable, s.why = true, s.why+", "+where+" its tables"
		}
	}
	p.services = append(p.services, s)
	return name
}

// calledAs returns the name under which the status route speaks of a kind of
// service, as far as a source tells, else the usual one.
func (p *plan) calledAs(kind manifest.ServiceType) (name, where string) {
	for _, name := range called[kind] {
		form := regexp.MustCompile(`["'{,\s]` + name + `["']?\s*(?::|=>)`)
		for _, source := range p.facts.sources {
			start := 0
			for line := range strings.Lines(p.facts.texts[source]) {
				if aboutDoes.MatchString(line) && form.MatchString(line) {
					return name, place(source, p.facts.texts[source], start)
				}
				start += len(line)
			}
		}
	}
	usual := map[manifest.ServiceType]string{manifest.Redis: "cache", manifest.SMTP: "mail", manifest.Syslog: "syslog"}[kind]
	if usual == "" {
		usual = "db"
	}
	return usual, ""
}

// find returns the first place in the sources that a form matches, "" for none.
func (f *facts) find(form *regexp.Regexp) string {
	for _, name := range f.sources {
		if at := form.FindStringIndex(f.texts[name]); at != nil && path.Ext(name) != ".md" {
			return place(name, f.texts[name], at[0])
		}
	}
	return ""
}

// setting proposes one setting.
func (p *plan) setting(name, where string) setting {
	s := setting{name: name, why: where}
	if p.file.name != "" {
		s.key = p.table[name].key
	}
	convention, known := manifest.ConventionOf(name)
	switch m := parts.FindStringSubmatch(name); {
	case known && convention.Service != "": // implied: no service need be declared
		s.why += "; reaches the service " + convention.Service
	case known && convention.Effect == manifest.EffectService:
		s.service = p.needed(p.preferred(convention.Types, name), name)
	case known:
		s.why += "; shows as " + string(convention.Effect)
	case m != nil:
		s.service, s.value = p.needed(partKinds[m[1]], name), partValues[m[2]]
		s.why += "; guessed from its name"
	default:
		p.effect(&s)
	}
	return s
}

// effect finds out what a setting of no known name changes.
func (p *plan) effect(s *setting) {
	if request, shows := p.facts.shown(s.name, p.table[s.name].key); request != "" {
		s.reply = request
		s.why += "; " + shows + " shows it, a guess"
		p.note("%s is taken to show in the reply to %s.", s.name, request)
		return
	}
	s.why += "; what it changes is not known"
	p.unknown = append(p.unknown, s.name)
}

// preferred puts the kinds first that the row of a setting names, in the order
// of the row.
func (p *plan) preferred(kinds []manifest.ServiceType, name string) []manifest.ServiceType {
	rest, best, at := p.table[name].rest, manifest.ServiceType(""), -1
	for _, a := range addresses {
		if m := a.form.FindStringIndex(rest); m != nil && slices.Contains(kinds, a.kind) && (at < 0 || m[0] < at) {
			best, at = a.kind, m[0]
		}
	}
	if at < 0 {
		return kinds
	}
	return []manifest.ServiceType{best}
}

// needed returns the service that a variable names, and notes a guess.
func (p *plan) needed(kinds []manifest.ServiceType, variable string) string {
	before := len(p.services)
	name := p.service(kinds, variable+" asks for it")
	told := slices.ContainsFunc(p.candidates, func(c service) bool { return slices.Contains(kinds, c.kind) })
	if len(p.services) > before && len(kinds) > 1 && !told {
		p.note("The type of the service that %s names is a guess: %s.", variable, kinds[0])
	}
	return name
}
