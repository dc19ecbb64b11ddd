package worker

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// launch is what Exec sets before it becomes the worker.
type launch struct {
	ListenPID  bool      `json:"listen_pid,omitempty"`
	Umask      *int      `json:"umask,omitempty"`
	NoFile     uint64    `json:"nofile,omitempty"`
	NoNewPrivs bool      `json:"no_new_privs,omitempty"`
	Identity   *identity `json:"identity,omitempty"`
	Lifeline   int       `json:"lifeline,omitempty"` // descriptor; 0 is none
}

// wrap puts the launcher in front of a command.
func (l launch) wrap(launcher, command []string) ([]string, error) {
	settings, err := json.Marshal(l)
	if err != nil {
		return nil, fmt.Errorf("encode the launch: %w", err)
	}
	argv := append([]string{}, launcher...)
	return append(append(argv, string(settings)), command...), nil
}

// Exec is the second half of a start that needs a launcher: it sets LISTEN_PID
// to its own process id, umask, limits, user and no-new-privileges, and becomes
// the command. The arguments are those behind Config.Launcher: the settings as
// JSON, the absolute path of the program, its arguments. It returns only when
// that failed; main then prints the error to stderr and exits with 127.
func Exec(args []string) error {
	if len(args) < 2 {
		return errors.New("the launcher needs settings and a command")
	}
	var l launch
	if err := json.Unmarshal([]byte(args[0]), &l); err != nil {
		return fmt.Errorf("decode the launch: %w", err)
	}
	runtime.LockOSThread() // no-new-privileges is set for the thread that calls exec
	if err := l.apply(); err != nil {
		return err
	}
	env := os.Environ()
	if l.ListenPID {
		env = append(env, "LISTEN_PID="+strconv.Itoa(os.Getpid()))
	}
	if err := syscall.Exec(args[1], args[1:], env); err != nil {
		return fmt.Errorf("execute %s: %w", args[1], err)
	}
	return nil
}

func (l launch) apply() error {
	if err := l.hangOn(); err != nil {
		return err
	}
	if l.Umask != nil {
		syscall.Umask(*l.Umask)
	}
	if l.NoFile > 0 {
		limit := syscall.Rlimit{Cur: l.NoFile, Max: l.NoFile}
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
			return fmt.Errorf("limit the open files to %d: %w", l.NoFile, err)
		}
	}
	if id := l.Identity; id != nil {
		if err := errors.Join(syscall.Setgroups(id.Groups), syscall.Setgid(id.GID), syscall.Setuid(id.UID)); err != nil {
			return fmt.Errorf("become user %d: %w", id.UID, err)
		}
	}
	if l.NoNewPrivs {
		if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
			return fmt.Errorf("forbid new privileges: %w", err)
		}
	}
	return nil
}
