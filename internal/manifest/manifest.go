// Package manifest reads roadworthy.yaml, the one file that tells what an
// application is made of and how its features can be reached.
//
// The invariant: a [Manifest] that [Parse] returns is complete. Every default
// is filled in, every reference is resolved and every effect is known, so that
// no other room guesses. Whatever is wrong is a problem with file, line,
// column, the nearest key and the mend; all of them are returned at once.
//
// An application that follows the conventions (PORT, LOG_LEVEL, DATABASE_URL,
// STATUS_TOKEN, /status …) needs about ten lines; the conventions are the
// table in conventions.go. The room reads a file and nothing else: it does not
// look at the application.
//
// keys.go is the one description of the keys: check.go refuses by it, schema.go
// publishes it for editors, and read.go and settings.go make a Manifest of what
// passed. yaml.go and tree.go stand between the YAML library and us and bound
// what a file can cost. Read next: internal/manifest/scaffold, internal/bench.
package manifest

import (
	"slices"
	"time"
)

// Name is the manifest's file name in an application's folder.
const Name = "roadworthy.yaml"

// Manifest is a whole, checked roadworthy.yaml.
type Manifest struct {
	Path      string             // the file it was read from
	Name      string             // the application's name: lower case letters, digits, dashes
	Boot      time.Duration      // how long it may take until it answers; default 30 s
	Build     Build              // how the artifact is made
	Test      *Test              // nil: no test suite is declared
	Release   []string           // commands to run once per release, before it serves (migrations)
	Processes map[string]Process // by type; "web" is the one that serves HTTP and is required
	Run       *Run               // nil: it runs by itself, not under roadworthy run
	Behind    string             // BehindHTTPS, or "" where clients speak plain HTTP to it
	Admin     map[string]string  // one-off commands by name
	System    []string           // operating system packages that the application needs at run time
	Config    Config             //
	Services  map[string]Service // by name; "mail" and "syslog" are implied by their settings
	Status    *Status            // nil: no status route is declared
	Traffic   []Step             // an ordinary session, in order, with one cookie jar; at least one step
	Faults    Faults             // how to make it misbehave on purpose
}

// Build is how the artifact is made from a clean checkout.
type Build struct {
	Run     []string // shell commands, in order, in the application's folder of the checkout
	Context string   // folder above the application's, such as "../..", that is checked out with it for building and testing; "" for none
	Lock    []string // lock files that pin the dependencies; default: the ones of known names that exist
}

// Test is how the test suite is run and measured.
type Test struct {
	Run      string        // shell command, in the checkout's folder, after the build
	Coverage string        // file that it writes
	Format   string        // go, cobertura, lcov, jacoco, coverage.py; default: told from the content
	Sources  []string      // globs of the sources that the suite answers for; default: all that the artifact runs
	Timeout  time.Duration // default 10 min
}

// Process is one process type.
type Process struct {
	Run string // command; variables are expanded, a shell is used only where the command needs one
}

// BehindHTTPS says that a proxy speaks TLS with the clients and tells so in
// X-Forwarded-Proto: the application redirects what lacks it, or sets cookies
// for https alone.
const BehindHTTPS = "https"

// Run says that the application runs under roadworthy run.
type Run struct {
	Leave []string // requirements that the application meets itself, such as "error.mail"
}

// Supplied lists the requirements that roadworthy run can meet in an
// application's place.
var Supplied = []string{"config.env", "config.file", "config.defaults", "workers", "log.stdout", "log.syslog", "log.levels", "error.mail", "status.route", "disposable"}

// Supplies tells whether roadworthy run meets a requirement in the
// application's place.
func (m *Manifest) Supplies(requirement string) bool {
	return m.Run != nil && slices.Contains(Supplied, requirement) && !slices.Contains(m.Run.Leave, requirement)
}

// Config is how the application takes its settings.
type Config struct {
	File     *File              // nil: no configuration file is declared
	Settings map[string]Setting // by environment variable
}

// File is the flat file that holds the same settings. Exactly one of
// Variable, Argument and Path says how the application finds it.
type File struct {
	Variable string // environment variable that names the file
	Argument string // command line flag that names the file, such as "--config"
	Path     string // fixed path, relative to the application's folder
	Format   string // yaml, toml, json, ini, dotenv
}

// Effect is how a setting shows from outside.
type Effect string

// The effects. A setting without an observable effect has EffectNone, and its
// claims are unknown, never passed.
const (
	EffectPort       Effect = "port"       // the port it listens on
	EffectLevel      Effect = "level"      // the threshold of its log
	EffectToken      Effect = "token"      // the token that its status route accepts
	EffectRecipients Effect = "recipients" // who gets its error mail, comma separated
	EffectWorkers    Effect = "workers"    // how many workers it runs; it supervises them itself
	EffectFacility   Effect = "facility"   // the syslog facility, by name (RFC 5424 section 6.2.1: "local3")
	EffectService    Effect = "service"    // which service it reaches, with which credentials
	EffectReply      Effect = "reply"      // its text appears in a reply
	EffectSession    Effect = "session"    // signs sessions: a cookie made under another value is not honoured
	EffectNone       Effect = "none"       // nothing that can be seen
)

// Setting is one environment variable.
type Setting struct {
	Name    string // the variable
	Key     string // dotted key in the file; "" where the file does not hold it
	Effect  Effect //
	Service string // for EffectService: the service that it names
	// Value is the form of the value, with $host $port $url $user $password
	// $database $path of the service, or $value for a fresh one. Default by
	// effect and service type: "$url" for postgres, redis, smtp, syslog …
	Value   string
	Reply   *Step    // for EffectReply: the request whose reply shows it
	Secret  bool     // its value must never appear in logs, mails, replies, files or arguments
	Invalid string   // a value that it must refuse; "" where every text is valid
	Levels  []string // for EffectLevel: the names of DEBUG, INFO, WARNING, ERROR in that order
	Line    int      // its line in the file
}

// Service is one backing service.
type Service struct {
	Name    string
	Type    ServiceType
	Durable bool          // its content must survive: it is backed up
	As      string        // the name under which the status route speaks of it; default Name
	Within  time.Duration // how soon the status route must notice its loss and its return; default 10 s
}

// ServiceType is a kind of backing service that the bench can stand in for.
type ServiceType string

// The service types.
const (
	Postgres ServiceType = "postgres"
	MariaDB  ServiceType = "mariadb" // "mysql" is read as the same
	Redis    ServiceType = "redis"
	SQLite   ServiceType = "sqlite" // a file: $path
	SMTP     ServiceType = "smtp"   // the mail server that error mails go to
	Syslog   ServiceType = "syslog" // the log collector
	HTTP     ServiceType = "http"   // another web service; the bench answers 200 with an empty JSON object
)

// Status is the status route.
type Status struct {
	Path   string // "/status"
	Token  string // the setting that holds its token; STATUS_TOKEN need not be declared besides
	Header string // "Authorization: Bearer $token" by default
}

// Step is one request of a session.
//
// It is written as "METHOD PATH", "METHOD PATH {key: value}" (a form),
// "METHOD PATH json {key: value}", or as a mapping with request and headers.
// $nonce is a fresh text for each session; $NAME is the value of a setting.
// [Expand] fills them in. Every $NAME in a path or a header is a setting; in a
// body, where other dollar signs are usual, an upper case name is.
type Step struct {
	Method  string
	Path    string
	Form    [][2]string       // in order; nil for none
	JSON    string            // the body, where it is JSON; "" for none
	Headers map[string]string //
	Line    int
}

// Faults are ways to make the application misbehave on purpose.
type Faults struct {
	Exception *Step // raises an exception that the application does not catch itself; nil: none declared
	Slow      *Step // takes at least a second to answer, and occupies a worker while it does; nil: none declared
}
