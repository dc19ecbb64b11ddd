package scaffold

import (
	"regexp"
	"slices"
	"strings"
)

// crews are servers that start workers of their own.
var crews = regexp.MustCompile(`\b(gunicorn|uwsgi|puma|unicorn|pm2|passenger|hypercorn)\b`)

// runtimeKeys are the settings that roadworthy run takes in an application's
// place, with their keys in a configuration file: docs/settings.md.
var runtimeKeys = []line{
	{"PORT", "port", ""}, {"LOG_LEVEL", "log.level", ""}, {"STATUS_TOKEN", "status.token", ""}, {"ERROR_MAIL", "mail.errors", ""},
	{"SMTP_URL", "mail.server", ""}, {"SYSLOG_URL", "syslog.url", ""}, {"SYSLOG_FACILITY", "syslog.facility", ""}, {"WEB_CONCURRENCY", "workers", ""},
}

// findRun proposes that an application which has nothing of what roadworthy
// run supplies runs under it. One that has a part of it keeps all of it: which
// part would be left to whom is for a person to say.
func (p *plan) findRun() {
	reads := func(name string) bool {
		return slices.ContainsFunc(p.settings, func(s setting) bool { return s.name == name })
	}
	own := p.status != "" || p.file.name != "" || slices.ContainsFunc(runtimeKeys[1:], func(l line) bool { return reads(l.name) })
	web := slices.ContainsFunc(p.processes, func(l line) bool {
		return l.name == "web" && l.value != placeholder && l.why != "Dockerfile" && !crews.MatchString(l.value)
	})
	if _, port := p.facts.variables["PORT"]; own || !web || !port { // in a command, $PORT would be the port of roadworthy run
		p.lacking()
		return
	}
	p.run = true
	p.note("Neither a status route nor error mail, syslog or a threshold of the log was found: with run: {} roadworthy run supplies them.")
	p.file = line{"APP_CONFIG", "yaml", "roadworthy run reads it for the application"}
	p.status, p.token = "/status", "STATUS_TOKEN"
	var all []setting
	for _, l := range runtimeKeys {
		why := "roadworthy run takes it"
		if l.name == "PORT" {
			why += ", and gives each worker a port of its own"
		}
		all = append(all, setting{name: l.name, key: l.value, why: why})
	}
	for _, s := range p.settings {
		if s.name != "PORT" {
			s.key = strings.ToLower(s.name)
			all = append(all, s)
		}
	}
	p.settings = all
}

// lacking notes what is missing, and who can supply it.
func (p *plan) lacking() {
	var missing []string
	for _, l := range []line{{"LOG_LEVEL", "log.levels", ""}, {"ERROR_MAIL", "error.mail", ""}, {"SYSLOG_URL", "log.syslog", ""}} {
		if !slices.ContainsFunc(p.settings, func(s setting) bool { return s.name == l.name }) {
			missing = append(missing, l.name+" ("+l.value+")")
		}
	}
	if len(missing) > 0 {
		p.note("Nothing reads %s: where a setting of another name does the same, declare its effect. What the application lacks, roadworthy run can supply: run: {leave: [what it has itself]}.", strings.Join(missing, ", "))
	}
}
