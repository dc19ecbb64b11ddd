package logs

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// pipeSizes are tried in this order; unprivileged users have a limit on the sum
// (pipe-user-pages-soft in pipe(7)).
var pipeSizes = [...]int{1 << 20, 256 << 10}

// NewPipe returns a pipe for one stream of one process: the read end for
// [NewCapture], the write end for the process. It holds 1 MiB where the kernel
// allows that, so that a burst does not wait for the reader.
func NewPipe() (read, write *os.File, err error) {
	read, write, err = os.Pipe()
	if err != nil {
		return nil, nil, fmt.Errorf("make a pipe: %w", err)
	}
	raw, err := read.SyscallConn() // Fd would make the pipe blocking
	if err == nil {
		err = raw.Control(func(fd uintptr) { enlarge(fd) })
	}
	if err != nil {
		_, _ = read.Close(), write.Close()
		return nil, nil, fmt.Errorf("enlarge a pipe: %w", err)
	}
	return read, write, nil
}

// enlarge does what is allowed: a pipe of the default size works as well.
func enlarge(fd uintptr) {
	for _, size := range pipeSizes {
		if _, err := unix.FcntlInt(fd, unix.F_SETPIPE_SZ, size); err == nil {
			return
		}
	}
}
