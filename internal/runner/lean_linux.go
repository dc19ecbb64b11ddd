package runner

import "golang.org/x/sys/unix"

// forget drops the pages of a read-only mapping of a file from this process
// (madvise(2), MADV_DONTNEED). That it fails harms nobody.
func forget(m mapping) {
	_, _, _ = unix.Syscall(unix.SYS_MADVISE, m.from, m.to-m.from, unix.MADV_DONTNEED)
}
