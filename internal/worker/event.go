package worker

import (
	"fmt"
	"strings"
	"syscall"
	"time"
)

// Source names one process of a worker. Output lines, events and the rotation
// refer to it.
type Source struct {
	ID         string `json:"id"`         // "web.1#7": this start of the worker, never used twice
	Worker     string `json:"worker"`     // "web.1": the slot, which outlives its processes
	Generation int    `json:"generation"` // 1, 2, …
	PID        int    `json:"pid"`        // of its first process
}

// Backend is where a process serves.
type Backend struct {
	Source
	Network string `json:"network"`        // "tcp", "unix"; "" where it has no socket of its own
	Address string `json:"address"`        // "127.0.0.1:2001" or a path
	Page    string `json:"page,omitempty"` // of its Spec
}

// State is the phase of a process or of an empty slot.
type State string

// The states, in the order of a life.
const (
	Starting State = "starting" // not ready yet
	Proving  State = "proving"  // ready, but not in the rotation until it outlived MinUptime
	Serving  State = "serving"
	Draining State = "draining" // out of the rotation, requests in flight
	Stopping State = "stopping" // told to end
	Hanging  State = "hung"     // out of the rotation, its stacks are dumped
	Exited   State = "exited"
	Pausing  State = "backoff" // the slot is empty and waits to start again
)

// Kind is what an event tells.
type Kind string

// The kinds of events.
const (
	Started    Kind = "started"
	Ready      Kind = "ready"
	Adopted    Kind = "adopted"            // from another image of the master
	Ended      Kind = "exited"             // Exit is set; Planned where we ended it
	Failed     Kind = "start failed"       // Err is a *Failure
	Replaced   Kind = "replaced"           // Why; Worker is the successor
	CrashLoop  Kind = "crash loop"         // Pause until the next start; once for each breaker that opens
	HungWorker Kind = "hung"               // Why, Dumps
	OutOfMem   Kind = "out of memory"      // Exit is set, or Why for our own limits
	Beginning  Kind = "generation started" // Generation
	Promoted   Kind = "generation promoted"
	Aborted    Kind = "generation aborted" // Err is the cause
)

// Event is one thing that happened. Fields that its kind does not list are zero.
type Event struct {
	Time    time.Time
	Kind    Kind
	Worker  Source // only Generation is set for generations
	Planned bool
	Exit    *Exit
	Why     string
	Err     error
	Pause   time.Duration
	Dumps   []Dump
}

// Exit is how a process ended.
type Exit struct {
	Code   int            `json:"code"`             // -1 if a signal ended it or nobody knows
	Signal syscall.Signal `json:"signal,omitempty"` // 0 if it exited
	OOM    bool           `json:"oom,omitempty"`    // the kernel ended it for want of memory
	Why    string         `json:"why,omitempty"`    // who ended it, as far as known
	After  time.Duration  `json:"after"`            // since its start
}

// String says it in a few words.
func (e Exit) String() string {
	var text string
	switch {
	case e.Signal != 0:
		text = "killed by " + signalName(e.Signal)
	case e.Code < 0:
		text = "ended, its exit code is unknown"
	default:
		text = fmt.Sprintf("exit code %d", e.Code)
	}
	if e.Why != "" {
		text += ", " + e.Why
	}
	return text
}

func signalName(s syscall.Signal) string {
	names := map[syscall.Signal]string{
		syscall.SIGKILL: "SIGKILL", syscall.SIGTERM: "SIGTERM", syscall.SIGSEGV: "SIGSEGV", syscall.SIGABRT: "SIGABRT",
		syscall.SIGQUIT: "SIGQUIT", syscall.SIGBUS: "SIGBUS", syscall.SIGINT: "SIGINT", syscall.SIGHUP: "SIGHUP",
		syscall.SIGFPE: "SIGFPE", syscall.SIGILL: "SIGILL", syscall.SIGSYS: "SIGSYS", syscall.SIGPIPE: "SIGPIPE",
	}
	if name, ok := names[s]; ok {
		return name
	}
	return fmt.Sprintf("signal %d", int(s))
}

// Failure is why a process did not become, or stay, a healthy worker.
type Failure struct {
	Source
	Phase   string        // "start", "wait until ready", "prove"
	Awaited string        // what was waited for, such as "a connection to 127.0.0.1:2001"
	Elapsed time.Duration // since the start
	Exit    *Exit         // nil if it still ran
	Tail    []string      // its last lines of output, at most 20
	Cause   error         // the last error of the check, or of the start
}

// Error tells all of it, with the output below.
func (f *Failure) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s (generation %d) failed to %s after %s", f.Worker, f.Generation, f.Phase, f.Elapsed.Round(time.Millisecond))
	if f.Exit != nil {
		fmt.Fprintf(&b, ": %s", f.Exit)
	}
	if f.Awaited != "" {
		fmt.Fprintf(&b, "; waited for %s", f.Awaited)
	}
	if f.Cause != nil {
		fmt.Fprintf(&b, ": %v", f.Cause)
	}
	if len(f.Tail) > 0 {
		fmt.Fprintf(&b, "\nits last output:\n  %s", strings.Join(f.Tail, "\n  "))
	}
	return b.String()
}

// Unwrap returns the cause.
func (f *Failure) Unwrap() error { return f.Cause }
