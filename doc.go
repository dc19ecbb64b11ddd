// Package roadworthy is the tour of this module; it holds no code.
//
// Roadworthy takes a web application, in any language, to production by a
// written standard, and proves that it meets it. Each question of the standard
// is answered by making the thing happen: the application is booted in a
// sandbox with values that it cannot know, stimulated, starved and killed, and
// a verdict is computed from what was seen.
//
// # The walk of an observation
//
//	manifest → checkout → build → image → bench → probe runs → record → judge → verdict → bundle
//
// Follow it in internal/check/check.go: the method check is that line, step by
// step. Nothing in it decides anything about an application; judges do.
//
// # From the bottom up
//
// internal/standard is the vocabulary: requirement, claim, verdict, outcome,
// finding, failure, record. It is data with its rules and does no I/O. The rule
// to remember: an outcome of error or unknown never becomes a pass.
//
// internal/problem is the one error that people read, with a code that
// `roadworthy explain` knows and a command that mends it.
//
// internal/manifest reads roadworthy.yaml strictly and returns it complete,
// with every default filled in; internal/manifest/scaffold proposes one by
// looking at a repository, which is `roadworthy init`.
//
// internal/artifact turns a commit into an image whose digest names the
// evidence. Repositories are hostile: git is asked through plumbing alone.
//
// internal/evidence signs a check into a bundle in which no byte can be
// changed, and opens one offline. internal/trace finds stack traces of eight
// languages in text; internal/coverage reads five formats of coverage reports;
// internal/sabotage injects faults into sources; internal/replay compares
// sessions; internal/debian tells which package a file belongs to. They are
// pure or nearly so, and tested with what the real tools wrote.
//
// internal/term and internal/report show a check: text, JSON, SARIF, JUnit,
// Markdown, a badge and a page, all from the one type report.Run.
//
// # The bench
//
// internal/bench/sandbox runs a process tree in namespaces of its own: an
// overlay over every file system, a network in which every address is local,
// and a small agent (this same program) as process 1, which hands listeners
// and connections out as file descriptors. It works for root and for an
// ordinary user.
//
// internal/bench/fault is the proxy before each backing service and knows
// eight ways to fail. internal/bench/mailsink, syslogsink and dnssink receive
// what an application sends. internal/bench/scratch starts real PostgreSQL,
// MariaDB and Redis servers on unix sockets.
//
// internal/bench puts them together: a Boot is one fresh world with fresh
// addresses, names, credentials and values; a Process is one start in it; a
// Client sends traffic with nonces.
//
// # The probes
//
// internal/probe is the frame: a definition (def.yaml, written down before
// anything runs), a run that records and decides nothing, and a judge that is
// a pure function of the record. One folder below holds one requirement.
// internal/probe/effect sees the effect of a setting from outside;
// internal/probe/start notes how a start went.
//
// internal/probe/logstdout is the smallest whole probe: read it first.
//
// # The walk of a request
//
//	listener → front → a worker's socket → the application → back
//
// internal/front is the production front: ids, limits, deadlines, codes,
// metrics, the status route; internal/front/pool chooses the worker,
// internal/front/upstream speaks HTTP/1.1 with it, internal/front/health looks
// at the backing services in the background. internal/backlog ends a listener
// without losing who waits at it, internal/socketfile keeps the file of a unix
// socket out of the way. internal/worker starts worker processes, proves a new
// generation before the old one goes, and replaces what dies, hangs or grows.
//
// # The walk of a line
//
//	pipe → lines → stack traces joined → level → memory and error mail; ring of each output → stdout, syslog
//
// internal/logs carries it, internal/trace joins the lines of a trace and
// names the fault by a fingerprint, internal/syslog sends, internal/mail tells
// people by widening windows with exact counts.
//
// internal/settings fills structs with configuration and knows where each
// value came from; internal/flatfile reads an application's configuration file
// in its place. They and internal/manifest read YAML through internal/document,
// which bounds what any text can cost. internal/runner puts all of this together: roadworthy run.
//
// app is the same for a program in Go, as a library; it works with and without
// the runtime.
//
// # The way out
//
// internal/check lists the probes, schedules them, judges, and signs;
// internal/cli is the command line, a file for each command or family of
// commands; cmd/roadworthy only calls it.
//
// # How we know that it is right
//
// fixtures holds honest applications in four languages and cheating ones that
// differ from them by a small patch: at least three for each claim. The matrix
// of expected and given verdicts is a test and is published in docs/matrix.md.
// examples holds applications that are what a newcomer would write, and in
// examples/bare those without any feature, which pass under roadworthy run.
// internal/archtest holds the structure: layers, purity, sizes, comments.
//
// Words have one meaning each: docs/glossary.md. Decisions with their reasons:
// docs/decisions.
package roadworthy
