// Package runner is roadworthy run put together: the production runtime for an
// application in any language.
//
// A request's way: listener, [front], a worker's socket, the application, and
// back. A line's way: pipe, [logs] (with the lines of a stack trace joined by
// [trace]), standard output, syslog, the memory that roadworthy logs reads,
// and error mail. [worker] keeps the processes alive; the rooms know nothing of
// each other, and this one wires them: wire.go says what flows where, run.go
// says in which order things begin and end, control.go what a running master
// can be asked for. upgrade.go lets another file of the program go on with all
// of that in the same process: upgrade_state.go says what is handed over.
//
// The invariant: the master ends when it is told to, or when nothing of its
// first generation became ready, and never because of a worker, a sink or a
// mail server. Configuration is complete before anything starts: config.go.
package runner
