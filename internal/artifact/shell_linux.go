package artifact

import (
	"errors"

	"golang.org/x/sys/unix"
)

// awaitExit waits until a child has ended, without reaping it, so that its
// number stays its own. It reports whether it could.
func awaitExit(pid int) bool {
	for {
		err := unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			return err == nil
		}
	}
}
