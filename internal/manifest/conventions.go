package manifest

import (
	"slices"
	"strings"
)

// Convention is what the name of a variable says about a setting, unless the
// manifest says otherwise.
type Convention struct {
	Name    string        // the variable
	Effect  Effect        // how it shows
	Types   []ServiceType // for EffectService: the types of service it can name
	Service string        // for EffectService: a service that need not be declared; "" if it must be
	Secret  bool          // its value must not leak
	Invalid string        // a value that it must refuse; "" where every text is valid
	Value   string        // the form of its value
}

// The values that nothing can take for right.
const (
	invalidPort  = "not-a-port"
	invalidURL   = "::not-a-url"
	invalidCount = "many"
)

// Conventions lists every variable whose name has a meaning. The first row of
// an effect also serves settings of other names that declare the effect.
var Conventions = []Convention{
	{"PORT", EffectPort, nil, "", false, invalidPort, "$value"},
	{"LOG_LEVEL", EffectLevel, nil, "", false, "LOUD", "$value"},
	{"STATUS_TOKEN", EffectToken, nil, "", true, "", "$value"},
	{"ERROR_MAIL", EffectRecipients, nil, "", false, "not an address", "$value"},
	{"WEB_CONCURRENCY", EffectWorkers, nil, "", false, invalidCount, "$value"},
	{"WORKERS", EffectWorkers, nil, "", false, invalidCount, "$value"},
	{"SYSLOG_FACILITY", EffectFacility, nil, "", false, "nonesuch", "$value"},
	{"SECRET_KEY", EffectSession, nil, "", true, "", "$value"},
	{"DATABASE_URL", EffectService, []ServiceType{Postgres, MariaDB, SQLite}, "", false, invalidURL, "$url"},
	{"POSTGRES_URL", EffectService, []ServiceType{Postgres}, "", false, invalidURL, "$url"},
	{"POSTGRESQL_URL", EffectService, []ServiceType{Postgres}, "", false, invalidURL, "$url"},
	{"MYSQL_URL", EffectService, []ServiceType{MariaDB}, "", false, invalidURL, "$url"},
	{"MARIADB_URL", EffectService, []ServiceType{MariaDB}, "", false, invalidURL, "$url"},
	{"SQLITE_URL", EffectService, []ServiceType{SQLite}, "", false, invalidURL, "$url"},
	{"REDIS_URL", EffectService, []ServiceType{Redis}, "", false, invalidURL, "$url"},
	{"SMTP_URL", EffectService, []ServiceType{SMTP}, "mail", false, invalidURL, "$url"},
	{"SYSLOG_URL", EffectService, []ServiceType{Syslog}, "syslog", false, invalidURL, "$url"},
}

// defaultLevels are the names of the four levels of the standard.
var defaultLevels = []string{"DEBUG", "INFO", "WARNING", "ERROR"}

// secretEndings are the ends of names that hold secrets.
var secretEndings = []string{"_TOKEN", "_SECRET", "_PASSWORD", "_KEY"}

// ConventionOf returns what a variable's name says; false where it says
// nothing.
func ConventionOf(name string) (Convention, bool) {
	i := slices.IndexFunc(Conventions, func(c Convention) bool { return c.Name == name })
	if i < 0 {
		return Convention{}, false
	}
	return Conventions[i], true
}

// SecretName tells whether a variable is secret by its name alone.
func SecretName(name string) bool {
	c, _ := ConventionOf(name)
	return c.Secret || slices.ContainsFunc(secretEndings, func(end string) bool { return strings.HasSuffix(name, end) })
}

// effectInvalid returns the value that a setting of an effect refuses.
func effectInvalid(effect Effect) string {
	i := slices.IndexFunc(Conventions, func(c Convention) bool { return c.Effect == effect })
	if i < 0 {
		return ""
	}
	return Conventions[i].Invalid
}

// impliedService returns the service that exists because a setting names it:
// "mail" and "syslog".
func impliedService(name string) (ServiceType, bool) {
	i := slices.IndexFunc(Conventions, func(c Convention) bool { return c.Service != "" && c.Service == name })
	if i < 0 {
		return "", false
	}
	return Conventions[i].Types[0], true
}
