package worker

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"time"
)

// Mode says how the workers of a process type are reached.
type Mode string

// The modes. A placeholder {port} or {socket} in the command or the
// environment is replaced by the address of the process.
const (
	ModePort   Mode = "port"   // a loopback port of its own: PORT
	ModeSocket Mode = "socket" // a unix socket of its own: SOCKET, its path
	ModeShared Mode = "shared" // Spec.Listener as descriptor 3: LISTEN_FDS, LISTEN_PID, LISTEN_FDNAMES
	ModeNone   Mode = "none"   // no socket: clocks, queues
)

// Spec describes one process type. The zero value of a field is its default.
type Spec struct {
	Name     string   // such as "web"; a worker is called web.1
	Command  []string // program and arguments; no shell unless it names one
	Dir      string   // working folder; symbolic links are resolved once a generation
	Env      []string // the complete environment, without what the mode adds
	Count    int      // workers; 0 is none
	Mode     Mode     // ModePort where empty
	Listener *os.File `json:"-"` // ModeShared: a raw duplicate of the listening socket, see DupListener
	Page     string   // handed to Ready and Health with each worker, see Backend
	Notify   bool     // ready means READY=1 on NOTIFY_SOCKET (sd_notify(3)), no check
	Surge    int      // workers started at once by a reload; 1 where 0
	Prove    int      // workers of a new generation that must outlive MinUptime before their predecessors go; 1 where 0, all where negative
	NoDumps  bool     // leave out what makes stack dumps possible: NODE_OPTIONS, RUBYOPT, PYTHONPATH, PHP_INI_SCAN_DIR
	Times    Times
	Limits   Limits
	Recycle  Recycle
}

// Times bounds the phases of a process. Zero is the default in brackets.
type Times struct {
	Ready     time.Duration // from start to ready [30 s]
	MinUptime time.Duration // what a worker must survive to count as healthy [5 s]; negative is none
	Drain     time.Duration // for the requests in flight [30 s]
	Stop      time.Duration // from SIGTERM to SIGKILL [10 s]
	Dump      time.Duration // for a stack dump, and for the other requests of a hung worker [5 s]
	Watchdog  time.Duration // longest pause between two WATCHDOG=1; 0 is no watchdog
	Backoff   time.Duration // pause before the second restart in a row [200 ms]
	Longest   time.Duration // longest pause of a crash loop [30 s]
}

// Limits restricts a process. All but User and Group need a launcher.
type Limits struct {
	User       string // name or number; "" is the master's
	Group      string // name or number; "" is the user's
	Umask      *int   // nil is the master's
	NoFile     uint64 // RLIMIT_NOFILE, soft and hard; 0 is the master's
	NoNewPrivs bool   // PR_SET_NO_NEW_PRIVS
}

// Recycle says when a healthy worker is replaced. Zero is never.
type Recycle struct {
	Age      time.Duration // a fifth of jitter is taken off
	Requests int           // as told by Served; a fifth of jitter is taken off
	Soft     int64         // bytes of proportional memory (PSS): replace
	Hard     int64         // bytes of proportional memory (PSS): kill
	Every    time.Duration // least time between two replacements [10 s]
}

var nameForm = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,31}$`)

// withDefaults returns the spec with every default filled in.
func (s Spec) withDefaults() Spec {
	def := func(d *time.Duration, value time.Duration) {
		if *d == 0 {
			*d = value
		}
		*d = max(*d, 0)
	}
	def(&s.Times.Ready, 30*time.Second)
	def(&s.Times.MinUptime, 5*time.Second)
	def(&s.Times.Drain, 30*time.Second)
	def(&s.Times.Stop, 10*time.Second)
	def(&s.Times.Dump, 5*time.Second)
	def(&s.Times.Backoff, 200*time.Millisecond)
	def(&s.Times.Longest, 30*time.Second)
	def(&s.Recycle.Every, 10*time.Second)
	if s.Mode == "" {
		s.Mode = ModePort
	}
	if s.Prove == 0 {
		s.Prove = 1
	}
	s.Surge = max(s.Surge, 1)
	return s
}

// needsLauncher reports whether something must be set between fork and exec
// that the kernel interface of Go does not offer.
func (s Spec) needsLauncher() bool {
	return s.Mode == ModeShared || s.Limits.Umask != nil || s.Limits.NoFile > 0 || s.Limits.NoNewPrivs
}

// validate says what is wrong with a spec.
func (s Spec) validate() error {
	switch {
	case !nameForm.MatchString(s.Name):
		return fmt.Errorf("the name %q of a process type is not of the form %s", s.Name, nameForm)
	case len(s.Command) == 0 || s.Command[0] == "":
		return errors.New("the command is empty")
	case s.Count < 0:
		return fmt.Errorf("the count is %d", s.Count)
	case s.Mode == ModeShared && s.Listener == nil:
		return errors.New("shared mode needs a listener")
	}
	switch s.Mode {
	case ModePort, ModeSocket, ModeShared, ModeNone:
		return nil
	}
	return fmt.Errorf("the mode %q is not known", s.Mode)
}
