// Package health looks after an application's dependencies: databases, caches,
// other services, the disk, certificates.
//
// Each check runs in the background on its own beat, with jitter, never twice
// at the same time and never longer than its timeout. [Checks.Report] returns
// the last results from memory: asking a thousand times a second costs the
// dependencies nothing. That is the invariant of the package.
//
// A result says pass, warn or fail as draft-inadarei-api-health-check-06 does.
// A critical dependency that fails makes the whole report fail, another one
// makes it warn. Whatever an error text may hold of a password is taken out
// before it is kept.
//
// The package opens no listener and logs nothing. Read next: checks.go for the
// beat, report.go for the format, kinds.go and databases.go for what is asked.
package health
