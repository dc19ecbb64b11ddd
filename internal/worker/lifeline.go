package worker

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// A lifeline lets a worker end when its master dies without a word: a pipe of
// which the master alone holds the write end, through the exec of an upgrade
// too. The launcher asks the kernel for a SIGTERM to the worker's process group
// when that end is closed (O_ASYNC, fcntl(2)), and leaves the read end open in
// the program that it becomes. No process watches, and nothing depends on the
// thread that forked, whose end is what Pdeathsig stands for. A program that
// closes descriptors it does not know, or ignores SIGTERM, outlives its master;
// the next one ends it: see EndOrphans.

// lifelineAt is the least descriptor of the read end: low numbers have a
// meaning for some programs.
const lifelineAt = 100

// newLifeline makes a pipe and keeps its write end.
func (p *process) newLifeline() (read int, err error) {
	var ends [2]int
	if err := unix.Pipe2(ends[:], unix.O_CLOEXEC); err != nil {
		return -1, fmt.Errorf("make a lifeline: %w", err)
	}
	p.lifeline = os.NewFile(uintptr(ends[1]), "lifeline")
	return ends[0], nil
}

// cut closes the write end: what is left of the worker is told to end.
func (p *process) cut() {
	if p.lifeline != nil {
		_ = p.lifeline.Close() // nothing was written
	}
}

// hangOn is the launcher's part.
func (l launch) hangOn() error {
	if l.Lifeline == 0 {
		return nil
	}
	fd, err := unix.FcntlInt(uintptr(l.Lifeline), unix.F_DUPFD, lifelineAt)
	if err != nil {
		fd = l.Lifeline // so few descriptors are allowed
	} else {
		_ = unix.Close(l.Lifeline)
	}
	for _, set := range []struct{ command, value int }{
		{unix.F_SETOWN, -unix.Getpid()}, // negative: the process group, which is led by this process
		{unix.F_SETSIG, int(unix.SIGTERM)},
		{unix.F_SETFL, unix.O_ASYNC | unix.O_NONBLOCK},
	} {
		if _, err := unix.FcntlInt(uintptr(fd), set.command, set.value); err != nil {
			return fmt.Errorf("hang on the master's life: %w", err)
		}
	}
	ready := []unix.PollFd{{Fd: int32(fd)}}
	if _, err := unix.Poll(ready, 0); err == nil && ready[0].Revents&unix.POLLHUP != 0 {
		return errors.New("the master has gone")
	}
	return nil
}
