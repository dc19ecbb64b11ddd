// Package worker starts and supervises the worker processes of one process
// type, such as the four workers of web, in any language.
//
// A [Supervisor] keeps [Spec].Count slots filled. Each slot holds at most one
// current process; a crash is followed by a restart with growing pauses, a
// reload is a new generation that is proven before the old one is retired, and
// [Supervisor.Replace] starts a successor before it stops a process. The order
// of retiring is always: out of the rotation, drained, SIGTERM, stop timeout,
// SIGKILL to the process group (the cgroup where one is delegated).
//
// The invariant: whatever a worker does, the slots that serve go on serving.
// An old process is retired only when its successor is ready, and the command,
// environment and resolved folder of a generation are pinned, so that a crash
// years later restarts the code of that generation. Each process is reaped
// once: by its pid, after its group was killed while its zombie still holds
// the pid.
//
// A process type has one of four modes: a loopback port of its own (PORT), a
// unix socket of its own (SOCKET), one shared listening socket (LISTEN_FDS), or
// no socket. LISTEN_PID is known only after the fork, so that shared mode goes
// through a launcher: a tiny re-exec of the master's own binary that ends in
// [Exec], which also sets umask, limits and no-new-privileges, and hangs the
// worker on the master's life: lifeline.go. What outlives a master even so, the
// next one ends: orphans.go.
//
// The room knows nothing of HTTP, logs or mail: it hands out pipes, asks a
// check whether a backend is ready, tells a [Rotation] what to serve from, and
// reports [Event]s. It never uses Pdeathsig, which acts when a thread ends, and
// never net.TCPListener.File, which makes the socket blocking for everybody.
// It must not end the master. Read next: spec.go, supervisor.go, slot.go,
// reload.go, process.go; then internal/runner.
package worker
